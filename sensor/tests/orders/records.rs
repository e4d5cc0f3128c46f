//! One hello over several TLS records, and those over several segments.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, PLACES, Place, message, one_record, records};

const SEED: u64 = 0x2ec0_2d50;
const BASE: u32 = 77_000;
const LEN: usize = 512;

#[test]
fn two_records_cut_anywhere() {
    let mut bench = Bench::new(0);
    for place in PLACES {
        let message = message(NAME, LEN, place);
        for at in 1..message.len() {
            let [first, second] = [&message[..at], &message[at..]].map(one_record);
            let stream = [&first[..], &second].concat();
            for (cuts, orders) in [(vec![], 1), (vec![first.len()], 2)] {
                for order in &cut::orders(cuts.len() + 1)[..orders] {
                    let ends =
                        bench.tls(format_args!("records cut at {at}, segments at {cuts:?}, order {order:?}"));
                    bench.handshake(ends, BASE);
                    bench.segments(ends, BASE, &cut::at(&stream, &cuts), order);
                }
            }
        }
    }
    bench.done();
}

#[test]
fn records_of_one_to_fifty_bytes() {
    let mut bench = Bench::new(0);
    for place in PLACES {
        for limit in 1..=50 {
            let stream = records(&message(NAME, LEN, place), limit);
            let ends = bench.tls(format_args!("records of {limit} bytes, name {place:?}"));
            bench.handshake(ends, BASE);
            // 512 records of one byte are 3 KB: three segments.
            let pieces = cut::every(&stream, 1200);
            bench.segments(ends, BASE, &pieces, &(0..pieces.len()).collect::<Vec<_>>());
        }
    }
    bench.done();
}

/// Random records in random segments, in any order.
fn mixed(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for sample in 0..3000 {
        let message = message(NAME, LEN, PLACES[sample % 3]);
        let count = 1 + random.below(6);
        let parts = cut::somewhere(&mut random, LEN, count);
        let stream: Vec<u8> = cut::at(&message, &parts).iter().flat_map(|(_, part)| one_record(part)).collect();
        let count = 1 + random.below(6);
        let cuts = cut::somewhere(&mut random, stream.len(), count);
        let order = cut::shuffled(&mut random, cuts.len() + 1);
        let ends = bench.tls(format_args!("syn {syn}, records {parts:?}, segments {cuts:?}, order {order:?}"));
        if syn {
            bench.handshake(ends, BASE);
        }
        bench.segments(ends, BASE, &cut::at(&stream, &cuts), &order);
    }
    bench.done();
}

#[test]
fn records_and_segments_mixed_behind_a_syn() {
    mixed(true);
}

#[test]
fn records_and_segments_mixed_without_a_syn() {
    mixed(false);
}

/// RFC 8446 section 5.1 forbids handshake records without a byte. Such a flow need not have a name; the next one does.
#[test]
fn an_empty_record_hides_no_other_flow() {
    let mut bench = Bench::new(0);
    let message = message(NAME, LEN, Place::Middle);
    for at in 0..message.len() {
        let empty = [&[22, 3, 1, 0, 0][..], &one_record(&message[at..])].concat();
        let stream = if at == 0 { empty } else { [one_record(&message[..at]), empty].concat() };
        let ends = bench.broken(format_args!("an empty record after {at} bytes"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &[(0, &stream)], &[0]);
        let ends = bench.tls(format_args!("a good hello after an empty record at {at}"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &[(0, &one_record(&message))], &[0]);
    }
    bench.done();
}
