//! Tunnels in tunnels, drawn at random: the same packet comes out.

use super::super::MAX_TUNNELS;
use super::*;

/// What has been wrapped so far, and what should come out of it.
struct Wrapped {
    bytes: Vec<u8>,
    is_frame: bool,
    tunnels: usize,
    steps: Vec<&'static str>,
    mac: Option<Option<[u8; 6]>>,
    vlan: Option<u16>,
}

impl Wrapped {
    fn new(packet: Vec<u8>) -> Self {
        Self { bytes: packet, is_frame: false, tunnels: 0, steps: Vec::new(), mac: None, vlan: None }
    }

    /// Puts the packet or frame into one more header, and what belongs to it.
    fn wrap(&mut self, random: &mut Random) {
        let step = if self.is_frame { self.frame_in_tunnel(random) } else { self.packet_in_tunnel(random) };
        self.steps.push(step);
        self.tunnels += 1;
    }

    fn in_ip(&mut self, random: &mut Random, protocol: u8, payload: &[u8]) {
        self.bytes = if random.below(2) == 0 { ipv4(protocol, payload) } else { ipv6(protocol, payload) };
        self.is_frame = false;
    }

    fn in_udp(&mut self, random: &mut Random, port: u16, payload: &[u8]) {
        let src = 40_000 + random.below(999) as u16;
        self.in_ip(random, 17, &udp(src, port, payload));
    }

    fn packet_in_tunnel(&mut self, random: &mut Random) -> &'static str {
        self.mac.get_or_insert(None);
        let inner = self.bytes.clone();
        let key = [0, 0, 0, random.below(256) as u8];
        match random.below(7) {
            0 | 1 => {
                self.in_ip(random, if inner[0] >> 4 == 4 { 4 } else { 41 }, &inner);
                "ip"
            }
            2 => {
                self.in_ip(random, 47, &gre(0x2000, type_of(&inner), &key, &inner));
                "gre"
            }
            3 => {
                self.in_udp(random, 2152, &gtp(4, &[0, 7, 0, 0x85, 1, 0x10, 9, 0], &inner));
                "gtp"
            }
            4 => {
                self.in_udp(random, 6081, &geneve(type_of(&inner), &[1, 8, 2, 0], &inner));
                "geneve"
            }
            5 => {
                self.in_udp(random, 4754, &gre(0x1000, type_of(&inner), &key, &inner));
                "gre over udp"
            }
            _ => {
                self.bytes = ethernet(ROUTER_MAC, 0x8847, &[&[0, 1, 0x11, 64], &inner[..]].concat());
                self.is_frame = true;
                "mpls"
            }
        }
    }

    fn frame_in_tunnel(&mut self, random: &mut Random) -> &'static str {
        let inner = self.bytes.clone();
        let port = [4789, 8472][random.below(2)];
        match random.below(8) {
            0 => {
                self.in_udp(random, port, &vxlan([0x88, 0, 0, 0], &inner));
                "vxlan"
            }
            1 => {
                self.in_udp(random, 6081, &geneve(0x6558, &[], &inner));
                "geneve ethernet"
            }
            2 => {
                self.in_ip(random, 47, &gre(0x8000, 0x6558, &[0; 4], &inner));
                "gre ethernet"
            }
            3 => {
                self.in_ip(random, 47, &gre(0, 0x88be, &[], &inner));
                "erspan 1"
            }
            4 => {
                self.vlan.get_or_insert(5);
                let header = [0x10, 5, 0, 1, 0, 0, 0, 1];
                self.in_ip(random, 47, &gre(0x1000, 0x88be, &[0; 4], &[&header, &inner[..]].concat()));
                "erspan 2"
            }
            5 => {
                self.vlan.get_or_insert(6);
                let header = [&[0x20, 6, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], &[9; 8][..]].concat();
                self.in_ip(random, 47, &gre(0x1000, 0x22eb, &[0; 4], &[header, inner].concat()));
                "erspan 3"
            }
            6 => {
                self.bytes = ethernet(ROUTER_MAC, 0x8847, &[&[0, 1, 0x11, 64, 0, 0, 0, 3], &inner[..]].concat());
                "pseudowire"
            }
            _ => {
                self.bytes = ethernet(ROUTER_MAC, 0x88e7, &[&[0, 0, 0, 9], &inner[..]].concat());
                "backbone"
            }
        }
    }

    /// Puts a packet into a frame, with a tag or a PPPoE session now and then.
    fn in_frame(&mut self, random: &mut Random) {
        if self.is_frame {
            return;
        }
        let mac = if self.tunnels == 0 { CLIENT_MAC } else { ROUTER_MAC };
        self.mac.get_or_insert(Some(mac));
        let packet = self.bytes.clone();
        self.bytes = match random.below(3) {
            0 => {
                self.vlan.get_or_insert(7);
                let tagged = [&[0, 9, 0x81, 0, 0, 7], &type_of(&packet).to_be_bytes()[..], &packet].concat();
                ethernet(mac, 0x88a8, &tagged)
            }
            1 => {
                let protocol = if packet[0] >> 4 == 4 { 0x21 } else { 0x57 };
                let [high, low] = (packet.len() as u16 + 2).to_be_bytes();
                ethernet(mac, 0x8864, &[&[0x11, 0, 0, 1, high, low, 0, protocol], &packet[..]].concat())
            }
            _ => ethernet(mac, type_of(&packet), &packet),
        };
        self.is_frame = true;
    }
}

