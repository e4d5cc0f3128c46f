//! A hello in CRYPTO frames: cuts, orders, other frames between them, packets and datagrams.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut::{self, Piece};
use crate::wire::hello::{NAME, PLACES, Place, message};
use crate::wire::packet::Ends;
use crate::wire::quic::{OTHERS, Peer, VERSIONS, Version, crypto};

const SEED: u64 = 0x0001_c0de;
const LEN: usize = 300;

/// The client of the newest case; one id in three has twenty bytes.
fn client(bench: &Bench, version: &'static Version) -> Peer {
    let id = bench.connection_id();
    let long = [&id[..], b"twenty bytes"].concat();
    Peer::client(version, if id[7].is_multiple_of(3) { &long } else { &id })
}

/// CRYPTO frames of these pieces in this order.
fn frames(pieces: &[Piece<'_>], order: &[usize]) -> Vec<u8> {
    order.iter().flat_map(|&i| crypto(pieces[i].0, pieces[i].1)).collect()
}

/// The pieces in this order over `packets` Initials, each in a datagram.
fn deliver(bench: &mut Bench, version: &'static Version, pieces: &[Piece<'_>], order: &[usize], packets: usize) {
    let cuts: Vec<usize> = pieces.iter().skip(1).map(|(at, _)| *at).collect();
    let name = version.name;
    let ends = bench.quic(format_args!("{name}, cuts {cuts:?}, order {order:?}, {packets} Initials"));
    let mut client = client(bench, version);
    for part in order.chunks(order.len().div_ceil(packets)) {
        bench.frame(&ends.udp(&client.initial(&frames(pieces, part))));
    }
}

#[test]
fn two_frames_cut_anywhere() {
    let mut bench = Bench::new(0);
    for (version, place) in VERSIONS.iter().zip(PLACES) {
        let message = message(NAME, LEN, place);
        for at in 1..message.len() {
            for order in cut::orders(2) {
                for packets in 1..=2 {
                    deliver(&mut bench, version, &cut::at(&message, &[at]), &order, packets);
                }
            }
        }
    }
    bench.done();
}

#[test]
fn three_to_five_frames_in_every_order_over_one_to_five_initials() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for n in 3..=5 {
        for packets in 1..=n {
            let message = message(NAME, LEN, PLACES[packets % 3]);
            let cuts = cut::somewhere(&mut random, LEN, n - 1);
            for order in cut::orders(n) {
                deliver(&mut bench, &VERSIONS[n % 3], &cut::at(&message, &cuts), &order, packets);
            }
        }
    }
    bench.done();
}

#[test]
fn eleven_frames_in_one_packet() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for sample in 0..200 {
        let message = message(NAME, LEN, PLACES[sample % 3]);
        let cuts = cut::somewhere(&mut random, LEN, 10);
        let order = cut::shuffled(&mut random, 11);
        deliver(&mut bench, &VERSIONS[sample % 3], &cut::at(&message, &cuts), &order, 1);
    }
    bench.done();
}

#[test]
fn frames_that_overlap() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for sample in 0..100 {
        let message = message(NAME, LEN, PLACES[sample % 3]);
        let cuts = cut::somewhere(&mut random, LEN, 2);
        let mut pieces = cut::at(&message, &cuts);
        pieces.push((cuts[0] / 2, &message[cuts[0] / 2..(cuts[1] + 20).min(LEN)]));
        let order = cut::shuffled(&mut random, 4);
        deliver(&mut bench, &VERSIONS[sample % 3], &pieces, &order, 1 + sample % 4);
    }
    bench.done();
}

/// Frames of one byte with others between them, in datagrams of 200 frames.
fn one_byte_frames(len: usize, order: &str) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for version in &VERSIONS {
        let message = message(NAME, len, Place::Last);
        let pieces = cut::every(&message, 1);
        for (name, order) in cut::some_orders(&mut random, len).iter().filter(|(name, _)| *name == order) {
            let ends = bench.quic(format_args!("{}, {len} frames of one byte, {name}", version.name));
            let mut client = client(&bench, version);
            for part in order.chunks(200) {
                let mixed: Vec<u8> = part
                    .iter()
                    .flat_map(|&i| [crypto(pieces[i].0, pieces[i].1), OTHERS[i * 7 % 11 % 5].to_vec()])
                    .flatten()
                    .collect();
                bench.frame(&ends.udp(&client.initial(&mixed)));
            }
        }
    }
    bench.done();
}

#[test]
fn one_byte_frames_in_order() {
    one_byte_frames(LEN, "in order");
    one_byte_frames(1800, "in order");
}

#[test]
fn one_byte_frames_in_another_order() {
    for order in ["reversed", "shuffled"] {
        one_byte_frames(LEN, order);
        one_byte_frames(1800, order);
    }
}

