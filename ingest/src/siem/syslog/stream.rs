//! Syslog over a connection: octet counting on TCP (RFC 6587) and on TLS (RFC 5425).

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::frame::counted;
use super::line::{Line, WRITE, closed};
use super::tls::TlsClient;
use crate::siem::channel::{Channel, Message, Outcome, SendError};
use crate::siem::format::Format;

/// How long events are written into one connection. What a slow receiver took until then is counted, the rest goes
/// into the next connection.
const SPAN: Duration = Duration::from_secs(10);

/// One connection per chunk: the receiver's close in answer to ours says that it has read all of it.
pub(super) struct StreamChannel {
    name: String,
    format: Format,
    address: String,
    tls: Option<TlsClient>,
    /// Events per connection. Halved when the receiver does not get through with them, so that one that is very slow
    /// does not get the same events for ever; doubled when it does.
    most: usize,
}

/// A connection as events see it.
pub(super) trait Connection {
    /// An error when the receiver has closed: a write into a closed connection succeeds once and is lost.
    fn still_open(&mut self) -> io::Result<()>;

    /// Writes all bytes, within the limit of a write.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Says that nothing more comes and waits for the receiver to close in turn. An error means that it may not have
    /// read everything.
    fn close(&mut self) -> io::Result<()>;

    /// The error as the sink's.
    fn trouble(&mut self, sink: &str, error: io::Error) -> SendError;
}

impl StreamChannel {
    pub(super) fn new(name: String, format: Format, address: String, tls: Option<TlsClient>) -> Self {
        Self { name, format, address, tls, most: usize::MAX }
    }

    fn connect(&self) -> Result<Box<dyn Connection>, SendError> {
        let line = Line::connect(&self.name, &self.address)?;
        Ok(match &self.tls {
            Some(client) => Box::new(client.handshake(&self.name, line)?),
            None => Box::new(line),
        })
    }

    /// How many of the events, from the front, the receiver has.
    fn deliver(&self, connection: &mut dyn Connection, events: &[Message]) -> io::Result<usize> {
        let begun = Instant::now();
        let mut written = 0;
        for event in events.iter().take(self.most) {
            if begun.elapsed() > SPAN {
                break;
            }
            connection.still_open()?;
            connection.write(&counted(self.format, event))?;
            written += 1;
        }
        connection.still_open()?;
        connection.close()?;
        Ok(written)
    }
}

impl Channel for StreamChannel {
    fn send(&mut self, events: &[Message]) -> Outcome {
        let mut connection = match self.connect() {
            Ok(connection) => connection,
            Err(error) => return Outcome::failed(error),
        };
        match self.deliver(connection.as_mut(), events) {
            Ok(done) => {
                self.most = self.most.saturating_mul(2);
                Outcome { done, ..Outcome::default() }
            }
            Err(error) => {
                if error.kind() == ErrorKind::TimedOut {
                    self.most = (self.most.min(events.len()) / 2).max(1);
                }
                Outcome::failed(connection.trouble(&self.name, error))
            }
        }
    }
}

/// How an alert begins (RFC 8446 section 5.1): the answer of a TLS port to what is no TLS.
const ALERT: [u8; 2] = [21, 3];

impl Connection for Line {
    /// A syslog receiver never speaks: what can be read is the end, or a protest.
    fn still_open(&mut self) -> io::Result<()> {
        let mut first = [0; 2];
        match self.at_once(|stream| stream.peek(&mut first)) {
            Ok(0) => Err(closed()),
            Ok(_) => heard(&first),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.allow(WRITE, "it takes nothing");
        self.write_all(bytes)
    }

    fn close(&mut self) -> io::Result<()> {
        let shut = self.shut()?;
        let mut words = [0; 256];
        while self.read(&mut words)? > 0 {
            heard(&words)?;
        }
        self.answered(shut)
    }

    fn trouble(&mut self, sink: &str, error: io::Error) -> SendError {
        SendError::Send { sink: sink.to_owned(), why: error.to_string() }
    }
}

/// An error when these bytes are a TLS alert: what we sent was thrown away. Any other talk is nothing to us.
fn heard(words: &[u8]) -> io::Result<()> {
    if words.starts_with(&ALERT) {
        return Err(io::Error::other("it speaks TLS on this port: transport = \"tls\""));
    }
    Ok(())
}
