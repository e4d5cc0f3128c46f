//! GRE (RFC 2784, RFC 2890), its version 1 for PPTP (RFC 2637), and ERSPAN I, II and III inside it.

use super::bare;
use crate::bytes::{Reader, Short};
use crate::decode::ether::{self, BRIDGED, IPV4, IPV6, MAX_LENGTH, ethernet, ppp};
use crate::decode::reason::Stop;
use crate::decode::{Depth, Link, Malformed, NotFlow, Span};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// In version 1 alone.
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const PPTP: u16 = 0x880b;
/// Redirection to web caches; version 2 has four bytes before the packet.
const WCCP: u16 = 0x883e;

/// What a GRE header says, and what follows it.
pub(super) struct Gre<'a> {
    pub(super) flags: u16,
    pub(super) protocol: u16,
    payload: Span<'a>,
}

impl<'a> Gre<'a> {
    pub(super) fn parse(span: Span<'a>) -> Result<Self, Short> {
        let mut r = Reader::new(span.data);
        let (flags, protocol) = (r.u16()?, r.u16()?);
        let has = |flag: u16| flags & flag != 0;
        // Checksum and offset are both there when one of them is meant.
        r.skip(if has(CHECKSUM | ROUTING) { 4 } else { 0 })?;
        r.skip(if has(KEY) { 4 } else { 0 })?;
        r.skip(if has(SEQUENCE) { 4 } else { 0 })?;
        r.skip(if flags & VERSION == 1 && has(ACKNOWLEDGEMENT) { 4 } else { 0 })?;
        if has(ROUTING) {
            source_route(&mut r)?;
        }
        Ok(Self { flags, protocol, payload: span.after(r.rest()) })
    }

    /// The IP packet in it.
    pub(super) fn inside(self, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
        match (self.flags & VERSION, self.protocol) {
            (0, IPV4 | IPV6) => {
                bare(link);
                Ok(self.payload)
            }
            (0, BRIDGED) => ethernet(self.payload, link, depth),
            (0, ERSPAN) if self.flags & SEQUENCE == 0 => ethernet(self.payload, link, depth),
            (0, ERSPAN | ERSPAN_III) => erspan(self.payload, link, depth),
            (0, WCCP) => {
                bare(link);
                wccp(self.payload)
            }
            (1, PPTP) => {
                bare(link);
                ppp(self.payload, link, depth)
            }
            (0, other) if other > MAX_LENGTH => ether::network(other, self.payload, link, depth),
            _ => Err(NotFlow::OtherIp.into()),
        }
    }
}

/// The IP packet in a GRE packet.
pub(super) fn inside<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    Gre::parse(span)?.inside(link, depth)
}

/// Entries of the routing field that RFC 1701 had.
const MAX_ROUTES: usize = 16;

fn source_route(r: &mut Reader<'_>) -> Result<(), Short> {
    for _ in 0..MAX_ROUTES {
        let [_, _, _, len] = r.array()?;
        if len == 0 {
            return Ok(());
        }
        r.skip(usize::from(len))?;
    }
    Err(Short)
}

/// ERSPAN II: 8 bytes. III: 12 bytes, and 8 more when the last bit says so. Both begin with a version and the VLAN of the
/// mirrored port, which counts where the frame has no tag of its own.
fn erspan<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(span.data);
    let start = r.u16()?;
    let mut is_ip = false;
    match start >> 12 {
        1 => r.skip(6)?,
        2 => {
            r.skip(8)?;
            let last = r.u16()?;
            is_ip = last >> 10 & 0x1f == 2;
            r.skip(if last & 1 != 0 { 8 } else { 0 })?;
        }
        _ => return Err(Malformed::Tunnel.into()),
    }
    if start & 0x0fff != 0 {
        link.vlan = Some(start & 0x0fff);
    }
    let frame = span.after(r.rest());
    if is_ip {
        bare(link);
        return Ok(frame);
    }
    ethernet(frame, link, depth)
}

fn wccp(span: Span<'_>) -> Result<Span<'_>, Stop> {
    let mut r = Reader::new(span.data);
    if span.data.first().is_some_and(|first| first >> 4 != 4) {
        r.skip(4)?;
    }
    Ok(span.after(r.rest()))
}
