//! TCP payload in other segments, in another order, and captures that begin behind the SYN.

use super::capture::{Layers, Timed, layers};

/// How the segments of a burst follow each other. A burst is what one side sends while the other says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Kept,
    Reversed,
    /// By this seed.
    Shuffled(u64),
}

/// A small generator (xorshift64): the same copies each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

const SYN: u8 = 0x02;
/// FIN and RST end a stream: of a segment in pieces the last one has them.
const ENDS: u8 = 0x05;

/// Cuts payload into pieces of 100 to 600 bytes; each begins `overlap` bytes before the end of the one before it.
pub(super) fn cut(frames: &[Timed], order: Order, overlap: usize) -> Vec<Timed> {
    let mut random = Random(if let Order::Shuffled(seed) = order { seed << 20 | 0x9e37 } else { 0x9e37_79b9 });
    let (mut out, mut burst, mut whose) = (Vec::new(), Vec::new(), None);
    for frame in frames {
        let data = &frame.1.0;
        let segment = layers(data).filter(|at| is_data(data, *at));
        let direction = segment.map(|at| data[at.ip + if at.v4 { 12 } else { 8 }..at.transport + 4].to_vec());
        if direction.is_none() || direction != whose {
            flush(&mut out, &mut burst, order, &mut random);
        }
        whose = direction;
        match segment {
            Some(at) => burst.extend(pieces(frame, at, overlap, &mut random)),
            None => out.push(frame.clone()),
        }
    }
    flush(&mut out, &mut burst, order, &mut random);
    out
}

fn is_data(data: &[u8], at: Layers) -> bool {
    at.tcp && at.payload < at.end && data[at.transport + 13] & SYN == 0
}

fn pieces((time, (data, _)): &Timed, at: Layers, overlap: usize, random: &mut Random) -> Vec<Timed> {
    let (head, payload) = (&data[..at.payload], &data[at.payload..at.end]);
    let seq = u32::from_be_bytes(data[at.transport + 4..at.transport + 8].try_into().unwrap());
    let (mut pieces, mut from) = (Vec::new(), 0_usize);
    while from < payload.len() {
        let to = (from + 100 + random.below(501)).min(payload.len());
        let start = from.saturating_sub(overlap);
        let mut frame = [head, &payload[start..to]].concat();
        let end = frame.len();
        at.set_length(&mut frame, end);
        let seq = seq.wrapping_add(start as u32);
        frame[at.transport + 4..at.transport + 8].copy_from_slice(&seq.to_be_bytes());
        if to < payload.len() {
            frame[at.transport + 13] &= !ENDS;
        }
        pieces.push((*time, (frame, end)));
        from = to;
    }
    pieces
}

/// Sends a burst in its new order at the times that its frames had.
fn flush(out: &mut Vec<Timed>, burst: &mut Vec<Timed>, order: Order, random: &mut Random) {
    let times: Vec<i64> = burst.iter().map(|(time, _)| *time).collect();
    match order {
        Order::Kept => {}
        Order::Reversed => burst.reverse(),
        Order::Shuffled(_) => {
            for i in (1..burst.len()).rev() {
                burst.swap(i, random.below(i + 1));
            }
        }
    }
    out.extend(times.into_iter().zip(burst.drain(..)).map(|(time, (_, frame))| (time, frame)));
}

/// The capture without its SYNs.
pub(super) fn without_syn(frames: &[Timed]) -> Vec<Timed> {
    let is_syn = |data: &[u8]| layers(data).is_some_and(|at| at.tcp && data[at.transport + 13] & SYN != 0);
    frames.iter().filter(|(_, (data, _))| !is_syn(data)).cloned().collect()
}
