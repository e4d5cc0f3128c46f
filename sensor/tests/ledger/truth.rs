//! How much TCP data a capture holds, by another way than the ledger's: the bytes of each connection as a set.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use sensor::decode::{Decoded, L4, decode};

use crate::captures::Taken;

type Ends = ((IpAddr, u16), (IpAddr, u16));

/// A frame with TCP payload: which direction of which connection, and its bytes there.
pub(crate) struct Data {
    pub(crate) frame: usize,
    pub(crate) stream: usize,
    from: i64,
    to: i64,
}

/// Every frame with TCP payload of a capture.
pub(crate) fn data(frames: &[Taken]) -> Vec<Data> {
    let mut streams: HashMap<Ends, (usize, u32, Option<u32>)> = HashMap::new();
    let (mut found, mut count) = (Vec::new(), 0);
    for (number, taken) in frames.iter().enumerate() {
        let frame = taken.frame();
        let Decoded::Packet(packet) = decode(&frame) else { continue };
        let L4::Tcp { seq, flags } = packet.l4 else { continue };
        let ends = (packet.src, packet.dst);
        let syn = flags.syn().then_some(seq);
        let known = streams.get(&ends).copied();
        if known.is_none_or(|(_, _, isn)| syn.is_some() && isn != syn) {
            count += 1;
            streams.insert(ends, (count, seq, syn));
        }
        let (stream, base, _) = streams[&ends];
        let from = i64::from(seq.wrapping_sub(base).cast_signed());
        if packet.payload_len > 0 {
            found.push(Data { frame: number, stream, from, to: from + i64::from(packet.payload_len) });
        }
    }
    found
}

/// Different bytes in these segments.
pub(crate) fn bytes<'a>(data: impl IntoIterator<Item = &'a Data>) -> u64 {
    let mut streams: BTreeMap<usize, Vec<(i64, i64)>> = BTreeMap::new();
    for segment in data {
        streams.entry(segment.stream).or_default().push((segment.from, segment.to));
    }
    let mut sum = 0;
    for spans in streams.values_mut() {
        spans.sort_unstable();
        let mut until = i64::MIN;
        for &mut (from, to) in spans {
            sum += (to - from.max(until)).max(0) as u64;
            until = until.max(to);
        }
    }
    sum
}

/// Makes receivers acknowledge what the capture has shown until then and not more, as they do of what was lost before it.
pub(crate) fn acknowledge_what_came(frames: &mut [Taken]) {
    let mut streams: HashMap<Ends, Stream> = HashMap::new();
    for taken in frames {
        let frame = taken.frame();
        let Decoded::Packet(packet) = decode(&frame) else { continue };
        let L4::Tcp { seq, flags } = packet.l4 else { continue };
        let at = packet.header.as_ptr() as usize - taken.data.as_ptr() as usize + 8;
        let stream = streams.entry((packet.src, packet.dst)).or_default();
        stream.take(seq, packet.payload_len, flags.syn());
        let back = streams.get(&(packet.dst, packet.src)).filter(|_| flags.ack());
        let Some(next) = back.and_then(|back| back.next) else { continue };
        let number = u32::from_be_bytes(taken.data[at..at + 4].try_into().unwrap());
        if number.wrapping_sub(next).cast_signed() > 0 {
            taken.data[at..at + 4].copy_from_slice(&next.to_be_bytes());
        }
    }
}

/// What a receiver has: everything before `next`, and what waits behind.
#[derive(Default)]
struct Stream {
    next: Option<u32>,
    waiting: BTreeMap<u32, u32>,
}

impl Stream {
    fn take(&mut self, seq: u32, len: u32, syn: bool) {
        if syn {
            *self = Self { next: Some(seq.wrapping_add(1)), ..Self::default() };
        }
        self.waiting.insert(seq.wrapping_add(u32::from(syn)), len);
        let next = self.next.get_or_insert(seq);
        while let Some(len) = self.waiting.remove(next) {
            *next = next.wrapping_add(len);
        }
    }
}
