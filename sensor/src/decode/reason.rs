//! Why a frame is no packet of a flow: the words that the ledger uses.

use super::neighbour::Arp;
use crate::bytes::Short;

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
    /// A fragment that does not complete its datagram.
    Fragment,
    /// A wireless frame that is encrypted (IEEE 802.11, the Protected Frame bit).
    Protected,
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
            Self::Protected => "protected",
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
    /// A fragment whose length or offset no datagram can have.
    Fragment,
    /// The header of a tunnel over IP does not fit into the packet, or contradicts itself.
    Tunnel,
    /// More IPv6 extension headers, VLAN tags, MPLS labels or tunnels than any real packet has.
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
            Self::Fragment => "fragment-header",
            Self::Tunnel => "tunnel-header",
            Self::TooDeep => "too-deep",
            Self::TransportShort => "transport-short",
            Self::TransportHeader => "transport-header",
        }
    }
}

/// Why decoding ended before a packet was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    NotFlow(NotFlow),
    Malformed(Malformed),
    Arp(Arp),
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

/// A header below IP ends with the frame.
impl From<Short> for Stop {
    fn from(_: Short) -> Self {
        Self::Malformed(Malformed::LinkShort)
    }
}
