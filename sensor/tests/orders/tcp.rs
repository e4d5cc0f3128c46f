//! One record over TCP segments: cuts, orders, copies, overlaps, sequence numbers.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut::{self, Piece};
use crate::wire::hello::{NAME, PLACES, Place, record};
use crate::wire::packet::{ACK, SERVER_BASE, SYN};

const SEED: u64 = 0x7c90_51de;
const BASE: u32 = 0x1234_5678;
/// A browser's hello.
const LEN: usize = 517;

/// A case of its own: these pieces in this order.
fn deliver(bench: &mut Bench, syn: bool, pieces: &[Piece<'_>], order: &[usize]) {
    let cuts: Vec<usize> = pieces.iter().skip(1).map(|(at, _)| *at).collect();
    let ends = bench.tls(format_args!("syn {syn}, cuts {cuts:?}, order {order:?}"));
    if syn {
        bench.handshake(ends, BASE);
    }
    bench.segments(ends, BASE, pieces, order);
}

fn two_pieces(syn: bool) {
    let mut bench = Bench::new(0);
    for place in PLACES {
        let stream = record(NAME, LEN, place);
        for at in 1..stream.len() {
            for order in cut::orders(2) {
                deliver(&mut bench, syn, &cut::at(&stream, &[at]), &order);
            }
        }
    }
    bench.done();
}

#[test]
fn two_pieces_behind_a_syn() {
    two_pieces(true);
}

#[test]
fn two_pieces_without_a_syn() {
    two_pieces(false);
}

fn more_pieces(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for n in 3..=5 {
        for sample in 0..40 {
            let stream = record(NAME, LEN, PLACES[sample % 3]);
            let cuts = cut::somewhere(&mut random, stream.len(), n - 1);
            for order in cut::orders(n) {
                deliver(&mut bench, syn, &cut::at(&stream, &cuts), &order);
            }
        }
    }
    bench.done();
}

#[test]
fn three_to_five_pieces_in_every_order_behind_a_syn() {
    more_pieces(true);
}

#[test]
fn three_to_five_pieces_in_every_order_without_a_syn() {
    more_pieces(false);
}

fn tiny_first_piece(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    let stream = record(NAME, LEN, Place::Last);
    for first in 1..=11 {
        for n in 3..=5 {
            let later = cut::somewhere(&mut random, stream.len() - first, n - 2);
            let cuts: Vec<usize> = [0].iter().chain(&later).map(|at| first + at).collect();
            for order in cut::orders(n) {
                deliver(&mut bench, syn, &cut::at(&stream, &cuts), &order);
            }
        }
    }
    bench.done();
}

#[test]
fn a_tiny_first_piece_in_every_order_behind_a_syn() {
    tiny_first_piece(true);
}

#[test]
fn a_tiny_first_piece_in_every_order_without_a_syn() {
    tiny_first_piece(false);
}

fn each_twice(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    let stream = record(NAME, LEN, Place::Middle);
    for _ in 0..40 {
        let cuts = cut::somewhere(&mut random, stream.len(), 2);
        let pieces = cut::at(&stream, &cuts);
        for order in cut::orders(3) {
            let at_once: Vec<usize> = order.iter().flat_map(|&i| [i, i]).collect();
            let later = [&order[..], &order].concat();
            for twice in [at_once, later] {
                deliver(&mut bench, syn, &pieces, &twice);
            }
        }
    }
    bench.done();
}

#[test]
fn each_segment_twice_behind_a_syn() {
    each_twice(true);
}

#[test]
fn each_segment_twice_without_a_syn() {
    each_twice(false);
}

/// A segment that begins earlier and ends later, with the same bytes, at any time among the others.
fn overlapping(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    let stream = record(NAME, LEN, Place::Middle);
    for _ in 0..60 {
        let cuts = cut::somewhere(&mut random, stream.len(), 2);
        let mut pieces = cut::at(&stream, &cuts);
        let wide = |random: &mut Random, from: usize, to: usize| {
            (from - random.below(from + 1), (to + random.below(40)).min(stream.len()))
        };
        let (from, to) = wide(&mut random, cuts[0], cuts[1]);
        pieces.push((from, &stream[from..to]));
        for order in cut::orders(4) {
            deliver(&mut bench, syn, &pieces, &order);
        }
    }
    bench.done();
}

#[test]
fn overlapping_retransmissions_behind_a_syn() {
    overlapping(true);
}

#[test]
fn overlapping_retransmissions_without_a_syn() {
    overlapping(false);
}

/// The wrap at every byte of the hello and around it.
#[test]
fn sequence_numbers_across_the_wrap() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    let stream = record(NAME, LEN, Place::Last);
    for before in 0..=stream.len() + 2 {
        let base = (before as u32).wrapping_neg();
        let cuts = cut::somewhere(&mut random, stream.len(), 1);
        let pieces = cut::at(&stream, &cuts);
        for (syn, order) in [(true, [0, 1]), (true, [1, 0]), (false, [0, 1]), (false, [1, 0])] {
            let ends = bench.tls(format_args!("base {base:#x}, syn {syn}, cuts {cuts:?}, order {order:?}"));
            if syn {
                bench.handshake(ends, base);
            }
            bench.segments(ends, base, &pieces, &order);
        }
    }
    bench.done();
}

