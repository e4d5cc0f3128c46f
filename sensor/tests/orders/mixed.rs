//! All of it at once, by chance: records, segments, copies, overlaps, keep-alives, strangers' RSTs, the server's packets.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, PLACES, message, one_record};
use crate::wire::packet::{ACK, Ends, FIN, RST, SERVER_BASE};
use crate::wire::quic::{OTHERS, Peer, VERSIONS, crypto};

const SEED: u64 = 0x00a1_100f;

/// A hello in records of any size, with or without other bytes behind it.
fn stream(random: &mut Random) -> Vec<u8> {
    let message = message(NAME, 220 + random.below(2600), PLACES[random.below(3)]);
    let count = random.below(5);
    let cuts = cut::somewhere(random, message.len(), count);
    let mut stream: Vec<u8> = cut::at(&message, &cuts).iter().flat_map(|(_, part)| one_record(part)).collect();
    if random.below(3) == 0 {
        stream.extend([0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 40]);
        stream.extend(vec![0x99; random.below(40)]);
    }
    stream
}

/// What else a segment may be followed by.
fn noise(random: &mut Random, ends: Ends, base: u32, stream: &[u8]) -> Option<Vec<u8>> {
    let at = random.below(stream.len());
    let seq = base.wrapping_add(at as u32);
    let end = (at + 1 + random.below(400)).min(stream.len());
    Some(match random.below(16) {
        // Bytes of the stream once more, cut in another way.
        0..4 => ends.tcp(seq, ACK, &stream[at..end]),
        4 => ends.tcp(seq, ACK, b""),
        5 => ends.back(seq).tcp(SERVER_BASE, ACK, b""),
        6 => ends.tcp(seq.wrapping_add(1 << 27), RST, b""),
        7 => ends.back(seq).tcp(SERVER_BASE.wrapping_add(1 << 29), RST, b""),
        8 => ends.tcp(seq.wrapping_sub(1 << 27), FIN | ACK, b""),
        // A keep-alive before the first byte.
        9 => ends.tcp(base.wrapping_sub(1), ACK, &[0]),
        _ => return None,
    })
}

fn tcp(syn: bool, swaps: usize) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for case in 0..2000 {
        let (stream, base) = (stream(&mut random), random.next() as u32);
        let count = random.below(10);
        let cuts = cut::somewhere(&mut random, stream.len(), count);
        let mut order: Vec<usize> = (0..=cuts.len()).collect();
        for _ in 0..swaps {
            let (a, b) = (random.below(order.len()), random.below(order.len()));
            order.swap(a, b);
        }
        let ends = bench.tls(format_args!("case {case}, syn {syn}, cuts {cuts:?}, order {order:?}"));
        if syn {
            bench.handshake(ends, base);
        }
        let pieces = cut::at(&stream, &cuts);
        for i in order {
            bench.segments(ends, base, &pieces, &[i]);
            if let Some(frame) = noise(&mut random, ends, base, &stream).filter(|_| syn) {
                bench.frame(&frame);
            }
        }
    }
    bench.done();
}

#[test]
fn tcp_behind_a_syn() {
    tcp(true, 6);
}

#[test]
fn tcp_without_a_syn() {
    tcp(false, 6);
}

#[test]
fn tcp_without_a_syn_in_order() {
    tcp(false, 0);
}

#[test]
fn quic() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for case in 0..1500 {
        let version = &VERSIONS[random.below(3)];
        let message = message(NAME, 220 + random.below(1600), PLACES[random.below(3)]);
        let count = 1 + random.below(9);
        let cuts = cut::somewhere(&mut random, message.len(), count);
        let order = cut::shuffled(&mut random, cuts.len() + 1);
        let what = format!("case {case}, {}, cuts {cuts:?}, order {order:?}", version.name);
        let ends = bench.quic(what);
        let mut client = Peer::client(version, &bench.connection_id());
        let mut server = Peer::server(&client, b"another");
        let pieces = cut::at(&message, &cuts);
        for part in order.chunks(1 + random.below(4)) {
            let mut frames = Vec::new();
            for &i in part {
                frames.extend(crypto(pieces[i].0, pieces[i].1));
                frames.extend(OTHERS[random.below(5)]);
            }
            // A long hello in few frames makes a packet that is larger than most: it is whole all the same.
            let datagram = ends.udp(&client.initial(&frames));
            bench.frame(&datagram);
            match random.below(6) {
                0 => bench.frame(&datagram),
                1 => bench.frame(&ends.back(0).udp(&server.initial(OTHERS[2]))),
                2 => bench.frame(&ends.udp(&client.opaque(1, 200))),
                3 => client.dcid = server.scid.clone(),
                _ => {}
            }
        }
    }
    bench.done();
}
