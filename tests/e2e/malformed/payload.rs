//! Numbers in a frame: its headers, and the hello, the Initial or the DNS message behind them.

use std::ops::Range;

use super::fields::Field;
use crate::derived::capture::{Layers, layers};

/// What of a frame can be broken.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) fields: Vec<Field>,
    /// Bytes that are part of no name, of a hello, and of the headers.
    pub(super) nameless: Vec<Range<usize>>,
}

impl Parts {
    /// The same, so many bytes further on.
    pub(super) fn behind(self, start: usize) -> Self {
        Self {
            fields: self.fields.into_iter().map(|field| field.behind(start)).collect(),
            nameless: self.nameless.into_iter().map(|part| part.start + start..part.end + start).collect(),
        }
    }

    /// Adds those of another part.
    pub(super) fn add(&mut self, other: Self) {
        self.fields.extend(other.fields);
        self.nameless.extend(other.nameless);
    }
}

/// The parts of an Ethernet frame. A frame without a whole TCP or UDP packet has none.
pub(super) fn parts(frame: &[u8]) -> Parts {
    let Some(at) = layers(frame) else { return Parts::default() };
    let payload = &frame[at.payload..at.end];
    let port = |port: u16| frame[at.transport..at.transport + 4].chunks(2).any(|two| two == port.to_be_bytes());
    let inner = match payload {
        _ if !at.tcp && port(53) => Some(dns(payload)),
        _ if !at.tcp && port(443) => quic(payload),
        [22, 3, ..] => hello(payload),
        // Who knows what this is: it may be a part of a name.
        _ => None,
    };
    let mut parts = headers(at);
    parts.add(inner.unwrap_or_default().behind(at.payload));
    parts
}

fn headers(at: Layers) -> Parts {
    let mut parts = Parts::default();
    let length = if at.v4 { at.ip + 2 } else { at.ip + 4 };
    parts.fields.push(Field::new("IP length", length, 2));
    if at.v4 {
        parts.fields.push(Field::new("IHL", at.ip, 1).masked(0x0f));
    }
    if at.tcp {
        parts.fields.push(Field::new("TCP offset", at.transport + 12, 1).masked(0xf0));
    } else {
        parts.fields.push(Field::new("UDP length", at.transport + 4, 2));
    }
    parts.nameless.push(0..at.payload);
    parts
}

/// A whole ClientHello in one segment; `None` for what is none.
fn hello(record: &[u8]) -> Option<Parts> {
    if *record.get(5)? != 1 {
        return None;
    }
    let mut parts = Parts::default();
    parts.fields.extend([Field::new("record", 3, 2), Field::new("handshake", 6, 3)]);
    let mut at = 43;
    for (kind, width) in [("session id", 1), ("ciphers", 2), ("compression", 1)] {
        parts.fields.push(Field::new(kind, at, width));
        at += width + number(record, at, width)?;
    }
    parts.fields.push(Field::new("extensions", at, 2));
    let end = at + 2 + number(record, at, 2)?;
    at += 2;
    parts.nameless.push(11..at);
    while at < end {
        let (kind, len) = (number(record, at, 2)?, number(record, at + 2, 2)?);
        parts.fields.push(Field::new("extension", at + 2, 2));
        if kind == 0 && len > 5 {
            parts.fields.extend([Field::new("server name list", at + 4, 2), Field::new("server name", at + 7, 2)]);
        } else {
            parts.nameless.push(at..at + 4 + len);
        }
        at += 4 + len;
    }
    (end <= record.len()).then_some(parts)
}

/// The first packet of a datagram, if it has a long header.
fn quic(datagram: &[u8]) -> Option<Parts> {
    let mut parts = Parts::default();
    // A cipher that is broken breaks the packet: no name can come of it.
    parts.nameless.push(0..datagram.len());
    if *datagram.first()? & 0xc0 != 0xc0 || number(datagram, 1, 4)? == 0 {
        return Some(parts);
    }
    let mut at = 5;
    for kind in ["dcid", "scid"] {
        parts.fields.push(Field::new(kind, at, 1));
        at += 1 + number(datagram, at, 1)?;
    }
    if datagram[0] & 0x30 == 0 {
        let (field, value) = varint("token", datagram, at)?;
        parts.fields.push(field);
        at += (1 << (datagram[at] >> 6)) + value;
    }
    parts.fields.push(varint("QUIC length", datagram, at)?.0);
    Some(parts)
}

/// Of an eight-byte number the last four bytes, which is where numbers of this size stand.
fn varint(kind: &'static str, bytes: &[u8], at: usize) -> Option<(Field, usize)> {
    let width = 1 << (bytes.get(at)? >> 6);
    let (start, width) = if width == 8 { (at + 4, 4) } else { (at, width) };
    let mask = u32::MAX >> (32 - 8 * width) >> if start == at { 2 } else { 0 };
    let value = number(bytes, start, width)? & mask as usize;
    Some((Field::new(kind, start, width).masked(mask), value))
}

/// A message over UDP. Every byte behind the header may be a part of a name.
fn dns(message: &[u8]) -> Parts {
    let mut parts = Parts::default();
    if message.len() < 17 {
        return parts;
    }
    parts.nameless.push(0..2);
    let counts = ["questions", "answers", "authorities", "additionals"];
    let counts = counts.iter().enumerate().map(|(i, kind)| Field::new(kind, 4 + 2 * i, 2));
    parts.fields.extend(counts);
    // The first record's name points back to the question, if the message is compressed.
    let root = message[12..].iter().position(|&byte| byte == 0).unwrap_or(message.len());
    let at = 12 + root + 5;
    if message.get(at).is_some_and(|byte| byte >> 6 == 3) {
        parts.fields.push(Field::new("pointer", at, 2).masked(0x3fff));
    }
    parts
}

/// A number in network order.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    Some(bytes.get(at..at + width)?.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)))
}