/// TCP Fast Open (RFC 7413): the SYN carries the first bytes. A server that takes none of them gets all once more.
#[test]
fn the_syn_carries_data() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Middle);
    for at in 1..=stream.len() {
        let (first, rest) = stream.split_at(at);
        let syn = |bench: &mut Bench, what: &str| {
            let ends = bench.tls(format_args!("{at} bytes on the SYN, {what}"));
            bench.frame(&ends.tcp(BASE - 1, SYN, first));
            let taken = BASE + if what == "refused" { 0 } else { at as u32 };
            bench.frame(&ends.back(taken).tcp(SERVER_BASE - 1, SYN | ACK, b""));
            ends
        };
        let ends = syn(&mut bench, "the rest behind it");
        bench.frame(&ends.tcp(BASE + at as u32, ACK, rest));
        let ends = syn(&mut bench, "refused");
        bench.segments(ends, BASE, &[(0, &stream)], &[0]);
    }
    bench.done();
}

/// A mirror of two lines can show the SYN behind the data that follow it.
#[test]
fn the_syn_is_seen_later() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Middle);
    for at in 1..stream.len() {
        let (first, rest) = stream.split_at(at);
        let next = BASE + at as u32;
        let ends = bench.tls(format_args!("the rest, then the SYN with {at} bytes"));
        bench.frame(&ends.tcp(next, ACK, rest));
        bench.frame(&ends.tcp(BASE - 1, SYN, first));
        let ends = bench.tls(format_args!("the first {at} bytes, the SYN, the rest"));
        bench.frame(&ends.tcp(BASE, ACK, first));
        bench.frame(&ends.tcp(BASE - 1, SYN, b""));
        bench.frame(&ends.tcp(next, ACK, rest));
    }
    bench.done();
}

/// Early data or a ChangeCipherSpec in the segment that ends the hello.
#[test]
fn other_records_follow_in_the_same_segment() {
    let mut bench = Bench::new(0);
    let hello = record(NAME, LEN, Place::Last);
    let early = [&[23, 3, 3, 1, 0][..], &[0xe5; 256]].concat();
    let followers = [b"\x14\x03\x03\x00\x01\x01".to_vec(), early.clone(), b"\x15\x03\x01\x00\x02\x02\x28".to_vec()];
    for follower in followers.iter().chain([&early[..100].to_vec()]) {
        let stream = [&hello[..], follower].concat();
        for syn in [true, false] {
            deliver(&mut bench, syn, &[(0, &stream)], &[0]);
            for at in (1..stream.len()).step_by(7) {
                for order in cut::orders(2) {
                    deliver(&mut bench, syn, &cut::at(&stream, &[at]), &order);
                }
            }
        }
    }
    bench.done();
}
