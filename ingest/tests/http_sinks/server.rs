//! A small HTTP/1.1 server that is strict with requests and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A whole answer.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, then the end of the connection.
    Cut(Vec<u8>),
    /// Nothing, for as long as the client waits.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(status, vec![("content-type", "application/json".to_owned())], body.to_string().into_bytes())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }

    pub(crate) fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// Every request so far.
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
}

type Handler = Arc<Mutex<dyn FnMut(&Request) -> Reply + Send>>;

impl Server {
    pub(crate) fn start(handler: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        Self::over(handler, |stream, serve| serve(&mut BufReader::new(stream)))
    }

    /// The same with something between the socket and HTTP.
    pub(crate) fn over(
        handler: impl FnMut(&Request) -> Reply + Send + 'static,
        wrap: impl Fn(TcpStream, &mut dyn FnMut(&mut dyn Pipe)) + Send + Clone + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let handler: Handler = Arc::new(Mutex::new(handler));
        let (log, count) = (requests.clone(), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *count.lock().unwrap() += 1;
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                let (handler, log, wrap) = (handler.clone(), log.clone(), wrap.clone());
                thread::spawn(move || wrap(stream, &mut |pipe| while serve(pipe, &handler, &log).is_some() {}));
            }
        });
        Self { port, requests, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Both directions of a connection.
pub(crate) trait Pipe: BufRead {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()>;
}

impl<S: Read + Write> Pipe for BufReader<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.get_mut().write_all(bytes)?;
        self.get_mut().flush()
    }
}

/// One request and its answer; nothing when the connection ends here.
fn serve(pipe: &mut dyn Pipe, handler: &Handler, log: &Mutex<Vec<Request>>) -> Option<()> {
    let request = read(pipe)?;
    log.lock().unwrap().push(request.clone());
    let reply = (handler.lock().unwrap())(&request);
    match reply {
        Reply::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} -\r\n");
            if status != 204 {
                head.push_str(&format!("content-length: {}\r\n", body.len()));
            }
            headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
            pipe.write(&[head.as_bytes(), b"\r\n", &body].concat()).ok()
        }
        Reply::Cut(bytes) => {
            let _ = pipe.write(&bytes);
            None
        }
        Reply::Silence => {
            let _ = pipe.read(&mut [0]);
            None
        }
    }
}

fn read(pipe: &mut dyn Pipe) -> Option<Request> {
    let line = line(pipe)?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    assert_eq!((version, words.next()), ("HTTP/1.1", None), "{line}");
    let mut headers = Vec::new();
    loop {
        let line = self::line(pipe)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut request = Request { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
    assert!(request.header("host").starts_with("localhost"), "{request:?}");
    assert!(request.header("user-agent").starts_with("shadowtap/"), "{request:?}");
    request.body = vec![0; request.header("content-length").parse().unwrap()];
    pipe.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn line(pipe: &mut dyn Pipe) -> Option<String> {
    let mut line = String::new();
    pipe.read_line(&mut line).ok().filter(|length| *length > 0)?;
    Some(line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?}")).to_owned())
}
