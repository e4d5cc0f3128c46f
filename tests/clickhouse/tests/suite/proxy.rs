//! A TCP proxy between sender and server that breaks one connection the way it is told. The store makes one connection
//! per request, so the number of a connection is the number of a request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Closed before a byte passes.
    Refused,
    /// Cut after this many bytes of the request.
    CutRequest(usize),
    /// The whole request passes and is answered; the answer is lost.
    LostAnswer,
    /// The answer is cut after this many bytes.
    CutAnswer(usize),
    /// The request passes, the answer never comes, and the connection stays.
    HalfOpen,
    /// Somebody in between answers with this status.
    Status(u16),
}

/// The proxy.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
}

struct Plan {
    upstream: SocketAddr,
    fault: Option<(usize, Fault)>,
    seen: usize,
}

impl Proxy {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::new(Mutex::new(Plan { upstream, fault: None, seen: 0 }));
        let shared = plan.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, fault) = next(&shared);
                thread::spawn(move || pass(&client, upstream, fault));
            }
        });
        Self { address, plan }
    }

    /// Breaks the request of this number, counted from 0 and from now on.
    pub(crate) fn break_request(&self, number: usize, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        (plan.fault, plan.seen) = (Some((number, fault)), 0);
    }

    /// Lets everything pass; gives how many requests there were since the last call or fault.
    pub(crate) fn calm(&self) -> usize {
        let mut plan = self.plan.lock().unwrap();
        plan.fault = None;
        std::mem::take(&mut plan.seen)
    }

    /// The server is somewhere else now.
    pub(crate) fn redirect(&self, upstream: SocketAddr) {
        self.plan.lock().unwrap().upstream = upstream;
    }
}

fn next(plan: &Mutex<Plan>) -> (SocketAddr, Option<Fault>) {
    let mut plan = plan.lock().unwrap();
    let number = plan.seen;
    plan.seen += 1;
    (plan.upstream, plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault))
}

fn pass(client: &TcpStream, upstream: SocketAddr, fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Refused) => return client.shutdown(Shutdown::Both),
        Some(Fault::Status(status)) => return answer(client, status),
        _ => {}
    }
    let server = TcpStream::connect(upstream)?;
    let (up, down) = match fault {
        Some(Fault::CutRequest(bytes)) => (bytes, usize::MAX),
        Some(Fault::LostAnswer) => (usize::MAX, 0),
        Some(Fault::CutAnswer(bytes)) => (usize::MAX, bytes),
        _ => (usize::MAX, usize::MAX),
    };
    let silent = fault == Some(Fault::HalfOpen);
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let request = thread::spawn(move || {
        let cut = copy(&from, &to, up);
        // Past the limit the client vanishes; at its own end it merely has no more to say.
        let _ = if cut { to.shutdown(Shutdown::Both).and(from.shutdown(Shutdown::Both)) } else { Ok(()) };
    });
    if silent {
        let _ = io::copy(&mut &server, &mut io::sink());
        thread::sleep(Duration::from_secs(60));
        return Ok(());
    }
    copy(&server, client, down);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = request.join();
    Ok(())
}

/// Copies up to `limit` bytes; true when the limit ended it. With the limit reached the source's first answer has come
/// whole into being: what is behind it is thrown away.
fn copy(mut from: &TcpStream, mut to: &TcpStream, limit: usize) -> bool {
    let (mut buffer, mut left) = ([0; 4096], limit);
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let part = read.min(left);
        if to.write_all(&buffer[..part]).is_err() {
            return false;
        }
        left -= part;
        if part < read || left == 0 {
            return true;
        }
    }
    false
}

/// Reads the request's head and answers without the server.
fn answer(mut client: &TcpStream, status: u16) -> io::Result<()> {
    let mut head = [0; 4096];
    let _ = client.read(&mut head)?;
    let body = "the balancer has nobody to ask";
    let text = format!("HTTP/1.1 {status} Trouble\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    client.write_all(text.as_bytes())?;
    client.shutdown(Shutdown::Write)?;
    // A close with unread bytes would take the answer away again.
    io::copy(&mut client, &mut io::sink()).map(|_| ())
}
