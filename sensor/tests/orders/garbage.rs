//! Segments that are not part of the hello and lie in its way: other bytes at its place, keep-alives, RST and FIN that
//! do not fit. An attacker, a middlebox or a worn-out stack sends them; the server reads the real hello all the same.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, PLACES, Place, record};
use crate::wire::packet::{ACK, Ends, FIN, RST, SERVER_BASE};

const SEED: u64 = 0x06a2_ba6e;
const BASE: u32 = 0x8000_0000 - 40;
const LEN: usize = 517;

/// Bytes that no server takes for a hello.
type Garbage = fn(&mut Random) -> Vec<(&'static str, Vec<u8>)>;

fn bytes(random: &mut Random, n: usize) -> Vec<u8> {
    (0..n).map(|_| random.next() as u8).collect()
}

fn other(random: &mut Random) -> Vec<(&'static str, Vec<u8>)> {
    vec![("zeros", vec![0; 6]), ("random bytes", bytes(random, 20))]
}

/// They begin as a hello does.
fn fake(random: &mut Random) -> Vec<(&'static str, Vec<u8>)> {
    let start = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    [("a fake hello", 40), ("a long fake hello", 300)]
        .map(|(what, n)| (what, [&start[..], &bytes(random, n)].concat()))
        .to_vec()
}

/// Garbage at the hello's own sequence number, then the hello cut at `cuts`.
fn in_the_way(garbage: Garbage, syn: bool, cuts: impl Fn(&mut Random) -> Vec<usize>) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for sample in 0..60 {
        let stream = record(NAME, LEN, PLACES[sample % 3]);
        for (what, bytes) in garbage(&mut random) {
            let cuts = cuts(&mut random);
            let ends = bench.tls(format_args!("{what} ({} bytes), syn {syn}, cuts {cuts:?}", bytes.len()));
            if syn {
                bench.handshake(ends, BASE);
            }
            bench.frame(&ends.tcp(BASE, ACK, &bytes));
            let pieces = cut::at(&stream, &cuts);
            bench.segments(ends, BASE, &pieces, &(0..pieces.len()).collect::<Vec<_>>());
        }
    }
    bench.done();
}

#[test]
fn other_bytes_at_the_place_of_a_whole_hello() {
    in_the_way(other, true, |_| vec![]);
}

#[test]
fn other_bytes_at_the_place_of_a_whole_hello_without_a_syn() {
    in_the_way(other, false, |_| vec![]);
}

#[test]
fn other_bytes_at_the_place_of_a_hello_in_two_pieces() {
    in_the_way(other, true, |random| cut::somewhere(random, LEN, 1));
}

#[test]
fn other_bytes_at_the_place_of_a_hello_in_two_pieces_without_a_syn() {
    in_the_way(other, false, |random| cut::somewhere(random, LEN, 1));
}

#[test]
fn a_fake_hello_at_the_place_of_a_whole_hello() {
    in_the_way(fake, true, |_| vec![]);
}

#[test]
fn a_fake_hello_at_the_place_of_a_whole_hello_without_a_syn() {
    in_the_way(fake, false, |_| vec![]);
}

#[test]
fn a_fake_hello_at_the_place_of_a_hello_in_two_pieces() {
    in_the_way(fake, true, |random| cut::somewhere(random, LEN, 1));
}

#[test]
fn a_fake_hello_at_the_place_of_a_hello_in_two_pieces_without_a_syn() {
    in_the_way(fake, false, |random| cut::somewhere(random, LEN, 1));
}

/// A keep-alive (RFC 9293 section 3.8.4) repeats the byte before the next sequence number, with any value.
fn keep_alives(syn: bool) {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Last);
    for at in 1..stream.len() {
        for byte in [0, 0x16] {
            let ends = bench.tls(format_args!("keep-alives of {byte:#x}, syn {syn}, cut at {at}"));
            if syn {
                bench.handshake(ends, BASE);
            }
            let next = BASE.wrapping_add(at as u32);
            bench.frame(&ends.tcp(BASE - 1, ACK, &[byte]));
            bench.frame(&ends.tcp(BASE, ACK, &stream[..at]));
            bench.frame(&ends.tcp(next - 1, ACK, &[byte]));
            bench.frame(&ends.tcp(next, ACK, &stream[at..]));
        }
    }
    bench.done();
}

#[test]
fn keep_alives_behind_a_syn() {
    keep_alives(true);
}

#[test]
fn keep_alives_without_a_syn() {
    keep_alives(false);
}

