//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, extension headers and fragments.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::reason::Stop;
use super::{Malformed, Span, offset_in};
use crate::bytes::Reader;

/// IPv6 extension headers in one packet: RFC 8200 section 4.1 orders seven, each once.
const MAX_EXTENSIONS: usize = 8;

/// The network layer of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: IpNumber,
    /// Time to live, hop limit.
    pub(super) ttl: u8,
    /// Total length of IPv4, 40 + payload length of IPv6.
    pub(super) len: u32,
    /// The captured bytes after the IP headers, without link padding.
    pub(super) payload: &'a [u8],
    /// Length of the whole payload by the header.
    pub(super) payload_len: u32,
    /// Which part of a datagram the payload is.
    pub(super) part: Part,
}

/// The place of a fragment in its datagram. A datagram in one part begins at 0 and nothing follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    /// Of IPv4 in each packet, of IPv6 in fragments.
    pub(super) id: u32,
    /// Where it begins, bytes.
    pub(super) offset: u32,
    /// Others follow it.
    pub(super) more: bool,
}

/// The largest payload of a datagram in fragments: offset and length together have 16 bits.
const MAX_DATAGRAM: u32 = 65_535;

impl Part {
    pub(super) fn is_whole(self) -> bool {
        self.offset == 0 && !self.more
    }

    /// Refuses what no datagram can have.
    #[cold]
    fn check(self, payload_len: u32) -> Result<(), Malformed> {
        let odd = self.more && !payload_len.is_multiple_of(8);
        let impossible = odd || payload_len == 0 || self.offset.saturating_add(payload_len) > MAX_DATAGRAM;
        if impossible { Err(Malformed::Fragment) } else { Ok(()) }
    }
}

/// Parses the header at the start of `packet`; its length is what the packet takes on the wire at most.
#[inline(always)]
pub(super) fn parse(packet: Span<'_>) -> Result<Ip<'_>, Stop> {
    match packet.data.first().map(|b| b >> 4) {
        Some(4) => v4(packet.data, packet.len),
        Some(6) => v6(packet.data, packet.len),
        Some(_) => Err(Malformed::IpHeader.into()),
        None => Err(Malformed::IpShort.into()),
    }
}

/// True when an IP header could begin here: version, header length, and a length that leaves at most `slack` bytes of
/// what there is. Four bytes of IPv4, six of IPv6 are enough to tell.
pub(super) fn fits(packet: Span<'_>, slack: u32) -> bool {
    let (least, declared, len) = match *packet.data {
        [first, _, high, low, ..] if first >> 4 == 4 && first & 0x0f >= 5 => {
            let len = u32::from(u16::from_be_bytes([high, low]));
            (u32::from(first & 0x0f).saturating_mul(4), len, len)
        }
        [first, _, _, _, high, low, ..] if first >> 4 == 6 => {
            let len = u32::from(u16::from_be_bytes([high, low]));
            (40, len, len.saturating_add(40))
        }
        _ => return false,
    };
    // A super-frame beyond 64 KiB has no length in its header.
    let huge = declared == 0 && packet.len > MAX_DATAGRAM;
    let left = packet.len.checked_sub(len);
    huge || len >= least && left.is_some_and(|left| left <= slack)
}

#[inline(always)]
fn v4(bytes: &[u8], wire_len: u32) -> Result<Ip<'_>, Stop> {
    if bytes.first().is_some_and(|b| b & 0x0f < 5) {
        return Err(Malformed::IpHeader.into());
    }
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|_| Malformed::IpShort)?;
    let header_len = u32::from(header.ihl()) * 4;
    // Total length 0 is what a sending host's own capture shows of a super-frame: the frame's length is the truth then.
    let len = match u32::from(header.total_len()) {
        0 => wire_len,
        len => len,
    };
    let payload_len = len.checked_sub(header_len).filter(|_| len <= wire_len).ok_or(Malformed::IpHeader)?;
    let offset = u32::from(header.fragments_offset().value()) * 8;
    let part = Part { id: header.identification().into(), offset, more: header.more_fragments() };
    if !part.is_whole() {
        part.check(payload_len)?;
    }
    Ok(Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol: header.protocol(),
        ttl: header.ttl(),
        len,
        payload: captured(bytes, header_len, payload_len),
        payload_len,
        part,
    })
}

