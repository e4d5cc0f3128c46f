//! Segments of one byte, and hellos of many segments.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, PLACES, Place, message, record, records};

const SEED: u64 = 0x51e5_0b17;
const BASE: u32 = 0x00ff_ff00;

fn one_byte_each(syn: bool, order: &str) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for len in [517, 1800] {
        for place in PLACES {
            let stream = record(NAME, len, place);
            let pieces = cut::every(&stream, 1);
            for (name, order) in cut::some_orders(&mut random, pieces.len()).iter().filter(|(o, _)| *o == order) {
                let ends = bench.tls(format_args!("{len} bytes, name {place:?}, syn {syn}, {name}"));
                if syn {
                    bench.handshake(ends, BASE);
                }
                bench.segments(ends, BASE, &pieces, order);
            }
        }
    }
    bench.done();
}

#[test]
fn one_byte_per_segment_in_order() {
    one_byte_each(true, "in order");
    one_byte_each(false, "in order");
}

#[test]
fn one_byte_per_segment_reversed() {
    one_byte_each(true, "reversed");
}

#[test]
fn one_byte_per_segment_shuffled() {
    one_byte_each(true, "shuffled");
}

#[test]
fn one_byte_per_segment_reversed_without_a_syn() {
    one_byte_each(false, "reversed");
}

#[test]
fn one_byte_per_segment_shuffled_without_a_syn() {
    one_byte_each(false, "shuffled");
}

/// A message of `len` bytes in records of 16 KiB and segments of `size` bytes.
fn large(syn: bool, len: usize, size: usize, order: &str) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for place in PLACES {
        let stream = records(&message(NAME, len, place), 16_384);
        let pieces = cut::every(&stream, size);
        for (name, order) in cut::some_orders(&mut random, pieces.len()).iter().filter(|(o, _)| *o == order) {
            let ends = bench.tls(format_args!("{len} bytes by {size}, name {place:?}, syn {syn}, {name}"));
            if syn {
                bench.handshake(ends, BASE);
            }
            bench.segments(ends, BASE, &pieces, order);
        }
    }
    bench.done();
}

/// 16 KB: a hello with a large certificate's or post-quantum keys.
const LARGE: usize = 16_000;
/// The largest body that the extensions' 16 bits of length leave: 65,535 bytes.
const LARGEST: usize = 65_535 + 4;

#[test]
fn sixteen_kilobytes_in_order() {
    for syn in [true, false] {
        large(syn, LARGE, 1448, "in order");
        large(syn, LARGE, 536, "in order");
    }
}

#[test]
fn sixteen_kilobytes_in_another_order() {
    for order in ["reversed", "shuffled"] {
        large(true, LARGE, 1448, order);
        large(true, LARGE, 536, order);
    }
}

#[test]
fn sixteen_kilobytes_in_another_order_without_a_syn() {
    for order in ["reversed", "shuffled"] {
        large(false, LARGE, 1448, order);
        large(false, LARGE, 536, order);
    }
}

#[test]
fn sixty_four_kib_in_large_segments_in_order() {
    large(true, LARGEST, 1448, "in order");
    large(false, LARGEST, 1448, "in order");
}

#[test]
fn sixty_four_kib_in_small_segments_in_order() {
    large(true, LARGEST, 536, "in order");
    large(false, LARGEST, 536, "in order");
}

#[test]
fn sixty_four_kib_in_another_order() {
    for order in ["reversed", "shuffled"] {
        large(true, LARGEST, 1448, order);
        large(true, LARGEST, 536, order);
    }
}

#[test]
fn sixty_four_kib_in_another_order_without_a_syn() {
    for order in ["reversed", "shuffled"] {
        large(false, LARGEST, 1448, order);
        large(false, LARGEST, 536, order);
    }
}

/// Segments of each size on the way from one byte to the whole hello.
#[test]
fn segments_of_any_size_in_order() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, 517, Place::Last);
    for size in 9..=stream.len() {
        let pieces = cut::every(&stream, size);
        let ends = bench.tls(format_args!("segments of {size} bytes"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &pieces, &(0..pieces.len()).collect::<Vec<_>>());
    }
    bench.done();
}
