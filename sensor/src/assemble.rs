//! Puts bytes in order by their place: TCP payload by sequence number and QUIC CRYPTO data by offset.
//!
//! Where two pieces overlap, the byte that was seen first stays. Everything is bounded: what does not fit is refused,
//! and the caller gives the flow up. Bytes are moved a bounded number of times whatever their order: neighbours are
//! joined at once, the smaller one into the larger.

use std::collections::VecDeque;

/// How far behind the start a byte may lie. A ClientHello is at most 64 KiB in practice, and the record headers in
/// between fit beside it.
pub const MAX_BYTES: usize = 72 << 10;

/// Pieces with gaps between them. A hello of 1,800 bytes that comes one byte at a time in any order has at most 900.
pub const MAX_PIECES: usize = 1024;

/// What a piece costs beside its bytes: its entry, and what an allocation of few bytes takes.
const PIECE: usize = size_of::<Piece>() + 32;

/// Room for so many bytes is kept, however few of them are left.
const ROOM: usize = 512;

/// The assembler's bounds are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What came of a piece that was added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placed {
    /// There is more to read than before.
    pub grew: bool,
    /// Some of it was there already, with other bytes.
    pub differs: bool,
}

/// Bytes from a start on, as far as they are known without a gap, and pieces beyond the first gap.
#[derive(Debug, Clone, Default)]
pub struct Assembler {
    start: i64,
    /// By place; none touches the next.
    pieces: Vec<Piece>,
    /// The most pieces since it was empty: their room is kept until it is empty again.
    most: usize,
    held: usize,
}

#[derive(Debug, Clone)]
struct Piece {
    at: i64,
    bytes: VecDeque<u8>,
}

impl Piece {
    fn end(&self) -> i64 {
        self.at + self.bytes.len() as i64
    }

    /// True when the bytes from place `at` on begin with `data`.
    fn has(&self, at: i64, data: &[u8]) -> bool {
        self.bytes.iter().skip((at - self.at) as usize).take(data.len()).eq(data)
    }
}

impl Assembler {
    /// Place of the first byte of [`Self::ready`].
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The bytes from the start up to the first gap.
    pub fn ready(&mut self) -> &[u8] {
        match self.pieces.first_mut().filter(|piece| piece.at == self.start) {
            Some(first) => first.bytes.make_contiguous(),
            None => &[],
        }
    }

    /// Place behind the last byte of [`Self::ready`].
    pub fn end(&self) -> i64 {
        self.pieces.first().filter(|piece| piece.at == self.start).map_or(self.start, Piece::end)
    }

    /// The place of a TCP sequence number, where `reference` is the one of place 0.
    pub fn place(&self, reference: u32, seq: u32) -> i64 {
        let start = reference.wrapping_add(self.start as u32);
        self.start + i64::from(seq.wrapping_sub(start).cast_signed())
    }

    /// Place behind the last byte that is held, gaps or not.
    pub fn furthest(&self) -> i64 {
        self.pieces.last().map_or(self.start, Piece::end)
    }

    /// Bytes held, in order or waiting.
    pub fn bytes(&self) -> usize {
        self.held
    }

    /// The same and what holding them costs.
    pub fn held(&self) -> usize {
        self.held + self.most * PIECE
    }

    /// True when nothing is held.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds a piece. What lies before the start is passed over.
    pub fn insert(&mut self, at: i64, data: &[u8]) -> Result<Placed, Full> {
        let before = usize::try_from(self.start.saturating_sub(at)).unwrap_or(0);
        let data = data.get(before..).unwrap_or_default();
        let at = at.max(self.start);
        if data.is_empty() {
            return Ok(Placed::default());
        }
        if at.saturating_sub(self.start).saturating_add(data.len() as i64) > MAX_BYTES as i64 {
            return Err(Full);
        }
        let end = self.end();
        let differs = self.fill(at, data)?;
        Ok(Placed { grew: self.end() > end, differs })
    }

    /// Puts `data` over what is there: the last of overlapping bytes stays.
    pub fn overwrite(&mut self, at: i64, data: &[u8]) -> Result<Placed, Full> {
        let placed = self.insert(at, data)?;
        let end = at + data.len() as i64;
        let first = self.pieces.partition_point(|piece| piece.end() <= at);
        for piece in self.pieces.iter_mut().skip(first).take_while(|piece| piece.at < end) {
            let (from, to) = (at.max(piece.at), end.min(piece.end()));
            let source = data.get((from - at) as usize..).unwrap_or_default();
            let room = piece.bytes.range_mut((from - piece.at) as usize..(to - piece.at) as usize);
            for (byte, source) in room.zip(source) {
                *byte = *source;
            }
        }
        Ok(placed)
    }

