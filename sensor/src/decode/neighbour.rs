//! Frames that belong to no flow and say who has which address: ARP, and neighbour discovery of IPv6. Their bytes are
//! handed on; `dissect` reads them.

use std::net::IpAddr;

use super::ip::Ip;
use super::{Decoded, Link, NotFlow};
use crate::bytes::Reader;

/// Opcode and sender of an ARP message (RFC 826): 2, 6 and 4 bytes.
pub type Arp = [u8; 12];

/// The hop limit of a message that no router has forwarded (RFC 4861 section 3.1).
const UNFORWARDED: u8 = 255;
/// Router solicitation to redirect.
const DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// Such a frame.
#[derive(Debug, Clone, Copy)]
pub enum Neighbour<'a> {
    /// ARP over Ethernet for IPv4.
    Arp(Arp),
    /// Neighbour discovery of IPv6.
    Ndp(Ndp<'a>),
}

/// A message of neighbour discovery that was sent on this link.
#[derive(Debug, Clone, Copy)]
pub struct Ndp<'a> {
    /// Sender.
    pub src: IpAddr,
    /// The captured part of the ICMPv6 message.
    pub message: &'a [u8],
}

impl Neighbour<'_> {
    /// What the ledger counts it as.
    pub fn counts_as(&self) -> NotFlow {
        match self {
            Self::Arp(_) => NotFlow::Arp,
            Self::Ndp(_) => NotFlow::Icmp,
        }
    }
}

/// The part of an ARP message that is handed on; `None` when it was cut before.
pub(super) fn arp(mut r: Reader<'_>) -> Option<Arp> {
    r.skip(6).ok()?;
    r.array().ok()
}

/// ICMPv6. In a tunnel that carries bare IP there is no link to discover neighbours on.
pub(super) fn of_icmp6<'a>(link: &Link, ip: &Ip<'a>) -> Decoded<'a> {
    let discovers = ip.payload.first().is_some_and(|kind| DISCOVERY.contains(kind));
    match discovers && ip.ttl == UNFORWARDED && link.src.is_some() {
        true => Decoded::Neighbour(Neighbour::Ndp(Ndp { src: ip.src, message: ip.payload })),
        false => Decoded::NotFlow(NotFlow::Icmp),
    }
}
