//! From a frame to addresses, ports and payload.
//!
//! Lengths come from the IP and UDP headers, never from the captured bytes: a copy of a capture cut by a snaplen gives
//! the same counts. The path is `link` (what an interface puts first) → `ether` (VLAN tags, MPLS, PPPoE, LLC) → `ip`
//! (addresses, extension headers) → `tunnel` (what carries another packet, which begins again at `ether` or `ip`) →
//! `transport` (ports, sequence numbers, payload). Parts of a datagram leave the path and come back through
//! [`Fragments`] and [`decode_datagram`].
//!
//! The innermost packet is the flow. What its tunnels carry it in is counted in no flow of its own.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod ether;
mod fragments;
mod ip;
mod link;
mod mpls;
mod neighbour;
mod reason;
mod transport;
mod tunnel;
mod wireless;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use etherparse::IpNumber;

use crate::capture::Frame;
pub use fragments::{Datagram, Fragment, Fragments, Lost};
use ip::Ip;
pub use neighbour::{Arp, Ndp, Neighbour};
use reason::Stop;
pub use reason::{Malformed, NotFlow};

/// A hardware address.
pub type Mac = [u8; 6];

/// A TCP or UDP packet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Time of capture, µs since the Unix epoch, UTC.
    pub time: i64,
    /// Sender's address and port.
    pub src: (IpAddr, u16),
    /// Receiver's address and port.
    pub dst: (IpAddr, u16),
    /// What the transport header says.
    pub l4: L4,
    /// The captured part of the transport header, with its options.
    pub header: &'a [u8],
    /// Identification of IPv4; 0 for IPv6 and for a datagram that was in fragments.
    pub ip_id: u16,
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// Length of the whole payload by the headers.
    pub payload_len: u32,
    /// Length of the frame on the wire, with all that is around the packet; of a datagram in fragments, of the frame that
    /// completed it.
    pub frame_len: u32,
    /// Length of the innermost IP packet: total length of IPv4, 40 + payload length of IPv6; of a datagram in fragments,
    /// what it has when they are joined.
    pub ip_len: u32,
    /// Time to live or hop limit of the innermost IP header; of a datagram in fragments, of the first.
    pub ttl: u8,
    /// Link addresses and tags.
    pub link: Link,
}

#[cfg(test)]
impl<'a> Packet<'a> {
    /// A UDP packet of a test over IPv4 and Ethernet, at time 0.
    pub(crate) fn udp(src: (IpAddr, u16), dst: (IpAddr, u16), payload: &'a [u8]) -> Self {
        let payload_len = payload.len() as u32;
        Self {
            time: 0,
            src,
            dst,
            l4: L4::Udp,
            header: &[],
            ip_id: 0,
            ttl: 64,
            payload,
            payload_len,
            frame_len: payload_len + 42,
            ip_len: payload_len + 28,
            link: Link::default(),
        }
    }
}

/// The transport header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum L4 {
    /// TCP (RFC 9293): sequence number of the first payload byte (of the SYN itself on a SYN), and flags.
    Tcp {
        /// Sequence number.
        seq: u32,
        /// Control bits.
        flags: TcpFlags,
    },
    /// UDP.
    Udp,
}

/// TCP control bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// Sequence numbers begin.
    pub fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }
    /// The connection is torn down.
    pub fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }
    /// The acknowledgement field counts.
    pub fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// What the link layer says about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Sender's hardware address by the innermost Ethernet header; absent on links without one, and in tunnels that carry
    /// bare IP packets, where the frame's addresses are those of routers.
    pub src: Option<Mac>,
    /// Receiver's hardware address.
    pub dst: Option<Mac>,
    /// Innermost VLAN id.
    pub vlan: Option<u16>,
    /// The packet came in a tunnel over IP, as encapsulated mirrors bring it.
    pub tunnelled: bool,
}