/// A hello of 20 KB over twenty datagrams.
fn large(order: &str) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for (version, place) in VERSIONS.iter().zip(PLACES) {
        let message = message(NAME, 20_000, place);
        let pieces = cut::every(&message, 1000);
        for (name, order) in cut::some_orders(&mut random, pieces.len()).iter().filter(|(name, _)| *name == order) {
            let ends = bench.quic(format_args!("20 KB, {}, {name}", version.name));
            let mut client = client(&bench, version);
            for &i in order {
                bench.frame(&ends.udp(&client.initial(&frames(&pieces, &[i]))));
            }
        }
    }
    bench.done();
}

#[test]
fn twenty_kilobytes_in_order() {
    large("in order");
}

#[test]
fn twenty_kilobytes_in_another_order() {
    large("reversed");
    large("shuffled");
}

/// What may share a datagram: a case per place of the Initials among other packets.
#[test]
fn coalesced_packets() {
    let mut bench = Bench::new(0);
    for version in &VERSIONS {
        let message = message(NAME, LEN, Place::Middle);
        for at in (1..LEN).step_by(13) {
            let pieces = cut::at(&message, &[at]);
            let mut layout = |what: &str, make: &dyn Fn(&mut Peer) -> Vec<u8>| {
                let ends: Ends = bench.quic(format_args!("{}, cut at {at}, {what}", version.name));
                let mut client = client(&bench, version);
                bench.frame(&ends.udp(&make(&mut client)));
            };
            let initial = |client: &mut Peer, i: usize| client.initial_of(0, &frames(&pieces, &[i]));
            layout("two Initials", &|c| [initial(c, 0), initial(c, 1)].concat());
            layout("two Initials, the second first", &|c| [initial(c, 1), initial(c, 0)].concat());
            layout("0-RTT between", &|c| [initial(c, 0), c.opaque(1, 200), initial(c, 1)].concat());
            layout("0-RTT first", &|c| [c.opaque(1, 90), initial(c, 1), initial(c, 0)].concat());
            layout("Handshake first", &|c| [c.opaque(2, 90), initial(c, 0), initial(c, 1)].concat());
            layout("zeros behind", &|c| [initial(c, 0), initial(c, 1), vec![0; 300]].concat());
            layout("a short header behind", &|c| [initial(c, 0), initial(c, 1), vec![0x41; 60]].concat());
        }
    }
    bench.done();
}

/// Five Initials in one datagram, each with a fifth of the hello.
#[test]
fn five_coalesced_initials() {
    let mut bench = Bench::new(0);
    let message = message(NAME, LEN, Place::Middle);
    for order in cut::orders(5) {
        let pieces = cut::every(&message, LEN / 5);
        let ends = bench.quic(format_args!("five Initials in one datagram, order {order:?}"));
        let mut client = client(&bench, &VERSIONS[0]);
        let datagram: Vec<u8> = order.iter().flat_map(|&i| client.initial_of(0, &frames(&pieces, &[i]))).collect();
        bench.frame(&ends.udp(&datagram));
    }
    bench.done();
}

#[test]
fn packet_numbers_of_one_to_four_bytes() {
    let mut bench = Bench::new(0);
    let message = message(NAME, LEN, Place::First);
    for version in &VERSIONS {
        for (number_len, numbers) in
            [(1, vec![0, 1, 255]), (2, vec![0, 256, 65_535]), (3, vec![0, 1 << 23]), (4, vec![0, 1, u32::MAX - 9])]
        {
            for number in numbers {
                for order in cut::orders(2) {
                    let what = format!("{} number {number} in {number_len} bytes, {order:?}", version.name);
                    let ends = bench.quic(what);
                    let mut client = Peer { number_len, ..client(&bench, version) };
                    for i in order {
                        // A byte of packet number tells no more than 255: the second packet takes the first one's.
                        client.number = number;
                        bench.frame(&ends.udp(&client.initial(&frames(&cut::every(&message, 150), &[i]))));
                    }
                }
            }
        }
    }
    bench.done();
}

#[test]
fn each_datagram_twice() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for sample in 0..60 {
        let message = message(NAME, LEN, PLACES[sample % 3]);
        let cuts = cut::somewhere(&mut random, LEN, 2);
        for order in cut::orders(3) {
            let ends = bench.quic(format_args!("each twice, cuts {cuts:?}, order {order:?}"));
            let mut client = client(&bench, &VERSIONS[sample % 3]);
            let mut datagrams: Vec<_> = order
                .iter()
                .map(|&i| ends.udp(&client.initial(&frames(&cut::at(&message, &cuts), &[i]))))
                .flat_map(|datagram| [datagram.clone(), datagram])
                .collect();
            if sample % 2 == 0 {
                datagrams.sort();
            }
            datagrams.iter().for_each(|datagram| bench.frame(datagram));
        }
    }
    bench.done();
}
