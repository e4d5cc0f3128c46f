//! One direction of a flow: its totals, and where its stream stands.

use super::holes::{Holes, TcpBytes, age, distance};
use crate::decode::TcpFlags;

/// A step in the sequence numbers larger than this is no loss or reordering: another connection, or an attempt to
/// inflate a count. Receive windows reach 16 MiB.
const MAX_GAP: u32 = 16 << 20;
/// µs within which the same bytes may have come a second time because the mirror gives frames twice, as
/// [`super::copies`] has it.
pub(super) const COPIED: u32 = 20_000;

/// Totals of one direction.
#[derive(Debug, Default)]
pub struct Direction {
    /// Packets, every copy counted.
    pub packets: u64,
    /// Those of them that were told to be copies.
    pub copies: u64,
    /// Frame bytes on the wire, every copy counted.
    pub frame_bytes: u64,
    /// IP bytes, every copy counted.
    pub ip_bytes: u64,
    /// Payload: of TCP the bytes by which the sequence numbers advanced, of UDP the datagrams that are no copies.
    pub payload: u64,
    /// Sequence number of the SYN.
    pub(super) isn: Option<u32>,
    /// The sequence number that comes next.
    pub(super) next_seq: Option<u32>,
    /// Where a segment far beyond every window ended.
    jumped_to: Option<u32>,
    pub(super) fin: bool,
    recent: Recent,
    /// What was left out so far.
    holes: Option<Box<Holes>>,
}

/// Where the stream stood: what came a second time is told from a copy by when it came first. Times are the low bits, µs.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    /// When the stream last moved.
    moved: u32,
    /// Where it stood at `marked` ...
    newer: u32,
    marked: u32,
    /// ... and where at least [`COPIED`] before that.
    older: u32,
}

/// A segment as its stream sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// The number of its first byte of payload.
    pub(super) seq: u32,
    pub(super) len: u32,
    pub(super) flags: TcpFlags,
    /// The low bits, µs.
    pub(super) time: u32,
}

impl Direction {
    /// Moves the sequence number past a segment; answers by how much the stream advanced. Retransmissions and doubled
    /// frames add nothing. A gap counts, since those bytes were sent as well: they are late, or the mirror lost them. A
    /// jump beyond any window is followed only when a second segment continues it, and counts only what was seen.
    pub(super) fn advance(&mut self, segment: Segment, sums: &mut TcpBytes) -> u32 {
        let Segment { seq, len, time, .. } = segment;
        let end = seq.wrapping_add(len);
        let advance = match self.next_seq {
            None => {
                self.recent = Recent { moved: time, newer: seq, marked: time, older: seq };
                self.next_seq = Some(end);
                len
            }
            Some(next) if next == seq && self.holes.is_none() => {
                if len > 0 {
                    self.moved(end, time);
                }
                len
            }
            Some(next) => self.out_of_line(next, segment, sums),
        };
        self.fin |= segment.flags.fin();
        sums.bytes += u64::from(advance);
        advance
    }

    /// True when a RST with this sequence number can be the connection's own.
    pub(super) fn accepts_reset(&self, seq: u32) -> bool {
        self.next_seq.is_none_or(|next| seq.wrapping_sub(next) <= MAX_GAP || next.wrapping_sub(seq) <= MAX_GAP)
    }

    /// The receiver acknowledged what it has of this direction. Nobody asks while nothing is left out.
    pub(super) fn acknowledged(&mut self, number: impl FnOnce() -> Option<u32>, time: u32) {
        if let Some(holes) = &mut self.holes
            && let Some(number) = number()
        {
            holes.acknowledge(number, time);
        }
    }

    /// Counts what was left out and cannot come any more, because the flow is over.
    pub(super) fn end(&self, sums: &mut TcpBytes) {
        if let (Some(holes), Some(next)) = (&self.holes, self.next_seq) {
            holes.end(next, sums);
        }
    }

    fn moved(&mut self, end: u32, time: u32) {
        self.next_seq = Some(end);
        let recent = &mut self.recent;
        recent.moved = time;
        if age(recent.marked, time) > COPIED {
            *recent = Recent { moved: time, newer: end, marked: time, older: recent.newer };
        }
    }

    /// A segment that does not begin where the last one ended, or comes while something is left out.
    fn out_of_line(&mut self, next: u32, segment: Segment, sums: &mut TcpBytes) -> u32 {
        let Segment { seq, len, time, .. } = segment;
        let end = seq.wrapping_add(len);
        let ahead = end.wrapping_sub(next);
        if len == 0 {
            self.empty(next, segment);
            return 0;
        }
        if ahead == 0 || ahead > u32::MAX / 2 {
            self.again(seq, end, time, sums);
            self.pass(next, time, sums);
            return 0;
        }
        if ahead > MAX_GAP {
            if self.jumped_to.replace(end) == Some(seq) {
                self.end(sums);
                self.holes = None;
                self.moved(end, time);
            }
            return len;
        }
        match distance(next, seq) {
            1.. => self.holes.get_or_insert_default().open(next, seq, time, sums),
            0 => {}
            _ => self.again(seq, next, time, sums),
        }
        self.moved(end, time);
        self.pass(end, time, sums);
        ahead
    }

    /// Bytes that the stream had passed.
    fn again(&mut self, seq: u32, end: u32, time: u32, sums: &mut TcpBytes) {
        let len = end.wrapping_sub(seq);
        let filled = self.holes.as_mut().map_or(0, |holes| holes.fill(seq, end, time, sums));
        // A keep-alive sends the last byte once more (RFC 9293 section 3.8.4).
        let keep_alive = len == 1 && self.next_seq == Some(end);
        let Recent { moved, newer, marked, older } = self.recent;
        let before = match self.next_seq {
            Some(next) if age(moved, time) > COPIED => next,
            _ if age(marked, time) > COPIED => newer,
            _ => older,
        };
        // Another connection's, if it is further back than any window.
        if !keep_alive && (0..=MAX_GAP.cast_signed()).contains(&distance(end, before)) {
            sums.resent += u64::from(len - filled);
        }
    }

    /// A segment without payload has the number that the sender's next byte will have: what was sent before it has come,
    /// or was left out. A SYN and a FIN have a number of their own, and that of a reset is anything.
    fn empty(&mut self, next: u32, Segment { seq, flags, time, .. }: Segment) {
        let behind = if flags.fin() { 1 } else { 2 };
        let sent = behind..=MAX_GAP.cast_signed();
        if !(flags.rst() || flags.syn() || self.fin) && sent.contains(&distance(next, seq)) {
            self.holes.get_or_insert_default().show(seq, time);
        }
    }

    fn pass(&mut self, next: u32, time: u32, sums: &mut TcpBytes) {
        if self.holes.as_mut().is_some_and(|holes| holes.pass(next, time, sums)) {
            self.holes = None;
        }
    }
}

#[cfg(test)]
mod tests;
