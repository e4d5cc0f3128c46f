//! Frames made of bytes, and which of them are copies.

use super::*;
use crate::capture::{Frame, LinkType};
use crate::decode::{Decoded, decode};

/// A frame of one flow.
#[derive(Clone)]
struct Sent {
    tags: Vec<u8>,
    ip: Vec<u8>,
    transport: Vec<u8>,
    payload: Vec<u8>,
}

/// A TCP segment with the timestamp option: `seq` and `ack` with everything else alike.
fn tcp(seq: u32, ack: u32, payload: &[u8]) -> Sent {
    let numbers = [seq, ack].map(u32::to_be_bytes);
    let stamps = [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 4];
    let fields = [&[0x9c, 0x40, 1, 0xbb], numbers.as_flattened(), &[0x80, 0x10, 1, 0, 0xab, 0xcd, 0, 0], &stamps];
    sent(6, 700, &fields.concat(), payload)
}

fn udp(payload: &[u8]) -> Sent {
    let len = (8 + payload.len() as u16).to_be_bytes();
    sent(17, 700, &[0x9c, 0x40, 1, 0xbb, len[0], len[1], 0xab, 0xcd], payload)
}

fn sent(protocol: u8, id: u16, transport: &[u8], payload: &[u8]) -> Sent {
    let [len, id] = [(20 + transport.len() + payload.len()) as u16, id].map(u16::to_be_bytes);
    let addresses = [10, 0, 0, 7, 198, 51, 100, 30];
    let ip = [&[0x45, 0], &len[..], &id, &[0x40, 0, 64, protocol, 0, 0], &addresses].concat();
    Sent { tags: vec![8, 0], ip, transport: transport.to_vec(), payload: payload.to_vec() }
}

impl Sent {
    /// With one byte of the transport header changed.
    fn changed(mut self, at: usize) -> Self {
        self.transport[at] ^= 1;
        self
    }

    fn with_id(mut self, id: u16) -> Self {
        self.ip[4..6].copy_from_slice(&id.to_be_bytes());
        self
    }

    /// Behind a router, on another VLAN.
    fn routed(mut self) -> Self {
        self.tags = vec![0x81, 0, 0, 20, 8, 0];
        self.ip[1] = 0x48;
        self.ip[8] -= 1;
        self
    }

    /// In GRE between two switches, with an identification of the tunnel's own.
    fn tunnelled(mut self) -> Self {
        let len = (44 + self.transport.len() + self.payload.len()) as u16;
        let outer =
            [[0x45, 0], len.to_be_bytes(), [7, 7], [0, 0], [60, 47], [0, 0], [10, 9], [0, 1], [10, 9], [0, 2]];
        self.tags = [&[8, 0], outer.as_flattened(), &[0, 0, 8, 0]].concat();
        self
    }

    fn v6(mut self) -> Self {
        let [high, low] = ((self.transport.len() + self.payload.len()) as u16).to_be_bytes();
        self.tags = vec![0x86, 0xdd];
        self.ip = [&[0x60, 0, 0, 0, high, low, self.ip[9], 64][..], &[0x20; 16], &[0x21; 16]].concat();
        self
    }
}

/// Which of these frames are copies. Each has its time, µs, and how much of it a snaplen leaves.
fn copies_of(frames: &[(i64, &Sent, usize)]) -> Vec<bool> {
    let mut copies = Copies::default();
    let mut told = |&(time, sent, captured): &(i64, &Sent, usize)| {
        let data = [&[2; 12], &sent.tags[..], &sent.ip, &sent.transport, &sent.payload].concat();
        let frame = Frame {
            time,
            data: &data[..captured.min(data.len())],
            wire_len: data.len() as u32,
            link: LinkType::Ethernet,
        };
        let Decoded::Packet(packet) = decode(&frame) else { panic!("no packet") };
        copies.holds(&packet, Side::Low)
    };
    frames.iter().map(&mut told).collect()
}

const ALL: usize = usize::MAX;
const LATER: i64 = 3_000;
const DATA: [u8; 40] = [0x5a; 40];

/// Whether the second frame, which comes 3 ms after the first, is its copy.
fn is_copy(first: &Sent, second: &Sent) -> bool {
    copies_of(&[(0, first, ALL), (LATER, second, ALL)])[1]
}

#[test]
fn the_same_packet_is_a_copy_whatever_it_was_carried_in() {
    for packet in [tcp(1, 1, b""), tcp(1, 1, &DATA), udp(b""), udp(&DATA)] {
        for packet in [packet.clone().v6(), packet] {
            assert!(is_copy(&packet, &packet));
        }
    }
    assert!(is_copy(&tcp(1, 1, &DATA), &tcp(1, 1, &DATA).routed()));
    assert!(is_copy(&udp(&DATA).routed(), &udp(&DATA)));
    assert!(is_copy(&udp(&DATA), &udp(&DATA).tunnelled()));
    assert!(!is_copy(&udp(&DATA).tunnelled(), &udp(&DATA).with_id(0x0707).tunnelled()));
}

