//! One datagram: the parts that are there, whether they are all, and what they make together.

use std::net::IpAddr;

use etherparse::IpNumber;

use super::Fragment;
use crate::decode::ip::{Ip, Part};
use crate::decode::reason::Stop;
use crate::decode::{Depth, Link};

/// Fragments of one datagram: 64 KiB in the smallest packets that IPv4 demands are 120, a hello in parts of 8 bytes 250.
const MAX_PARTS: usize = 512;
/// What a datagram and a fragment cost beside their bytes.
const DATAGRAM_COST: usize = 256;
const PART_COST: usize = 64;

/// A datagram that is whole again.
#[derive(Debug)]
pub struct Datagram {
    first: First,
    bytes: Vec<u8>,
    len: u32,
}

impl Datagram {
    /// Its header, and what it carries.
    pub(in crate::decode) fn ip(&self) -> Result<Ip<'_>, Stop> {
        let First { src, dst, protocol, ttl, header_len, .. } = self.first;
        let (len, payload_len) = (header_len.saturating_add(self.len), self.len);
        Ip { src, dst, protocol, ttl, len, payload: &self.bytes, payload_len, part: Part::default() }
            .behind_extensions()
    }

    /// Where it was found.
    pub(in crate::decode) fn place(&self) -> (Link, Depth) {
        (self.first.link, self.first.depth)
    }
}

/// What the first fragment says.
#[derive(Debug, Clone, Copy)]
struct First {
    src: IpAddr,
    dst: IpAddr,
    protocol: IpNumber,
    ttl: u8,
    header_len: u32,
    link: Link,
    depth: Depth,
}

#[derive(Debug)]
struct Piece {
    offset: u32,
    len: u32,
    data: Box<[u8]>,
}

impl Piece {
    fn end(&self) -> u32 {
        self.offset.saturating_add(self.len)
    }
}

/// A datagram that waits for the rest.
#[derive(Debug)]
pub(super) struct Open {
    /// Time of its first fragment, µs.
    pub(super) begun: i64,
    /// Its number in the order in which they began.
    pub(super) age: u64,
    first: Option<First>,
    total: Option<u32>,
    pieces: Vec<Piece>,
    /// Sum of the pieces' lengths.
    seen: u32,
    /// Bytes that it holds.
    pub(super) cost: usize,
    /// Dropped, and kept to know what else belongs to it.
    pub(super) dropped: bool,
}

/// What a fragment does to its datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Waits,
    Whole,
    Conflict,
    Full,
}

impl Open {
    pub(super) fn new(begun: i64, age: u64) -> Self {
        Self {
            begun,
            age,
            first: None,
            total: None,
            pieces: Vec::new(),
            seen: 0,
            cost: DATAGRAM_COST,
            dropped: false,
        }
    }

    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Step {
        let ip = &fragment.ip;
        let part = ip.part;
        let piece = Piece { offset: part.offset, len: ip.payload_len, data: ip.payload.into() };
        if self.dropped || self.pieces.iter().any(|known| piece.repeats(known)) {
            return Step::Waits;
        }
        if self.contradicts(&piece, part.more, ip.src.is_ipv6()) {
            self.dropped = true;
            self.pieces = Vec::new();
            self.cost = DATAGRAM_COST;
            return Step::Conflict;
        }
        if self.pieces.len() >= MAX_PARTS {
            return Step::Full;
        }
        if !part.more {
            self.total = Some(piece.end());
        }
        if part.offset == 0 && self.first.is_none() {
            self.first = Some(First::of(fragment));
        }
        self.seen = self.seen.saturating_add(piece.len);
        self.cost = self.cost.saturating_add(PART_COST).saturating_add(piece.data.len());
        self.pieces.push(piece);
        if self.is_whole() { Step::Whole } else { Step::Waits }
    }

    /// True when a fragment lies behind the end, ends the datagram elsewhere, or (IPv6) overlaps another one.
    fn contradicts(&self, piece: &Piece, more: bool, v6: bool) -> bool {
        let end = piece.end();
        let behind = self.total.is_some_and(|total| if more { end > total } else { end != total });
        let cuts = !more && self.pieces.iter().any(|known| known.end() > end);
        let overlaps = |known: &Piece| known.offset < end && piece.offset < known.end();
        behind || cuts || v6 && self.pieces.iter().any(overlaps)
    }

    fn is_whole(&self) -> bool {
        let Some(total) = self.total.filter(|&total| self.seen >= total) else { return false };
        prefix(self.pieces.iter().map(|piece| (piece.offset, piece.len))) >= total
    }

    pub(super) fn join(self) -> Option<Datagram> {
        let (first, len) = (self.first?, self.total?);
        let captured = |piece: &Piece| (piece.offset, u32::try_from(piece.data.len()).unwrap_or(u32::MAX));
        let known = prefix(self.pieces.iter().map(captured)).min(len) as usize;
        let mut bytes = vec![0; len as usize];
        // The first copy of a byte is written last.
        for piece in self.pieces.iter().rev() {
            let place = bytes.get_mut(piece.offset as usize..).unwrap_or_default();
            place.iter_mut().zip(&piece.data).for_each(|(to, &from)| *to = from);
        }
        bytes.truncate(known);
        Some(Datagram { first, bytes, len })
    }
}

impl Piece {
    /// True for an exact copy.
    fn repeats(&self, known: &Self) -> bool {
        self.offset == known.offset && self.len == known.len && self.data == known.data
    }
}

impl First {
    fn of(fragment: &Fragment<'_>) -> Self {
        let Fragment { ip, link, depth, .. } = *fragment;
        // The datagram has all headers of its first fragment but the one that made it a fragment.
        let gone = if ip.src.is_ipv6() { 8 } else { 0 };
        let header_len = ip.len.saturating_sub(ip.payload_len).saturating_sub(gone);
        Self { src: ip.src, dst: ip.dst, protocol: ip.protocol, ttl: ip.ttl, header_len, link, depth }
    }
}

/// How far pieces of (offset, length) reach from 0 without a gap.
fn prefix(pieces: impl Iterator<Item = (u32, u32)>) -> u32 {
    let mut sorted: Vec<_> = pieces.collect();
    sorted.sort_unstable();
    let mut reach = 0;
    for (offset, len) in sorted {
        if offset > reach {
            break;
        }
        reach = reach.max(offset.saturating_add(len));
    }
    reach
}
