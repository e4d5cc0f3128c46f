//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, extension headers and fragments.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::{Malformed, NotFlow, Stop, offset_in};
use crate::bytes::Reader;

/// IPv6 extension headers in one packet: RFC 8200 section 4.1 orders seven, each once.
const MAX_EXTENSIONS: usize = 8;

/// The network layer of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: IpNumber,
    /// Total length of IPv4, 40 + payload length of IPv6.
    pub(super) len: u32,
    /// The captured bytes after the IP headers, without link padding.
    pub(super) payload: &'a [u8],
    /// Length of the whole payload by the header.
    pub(super) payload_len: u32,
}

/// Parses the header at the start of `bytes`; `wire_len` is what the packet takes on the wire at most.
pub(super) fn parse(bytes: &[u8], wire_len: u32) -> Result<Ip<'_>, Stop> {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => v4(bytes, wire_len),
        Some(6) => v6(bytes, wire_len),
        Some(_) => Err(Malformed::IpHeader.into()),
        None => Err(Malformed::IpShort.into()),
    }
}

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
    if header.fragments_offset().value() != 0 {
        return Err(NotFlow::Fragment.into());
    }
    Ok(Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol: header.protocol(),
        len,
        payload: captured(bytes, header_len, payload_len),
        payload_len,
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
    let rest = captured(bytes, header_len, payload_len);
    let (protocol, payload) = extensions(header.next_header(), rest)?;
    Ok(Ip {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol,
        len: header_len.saturating_add(payload_len),
        payload,
        payload_len: payload_len.saturating_sub(offset_in(rest, payload)),
    })
}

/// Walks the extension headers to the transport header.
fn extensions(mut next: IpNumber, bytes: &[u8]) -> Result<(IpNumber, &[u8]), Stop> {
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
                let offset = r.u16().map_err(short)? >> 3;
                r.skip(4).map_err(short)?;
                if offset != 0 {
                    return Err(NotFlow::Fragment.into());
                }
            }
            _ => return Ok((next, r.rest())),
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