#[test]
fn what_is_sent_again_is_none() {
    let first = tcp(1, 1, &DATA);
    assert!(!is_copy(&first, &first.clone().with_id(701)), "another identification");
    assert!(!is_copy(&first.clone().v6(), &first.clone().changed(27).v6()), "another timestamp");
    assert!(!is_copy(&first.clone().v6(), &tcp(1, 2, &DATA).v6()), "it acknowledges more");
    assert!(!is_copy(&udp(&DATA), &udp(&DATA).with_id(701)));
}

#[test]
fn every_field_counts() {
    for at in 0..32 {
        // Ports lead to another flow, the offset to another length.
        let same = tcp(1, 1, &DATA);
        assert!(at == 12 || !is_copy(&same, &same.clone().changed(at)), "byte {at}");
    }
    assert!(!is_copy(&tcp(1, 1, b"abc"), &tcp(1, 1, b"abd")));
    assert!(!is_copy(&tcp(1, 1, b"abc"), &tcp(1, 1, b"abcd")));
    assert!(!is_copy(&udp(&DATA), &udp(&DATA).changed(7)));
    let late = [&DATA[..23], b"x", &DATA[..16]].concat();
    assert!(!is_copy(&udp(&DATA), &udp(&late)), "the last byte that is compared");
}

#[test]
fn a_copy_comes_within_the_window() {
    let (packet, window) = (udp(&DATA), i64::from(WINDOW));
    let at = |time| (time, &packet, ALL);
    assert_eq!(copies_of(&[at(0), at(window), at(window + 1)]), [false, true, false], "counted from the first");
    assert_eq!(copies_of(&[at(0), at(-window)]), [false, true], "times of two interfaces may cross");
    // The low bits of the time begin again at 0 within the window.
    let wrap = 1 << 32;
    assert_eq!(copies_of(&[at(wrap - 5), at(wrap + 5)]), [false, true]);
}

#[test]
fn as_many_packets_may_come_between_as_are_remembered() {
    let sent: Vec<Sent> = (0..=REMEMBERED as u32).map(|seq| tcp(seq * 40, 1, &DATA)).collect();
    let mut frames: Vec<_> = sent.iter().take(REMEMBERED).map(|sent| (0, sent, ALL)).collect();
    frames.extend(sent.iter().take(REMEMBERED).map(|sent| (LATER, sent, ALL)));
    let copies = copies_of(&frames);
    assert_eq!(copies.iter().filter(|copy| **copy).count(), REMEMBERED);
    let mut frames: Vec<_> = sent.iter().map(|sent| (0, sent, ALL)).collect();
    frames.push((LATER, &sent[0], ALL));
    assert_eq!(copies_of(&frames).pop(), Some(false), "one too many");
}

#[test]
fn sides_are_apart_and_a_scan_takes_no_memory() {
    let packet = tcp(1, 1, b"");
    let data = [&packet.ip[..], &packet.transport].concat();
    let frame = Frame { time: 0, data: &data, wire_len: data.len() as u32, link: LinkType::RawIp };
    let Decoded::Packet(packet) = decode(&frame) else { panic!("no packet") };
    let mut copies = Copies::default();
    let told = [Side::Low, Side::Low, Side::High, Side::High, Side::Low].map(|side| {
        let told = copies.holds(&packet, side);
        (told, matches!(copies, Copies::Last(_)))
    });
    assert_eq!(told, [(false, false), (true, false), (false, true), (true, true), (true, true)]);
}

#[test]
fn of_cut_frames_what_is_there_is_compared() {
    let told = |first: &Sent, captured: usize, second: &Sent, then: usize| {
        copies_of(&[(0, first, captured), (LATER, second, then)])[1]
    };
    let packet = tcp(1, 1, &DATA);
    let (head, options) = (14 + 20 + 20, 12);
    for captured in head..head + options + 30 {
        assert!(told(&packet, captured, &packet, captured), "{captured}");
        assert!(told(&packet, captured, &packet.clone().routed(), captured.max(head + 4)), "{captured}");
        assert!(!told(&packet, captured, &tcp(41, 1, &DATA), captured), "{captured}");
    }
    assert!(!told(&packet, head - 1, &packet, head - 1), "the header is cut");
    let packet = udp(&DATA);
    let sample = 14 + 20 + 8 + SAMPLE;
    assert!(told(&packet, sample, &packet, sample));
    assert!(told(&packet, sample, &packet.clone().routed(), ALL));
    assert!(!told(&packet, sample - 1, &packet, sample - 1), "too little is left");
}

#[test]
fn empty_acknowledgements_over_ipv6_are_told_by_their_timestamps_alone() {
    let bare = |ack| {
        let mut sent = tcp(1, ack, b"");
        sent.transport.truncate(20);
        sent.transport[12] = 0x50;
        sent.v6()
    };
    assert!(is_copy(&bare(7), &bare(7)), "the same twice: nobody can tell");
    assert!(!is_copy(&bare(7), &bare(8)));
    assert!(!is_copy(&tcp(1, 7, b"").v6(), &tcp(1, 7, b"").changed(27).v6()));
}
