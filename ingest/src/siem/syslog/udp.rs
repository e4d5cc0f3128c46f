//! Syslog over UDP, RFC 5426: one datagram per event. Nothing is acknowledged.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use super::frame::syslog;
use super::line::addresses;
use crate::siem::channel::{Channel, Message, Outcome, SendError};
use crate::siem::format::Format;

/// What fits behind the headers of IP and UDP.
const FITS_V4: usize = 65_507;
/// The same without the header of IPv4, which IPv6 does not count (RFC 8200 section 4.5).
const FITS_V6: usize = 65_527;
/// A pause after each so many bytes, or part of them, so that a chunk does not overrun the receiver's socket buffer,
/// which often is 208 kB.
const PACED: usize = 4096;
/// The pause.
const PACE: Duration = Duration::from_millis(1);
/// How long to listen for "port unreachable" behind the last datagram. It is all that a receiver's side may say.
const ANSWER: Duration = Duration::from_millis(200);

/// Datagrams to a receiver.
#[derive(Debug)]
pub(super) struct UdpChannel {
    name: String,
    format: Format,
    address: String,
}

impl UdpChannel {
    pub(super) fn new(name: String, format: Format, address: String) -> Self {
        Self { name, format, address }
    }

    /// Sends the chunk to one address; what is too large for a datagram is left out and told. An error is about all of
    /// it: a datagram that nobody listens for looks sent until the refusal of another comes back.
    fn deliver(&self, peer: SocketAddr, events: &[Message]) -> io::Result<Vec<(usize, String)>> {
        let socket = match peer {
            SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
        }?;
        socket.connect(peer)?;
        let fits = if peer.is_ipv4() { FITS_V4 } else { FITS_V6 };
        let mut refused = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let message = syslog(self.format, event);
            if message.len() > fits {
                refused.push((place, too_large(message.len(), fits)));
                continue;
            }
            socket.send(message.as_bytes())?;
            thread::sleep(PACE * message.len().div_ceil(PACED) as u32);
        }
        if refused.len() < events.len() {
            listen(&socket)?;
        }
        Ok(refused)
    }
}

fn too_large(length: usize, fits: usize) -> String {
    format!(
        "{length} bytes do not fit into a datagram, which holds {fits}: transport = \"tcp\" or \"tls\" has no limit"
    )
}

/// An error when the receiver's host says that nobody listens.
fn listen(socket: &UdpSocket) -> io::Result<()> {
    socket.set_read_timeout(Some(ANSWER))?;
    match socket.recv(&mut [0; 16]) {
        Err(error)
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) =>
        {
            Ok(())
        }
        heard => heard.map(drop),
    }
}

impl Channel for UdpChannel {
    fn send(&mut self, events: &[Message]) -> Outcome {
        let peers = match addresses(&self.name, &self.address) {
            Ok(peers) => peers,
            Err(error) => return Outcome::failed(error),
        };
        let mut why = String::new();
        for peer in peers {
            match self.deliver(peer, events) {
                Ok(refused) => return Outcome { done: events.len(), refused, error: None },
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    why = format!("nobody listens on UDP port {}", peer.port());
                }
                Err(error) => why = error.to_string(),
            }
        }
        Outcome::failed(SendError::Send { sink: self.name.clone(), why })
    }
}