/// What a frame is.
#[derive(Debug, Clone, Copy)]
pub enum Decoded<'a> {
    /// A packet of a flow.
    Packet(Packet<'a>),
    /// A part of an IP datagram, for [`Fragments`].
    Fragment(Fragment<'a>),
    /// Something that belongs to no flow.
    NotFlow(NotFlow),
    /// No flow's either, and it says who has which address.
    Neighbour(Neighbour<'a>),
    /// Nothing that can be read.
    Malformed(Malformed),
}

/// Decodes one frame.
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    let (mut link, mut depth) = (Link::default(), Depth::default());
    let whole = Span { data: frame.data, len: frame.wire_len };
    let first = match link::network(frame.link, whole, &mut link, &mut depth) {
        Ok(packet) => packet,
        Err(stop) => return stop.into(),
    };
    match ip::parse(first) {
        Ok(ip) if tunnel::is_plain(&ip) => transport::parse((frame.time, frame.wire_len), link, &ip),
        Ok(ip) => innermost((frame.time, frame.wire_len), link, ip, depth).unwrap_or_else(Decoded::from),
        Err(stop) => stop.into(),
    }
}

/// Decodes a datagram whose last missing part came with `frame`: the packet has this frame's time and length.
pub fn decode_datagram<'a>(frame: &Frame<'_>, datagram: &'a Datagram) -> Decoded<'a> {
    let (link, depth) = datagram.place();
    let decoded = datagram.ip().and_then(|ip| innermost((frame.time, frame.wire_len), link, ip, depth));
    decoded.unwrap_or_else(Decoded::from)
}

/// Time and length of a frame.
type Taken = (i64, u32);

/// Follows tunnels from an IP header to the packet that they carry.
#[inline(never)]
fn innermost(taken: Taken, mut link: Link, mut ip: Ip<'_>, mut depth: Depth) -> Result<Decoded<'_>, Stop> {
    loop {
        if !ip.part.is_whole() {
            return Ok(Decoded::Fragment(Fragment { ip, link, depth }));
        }
        if ip.protocol == IpNumber::AUTHENTICATION_HEADER {
            ip = ip.behind_extensions()?;
        }
        match tunnel::inside(&ip, &mut link, &mut depth)? {
            Some(inner) => {
                ip = ip::parse(inner)?;
                link.tunnelled = true;
            }
            None => return Ok(transport::parse(taken, link, &ip)),
        }
    }
}

impl From<Stop> for Decoded<'_> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::NotFlow(what) => Self::NotFlow(what),
            Stop::Malformed(why) => Self::Malformed(why),
            Stop::Arp(arp) => Self::Neighbour(Neighbour::Arp(arp)),
        }
    }
}

/// The captured bytes of a header with all that follows it, and their length on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span<'a> {
    data: &'a [u8],
    len: u32,
}

impl<'a> Span<'a> {
    /// What is left when `rest`, a tail of the captured bytes, has not been read.
    fn after(self, rest: &'a [u8]) -> Self {
        Self { data: rest, len: self.len.saturating_sub(offset_in(self.data, rest)) }
    }

    /// At most `len` bytes of it.
    fn first(self, len: u32) -> Self {
        Self { data: self.data.get(..len as usize).unwrap_or(self.data), len: self.len.min(len) }
    }
}

/// Tunnels inside each other. Four are seen (a mirror of a mirror of a GTP tunnel that carries IP in IP); more than this
/// is an attempt to waste time.
const MAX_TUNNELS: u8 = 8;

/// Looks for an Ethernet frame where nothing announces one, in one frame: two or three per tunnel. Each may hold others.
const MAX_GUESSES: u8 = 32;

/// How many tunnels lie around the header at hand, and how often one was guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Depth {
    tunnels: u8,
    guesses: u8,
}

impl Depth {
    /// Goes into one more tunnel.
    fn enter(&mut self) -> Result<(), Stop> {
        self.tunnels = self.tunnels.saturating_add(1);
        if self.tunnels > MAX_TUNNELS { Err(Malformed::TooDeep.into()) } else { Ok(()) }
    }

    /// Guesses once more; false when that was too often.
    fn guess(&mut self) -> bool {
        let allowed = self.guesses < MAX_GUESSES;
        self.guesses = self.guesses.saturating_add(u8::from(allowed));
        allowed
    }
}

/// How many bytes of `whole` come before its tail `part`.
fn offset_in(whole: &[u8], part: &[u8]) -> u32 {
    u32::try_from(whole.len().saturating_sub(part.len())).unwrap_or(u32::MAX)
}