fn v6(bytes: &[u8], wire_len: u32) -> Result<Ip<'_>, Stop> {
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| Malformed::IpShort)?;
    let header_len = 40;
    // Payload length 0 with a payload: a jumbogram or a super-frame.
    let payload_len = match u32::from(header.payload_length()) {
        0 => wire_len.saturating_sub(header_len),
        len => len,
    };
    if payload_len > wire_len.saturating_sub(header_len) {
        return Err(Malformed::IpHeader.into());
    }
    let whole = captured(bytes, header_len, payload_len);
    let (protocol, payload, part) = match header.next_header() {
        plain @ (IpNumber::TCP | IpNumber::UDP) => (plain, whole, Part::default()),
        other => extensions(other, whole, payload_len)?,
    };
    Ok(Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol,
        ttl: header.hop_limit(),
        len: header_len.saturating_add(payload_len),
        payload,
        payload_len: payload_len.saturating_sub(offset_in(whole, payload)),
        part,
    })
}

impl Ip<'_> {
    /// The same packet behind extension headers that were not read yet: of IPv4, which has one (RFC 4302), and of a
    /// datagram that was in fragments.
    pub(super) fn behind_extensions(self) -> Result<Self, Stop> {
        let (protocol, payload, part) = extensions(self.protocol, self.payload, self.payload_len)?;
        let payload_len = self.payload_len.saturating_sub(offset_in(self.payload, payload));
        Ok(Self { protocol, payload, payload_len, part, ..self })
    }
}

/// The last header, what follows it, and which part that is.
type Walked<'a> = (IpNumber, &'a [u8], Part);

/// Walks the extension headers to the transport header, or to the header of a fragment: what follows that is a part of
/// something.
fn extensions(mut next: IpNumber, bytes: &[u8], len: u32) -> Result<Walked<'_>, Stop> {
    let mut r = Reader::new(bytes);
    for _ in 0..=MAX_EXTENSIONS {
        let short = |_| Stop::from(Malformed::IpShort);
        match next {
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::MOBILITY_HEADER => {
                next = IpNumber(r.u8().map_err(short)?);
                let len = extension_len(r.u8().map_err(short)?, 8);
                r.skip(len).map_err(short)?;
            }
            IpNumber::AUTHENTICATION_HEADER => {
                next = IpNumber(r.u8().map_err(short)?);
                let len = extension_len(r.u8().map_err(short)?, 4);
                r.skip(len).map_err(short)?;
            }
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                next = IpNumber(r.u8().map_err(short)?);
                r.skip(1).map_err(short)?;
                let place = r.u16().map_err(short)?;
                let (offset, more) = (u32::from(place & !7), place & 1 == 1);
                let part = Part { id: r.u32().map_err(short)?, offset, more };
                // The header alone makes no fragment (RFC 6946).
                if !part.is_whole() {
                    part.check(len.saturating_sub(offset_in(bytes, r.rest())))?;
                    return Ok((next, r.rest(), part));
                }
            }
            _ => return Ok((next, r.rest(), Part::default())),
        }
    }
    Err(Malformed::TooDeep.into())
}

/// Bytes of an extension header behind its first two: `units` of `size` bytes and the rest of the first eight.
fn extension_len(units: u8, size: usize) -> usize {
    usize::from(units).saturating_mul(size).saturating_add(6)
}

/// The captured part of a payload that begins after `header_len` bytes and is `payload_len` long on the wire.
fn captured(bytes: &[u8], header_len: u32, payload_len: u32) -> &[u8] {
    let rest = bytes.get(header_len as usize..).unwrap_or_default();
    rest.get(..payload_len as usize).unwrap_or(rest)
}
