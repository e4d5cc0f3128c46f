//! Frames that a capture has cut: every prefix of each. Nothing panics, no other name comes out, bytes are accounted for.

use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, Place, message, record, records};
use crate::wire::packet::{ACK, RST, SYN};
use crate::wire::quic::{Peer, VERSIONS, crypto};

const BASE: u32 = 5000;

/// Cuts each frame of one case at every byte, all frames the same.
fn every_prefix(what: &str, longest: usize, frames: impl Fn(&mut Bench, &str, usize) -> Vec<Vec<u8>>) {
    let mut bench = Bench::new(0);
    for kept in 0..=longest {
        for frame in frames(&mut bench, what, kept) {
            bench.cut_frame(&frame, kept.min(frame.len()));
        }
    }
    bench.done();
}

#[test]
fn a_hello_in_one_segment() {
    let stream = record(NAME, 517, Place::Middle);
    every_prefix("one segment", 600, |bench, what, kept| {
        let ends = bench.broken(format_args!("{what}, {kept} bytes kept"));
        vec![ends.tcp(BASE - 1, SYN, b""), ends.tcp(BASE, ACK, &stream), ends.tcp(BASE + 517, RST, b"gone")]
    });
}

#[test]
fn a_hello_in_records_and_segments() {
    let stream = records(&message(NAME, 512, Place::Last), 90);
    let pieces = cut::every(&stream, 170);
    every_prefix("records and segments", 240, |bench, what, kept| {
        let ends = bench.broken(format_args!("{what}, {kept} bytes kept"));
        let frames = pieces.iter().map(|(at, piece)| ends.tcp(BASE + *at as u32, ACK, piece));
        [vec![ends.tcp(BASE - 1, SYN, b"")], frames.clone().collect(), frames.rev().collect()].concat()
    });
}

/// The frames of a flow that were cut do not keep its whole frames from being read: TCP sends them again.
#[test]
fn whole_segments_behind_cut_ones() {
    let stream = record(NAME, 517, Place::Last);
    let mut bench = Bench::new(0);
    for kept in 0..=600 {
        let ends = bench.tls(format_args!("{kept} bytes kept, then whole"));
        bench.handshake(ends, BASE);
        let frame = ends.tcp(BASE, ACK, &stream);
        bench.cut_frame(&frame, kept.min(frame.len()));
        bench.frame(&frame);
    }
    bench.done();
}

#[test]
fn initials() {
    let message = message(NAME, 1500, Place::Last);
    for version in &VERSIONS {
        let mut bench = Bench::new(0);
        for kept in 0..=1260 {
            let ends = bench.quic(format_args!("{}, {kept} bytes kept", version.name));
            let mut client = Peer::client(version, &bench.connection_id());
            let first = client.initial(&crypto(0, &message[..900]));
            let second = [client.initial_of(0, &crypto(900, &message[900..])), client.opaque(1, 100)].concat();
            for datagram in [&first, &second] {
                let frame = ends.udp(datagram);
                bench.cut_frame(&frame, kept.min(frame.len()));
            }
            // What was cut does not keep the whole datagrams from being read.
            for datagram in [&first, &second] {
                bench.frame(&ends.udp(datagram));
            }
        }
        bench.done();
    }
}
