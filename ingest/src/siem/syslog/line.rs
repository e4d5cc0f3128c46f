//! A TCP connection on which each step has a limit, and which tells whether the other end has taken what was sent.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::siem::channel::SendError;

/// A receiver that does not answer costs a round no more than this per address.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a receiver may take nothing.
pub(super) const WRITE: Duration = Duration::from_secs(5);
/// How long to wait for the receiver to close after us. It closes once it has read everything.
const CLOSE: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried.
const ADDRESSES: usize = 4;
/// What a round trip may take beyond the first one.
const UNEVEN: Duration = Duration::from_millis(10);

/// The connection with the limit of its present step.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    /// What connecting took.
    round_trip: Duration,
    until: Instant,
    late: &'static str,
}

/// The addresses that a name stands for, at most [`ADDRESSES`].
pub(super) fn addresses(sink: &str, address: &str) -> Result<Vec<SocketAddr>, SendError> {
    match address.to_socket_addrs().map(|found| found.take(ADDRESSES).collect::<Vec<_>>()) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(SendError::Resolve { sink: sink.to_owned(), why: format!("{address} has no address") }),
        Err(error) => Err(SendError::Resolve { sink: sink.to_owned(), why: error.to_string() }),
    }
}

impl Line {
    /// Connects to the first address that answers.
    pub(super) fn connect(sink: &str, address: &str) -> Result<Self, SendError> {
        let mut why = String::new();
        for peer in addresses(sink, address)? {
            match Self::to(peer) {
                Ok(line) => return Ok(line),
                Err(error) => why = error.to_string(),
            }
        }
        Err(SendError::Connect { sink: sink.to_owned(), why })
    }

    fn to(peer: SocketAddr) -> io::Result<Self> {
        let begun = Instant::now();
        let stream = TcpStream::connect_timeout(&peer, CONNECT)?;
        let round_trip = begun.elapsed();
        stream.set_nodelay(true)?;
        Ok(Self { stream, round_trip, until: Instant::now() + WRITE, late: "" })
    }

    /// Begins a step: what it may take, and what to say when it takes longer.
    pub(super) fn allow(&mut self, limit: Duration, late: &'static str) {
        self.until = Instant::now() + limit;
        self.late = late;
    }

    /// About one round trip.
    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.too_late()) } else { Ok(left) }
    }

    fn too_late(&self) -> io::Error {
        io::Error::new(ErrorKind::TimedOut, self.late)
    }

    /// Repeats what a signal broke off, and says in words that time is up.
    fn bounded(&self, mut step: impl FnMut(Duration) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match step(self.left()?) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(self.too_late());
                }
                done => return done,
            }
        }
    }

    /// The bare stream, for a look at what is there already: reading does not wait.
    pub(super) fn at_once<T>(&mut self, look: impl FnOnce(&mut TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.stream.set_nonblocking(true)?;
        let seen = look(&mut self.stream);
        self.stream.set_nonblocking(false)?;
        seen
    }

    /// Says that nothing more comes; the receiver's close is awaited from here on.
    pub(super) fn shut(&mut self) -> io::Result<Instant> {
        self.stream.shutdown(Shutdown::Write)?;
        self.allow(CLOSE, "it does not close the connection behind the last event, so it may not have read them");
        Ok(Instant::now())
    }

    /// The receiver has closed: was it in answer to us? If it was gone before our last bytes came, its end of the
    /// connection answers them with a reset, one round trip after [`Line::shut`] at the latest.
    pub(super) fn answered(&self, shut: Instant) -> io::Result<()> {
        let reset_by = shut + 2 * self.round_trip + UNEVEN;
        thread::sleep(reset_by.saturating_duration_since(Instant::now()));
        self.stream.take_error()?.map_or(Ok(()), Err)
    }
}

/// The receiver went away before we were through.
pub(super) fn closed() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "the receiver closed the connection")
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bounded(|left| {
            self.stream.set_read_timeout(Some(left))?;
            (&self.stream).read(into)
        })
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bounded(|left| {
            self.stream.set_write_timeout(Some(left))?;
            (&self.stream).write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