/// What stands between two pieces of a hello.
fn between(what: &str, frame: impl Fn(Ends, u32) -> Vec<u8>) {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Middle);
    for at in (1..stream.len()).step_by(3) {
        for order in cut::orders(2) {
            let ends = bench.tls(format_args!("{what}, cut at {at}, order {order:?}"));
            bench.handshake(ends, BASE);
            let pieces = cut::at(&stream, &[at]);
            bench.segments(ends, BASE, &pieces, &order[..1]);
            bench.frame(&frame(ends, BASE.wrapping_add(at as u32)));
            bench.segments(ends, BASE, &pieces, &order[1..]);
        }
    }
    bench.done();
}

#[test]
fn a_reset_or_an_end_that_does_not_fit() {
    for far in [1 << 30, 1 << 26, 0x9000_0000, 40_000] {
        between("RST ahead", |ends, seq| ends.tcp(seq.wrapping_add(far), RST, b""));
        between("RST behind", |ends, seq| ends.tcp(seq.wrapping_sub(far), RST | ACK, b""));
        between("FIN ahead", |ends, seq| ends.tcp(seq.wrapping_add(far), FIN | ACK, b""));
        between("FIN behind", |ends, seq| ends.tcp(seq.wrapping_sub(far), FIN | ACK, b""));
        between("RST from the server", |ends, seq| ends.back(seq).tcp(SERVER_BASE.wrapping_add(far), RST, b""));
    }
}

/// Both ends seem to close the connection, at numbers that are not theirs.
#[test]
fn both_ends_that_do_not_fit() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Middle);
    for at in (1..stream.len()).step_by(11) {
        let ends = bench.tls(format_args!("two FINs, cut at {at}"));
        bench.handshake(ends, BASE);
        let pieces = cut::at(&stream, &[at]);
        bench.segments(ends, BASE, &pieces, &[0]);
        bench.frame(&ends.tcp(BASE.wrapping_add(1 << 28), FIN | ACK, b""));
        bench.frame(&ends.back(BASE).tcp(SERVER_BASE + (1 << 28), FIN | ACK, b""));
        bench.segments(ends, BASE, &pieces, &[1]);
    }
    bench.done();
}

/// RFC 9293 section 3.10.7.4 and RFC 1122 section 4.2.2.12: text on a RST says why, it is no data.
#[test]
fn payload_on_a_reset_that_does_not_fit() {
    between("a RST with text", |ends, seq| ends.tcp(seq.wrapping_add(1 << 29), RST, b"No application protocol"));
}

#[test]
fn payload_on_a_reset_between_the_pieces() {
    between("a RST with text at the right place", |ends, seq| ends.tcp(seq, RST, b"gone away"));
}

#[test]
fn payload_on_a_reset_before_the_hello() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Middle);
    let other = record("other.example", LEN, Place::Middle);
    for text in [&b"RST 7"[..], b"\x16\x03\x01", &other, &other[..200]] {
        for syn in [true, false] {
            let ends = bench.tls(format_args!("{} bytes on a RST, syn {syn}", text.len()));
            if syn {
                bench.handshake(ends, BASE);
            }
            bench.frame(&ends.tcp(BASE, RST, text));
            bench.segments(ends, BASE, &[(0, &stream)], &[0]);
        }
    }
    bench.done();
}

#[test]
fn a_hello_on_a_reset_is_none() {
    let mut bench = Bench::new(0);
    for flags in [RST, RST | ACK] {
        let ends = bench.case(443, &[], "a hello on a RST");
        bench.handshake(ends, BASE);
        bench.frame(&ends.tcp(BASE, flags, &record(NAME, LEN, Place::First)));
    }
    bench.done();
}

/// Names are not longer than 255 octets: what is, is none, and no memory is spent on it.
#[test]
fn a_name_that_no_server_can_have() {
    let mut bench = Bench::new(0);
    for length in [257, 1_000, 60_000] {
        let ends = bench.case(443, &[], format_args!("a name of {length} bytes"));
        bench.handshake(ends, BASE);
        let stream = record(&"a".repeat(length), length + 700, Place::First);
        for (n, part) in stream.chunks(1_400).enumerate() {
            bench.frame(&ends.tcp(BASE + 1_400 * n as u32, ACK, part));
        }
    }
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
    let ends = bench.case(443, &[("tls", &longest)], "the longest name");
    bench.handshake(ends, BASE);
    bench.frame(&ends.tcp(BASE, ACK, &record(&longest, 900, Place::First)));
    bench.done();
}
