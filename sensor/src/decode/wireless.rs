//! IEEE 802.11 data frames, with or without a radiotap header before them.

use super::ether::logical;
use super::reason::Stop;
use super::{Depth, Link, NotFlow, Span, offset_in};
use crate::bytes::{Reader, Short};

const DATA: u8 = 2;
/// Subtype bits of a data frame: without data, with quality of service.
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
/// Flags of the frame control field.
const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
/// In the sequence control field. A part of a frame is none; stations rarely cut them.
const FRAGMENT_NUMBER: u8 = 0x0f;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// In the QoS control field: several frames follow (A-MSDU). The first one is decoded.
const AGGREGATED: u8 = 0x80;

/// The IP packet of an 802.11 frame. `padded`: the body begins at a multiple of four bytes.
pub(super) fn network<'a>(
    frame: Span<'a>,
    padded: bool,
    link: &mut Link,
    depth: &mut Depth,
) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    let [control, flags] = r.array()?;
    if control >> 2 & 3 != DATA || control & NO_DATA != 0 {
        return Err(NotFlow::OtherLink.into());
    }
    r.skip(2)?;
    let addresses: [[u8; 6]; 3] = [r.array()?, r.array()?, r.array()?];
    let [number, _] = r.array()?;
    let [first, second, third] = addresses;
    let (dst, src) = match (flags & TO_DS != 0, flags & FROM_DS != 0) {
        (false, false) => (first, second),
        (true, false) => (third, second),
        (false, true) => (first, third),
        (true, true) => (third, r.array()?),
    };
    (link.src, link.dst) = (Some(src), Some(dst));
    let mut aggregated = false;
    if control & QOS != 0 {
        let [low, _] = r.array()?;
        aggregated = low & AGGREGATED != 0;
        r.skip(if flags & ORDER != 0 { 4 } else { 0 })?;
    }
    if flags & PROTECTED != 0 {
        return Err(NotFlow::Protected.into());
    }
    if flags & MORE_FRAGMENTS != 0 || number & FRAGMENT_NUMBER != 0 {
        return Err(NotFlow::OtherLink.into());
    }
    let read = offset_in(frame.data, r.rest()) as usize;
    r.skip(if padded { read.wrapping_neg() & 3 } else { 0 })?;
    if !aggregated {
        return logical(frame.after(r.rest()), link, depth);
    }
    (link.dst, link.src) = (Some(r.array()?), Some(r.array()?));
    let len = r.u16()?;
    logical(frame.after(r.rest()).first(u32::from(len)), link, depth)
}

/// A radiotap header: version 0, its length, which fields it has. Of these only the flags matter here.
pub(super) fn radiotap<'a>(frame: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(frame.data);
    let ([version, _], len) = (r.array()?, r.u16()?.swap_bytes());
    let mut inner = Reader::new(frame.data);
    inner.skip(usize::from(len))?;
    if version != 0 || len < 8 {
        return Err(NotFlow::OtherLink.into());
    }
    network(frame.after(inner.rest()), is_padded(frame.data, len).unwrap_or(false), link, depth)
}

/// True when the flags say that the body is padded. The flags are the second field; the first is eight bytes, aligned.
fn is_padded(header: &[u8], len: u16) -> Result<bool, Short> {
    let mut r = Reader::new(Reader::new(header).take(usize::from(len))?);
    r.skip(4)?;
    let fields = r.u32()?.swap_bytes();
    let mut more = fields;
    while more & 1 << 31 != 0 {
        more = r.u32()?.swap_bytes();
    }
    if fields & 1 != 0 {
        let read = usize::from(len).saturating_sub(r.left());
        r.skip(read.wrapping_neg() & 7)?;
        r.skip(8)?;
    }
    Ok(fields & 2 != 0 && r.u8()? & 0x20 != 0)
}