    /// Forgets the bytes from `at` up to the next gap.
    pub fn cut(&mut self, at: i64) {
        let i = self.pieces.partition_point(|piece| piece.end() <= at);
        let Some(piece) = self.pieces.get_mut(i).filter(|piece| piece.at < at) else { return };
        let kept = (at - piece.at) as usize;
        self.held -= piece.bytes.len() - kept;
        piece.bytes.truncate(kept);
    }

    /// Forgets the first `n` bytes of [`Self::ready`].
    pub fn consume(&mut self, n: usize) {
        self.start_at(self.end().min(self.start + n as i64));
    }

    /// Forgets everything that is held; the start stays where it is.
    pub fn clear(&mut self) {
        *self = Self { start: self.start, ..Self::default() };
    }

    /// Reads from another place on; what lies before it is forgotten.
    pub fn start_at(&mut self, start: i64) {
        self.start = start;
        let gone = self.pieces.partition_point(|piece| piece.end() <= start);
        self.pieces.drain(..gone);
        let Some(first) = self.pieces.first_mut() else { return self.clear() };
        let before = usize::try_from(start - first.at).unwrap_or(0);
        first.bytes.drain(..before);
        first.at += before as i64;
        if first.bytes.capacity() > ROOM.max(first.bytes.len().saturating_mul(4)) {
            first.bytes.shrink_to_fit();
        }
        self.held = self.pieces.iter().map(|piece| piece.bytes.len()).sum();
    }

    /// Fills the gaps between `at` and the end of `data`; true when bytes that were there differ.
    fn fill(&mut self, mut at: i64, mut data: &[u8]) -> Result<bool, Full> {
        let mut differs = false;
        let i = self.pieces.partition_point(|piece| piece.end() < at);
        while !data.is_empty() {
            let next = self.pieces.get(i + 1).map(|piece| piece.at);
            let is_full = self.pieces.len() >= MAX_PIECES;
            let taken = match self.pieces.get_mut(i) {
                Some(piece) if piece.at <= at && piece.end() > at => {
                    let known = data.len().min((piece.end() - at) as usize);
                    differs |= !piece.has(at, data.get(..known).unwrap_or_default());
                    known
                }
                Some(piece) if piece.at <= at => {
                    let room = next.map_or(data.len(), |next| data.len().min((next - at) as usize));
                    piece.bytes.extend(data.get(..room).unwrap_or_default());
                    self.held += room;
                    self.join(i);
                    room
                }
                Some(piece) if piece.at <= at + data.len() as i64 => {
                    let room = (piece.at - at) as usize;
                    for &byte in data.get(..room).unwrap_or_default().iter().rev() {
                        piece.bytes.push_front(byte);
                    }
                    piece.at = at;
                    self.held += room;
                    room
                }
                _ if is_full => return Err(Full),
                _ => {
                    // Nearly all streams have one piece at a time.
                    if self.pieces.is_empty() {
                        self.pieces.reserve_exact(1);
                    }
                    self.pieces.insert(i, Piece { at, bytes: data.iter().copied().collect() });
                    self.most = self.most.max(self.pieces.len());
                    self.held += data.len();
                    data.len()
                }
            };
            at += taken as i64;
            data = data.get(taken..).unwrap_or_default();
        }
        Ok(differs)
    }

