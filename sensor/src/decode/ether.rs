//! What an EtherType announces: VLAN tags in any mix, MPLS, PPPoE, LLC, and at the end IP.

use etherparse::EtherType;

use super::reason::Stop;
use super::{Depth, Link, Malformed, NotFlow, Span, ip, mpls, neighbour};
use crate::bytes::{Reader, Short};

/// Tags on one frame. Two are common (QinQ), three are seen; more is an attempt to waste time.
const MAX_TAGS: usize = 4;

/// Largest value of the field that is a length (IEEE 802.3) and no EtherType.
pub(super) const MAX_LENGTH: u16 = 0x05dc;
pub(super) const IPV4: u16 = EtherType::IPV4.0;
pub(super) const IPV6: u16 = EtherType::IPV6.0;
const MPLS: u16 = 0x8847;
const MPLS_UPSTREAM: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1ah: a provider's frame around a customer's.
const BACKBONE: u16 = 0x88e7;
/// IEEE 802.1BR, and the older tag of the same purpose, between a switch and its extenders.
const E_TAG: u16 = 0x893f;
const VN_TAG: u16 = 0x8926;
/// Transparent Ethernet bridging.
pub(super) const BRIDGED: u16 = 0x6558;

/// Bytes that a frame may have behind its IP packet: padding to 60 bytes, and a checksum that was not cut off.
pub(super) const PADDING: u32 = 50;

/// An Ethernet header, down to the IP packet.
pub(super) fn ethernet<'a>(frame: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    link.dst = Some(r.array()?);
    link.src = Some(r.array()?);
    let ether_type = r.u16()?;
    let rest = frame.after(r.rest());
    match EtherType(ether_type) {
        EtherType::IPV4 | EtherType::IPV6 => Ok(rest),
        _ => network(ether_type, rest, link, depth),
    }
}

/// An Ethernet frame where nothing says for sure that there is one: only with an IP packet in it whose length fits, or
/// ARP. `None` when it is none.
pub(super) fn likely_ethernet<'a>(
    frame: Span<'a>,
    link: &mut Link,
    depth: &mut Depth,
) -> Option<Result<Span<'a>, Stop>> {
    if !depth.guess() {
        return None;
    }
    let (mut inner, mut deeper) = (*link, *depth);
    let found = ethernet(frame, &mut inner, &mut deeper);
    depth.guesses = deeper.guesses;
    match found {
        Ok(packet) if ip::fits(packet, PADDING) => {}
        Err(Stop::Arp(_) | Stop::NotFlow(NotFlow::Arp) | Stop::Malformed(Malformed::TooDeep)) => {}
        _ => return None,
    }
    (*link, *depth) = (inner, deeper);
    Some(found)
}

/// Follows an EtherType down to the IP packet.
pub(super) fn network<'a>(
    mut ether_type: u16,
    span: Span<'a>,
    link: &mut Link,
    depth: &mut Depth,
) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(span.data);
    for _ in 0..=MAX_TAGS {
        match EtherType(ether_type) {
            EtherType::IPV4 | EtherType::IPV6 => return Ok(span.after(r.rest())),
            EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                link.vlan = Some(r.u16()? & 0x0fff);
                ether_type = r.u16()?;
            }
            EtherType(VN_TAG) => {
                r.skip(4)?;
                ether_type = r.u16()?;
            }
            EtherType(E_TAG) => {
                r.skip(6)?;
                ether_type = r.u16()?;
            }
            EtherType::ARP => return Err(arp(r)),
            EtherType(other) => return carried(other, span.after(r.rest()), link, depth),
        }
    }
    Err(Malformed::TooDeep.into())
}

/// What is neither IP nor a tag, but may carry IP.
fn carried<'a>(ether_type: u16, span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    match ether_type {
        MPLS | MPLS_UPSTREAM => {
            depth.enter()?;
            mpls::inside(span, link, depth)
        }
        PPPOE_SESSION => pppoe(span, link, depth),
        BACKBONE => {
            depth.enter()?;
            let mut r = Reader::new(span.data);
            r.skip(4)?;
            ethernet(span.after(r.rest()), link, depth)
        }
        BRIDGED => {
            depth.enter()?;
            ethernet(span, link, depth)
        }
        len if len <= MAX_LENGTH => logical(span.first(u32::from(len)), link, depth),
        _ => Err(NotFlow::OtherLink.into()),
    }
}

/// IEEE 802.2 LLC: IP by its own number, or an EtherType in SNAP (RFC 1042).
pub(super) fn logical<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(span.data);
    match r.array::<3>()? {
        [0x06, 0x06, 0x03] => Ok(span.after(r.rest())),
        [0xaa, 0xaa, 0x03] => {
            // Organisation 0 is RFC 1042, 0xf8 its bridge tunnel (IEEE 802.1H).
            if !matches!(r.array::<3>()?, [0, 0, 0 | 0xf8]) {
                return Err(NotFlow::OtherLink.into());
            }
            match r.u16()? {
                len if len <= MAX_LENGTH => Err(NotFlow::OtherLink.into()),
                ether_type => network(ether_type, span.after(r.rest()), link, depth),
            }
        }
        _ => Err(NotFlow::OtherLink.into()),
    }
}

/// ARP over Ethernet for IPv4 (RFC 826), as far as it was captured.
fn arp(r: Reader<'_>) -> Stop {
    let start = [0, 1, 8, 0, 6, 4];
    match r.rest().iter().zip(start).all(|(&byte, wanted)| byte == wanted) {
        true => neighbour::arp(r).map_or(Stop::NotFlow(NotFlow::Arp), Stop::Arp),
        false => Stop::NotFlow(NotFlow::OtherLink),
    }
}

/// PPPoE session (RFC 2516 section 4). The frame's addresses are those of the client and its concentrator.
fn pppoe<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(span.data);
    let (version, code) = (r.u8()?, r.u8()?);
    r.skip(2)?;
    let len = r.u16()?;
    if version != 0x11 || code != 0 {
        return Err(NotFlow::OtherLink.into());
    }
    // A super-frame is longer than the field can say.
    let session = span.after(r.rest());
    ppp(if len == 0 { session } else { session.first(u32::from(len)) }, link, depth)
}

/// PPP (RFC 1661, framing of RFC 1662), with or without address and control, with a protocol of one or two bytes; or
/// the framing of Cisco HDLC, which has an EtherType.
pub(super) fn ppp<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(span.data);
    match r.rest() {
        [0x0f | 0x8f, 0x00, ..] => {
            r.skip(2)?;
            let ether_type = r.u16()?;
            return network(ether_type, span.after(r.rest()), link, depth);
        }
        [0xff, 0x03, ..] => r.skip(2)?,
        _ => {}
    }
    match ppp_protocol(&mut r)? {
        0x0021 | 0x0057 => Ok(span.after(r.rest())),
        0x0281 => {
            depth.enter()?;
            mpls::inside(span.after(r.rest()), link, depth)
        }
        _ => Err(NotFlow::OtherLink.into()),
    }
}

/// The protocol field: one byte when that is odd (RFC 1661 section 6.5).
fn ppp_protocol(r: &mut Reader<'_>) -> Result<u16, Short> {
    let first = u16::from(r.u8()?);
    if first & 1 == 1 { Ok(first) } else { Ok(first << 8 | u16::from(r.u8()?)) }
}
