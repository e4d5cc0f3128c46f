//! What an interface puts before the packet: Ethernet, Linux cooked captures, PPP, BSD loopback, 802.11, NFLOG, or
//! nothing.

use super::ether::{self, ethernet, ppp};
use super::reason::Stop;
use super::{Depth, Link, NotFlow, Span, wireless};
use crate::bytes::{Reader, Short};
use crate::capture::LinkType;

/// Protocol number of Linux cooked captures for frames with an LLC header (`ETH_P_802_2`).
const COOKED_LLC: u16 = 4;
/// Protocol numbers of Linux cooked captures that are no EtherTypes: local ones of the kernel.
const COOKED_LOCAL: u16 = 0x05ff;

/// The IP packet of a frame. Fills in what the link says about it.
#[inline]
pub(super) fn network<'a>(
    kind: LinkType,
    frame: Span<'a>,
    link: &mut Link,
    depth: &mut Depth,
) -> Result<Span<'a>, Stop> {
    match kind {
        LinkType::Ethernet => ethernet(frame, link, depth),
        LinkType::RawIp => Ok(frame),
        LinkType::Loopback => loopback(frame),
        LinkType::Ppp => ppp(frame, link, depth),
        LinkType::LinuxSll => cooked(frame, link, depth),
        LinkType::LinuxSll2 => cooked2(frame, link, depth),
        LinkType::Ieee80211 => wireless::network(frame, false, link, depth),
        LinkType::Radiotap => wireless::radiotap(frame, link, depth),
        LinkType::Nflog => nflog(frame, link),
    }
}

/// BSD loopback: the address family in the byte order of the machine that captured (OpenBSD: of the network). Each BSD
/// has its own number for IPv6.
fn loopback(frame: Span<'_>) -> Result<Span<'_>, Stop> {
    let mut r = Reader::new(frame.data);
    let family: [u8; 4] = r.array()?;
    match family {
        [0, 0, 0, family] | [family, 0, 0, 0] if matches!(family, 2 | 10 | 24 | 28 | 30) => {
            Ok(frame.after(r.rest()))
        }
        _ => Err(NotFlow::OtherLink.into()),
    }
}

/// Linux cooked capture: packet type, hardware type, address length, address, protocol.
fn cooked<'a>(frame: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    r.skip(4)?;
    let len = r.u16()?;
    link.src = Some(r.array()?).filter(|_| len == 6);
    r.skip(2)?;
    let protocol = r.u16()?;
    cooked_protocol(protocol, frame.after(r.rest()), link, depth)
}

/// Version 2: the protocol comes first, the address at the end.
fn cooked2<'a>(frame: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    let protocol = r.u16()?;
    r.skip(9)?;
    let len = r.u8()?;
    link.src = Some(r.array()?).filter(|_| len == 6);
    r.skip(2)?;
    cooked_protocol(protocol, frame.after(r.rest()), link, depth)
}

fn cooked_protocol<'a>(
    protocol: u16,
    packet: Span<'a>,
    link: &mut Link,
    depth: &mut Depth,
) -> Result<Span<'a>, Stop> {
    match protocol {
        COOKED_LLC => ether::logical(packet, link, depth),
        local if local <= COOKED_LOCAL => Err(NotFlow::OtherLink.into()),
        ether_type => ether::network(ether_type, packet, link, depth),
    }
}

/// Attributes of one packet. The kernel writes some twenty.
const MAX_ATTRIBUTES: usize = 64;
const HARDWARE_ADDRESS: u16 = 8;
const PAYLOAD: u16 = 9;

/// Linux netfilter log: address family, version, group, then attributes in the byte order of the machine that captured;
/// one of them is the IP packet.
fn nflog<'a>(frame: Span<'a>, link: &mut Link) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    let [family, version, ..] = r.array::<4>()?;
    if version != 0 || !matches!(family, 2 | 7 | 10) {
        return Err(NotFlow::OtherLink.into());
    }
    // The kernel's attributes have numbers below 256: the side of the zero tells the order.
    let big_endian = matches!(r.rest(), [_, _, 0, _, ..]);
    for _ in 0..MAX_ATTRIBUTES {
        let (len, kind) = (ordered(&mut r, big_endian)?, ordered(&mut r, big_endian)?);
        let Some(len) = len.checked_sub(4) else { break };
        match kind & 0x7fff {
            PAYLOAD => return Ok(frame.after(r.rest()).first(u32::from(len))),
            HARDWARE_ADDRESS => {
                let mut value = Reader::new(r.take(usize::from(len))?);
                let address = value.u16().and_then(|len| value.skip(2).map(|()| len));
                link.src = address.ok().filter(|&len| len == 6).and_then(|_| value.array().ok());
            }
            _ => r.skip(usize::from(len))?,
        }
        r.skip(usize::from(len.wrapping_neg() & 3))?;
    }
    Err(NotFlow::OtherLink.into())
}

fn ordered(r: &mut Reader<'_>, big_endian: bool) -> Result<u16, Short> {
    r.u16().map(|value| if big_endian { value } else { value.swap_bytes() })
}
