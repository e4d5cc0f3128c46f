//! Holes in what was captured of one direction of a TCP connection, and what becomes of them.
//!
//! A hole opens where a segment begins beyond the sequence number that comes next. What fills it within a moment was out
//! of order. What fills it later was sent again: it was lost before the mirror, not by it. What nobody fills although
//! the receiver has acknowledged it was on the wire, and lost between the wire and the sensor. Where no acknowledgement
//! is seen, time alone tells.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Holes of one direction that are open at the same time. Those of one round trip are open together: at 5 % loss 32
/// holes are 640 segments, 75 Mbit/s at 100 ms. What goes beyond is counted as missing at once.
const MAX_HOLES: usize = 32;
/// µs within which a hole is filled by what was merely out of order: paths of one network differ by a queue or two.
const REORDERED: u32 = 3_000;
/// On a slow connection that is, before so many further segments: with three a sender begins to send again (RFC 5681) ...
const REORDERED_SEGMENTS: u32 = 3;
/// ... and within less than a timeout, µs: no system sends again sooner.
const TIMEOUT: u32 = 200_000;
/// µs after which a hole that the receiver has acknowledged will not be filled: the longest queue of a mirror.
const ACKNOWLEDGED: u32 = 100_000;
/// µs after which a hole of which no acknowledgement is seen will not be filled: three timeouts one after another, each
/// twice as long as the one before and the first of a second (RFC 6298).
const UNKNOWN: u32 = 7_000_000;
/// Bytes behind the newest that no receiver holds before it has the ones between: the largest window (RFC 7323).
const WINDOW: i32 = 1 << 30;

/// Bytes of TCP payload, by sequence numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpBytes {
    /// By which the streams advanced, holes included.
    pub bytes: u64,
    /// The part of `bytes` that was on the wire and not captured.
    pub missing: u64,
    /// That came out of order.
    pub reordered: u64,
    /// That came a second time, or only after they were sent again.
    pub resent: u64,
}

impl TcpBytes {
    /// Moves what a flow's last packet told into a sum. All but a few packets tell `bytes` alone.
    pub(crate) fn take(&mut self, from: &mut Self) {
        if from.missing | from.reordered | from.resent == 0 {
            self.bytes += std::mem::take(&mut from.bytes);
        } else {
            self.add(std::mem::take(from));
        }
    }

    /// Adds another span's bytes.
    pub fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.missing += other.missing;
        self.reordered += other.reordered;
        self.resent += other.resent;
    }
}

/// The open holes of one direction. It exists only while there are some.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// In the order of their numbers, which is the order in which they opened.
    open: VecDeque<Hole>,
    /// What a segment without payload shows to have been sent behind the last data, and when.
    shown: Option<(u32, u32)>,
    /// What the receiver has acknowledged since the first of them opened, and when it last acknowledged anything.
    acknowledged: Option<(u32, u32)>,
    /// Segments that came since then.
    segments: u32,
}

/// Bytes that were sent and have not come. Times are the low bits, µs.
#[derive(Debug, Clone, Copy)]
struct Hole {
    start: u32,
    end: u32,
    opened: u32,
    /// Segments that had come.
    segments: u32,
}

impl Holes {
    /// The bytes from `start` to `end` were left out at `time`.
    pub(super) fn open(&mut self, start: u32, end: u32, time: u32, sums: &mut TcpBytes) {
        self.open.push_back(Hole { start, end, opened: time, segments: self.segments });
        self.bound(sums);
    }

    /// A segment without payload says that everything before `end` was sent.
    pub(super) fn show(&mut self, end: u32, time: u32) {
        match self.shown {
            Some((shown, _)) if distance(shown, end) <= 0 => {}
            _ => self.shown = Some((end, time)),
        }
    }

    /// The receiver has everything before `number`.
    pub(super) fn acknowledge(&mut self, number: u32, time: u32) {
        let newest =
            self.acknowledged.map_or(number, |(old, _)| if distance(old, number) > 0 { number } else { old });
        self.acknowledged = Some((newest, time));
    }

