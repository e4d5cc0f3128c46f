//! Initials that open and hold what no client sends: frames with lengths that lie, frames that do not belong there, other
//! handshake messages. No name comes of them but the one that is on the wire, and the next flow has its name.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, Place, message};
use crate::wire::quic::{Peer, VERSIONS, crypto};

const SEED: u64 = 0x11e5_f0a3;
const LEN: usize = 300;

/// Each of these payloads on a flow of its own, and a good hello on another.
fn beside_a_good_flow(payloads: &[Vec<u8>]) {
    let mut bench = Bench::new(SEED);
    for (i, payload) in payloads.iter().enumerate() {
        let shown = &payload[..payload.len().min(24)];
        let ends = bench.broken_quic(format_args!("payload {i}: {shown:02x?}"));
        let mut client = Peer::client(&VERSIONS[i % 3], &bench.connection_id());
        bench.frame(&ends.udp(&client.initial(payload)));
        bench.frame(&ends.udp(&client.initial(payload)));
        let ends = bench.quic(format_args!("the flow after payload {i}: {shown:02x?}"));
        let mut client = Peer::client(&VERSIONS[i % 3], &bench.connection_id());
        bench.frame(&ends.udp(&client.initial(&crypto(0, &message(NAME, LEN, Place::Middle)))));
    }
    bench.done();
}

#[test]
fn frames_whose_numbers_lie() {
    let hello = message(NAME, LEN, Place::Last);
    let good = crypto(0, &hello[..100]);
    let most = [0xff; 8];
    let lies: [Vec<u8>; 9] = [
        // A CRYPTO frame longer than its packet, one as far as a number goes, one across the end of all numbers.
        [&[6, 0, 0x7f, 0xff][..], &hello].concat(),
        [&[6][..], &most, &[0x40, 10], &hello[..10]].concat(),
        [&[6, 0][..], &most, &hello].concat(),
        [&[6][..], &most, &most, &hello].concat(),
        [&[6, 0xbf, 0xff, 0xff, 0xff, 0x41, 0x2c][..], &hello].concat(),
        // ACKs with more ranges than there are bytes.
        [&[2, 0, 0][..], &most, &[0], &good].concat(),
        [&[3, 0, 0, 0x7f, 0xff, 0][..], &good].concat(),
        // Frames that belong to other packets: STREAM, HANDSHAKE_DONE, and a type that nobody knows.
        [&[8, 0][..], &good].concat(),
        [&[0x40, 0x42][..], &good].concat(),
    ];
    let behind: Vec<Vec<u8>> = lies.iter().map(|lie| [&good, &lie[..]].concat()).collect();
    beside_a_good_flow(&[lies.to_vec(), behind].concat());
}

#[test]
fn messages_whose_lengths_lie() {
    let hello = message(NAME, LEN, Place::Middle);
    let mut lies = Vec::new();
    // The length of the message, of the session id, of the ciphers, of the extensions; and the message's type.
    for at in [0, 1, 2, 3, 38, 71, 72, 75, 77, 78, 79] {
        for value in [0, 1, hello[at].wrapping_add(1), hello[at].wrapping_sub(1), 0xff] {
            let mut lie = hello.clone();
            lie[at] = value;
            lies.push(crypto(0, &lie));
        }
    }
    beside_a_good_flow(&lies);
}

/// Extensions that end behind the message, or in the middle of one: no hello, and none without a name either.
#[test]
fn a_broken_hello_is_none_without_a_name() {
    let mut bench = Bench::new(0);
    for less in [1, 2, 40, 200] {
        let mut hello = message(NAME, LEN, Place::Middle);
        hello[2..4].copy_from_slice(&(LEN as u16 - 4 - less).to_be_bytes());
        let ends = bench.case(443, &[], format_args!("a message said to be {less} bytes shorter than it is"));
        let mut client = Peer::client(&VERSIONS[0], &bench.connection_id());
        bench.frame(&ends.udp(&client.initial(&crypto(0, &hello))));
    }
    bench.done();
}

/// Random frames: whatever they say, they are read to their end.
#[test]
fn frames_at_random() {
    let mut random = Random(SEED);
    let payloads: Vec<Vec<u8>> = (0..300)
        .map(|_| {
            let len = 1 + random.below(200);
            let kinds = [0, 1, 2, 3, 6, 6, 6, 0x1c];
            (0..len).map(|i| if i % 5 == 0 { kinds[random.below(8)] } else { random.next() as u8 & 0x7f }).collect()
        })
        .collect();
    beside_a_good_flow(&payloads);
}

/// Bytes that another frame has as well: the first and the second one differ, and one of them is the hello's.
#[test]
fn frames_that_contradict_each_other() {
    let mut bench = Bench::new(SEED);
    let mut random = Random(SEED);
    let hello = message(NAME, LEN, Place::Last);
    for _ in 0..50 {
        let cuts = cut::somewhere(&mut random, LEN, 1);
        let ends = bench.quic(format_args!("other bytes behind the hello's own, cut at {cuts:?}"));
        let mut client = Peer::client(&VERSIONS[0], &bench.connection_id());
        let (one, two) = hello.split_at(cuts[0]);
        let other = vec![0xee; one.len()];
        bench.frame(&ends.udp(&client.initial(&[crypto(0, one), crypto(0, &other)].concat())));
        bench.frame(&ends.udp(&client.initial(&crypto(cuts[0], two))));
    }
    bench.done();
}
