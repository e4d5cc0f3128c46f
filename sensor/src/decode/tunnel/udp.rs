//! Tunnels over UDP. The port is a hint alone, since any client may have it by chance: a datagram is a tunnel's when its
//! header is one, and behind it begins an IP packet whose length fills the datagram (but for the padding of an Ethernet
//! frame), or ARP. Every other datagram is what it looks like, a packet of a UDP flow.

use super::gre::Gre;
use super::{Guess, bare, over_ip};
use crate::bytes::{Reader, Short};
use crate::decode::ether::{self, BRIDGED};
use crate::decode::ip::{self, Ip};
use crate::decode::reason::Stop;
use crate::decode::{Depth, Link, NotFlow, Span, mpls};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What a port hints at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hint {
    Vxlan,
    Geneve,
    Gtp,
    Gre,
    Mpls,
}

impl Hint {
    #[inline]
    fn of(port: u16) -> Option<Self> {
        Some(match port {
            // RFC 7348, and what Linux and OTV used before it had a number.
            4789 | 8472 => Self::Vxlan,
            6081 => Self::Geneve,
            2152 => Self::Gtp,
            4754 => Self::Gre,
            6635 => Self::Mpls,
            _ => return None,
        })
    }
}

/// What a tunnel's header announces.
enum Inner<'a> {
    Ethernet(Span<'a>),
    Ip(Span<'a>),
    Gre(Gre<'a>),
    Mpls(Span<'a>),
}

/// What the ports of a datagram hint at.
#[inline]
pub(super) fn hint(ip: &Ip<'_>) -> Option<Hint> {
    let &[a, b, c, d] = ip.payload.first_chunk()?;
    Hint::of(u16::from_be_bytes([c, d])).or_else(|| Hint::of(u16::from_be_bytes([a, b])))
}

/// The IP packet in a UDP tunnel; `None` when the datagram is none.
pub(super) fn inside<'a>(ip: &Ip<'a>, link: &mut Link, depth: &mut Depth) -> Result<Option<Span<'a>>, Stop> {
    let Some(hint) = hint(ip) else { return Ok(None) };
    let Some((&[_, _, _, _, high, low, _, _], payload)) = ip.payload.split_first_chunk() else { return Ok(None) };
    let room = ip.payload_len.saturating_sub(8);
    let len = match u16::from_be_bytes([high, low]) {
        0 => room,
        len => room.min(u32::from(len).saturating_sub(8)),
    };
    let span = Span { data: payload, len: room }.first(len);
    guess(hint, span, link, depth).transpose()
}

/// Looks whether the payload is what the port hints at, and leaves all as it was when not.
fn guess<'a>(hint: Hint, span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Option<Result<Span<'a>, Stop>> {
    let inner = match hint {
        Hint::Vxlan => vxlan(span),
        Hint::Geneve => geneve(span),
        Hint::Gtp => gtp(span),
        Hint::Gre => Gre::parse(span).map(|gre| (gre.flags & REFUSED == 0).then_some(Inner::Gre(gre))),
        Hint::Mpls => Ok(Some(Inner::Mpls(span))),
    };
    let inner = inner.ok()??;
    let (mut inner_link, mut deeper) = (*link, *depth);
    if let Err(stop) = deeper.enter() {
        // Only what is a tunnel for sure is one too many.
        deeper.tunnels = 0;
        return resolve(inner, &mut inner_link, &mut deeper).map(|_| Err(stop));
    }
    let found = resolve(inner, &mut inner_link, &mut deeper);
    depth.guesses = deeper.guesses;
    let found = found?;
    (*link, *depth) = (inner_link, deeper);
    Some(found.map_err(over_ip))
}

/// Flags of GRE that no sender over UDP sets: routing, what is reserved, and versions other than 0.
const REFUSED: u16 = 0x4fff;

fn resolve<'a>(inner: Inner<'a>, link: &mut Link, depth: &mut Depth) -> Option<Result<Span<'a>, Stop>> {
    let (found, slack) = match inner {
        Inner::Ethernet(frame) => return ether::likely_ethernet(frame, link, depth),
        Inner::Ip(packet) => {
            bare(link);
            (Ok(packet), 0)
        }
        Inner::Gre(gre) => {
            let slack = if matches!(gre.protocol, IPV4 | IPV6) { 0 } else { ether::PADDING };
            (gre.inside(link, depth), slack)
        }
        Inner::Mpls(stack) => (mpls::inside(stack, link, depth), 0),
    };
    match found {
        Ok(packet) if ip::fits(packet, slack) => Some(found),
        Err(Stop::NotFlow(NotFlow::Arp)) => Some(found),
        _ => None,
    }
}

/// VXLAN (RFC 7348 section 5): the flag of the network id. All other bits are reserved or another draft's.
fn vxlan(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let [flags, ..] = r.array::<8>()?;
    Ok((flags & 0x08 != 0).then(|| Inner::Ethernet(span.after(r.rest()))))
}

/// Geneve (RFC 8926 section 3.4): version 0, length of the options, no control message, what it carries.
fn geneve(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let [first, flags] = r.array()?;
    let protocol = r.u16()?;
    r.skip(4)?;
    if first >> 6 != 0 || flags & 0x80 != 0 {
        return Ok(None);
    }
    r.skip(usize::from(first & 0x3f) * 4)?;
    let rest = span.after(r.rest());
    Ok(match protocol {
        BRIDGED => Some(Inner::Ethernet(rest)),
        IPV4 | IPV6 => Some(Inner::Ip(rest)),
        _ => None,
    })
}

/// A packet of a user in GTP-U (3GPP TS 29.281 section 5): version 1, protocol type GTP, message 255, a length that
/// fills the datagram, and with one of three flags four more bytes and a chain of extension headers.
fn gtp(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let [flags, message] = r.array()?;
    let len = u32::from(r.u16()?);
    r.skip(4)?;
    if flags & 0xf8 != 0x30 || message != 255 || len.saturating_add(8) != span.len {
        return Ok(None);
    }
    if flags & 0x07 != 0 {
        let [_, _, _, mut next] = r.array()?;
        if flags & 0x04 == 0 {
            next = 0;
        }
        while next != 0 {
            next = extension(&mut r)?;
        }
    }
    Ok(Some(Inner::Ip(span.after(r.rest()))))
}

/// An extension header of GTP-U, in units of four bytes: its length, its content, the type of the next one.
fn extension(r: &mut Reader<'_>) -> Guess<u8> {
    let units = usize::from(r.u8()?);
    let content = r.take((units * 4).checked_sub(1).ok_or(Short)?)?;
    content.last().copied().ok_or(Short)
}
