//! Headers of tunnels over UDP. Each says what it announces; `None` when it is no such header, or carries no packet of a
//! client. Whether the announced is there is `udp.rs`'s to check.

use super::gre::Gre;
use crate::bytes::{Reader, Short};
use crate::decode::ether::{BRIDGED, IPV4, IPV6};
use crate::decode::{Span, ip};

/// A header that is cut short ends the guess.
type Guess<T> = Result<T, Short>;

/// What a tunnel's header announces.
pub(super) enum Inner<'a> {
    Ethernet(Span<'a>),
    Ip(Span<'a>),
    Gre(Gre<'a>),
    Mpls(Span<'a>),
    Ppp(Span<'a>),
}

/// VXLAN (RFC 7348 section 5): the flag of the network id. All other bits are reserved or another draft's: only where the
/// generic extension says IP (its flag 4, protocol 1 or 2) and IP is there, it is.
pub(super) fn vxlan(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let [flags, _, _, protocol, ..] = r.array::<8>()?;
    let rest = span.after(r.rest());
    Ok(match (flags & 0x0c, protocol) {
        (0x0c, 1 | 2) if ip::fits(rest, 0) => Some(Inner::Ip(rest)),
        (0x08 | 0x0c, _) => Some(Inner::Ethernet(rest)),
        _ => None,
    })
}

/// Geneve (RFC 8926 section 3.4): version 0, length of the options, no control message, what it carries.
pub(super) fn geneve(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
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
pub(super) fn gtp(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
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

/// Teredo (RFC 4380 section 5.1.1): an IPv6 packet, before it an authentication and an origin, either or none.
pub(super) fn teredo(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    if r.rest().starts_with(&[0, 1]) {
        let [_, _, id, value] = r.array()?;
        r.skip(usize::from(id))?;
        r.skip(usize::from(value))?;
        r.skip(9)?;
    }
    if r.rest().starts_with(&[0, 0]) {
        r.skip(8)?;
    }
    Ok(is_ipv6(&r).then(|| Inner::Ip(span.after(r.rest()))))
}

/// AYIYA (draft-massar-v6ops-ayiya section 3): lengths of identity and signature, operation 1 (forward), IPv6.
pub(super) fn ayiya(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let [identity, signature, operation, next] = r.array()?;
    r.skip(4)?;
    if operation & 0x0f != 1 || next != 41 || identity >> 4 > 6 {
        return Ok(None);
    }
    r.skip(1 << (identity >> 4))?;
    r.skip(usize::from(signature >> 4) * 4)?;
    Ok(is_ipv6(&r).then(|| Inner::Ip(span.after(r.rest()))))
}

/// L2TP (RFC 2661 section 3.1): a data message of version 2, with what its flags announce, and PPP.
pub(super) fn l2tp(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    let flags = r.u16()?;
    let has = |flag: u16| flags & flag != 0;
    // Control, reserved bits, version.
    if flags & 0xb4ff != 0x0002 {
        return Ok(None);
    }
    if has(0x4000) && u32::from(r.u16()?) != span.len {
        return Ok(None);
    }
    r.skip(if has(0x0800) { 8 } else { 4 })?;
    if has(0x0200) {
        let padding = r.u16()?;
        r.skip(usize::from(padding))?;
    }
    Ok(Some(Inner::Ppp(span.after(r.rest()))))
}

/// TZSP, as routers send their mirrors: version 1, a packet, Ethernet, tags.
pub(super) fn tzsp(span: Span<'_>) -> Guess<Option<Inner<'_>>> {
    let mut r = Reader::new(span.data);
    if !matches!(r.array()?, [1, 0 | 1, 0, 1]) {
        return Ok(None);
    }
    loop {
        match r.u8()? {
            0 => {}
            1 => return Ok(Some(Inner::Ethernet(span.after(r.rest())))),
            _ => {
                let len = r.u8()?;
                r.skip(usize::from(len))?;
            }
        }
    }
}

fn is_ipv6(r: &Reader<'_>) -> bool {
    r.rest().first().is_some_and(|first| first >> 4 == 6)
}
