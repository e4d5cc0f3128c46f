//! The connection to one syslog receiver: short, checked, and never in the way of facts.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::frame;
use crate::db::DbError;
use crate::judge::{FindingsDb, Waiting};

/// A receiver that does not answer costs a round no more than this.
const CONNECT: Duration = Duration::from_secs(2);
/// A receiver that takes nothing costs no more than this per write.
const WRITE: Duration = Duration::from_secs(5);
/// How long to wait for the receiver to close after us. It closes once it has read everything.
const CLOSE: Duration = Duration::from_secs(2);
/// Events per connection: a receiver that breaks off gets at most these twice.
const CHUNK: usize = 500;
/// First pause after a failure; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: a receiver that is back gets its alerts within a minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Where events go: syslog over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogTarget {
    /// `host:port`.
    pub address: String,
}

/// Why a sink did not take its events. All of them are worth another try.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address means no host.
    #[error("{address}: cannot resolve: {source}")]
    Resolve {
        /// The sink.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Nobody answers.
    #[error("{address}: cannot connect: {source}")]
    Connect {
        /// The sink.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The receiver closed or broke the connection, or takes nothing.
    #[error("{address}: cannot send: {source}")]
    Send {
        /// The sink.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// What one sink did in a round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiemReport {
    /// The sink.
    pub address: String,
    /// Events that it took.
    pub sent: u64,
    /// Events that still wait for it and may go.
    pub waiting: u64,
    /// Events that wait for the end of the policy's quiet hours.
    pub quiet: u64,
    /// Why it took no more; absent when all is well or a pause is kept.
    pub error: Option<String>,
}

/// One sink with its pause after failures.
#[derive(Debug)]
pub(crate) struct SyslogSink {
    target: SyslogTarget,
    pause: Duration,
    not_before: Option<Instant>,
}

impl SyslogSink {
    pub(crate) fn new(target: SyslogTarget) -> Self {
        Self { target, pause: PAUSE, not_before: None }
    }

    /// Sends what waits. A row is marked only after the receiver took the whole chunk, so a break repeats events
    /// and never loses one; the receiver tells repeats by `event.id` and `event.sequence`. `now`, µs UTC, says which
    /// quiet hours are over.
    pub(crate) fn drain(&mut self, findings: &mut FindingsDb, now: i64) -> Result<SiemReport, DbError> {
        let mut report = SiemReport { address: self.target.address.clone(), ..SiemReport::default() };
        while self.not_before.is_none_or(|at| Instant::now() >= at) {
            let events = findings.waiting(&self.target.address, now, CHUNK)?;
            if events.is_empty() {
                break;
            }
            match self.send(&events) {
                Ok(()) => {
                    findings.sent(&events)?;
                    report.sent += events.len() as u64;
                    (self.pause, self.not_before) = (PAUSE, None);
                }
                Err(error) => {
                    report.error = Some(error.to_string());
                    self.not_before = Some(Instant::now() + self.pause);
                    self.pause = (self.pause * 2).min(PAUSE_MAX);
                }
            }
        }
        let (waiting, quiet) = findings.waiting_count(&self.target.address, now)?;
        (report.waiting, report.quiet) = (waiting - quiet, quiet);
        Ok(report)
    }

    fn send(&self, events: &[Waiting]) -> Result<(), SendError> {
        let mut stream = self.connect()?;
        let failed = |source| SendError::Send { address: self.target.address.clone(), source };
        for event in events {
            // A write into a closed connection succeeds once and is lost, so look before each one.
            still_open(&stream).map_err(failed)?;
            stream.write_all(&frame(&event.event)).map_err(failed)?;
        }
        stream.flush().map_err(failed)?;
        taken(&mut stream).map_err(failed)
    }

    fn connect(&self) -> Result<TcpStream, SendError> {
        let address = &self.target.address;
        let resolved =
            address.to_socket_addrs().map_err(|source| SendError::Resolve { address: address.clone(), source })?;
        let mut last = io::Error::new(ErrorKind::NotFound, "no address");
        for peer in resolved {
            match TcpStream::connect_timeout(&peer, CONNECT).and_then(prepared) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(SendError::Connect { address: address.clone(), source: last })
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
