//! Tunnels over UDP. The port is a hint alone, since any client may have it by chance: a datagram is a tunnel's when its
//! header is one, and behind it begins an IP packet whose length fills the datagram (but for the padding of an Ethernet
//! frame), or ARP. Every other datagram is what it looks like, a packet of a UDP flow.

use super::gre::Gre;
use super::headers::{self, Inner};
use super::{bare, over_ip};
use crate::decode::ether::{self, IPV4, IPV6};
use crate::decode::ip::{self, Ip};
use crate::decode::reason::Stop;
use crate::decode::{Depth, Link, NotFlow, Span, mpls};

/// What a port hints at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hint {
    Vxlan,
    Geneve,
    Gtp,
    Gre,
    Mpls,
    Teredo,
    Ayiya,
    L2tp,
    Tzsp,
}

impl Hint {
    #[inline]
    fn of(port: u16) -> Option<Self> {
        Some(match port {
            // RFC 7348, what Linux and OTV used before it had a number, and its generic extension.
            4789 | 8472 | 4790 => Self::Vxlan,
            6081 => Self::Geneve,
            2152 => Self::Gtp,
            4754 => Self::Gre,
            6635 => Self::Mpls,
            3544 => Self::Teredo,
            5072 => Self::Ayiya,
            1701 => Self::L2tp,
            37_008 => Self::Tzsp,
            _ => return None,
        })
    }
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
        Hint::Vxlan => headers::vxlan(span),
        Hint::Geneve => headers::geneve(span),
        Hint::Gtp => headers::gtp(span),
        Hint::Gre => Gre::parse(span).map(|gre| (gre.flags & REFUSED == 0).then_some(Inner::Gre(gre))),
        Hint::Mpls => Ok(Some(Inner::Mpls(span))),
        Hint::Teredo => headers::teredo(span),
        Hint::Ayiya => headers::ayiya(span),
        Hint::L2tp => headers::l2tp(span),
        Hint::Tzsp => headers::tzsp(span),
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
        Inner::Ppp(frame) => {
            bare(link);
            (ether::ppp(frame, link, depth), 0)
        }
    };
    match found {
        Ok(packet) if ip::fits(packet, slack) => Some(found),
        Err(Stop::Arp(_) | Stop::NotFlow(NotFlow::Arp)) => Some(found),
        _ => None,
    }
}