fn innermost(random: &mut Random) -> (Vec<u8>, u32) {
    let segment = if random.below(2) == 0 { tcp(50_000, 443, HELLO) } else { udp(50_000, 443, HELLO) };
    let protocol = if segment.len() == HELLO.len() + 8 { 17 } else { 6 };
    let packet = if random.below(2) == 0 { ipv4(protocol, &segment) } else { ipv6(protocol, &segment) };
    let len = packet.len() as u32;
    (packet, len)
}

fn nested(random: &mut Random, tunnels: usize) -> (Wrapped, u32) {
    let (packet, len) = innermost(random);
    let mut wrapped = Wrapped::new(packet);
    for _ in 0..tunnels {
        if random.below(2) == 0 {
            wrapped.in_frame(random);
        }
        wrapped.wrap(random);
    }
    wrapped.in_frame(random);
    (wrapped, len)
}

#[test]
fn any_nesting_to_the_limit_gives_the_same_packet() {
    for seed in 1..4_000 {
        let mut random = Random(seed * 0x9e37_79b9);
        let tunnels = random.below(usize::from(MAX_TUNNELS) + 1);
        let (wrapped, ip_len) = nested(&mut random, tunnels);
        let out = on(LinkType::Ethernet, &wrapped.bytes);
        let Out::Packet(seen) = out else { panic!("{seed}: {out:?} of {:?}", wrapped.steps) };
        assert_eq!((seen.src.1, seen.dst.1), (50_000, 443), "{seed}: {:?}", wrapped.steps);
        assert_eq!((seen.payload.as_slice(), seen.ip_len), (HELLO, ip_len), "{seed}: {:?}", wrapped.steps);
        assert_eq!(seen.frame_len, wrapped.bytes.len() as u32);
        assert_eq!(Some(seen.link.src), wrapped.mac, "{seed}: {:?}", wrapped.steps);
        assert_eq!(seen.link.vlan, wrapped.vlan, "{seed}: {:?}", wrapped.steps);
    }
}

#[test]
fn one_tunnel_too_many_is_said() {
    for seed in 1..400 {
        let mut random = Random(seed * 0x9e37_79b9);
        let (wrapped, _) = nested(&mut random, usize::from(MAX_TUNNELS) + 1);
        let out = on(LinkType::Ethernet, &wrapped.bytes);
        assert_eq!(out, Out::Malformed(Malformed::TooDeep), "{seed}: {:?}", wrapped.steps);
    }
}

#[test]
fn every_cut_ends_in_a_packet_or_a_reason() {
    for seed in 1..150 {
        let mut random = Random(seed * 0x9e37_79b9);
        let tunnels = random.below(usize::from(MAX_TUNNELS) + 1);
        let (wrapped, ip_len) = nested(&mut random, tunnels);
        for captured in 0..=wrapped.bytes.len() {
            if let Out::Packet(seen) = cut(LinkType::Ethernet, &wrapped.bytes, captured) {
                assert!(HELLO.starts_with(&seen.payload) || seen.dst.1 != 443);
                assert!(seen.dst.1 != 443 || seen.ip_len == ip_len);
            }
            let short = on(LinkType::Ethernet, &wrapped.bytes[..captured]);
            let whole = captured == wrapped.bytes.len();
            assert_eq!(matches!(&short, Out::Packet(seen) if seen.dst.1 == 443), whole, "{seed}: {captured}");
        }
    }
}
