//! Puts bytes in order by their offset: TCP payload by sequence number and QUIC CRYPTO data alike.
//!
//! Where two pieces overlap, the byte that was seen first stays. Everything is bounded: what does not fit is refused,
//! and the caller gives the flow up.

/// Bytes that one assembler may hold. A ClientHello is at most 64 KiB in practice, its record headers and what came
/// before it on the stream fit beside it.
pub const MAX_BYTES: usize = 72 << 10;

/// Pieces that may wait for a gap to close. A hello of 64 KiB in segments of 1,448 bytes has 46.
pub const MAX_PIECES: usize = 64;

/// The assembler's bounds are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Bytes from offset 0 on, as far as they are known without a gap, and pieces beyond the first gap.
#[derive(Debug, Default)]
pub struct Assembler {
    ready: Vec<u8>,
    /// Sorted by offset; never overlapping `ready`, possibly each other.
    waiting: Vec<(usize, Box<[u8]>)>,
}

impl Assembler {
    /// The bytes from offset 0 up to the first gap.
    pub fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// Bytes held, in order or waiting.
    pub fn held(&self) -> usize {
        self.ready.len() + self.waiting.iter().map(|(_, piece)| piece.len()).sum::<usize>()
    }

    /// Adds a piece. True when it made `ready` longer.
    pub fn insert(&mut self, offset: usize, data: &[u8]) -> Result<bool, Full> {
        let end = offset.checked_add(data.len()).filter(|&end| end <= MAX_BYTES).ok_or(Full)?;
        let known = self.ready.len();
        if end <= known {
            return Ok(false);
        }
        if offset > known {
            self.wait(offset, data)?;
            return Ok(false);
        }
        self.ready.extend_from_slice(data.get(known - offset..).unwrap_or_default());
        self.join();
        Ok(true)
    }

    /// Adds a TCP segment by its sequence number, where `base` is that of offset 0. Of a segment that begins before the
    /// base only what lies behind it counts.
    pub fn insert_segment(&mut self, base: u32, seq: u32, payload: &[u8]) -> Result<bool, Full> {
        let (offset, before) = (seq.wrapping_sub(base), base.wrapping_sub(seq));
        if offset <= u32::MAX / 2 {
            return self.insert(offset as usize, payload);
        }
        self.insert(0, payload.get(before as usize..).unwrap_or_default())
    }

    /// Moves everything `by` bytes further: the stream turned out to begin earlier than it seemed.
    pub fn shift(&mut self, by: usize) -> Result<(), Full> {
        let furthest = self.waiting.iter().map(|(at, piece)| at + piece.len()).max().unwrap_or(0);
        if furthest.max(self.ready.len()) + by > MAX_BYTES {
            return Err(Full);
        }
        for (offset, _) in &mut self.waiting {
            *offset += by;
        }
        let ready = std::mem::take(&mut self.ready);
        if !ready.is_empty() {
            self.waiting.insert(0, (by, ready.into_boxed_slice()));
        }
        Ok(())
    }

    /// Forgets the first `n` bytes of `ready`: offsets count from behind them now.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.ready.len());
        self.ready.drain(..n);
        for (offset, _) in &mut self.waiting {
            *offset -= n;
        }
    }

    fn wait(&mut self, offset: usize, data: &[u8]) -> Result<(), Full> {
        if self.waiting.iter().any(|(at, piece)| *at == offset && piece.len() >= data.len()) {
            return Ok(());
        }
        if self.waiting.len() >= MAX_PIECES || self.held() + data.len() > MAX_BYTES {
            return Err(Full);
        }
        let at = self.waiting.partition_point(|(at, _)| *at <= offset);
        self.waiting.insert(at, (offset, data.into()));
        Ok(())
    }

    /// Takes over waiting pieces that `ready` has reached.
    fn join(&mut self) {
        while let Some((offset, piece)) = self.waiting.first() {
            let Some(overlap) = self.ready.len().checked_sub(*offset) else { return };
            self.ready.extend_from_slice(piece.get(overlap..).unwrap_or_default());
            self.waiting.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"the server name lies in the second segment";

    #[test]
    fn any_order_of_any_cut_gives_the_stream() {
        for cut in 1..TEXT.len() {
            let pieces: Vec<_> = TEXT.chunks(cut).enumerate().map(|(i, piece)| (i * cut, piece)).collect();
            for rotation in 0..pieces.len() {
                let mut a = Assembler::default();
                for i in 0..pieces.len() {
                    let (offset, piece) = pieces[(i + rotation) % pieces.len()];
                    a.insert(offset, piece).unwrap();
                    a.insert(offset, piece).unwrap();
                }
                assert_eq!(a.ready(), TEXT, "cut {cut}, rotation {rotation}");
                assert!(a.waiting.is_empty());
            }
        }
    }

    #[test]
    fn the_first_of_overlapping_bytes_stays() {
        let mut a = Assembler::default();
        a.insert(0, b"abcd").unwrap();
        a.insert(2, b"XXef").unwrap();
        assert_eq!(a.ready(), b"abcdef");
    }

    #[test]
    fn a_stream_that_began_earlier_is_shifted() {
        let mut a = Assembler::default();
        a.insert(0, b"world").unwrap();
        a.shift(6).unwrap();
        assert_eq!(a.ready(), b"");
        assert_eq!(a.insert(0, b"hello "), Ok(true));
        assert_eq!(a.ready(), b"hello world");
    }

    #[test]
    fn bounds_hold() {
        let mut a = Assembler::default();
        assert_eq!(a.insert(MAX_BYTES, b"x"), Err(Full));
        assert_eq!(a.insert(usize::MAX, b"x"), Err(Full));
        for i in 0..MAX_PIECES {
            assert_eq!(a.insert(2 + 2 * i, b"x"), Ok(false));
        }
        assert_eq!(a.insert(1000, b"x"), Err(Full));
    }
}
