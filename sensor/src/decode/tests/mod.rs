//! Frames made of bytes, and what comes out of them.

mod fragments;
mod guesses;
mod links;
mod nesting;
mod tunnels;

use std::net::IpAddr;

use super::{Decoded, Fragments, Link, Malformed, NotFlow, decode, decode_datagram};
use crate::capture::{Frame, LinkType};

const CLIENT_MAC: [u8; 6] = [2, 0x77, 0, 0, 0, 0x11];
const SERVER_MAC: [u8; 6] = [2, 0x77, 0, 0, 0, 1];
const ROUTER_MAC: [u8; 6] = [0, 0x1b, 0x17, 0, 0, 9];
const HELLO: &[u8] = b"the bytes of a hello";

/// What a packet says, without its frame's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    src: (IpAddr, u16),
    dst: (IpAddr, u16),
    payload: Vec<u8>,
    payload_len: u32,
    frame_len: u32,
    ip_len: u32,
    link: Link,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Out {
    Packet(Seen),
    NotFlow(NotFlow),
    Malformed(Malformed),
}

impl Out {
    fn of(decoded: &Decoded<'_>) -> Self {
        match decoded {
            Decoded::Packet(p) => Self::Packet(Seen {
                src: p.src,
                dst: p.dst,
                payload: p.payload.to_vec(),
                payload_len: p.payload_len,
                frame_len: p.frame_len,
                ip_len: p.ip_len,
                link: p.link,
            }),
            Decoded::Fragment(_) => Self::NotFlow(NotFlow::Fragment),
            Decoded::Neighbour(neighbour) => Self::NotFlow(neighbour.counts_as()),
            Decoded::NotFlow(what) => Self::NotFlow(*what),
            Decoded::Malformed(why) => Self::Malformed(*why),
        }
    }

    #[track_caller]
    fn packet(self) -> Seen {
        match self {
            Self::Packet(seen) => seen,
            other => panic!("{other:?} is no packet"),
        }
    }
}

/// Decodes a whole frame of a link type.
fn on(link: LinkType, data: &[u8]) -> Out {
    let wire_len = data.len() as u32;
    Out::of(&decode(&Frame { time: 0, data, wire_len, link }))
}

/// Decodes a frame of which the first bytes were captured.
fn cut(link: LinkType, data: &[u8], captured: usize) -> Out {
    let wire_len = data.len() as u32;
    Out::of(&decode(&Frame { time: 0, data: &data[..captured], wire_len, link }))
}

/// Takes a frame through the fragments, as the worker does.
fn through(fragments: &mut Fragments, frame: &Frame<'_>) -> Out {
    fn follow(fragments: &mut Fragments, frame: &Frame<'_>, decoded: &Decoded<'_>) -> Out {
        match decoded {
            Decoded::Fragment(fragment) => match fragments.add(frame.time, fragment) {
                Some(datagram) => follow(fragments, frame, &decode_datagram(frame, &datagram)),
                None => Out::NotFlow(NotFlow::Fragment),
            },
            other => Out::of(other),
        }
    }
    follow(fragments, frame, &decode(frame))
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_between([10, 0, 0, 1], [198, 51, 100, 20], protocol, payload)
}

fn ipv4_between(src: [u8; 4], dst: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len()) as u16;
    let [high, low] = len.to_be_bytes();
    [&[0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0], &src[..], &dst, payload].concat()
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, high, low, next, 64];
    for last in [1, 2] {
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    [packet, payload.to_vec()].concat()
}

fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len()) as u16;
    let fields = [src, dst, len, 0].map(u16::to_be_bytes);
    [fields.as_flattened(), payload].concat()
}

fn tcp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let ports = [src, dst].map(u16::to_be_bytes);
    let rest = [0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    [ports.as_flattened(), &rest, payload].concat()
}

/// A client's packet.
fn hello() -> Vec<u8> {
    ipv4(6, &tcp(50_000, 443, HELLO))
}

fn ethernet(src: [u8; 6], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&SERVER_MAC[..], &src, &ether_type.to_be_bytes(), payload].concat()
}

/// The EtherType of an IP packet.
fn type_of(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }
}

/// The client's packet in its frame.
fn client_frame(packet: &[u8]) -> Vec<u8> {
    ethernet(CLIENT_MAC, type_of(packet), packet)
}

/// What carries a mirror: a router's frame.
fn routed(packet: &[u8]) -> Vec<u8> {
    ethernet(ROUTER_MAC, type_of(packet), packet)
}

fn gre(flags: u16, protocol: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let fields = [flags, protocol].map(u16::to_be_bytes);
    [fields.as_flattened(), options, payload].concat()
}

fn vxlan(flags: [u8; 4], frame: &[u8]) -> Vec<u8> {
    [&flags[..], &[0, 0x10, 0x92, 0], frame].concat()
}

fn geneve(protocol: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let first = [(options.len() / 4) as u8, 0];
    [&first[..], &protocol.to_be_bytes(), &[0, 0, 7, 0], options, payload].concat()
}

/// GTP-U; `options` is empty, or sequence number and all that follows it.
fn gtp(flags: u8, options: &[u8], packet: &[u8]) -> Vec<u8> {
    let len = (options.len() + packet.len()) as u16;
    let [high, low] = len.to_be_bytes();
    [&[0x30 | flags, 255, high, low, 0xde, 0xad, 0xbe, 0xef], options, packet].concat()
}

/// A small generator (xorshift64), so that a failure comes back with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}
