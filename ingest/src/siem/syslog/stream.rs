//! Syslog over a connection: RFC 6587 octet counting on TCP, RFC 5425 on TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::frame::counted;
use crate::siem::channel::{Channel, Message, Outcome, SendError};
use crate::siem::format::Format;

/// A receiver that does not answer costs a round no more than this.
const CONNECT: Duration = Duration::from_secs(2);
/// A receiver that takes nothing costs no more than this per write.
const WRITE: Duration = Duration::from_secs(5);
/// How long to wait for the receiver to close after us. It closes once it has read everything.
const CLOSE: Duration = Duration::from_secs(2);

/// One connection per chunk: the receiver's close says that it has read all of it.
#[derive(Debug)]
pub(super) struct StreamChannel {
    name: String,
    format: Format,
    address: String,
}

impl StreamChannel {
    pub(super) fn new(name: String, format: Format, address: String) -> Self {
        Self { name, format, address }
    }

    fn deliver(&self, events: &[Message]) -> Result<(), SendError> {
        let mut stream = self.connect()?;
        let failed = |error: io::Error| SendError::Send { sink: self.name.clone(), why: error.to_string() };
        for event in events {
            // A write into a closed connection succeeds once and is lost, so look before each one.
            still_open(&stream).map_err(failed)?;
            stream.write_all(&counted(self.format, event)).map_err(failed)?;
        }
        stream.flush().map_err(failed)?;
        taken(&mut stream).map_err(failed)
    }

    fn connect(&self) -> Result<TcpStream, SendError> {
        let resolved = self
            .address
            .to_socket_addrs()
            .map_err(|error| SendError::Resolve { sink: self.name.clone(), why: error.to_string() })?;
        let mut last = io::Error::new(ErrorKind::NotFound, "no address");
        for peer in resolved {
            match TcpStream::connect_timeout(&peer, CONNECT).and_then(prepared) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(SendError::Connect { sink: self.name.clone(), why: last.to_string() })
    }
}

impl Channel for StreamChannel {
    fn send(&mut self, events: &[Message]) -> Outcome {
        match self.deliver(events) {
            Ok(()) => Outcome { done: events.len(), ..Outcome::default() },
            Err(error) => Outcome::failed(error),
        }
    }
}

fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_write_timeout(Some(WRITE))?;
    stream.set_read_timeout(Some(CLOSE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An error when the receiver has closed. A syslog receiver never speaks, so anything to read is the end.
fn still_open(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    match peeked {
        Ok(0) => Err(io::Error::new(ErrorKind::ConnectionAborted, "the receiver closed the connection")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// Says that nothing more comes and waits for the receiver to close in turn: a reset now means that events were lost.
/// A receiver that keeps the connection open has had its chance to object.
fn taken(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let mut rest = [0; 256];
    for _ in 0..4 {
        match stream.read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