    /// The bytes from `start` to `end` came late. Answers how many of them were in holes.
    pub(super) fn fill(&mut self, start: u32, end: u32, time: u32, sums: &mut TcpBytes) -> u32 {
        let mut filled = 0;
        for hole in std::mem::take(&mut self.open) {
            let len = distance(hole.start, hole.end);
            let from = distance(hole.start, start).clamp(0, len);
            let to = distance(hole.start, end).clamp(from, len);
            let bytes = to.abs_diff(from);
            if bytes == 0 {
                self.open.push_back(hole);
                continue;
            }
            filled += bytes;
            match self.is_quick(&hole, time) {
                true => sums.reordered += u64::from(bytes),
                false => sums.resent += u64::from(bytes),
            }
            let [before, behind] = hole.around(from, to);
            self.open.extend([before, behind].into_iter().filter(|part| part.start != part.end));
        }
        self.bound(sums);
        filled
    }

    /// A segment moved the stream on to `next`: counts what will not be filled any more. True when no hole is left.
    pub(super) fn pass(&mut self, next: u32, time: u32, sums: &mut TcpBytes) -> bool {
        self.segments = self.segments.wrapping_add(1);
        if self.shown.is_some_and(|(shown, _)| distance(next, shown) <= 0) {
            self.shown = None;
        }
        while let Some(hole) = self.open.front()
            && self.is_missing(hole, next, time)
        {
            sums.missing += hole.len();
            self.open.pop_front();
        }
        self.open.is_empty() && self.shown.is_none()
    }

    /// Nothing comes any more of a stream that stands at `next`: counts what the receiver has, or may have.
    pub(super) fn end(&self, next: u32, sums: &mut TcpBytes) {
        let missing = |hole: &&Hole| self.is_acknowledged(hole) != Some(false);
        sums.missing += self.open.iter().filter(missing).map(Hole::len).sum::<u64>();
        let Some((end, opened)) = self.shown.filter(|(end, _)| distance(next, *end) > 0) else { return };
        let tail = Hole { start: next, end, opened, segments: 0 };
        if missing(&&tail) {
            sums.missing += tail.len();
            sums.bytes += tail.len();
        }
    }

    fn is_quick(&self, hole: &Hole, time: u32) -> bool {
        let segments = self.segments.wrapping_sub(hole.segments);
        let age = age(hole.opened, time);
        age <= REORDERED || segments <= REORDERED_SEGMENTS && age < TIMEOUT
    }

    fn is_missing(&self, hole: &Hole, next: u32, time: u32) -> bool {
        let age = age(hole.opened, time);
        let too_far = distance(hole.start, next) > WINDOW;
        too_far
            || match self.is_acknowledged(hole) {
                Some(acknowledged) => acknowledged && age > ACKNOWLEDGED,
                None => age > UNKNOWN,
            }
    }

    /// `None` when no acknowledgement was seen since the hole opened.
    fn is_acknowledged(&self, hole: &Hole) -> Option<bool> {
        let (number, at) = self.acknowledged?;
        let since = distance(hole.opened, at) >= 0;
        since.then(|| distance(hole.end, number) >= 0)
    }

    fn bound(&mut self, sums: &mut TcpBytes) {
        while self.open.len() > MAX_HOLES {
            sums.missing += self.open.pop_front().map_or(0, |hole| hole.len());
        }
    }
}

impl Hole {
    fn len(&self) -> u64 {
        u64::from(self.end.wrapping_sub(self.start))
    }

    /// What is left on both sides of what was filled.
    fn around(self, from: i32, to: i32) -> [Self; 2] {
        let at = |offset: i32| self.start.wrapping_add_signed(offset);
        [Self { end: at(from), ..self }, Self { start: at(to), ..self }]
    }
}

/// By how much `b` is beyond `a`, modulo 2^32.
pub(super) fn distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}

/// µs since then; none when the clock went back.
pub(super) fn age(then: u32, now: u32) -> u32 {
    distance(then, now).max(0).unsigned_abs()
}

#[cfg(test)]
mod tests;
