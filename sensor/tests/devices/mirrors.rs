//! The same office through other mirrors: tags, tunnels, doubled frames.

use super::office::*;

fn tagged(frame: Vec<u8>) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, 30], &frame[12..]].concat()
}

/// From one switch to another, over a router that the sensor must not take for the client.
fn outer(protocol: u8, inner: &[u8]) -> Vec<u8> {
    eth(ROUTER, BEN, 0x0800, &ip([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), protocol, 255, inner))
}

fn erspan(frame: Vec<u8>) -> Vec<u8> {
    outer(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x1e, 0, 1, 0, 0, 0, 0][..], &frame].concat())
}

/// What is left of an IP packet without its Ethernet header; others do not fit in.
fn ip_in_ip(frame: Vec<u8>) -> Vec<u8> {
    match frame[12..14] {
        [8, 0] => outer(4, &frame[14..]),
        _ => frame,
    }
}

fn morning(office: &mut Office) {
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.arp(BEN, v4(12));
    office.chat(v4(12).into(), 64, BEN);
    office.chat(v4(13).into(), 63, ROUTER);
}

const ALL: [(&str, Option<&str>); 3] =
    [(ANNA_TEXT, Some(ANNA_TEXT)), (BEN_TEXT, Some(BEN_TEXT)), ("10.77.0.13", None)];

#[test]
fn every_mirror_of_whole_frames_shows_the_same_devices() {
    for (name, wrap) in [("plain", (|frame| frame) as Wrap), ("vlan", tagged), ("erspan", erspan)] {
        for copies in [1, 2, 3] {
            let mut office = Office::behind(wrap, copies);
            morning(&mut office);
            let seen = office.done();
            assert_eq!(seen.who(), ALL, "{name}, {copies} copies");
            assert_eq!(seen.devices.len(), 2, "{name}, {copies} copies");
            assert_eq!(office.broken("device-contested"), 0);
        }
    }
}

#[test]
fn in_a_tunnel_of_bare_ip_only_messages_tell() {
    let mut office = Office::behind(ip_in_ip, 1);
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.chat(v4(12).into(), 64, BEN);
    assert_eq!(office.done().who(), [(ANNA_TEXT, Some(ANNA_TEXT)), ("10.77.0.12", None)]);
}