    /// Joins a piece with the one behind it when they touch.
    fn join(&mut self, i: usize) {
        let touch = self.pieces.get(i).zip(self.pieces.get(i + 1)).is_some_and(|(a, b)| a.end() == b.at);
        if !touch {
            return;
        }
        let mut behind = self.pieces.remove(i + 1);
        let Some(piece) = self.pieces.get_mut(i) else { return };
        if piece.bytes.len() >= behind.bytes.len() {
            piece.bytes.append(&mut behind.bytes);
            return;
        }
        while let Some(byte) = piece.bytes.pop_back() {
            behind.bytes.push_front(byte);
        }
        piece.bytes = behind.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"the server name lies in the second segment";

    fn insert(a: &mut Assembler, at: i64, data: &[u8]) -> (bool, bool) {
        let placed = a.insert(at, data).unwrap();
        (placed.grew, placed.differs)
    }

    #[test]
    fn any_order_of_any_cut_gives_the_stream() {
        for cut in 1..TEXT.len() {
            let pieces: Vec<_> = TEXT.chunks(cut).enumerate().map(|(i, piece)| ((i * cut) as i64, piece)).collect();
            for rotation in 0..pieces.len() {
                for step in [1, pieces.len() - 1, 3, 5].into_iter().filter(|step| *step > 0) {
                    let mut a = Assembler::default();
                    for i in 0..pieces.len() * step {
                        let (at, piece) = pieces[(i * step + rotation + i / pieces.len()) % pieces.len()];
                        a.insert(at, piece).unwrap();
                        a.insert(at, piece).unwrap();
                    }
                    for &(at, piece) in &pieces {
                        a.insert(at, piece).unwrap();
                    }
                    assert_eq!(a.ready(), TEXT, "cut {cut}, rotation {rotation}, step {step}");
                    assert_eq!((a.pieces.len(), a.held), (1, TEXT.len()));
                }
            }
        }
    }

    #[test]
    fn the_first_of_overlapping_bytes_stays() {
        let mut a = Assembler::default();
        assert_eq!(insert(&mut a, 0, b"abcd"), (true, false));
        assert_eq!(insert(&mut a, 2, b"XXef"), (true, true));
        assert_eq!(a.ready(), b"abcdef");
        assert_eq!(insert(&mut a, 10, b"kl"), (false, false));
        assert_eq!(insert(&mut a, 8, b"ijYYmn"), (false, true));
        assert_eq!(insert(&mut a, 4, b"efgh"), (true, false));
        assert_eq!(a.ready(), b"abcdefghijklmn");
    }

    #[test]
    fn the_last_of_overlapping_bytes_stays_where_that_is_asked_for() {
        let mut a = Assembler::default();
        a.insert(0, b"wrong").unwrap();
        a.insert(8, b"end").unwrap();
        a.insert(20, b"far").unwrap();
        assert_eq!(a.overwrite(0, b"the right "), Ok(Placed { grew: true, differs: true }));
        assert_eq!(a.ready(), b"the right d");
        assert_eq!(a.overwrite(9, b"s on and o"), Ok(Placed { grew: true, differs: true }));
        assert_eq!(a.ready(), b"the rights on and o");
        a.cut(10);
        a.cut(15);
        assert_eq!((a.bytes(), a.ready()), (13, &b"the rights"[..]));
    }

    #[test]
    fn a_stream_that_began_earlier_or_goes_on_later() {
        let mut a = Assembler::default();
        a.insert(0, b"world").unwrap();
        a.start_at(-6);
        assert_eq!(a.ready(), b"");
        assert_eq!(insert(&mut a, -6, b"hello "), (true, false));
        assert_eq!(a.ready(), b"hello world");
        a.consume(4);
        assert_eq!((a.start(), a.end(), a.ready()), (-2, 5, &b"o world"[..]));
        a.insert(9, b"later").unwrap();
        a.start_at(9);
        assert_eq!((a.held, a.ready()), (5, &b"later"[..]));
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut a = Assembler::default();
        assert_eq!([a.place(u32::MAX, 2), a.place(10, 5)], [3, -5]);
        a.start_at(5_000_000_000);
        assert_eq!(a.place(7, 7_u32.wrapping_add(5_000_000_010_u64 as u32)), 5_000_000_010);
    }

    #[test]
    fn bounds_hold() {
        let mut a = Assembler::default();
        assert_eq!(a.insert(MAX_BYTES as i64, b"x"), Err(Full));
        assert_eq!(a.insert(i64::MAX, b"x"), Err(Full));
        for i in 0..MAX_PIECES as i64 {
            assert_eq!(insert(&mut a, 2 + 2 * i, b"x"), (false, false));
        }
        assert_eq!(a.insert(60_000, b"x"), Err(Full));
        assert_eq!(a.held(), MAX_PIECES * (1 + PIECE));
        a.clear();
        assert_eq!((a.held(), a.pieces.capacity()), (0, 0));
    }

    /// A probe tells by it whether a segment brought the hello further.
    #[test]
    fn what_is_held_grows_with_every_new_byte() {
        let mut a = Assembler::default();
        let places = (1..600).step_by(2).chain((0..600).step_by(2));
        let held: Vec<usize> = places.map(|at| a.insert(at, b"x").map(|_| a.held()).unwrap()).collect();
        assert!(held.is_sorted_by(|before, after| before < after));
        a.consume(600);
        assert_eq!(a.held(), 0);
    }

    #[test]
    fn room_of_what_was_read_is_given_back() {
        let mut a = Assembler::default();
        a.insert(0, &[7; 60_000]).unwrap();
        a.insert(60_010, b"later").unwrap();
        a.consume(59_999);
        assert_eq!(a.ready(), [7]);
        assert!(a.pieces[0].bytes.capacity() <= ROOM);
        a.consume(1);
        assert_eq!(a.held(), 5 + 2 * PIECE);
        a.start_at(60_015);
        assert_eq!((a.held(), a.pieces.capacity()), (0, 0));
    }
}
