//! Syslog over TLS, RFC 5425.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::line::{Line, WRITE, closed};
use super::stream::Connection;
use crate::siem::channel::SendError;
use crate::siem::tls_words::{self, Files};
use crate::tls::{self, TlsError, TlsFiles};

/// How long the handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long to listen behind the handshake for what the receiver thinks of our certificate, beyond a round trip.
const VERDICT: Duration = Duration::from_millis(200);
/// The same behind its first words, which are session tickets: it is through with the handshake then.
const QUIET: Duration = Duration::from_millis(50);
/// How often it may speak before it is taken to have agreed.
const WORDS: usize = 8;
/// How long to look for an alert behind an error.
const REASON: Duration = Duration::from_millis(200);
/// What goes into the connection at once: the plaintext of one record (RFC 8446 section 5.1).
const RECORD: usize = 16_384;

/// What each connection to a receiver begins with.
pub(super) struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    files: Files,
}

/// A connection behind its handshake.
pub(super) struct Tls {
    line: Line,
    connection: ClientConnection,
    files: Files,
}

impl TlsClient {
    /// Reads the files. The receiver's certificate must bear `name`, a host or an IP address.
    pub(super) fn new(files: &TlsFiles, name: &str) -> Result<Self, TlsError> {
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsError::System(format!("{name:?} is neither a host name nor an IP address")))?;
        let mut config = tls::config(files)?;
        // rsyslog with OpenSSL asks for client certificates but names no session context: it breaks off each connection
        // that resumes an earlier one, with the alert internal_error.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), name: server, files: Files::of(files) })
    }

    /// The handshake on a fresh connection, and the receiver's verdict on our certificate.
    pub(super) fn handshake(&self, sink: &str, mut line: Line) -> Result<Tls, SendError> {
        let wrong = |why| SendError::Tls { sink: sink.to_owned(), why };
        let mut connection = ClientConnection::new(self.config.clone(), self.name.clone())
            .map_err(|error| wrong(tls_words::words(&error, self.files)))?;
        line.allow(HANDSHAKE, "it does not answer the handshake: does it speak TLS on this port?");
        while connection.is_handshaking() {
            connection.complete_io(&mut line).map_err(|error| wrong(tls_words::handshake(&error, self.files)))?;
        }
        let mut tls = Tls { line, connection, files: self.files };
        tls.verdict().map_err(|error| tls.trouble(sink, error))?;
        Ok(tls)
    }
}

impl Tls {
    /// In TLS 1.3 the handshake ends here before the receiver has looked at our certificate. OpenSSL refuses with an
    /// alert; rsyslog, which looks at the name behind the handshake, just closes, and events that are with it by then go
    /// under behind a close that may look like an answer. So nothing is sent until it had time to object.
    fn verdict(&mut self) -> io::Result<()> {
        self.line.allow(VERDICT + 2 * self.line.round_trip(), "");
        for _ in 0..WORDS {
            match self.connection.read_tls(&mut self.line) {
                Ok(0) => return Err(closed()),
                Ok(_) => self.hear()?,
                Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(()),
                Err(error) => return Err(error),
            }
            self.line.allow(QUIET, "");
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.line)?;
        }
        Ok(())
    }

    /// Takes in what was read: an alert is an error. What the receiver says is nothing to us.
    fn hear(&mut self) -> io::Result<()> {
        let state = self.connection.process_new_packets().map_err(io::Error::other)?;
        if state.plaintext_bytes_to_read() > 0 {
            io::copy(&mut self.connection.reader().take(state.plaintext_bytes_to_read() as u64), &mut io::sink())?;
        }
        Ok(())
    }

    /// Reads until the receiver has closed.
    fn hear_out(&mut self) -> io::Result<()> {
        while self.connection.read_tls(&mut self.line)? > 0 {
            self.hear()?;
        }
        Ok(())
    }
}

impl Connection for Tls {
    fn still_open(&mut self) -> io::Result<()> {
        loop {
            match self.line.at_once(|stream| self.connection.read_tls(stream)) {
                Ok(0) => return Err(closed()),
                Ok(_) => self.hear()?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.allow(WRITE, "it takes nothing");
        for piece in bytes.chunks(RECORD) {
            io::Write::write_all(&mut self.connection.writer(), piece)?;
            self.flush()?;
        }
        Ok(())
    }

    /// RFC 5425 section 4.4: `close_notify`, and the receiver's close. Many receivers answer without a `close_notify` of
    /// their own, so that is not asked for.
    fn close(&mut self) -> io::Result<()> {
        self.line.allow(WRITE, "it takes nothing");
        self.connection.send_close_notify();
        self.flush()?;
        let shut = self.line.shut()?;
        self.hear_out()?;
        self.line.answered(shut)
    }

    /// A receiver that refuses our certificate breaks off; the alert that says so may lie unread behind the error.
    fn trouble(&mut self, sink: &str, error: io::Error) -> SendError {
        self.line.allow(REASON, "");
        let error = match tls_words::of(&error) {
            Some(_) => error,
            None => self.hear_out().err().filter(|later| tls_words::of(later).is_some()).unwrap_or(error),
        };
        match tls_words::of(&error) {
            Some(tls) => SendError::Tls { sink: sink.to_owned(), why: tls_words::words(tls, self.files) },
            None => SendError::Send { sink: sink.to_owned(), why: tls_words::broken_off(&error, self.files) },
        }
    }
}
