//! From a frame to addresses, ports and payload.
//!
//! Lengths come from the IP and UDP headers, never from the captured bytes: a copy of a capture cut by a snaplen gives
//! the same counts. The path is `link` (Ethernet, VLAN tags, cooked headers) → `ip` (addresses, fragments,
//! extension headers) → `transport` (ports, sequence numbers, payload).

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod ip;
mod link;
mod transport;

use std::net::IpAddr;

use crate::capture::Frame;

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
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// Length of the whole payload by the headers.
    pub payload_len: u32,
    /// Length of the frame on the wire.
    pub frame_len: u32,
    /// Length of the IP packet: total length of IPv4, 40 + payload length of IPv6.
    pub ip_len: u32,
    /// Link addresses and tags.
    pub link: Link,
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
    /// Sender's hardware address; absent on links without one.
    pub src: Option<Mac>,
    /// Receiver's hardware address.
    pub dst: Option<Mac>,
    /// Innermost VLAN id.
    pub vlan: Option<u16>,
}

/// A frame that is no TCP or UDP packet, or only a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotFlow {
    /// ARP.
    Arp,
    /// ICMP or ICMPv6; quotations in them are not traffic.
    Icmp,
    /// Another protocol over IP.
    OtherIp,
    /// Another protocol over the link.
    OtherLink,
    /// A fragment that does not hold the transport header.
    Fragment,
}

impl NotFlow {
    /// The name that the ledger uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::Icmp => "icmp",
            Self::OtherIp => "other-ip",
            Self::OtherLink => "other-link",
            Self::Fragment => "ip-fragment",
        }
    }
}

/// Why a frame could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Malformed {
    /// The link header does not fit into the frame.
    LinkShort,
    /// The IP header does not fit into the frame.
    IpShort,
    /// The IP header contradicts itself: version, header length, total length.
    IpHeader,
    /// More IPv6 extension headers, or VLAN tags, than any real packet has.
    TooDeep,
    /// The transport header does not fit into the packet.
    TransportShort,
    /// The transport header contradicts itself: data offset, UDP length.
    TransportHeader,
}

impl Malformed {
    /// The name that the ledger uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkShort => "link-short",
            Self::IpShort => "ip-short",
            Self::IpHeader => "ip-header",
            Self::TooDeep => "too-deep",
            Self::TransportShort => "transport-short",
            Self::TransportHeader => "transport-header",
        }
    }
}

/// What a frame is.
#[derive(Debug, Clone, Copy)]
pub enum Decoded<'a> {
    /// A packet of a flow.
    Packet(Packet<'a>),
    /// Something that belongs to no flow.
    NotFlow(NotFlow),
    /// Nothing that can be read.
    Malformed(Malformed),
}

/// Decodes one frame.
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    let decoded = link::network(frame).and_then(|(link, bytes)| {
        let ip = ip::parse(bytes, frame.wire_len.saturating_sub(offset_in(frame.data, bytes)))?;
        transport::parse(frame, link, &ip)
    });
    match decoded {
        Ok(packet) => Decoded::Packet(packet),
        Err(Stop::NotFlow(what)) => Decoded::NotFlow(what),
        Err(Stop::Malformed(why)) => Decoded::Malformed(why),
    }
}

/// Why decoding ended before a packet was found.
#[derive(Debug, Clone, Copy)]
enum Stop {
    NotFlow(NotFlow),
    Malformed(Malformed),
}

impl From<NotFlow> for Stop {
    fn from(what: NotFlow) -> Self {
        Self::NotFlow(what)
    }
}

impl From<Malformed> for Stop {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

/// How many bytes of `whole` come before its tail `part`.
fn offset_in(whole: &[u8], part: &[u8]) -> u32 {
    u32::try_from(whole.len().saturating_sub(part.len())).unwrap_or(u32::MAX)
}
