//! A port is a hint: what is no tunnel by its content is the UDP flow that it looks like.

use super::super::{Depth, MAX_GUESSES, Span, ether};
use super::*;

const PORTS: [u16; 11] = [1701, 2152, 3544, 4754, 4789, 4790, 5072, 6081, 6635, 8472, 37_008];

/// The datagram is a packet of a UDP flow on its own ports, with all of its payload.
#[track_caller]
fn is_plain(payload: &[u8]) {
    for port in PORTS {
        for (src, dst) in [(port, 53), (40_000, port)] {
            let seen = on(LinkType::Ethernet, &client_frame(&ipv4(17, &udp(src, dst, payload)))).packet();
            assert_eq!((seen.src.1, seen.dst.1), (src, dst));
            assert_eq!((seen.payload.as_slice(), seen.link.src), (payload, Some(CLIENT_MAC)));
        }
    }
}

#[test]
fn dns_on_a_tunnels_port_is_dns() {
    let question = b"\x08\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07chatgpt\x03com\x00\x00\x01\x00\x01";
    is_plain(question);
    // An identification that looks like each header's first bytes.
    for id in [[0x08, 0x00], [0x30, 0xff], [0x00, 0x00], [0x0c, 0x00], [0x20, 0x00]] {
        is_plain(&[&id, &question[2..]].concat());
    }
}

#[test]
fn random_datagrams_are_never_tunnels() {
    let mut random = Random(11);
    for round in 0..3_000 {
        let len = round % 200;
        let mut payload: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        // The first bytes right, the rest by chance.
        let starts: [&[u8]; 7] =
            [&[8, 0, 0, 0], &[0, 0, 8, 0], &[0, 0, 0x65, 0x58], &[0x30, 255], &[0, 2], &[1, 0, 0, 1], &[0x60, 0]];
        if let Some(start) = starts.get(random.below(8)).filter(|start| start.len() <= len) {
            payload[..start.len()].copy_from_slice(start);
        }
        is_plain(&payload);
    }
}

#[test]
fn an_inner_length_that_does_not_fill_the_datagram_is_no_tunnel() {
    let longer = [hello(), vec![0; 60]].concat();
    for wrong in [&hello()[..hello().len() - 1], &longer] {
        let vxlan = vxlan([8, 0, 0, 0], &client_frame(wrong));
        let geneve = geneve(0x0800, &[], wrong);
        let gtp = gtp(0, &[], wrong);
        let gre = gre(0, 0x0800, &[], wrong);
        for (port, payload) in [(4789, vxlan), (6081, geneve), (2152, gtp), (4754, gre)] {
            let seen = on(LinkType::RawIp, &ipv4(17, &udp(40_000, port, &payload))).packet();
            assert_eq!((seen.dst.1, seen.payload), (port, payload));
        }
    }
}

#[test]
fn what_only_the_tunnels_ends_say_to_each_other_is_their_own_flow() {
    let echo = [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0];
    let mut control = geneve(0x0800, &[], &hello());
    control[1] = 0x80;
    let not_valid = vxlan([0, 0, 0, 0], &client_frame(&hello()));
    for (port, payload) in [(2152, echo.to_vec()), (6081, control), (4789, not_valid)] {
        let seen = on(LinkType::RawIp, &ipv4(17, &udp(port, port, &payload))).packet();
        assert_eq!((seen.dst.1, seen.payload), (port, payload));
    }
}

#[test]
fn a_refused_tunnel_leaves_no_trace_on_the_link() {
    let tagged = [&SERVER_MAC[..], &ROUTER_MAC, &[0x81, 0, 0, 99, 8, 0, 0x45, 0, 0xff, 0xff]].concat();
    let seen = on(LinkType::Ethernet, &client_frame(&ipv4(17, &udp(1, 4789, &vxlan([8, 0, 0, 0], &tagged)))));
    let link = seen.packet().link;
    assert_eq!((link.src, link.vlan), (Some(CLIENT_MAC), None));
}

#[test]
fn guesses_in_one_frame_are_few() {
    // What begins here is a pseudowire with control word and one without, and both lead to the next of its kind.
    let unit = [&[0; 12][..], &[0x88, 0x47, 0, 0, 0x88, 0x47, 0, 0, 1, 64]].concat();
    for units in 0..=7 {
        let frame = ethernet(ROUTER_MAC, 0x8847, &[&[0, 0, 1, 64], &unit.repeat(units)[..], &[0x77; 60]].concat());
        let (mut link, mut depth) = (Link::default(), Depth::default());
        let span = Span { data: &frame, len: frame.len() as u32 };
        assert_eq!(ether::ethernet(span, &mut link, &mut depth), Err(NotFlow::OtherLink.into()));
        assert_eq!(depth.guesses == MAX_GUESSES, units >= 4, "{units}: {}", depth.guesses);
    }
}
