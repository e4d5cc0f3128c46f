//! Datagrams in parts.

use super::*;
use crate::decode::Lost;

/// The parts of a UDP datagram's IPv4 packet, cut at `cuts` (multiples of 8).
fn parts_v4(id: u16, payload: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    pieces(payload.len(), cuts)
        .map(|(from, to)| part_v4(id, 17, &payload[from..to], from, to < payload.len()))
        .collect()
}

fn pieces(len: usize, cuts: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends: Vec<_> = cuts.iter().copied().chain([len]).collect();
    starts.zip(ends)
}

fn part_v4(id: u16, protocol: u8, part: &[u8], offset: usize, more: bool) -> Vec<u8> {
    let mut packet = ipv4(protocol, part);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    let place = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    packet[6..8].copy_from_slice(&place.to_be_bytes());
    packet
}

fn part_v6(id: u32, next: u8, part: &[u8], offset: usize, more: bool) -> Vec<u8> {
    let place = (offset as u16 | u16::from(more)).to_be_bytes();
    ipv6(44, &[&[next, 0], &place[..], &id.to_be_bytes(), part].concat())
}

fn parts_v6(id: u32, payload: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    pieces(payload.len(), cuts)
        .map(|(from, to)| part_v6(id, 17, &payload[from..to], from, to < payload.len()))
        .collect()
}

fn feed(fragments: &mut Fragments, time: i64, packet: &[u8]) -> Out {
    let wire_len = packet.len() as u32;
    through(fragments, &Frame { time, data: packet, wire_len, link: LinkType::RawIp })
}

const WAITS: Out = Out::NotFlow(NotFlow::Fragment);

/// The payload of a datagram that is larger than one frame.
fn long() -> Vec<u8> {
    (0..90_u8).flat_map(|i| [i, 255 - i, i / 2]).collect()
}

fn datagram() -> Vec<u8> {
    udp(50_000, 443, &long())
}

#[track_caller]
fn is_whole(out: Out) -> Seen {
    let seen = out.packet();
    assert_eq!((seen.src.1, seen.dst.1, seen.payload_len), (50_000, 443, 270));
    assert_eq!(seen.payload, long());
    seen
}

fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = orders(n - 1);
    let insert = |order: &Vec<usize>, at| [&order[..at], &[n - 1], &order[at..]].concat();
    shorter.iter().flat_map(|order| (0..n).map(move |at| insert(order, at))).collect()
}

#[test]
fn parts_come_in_any_order() {
    for parts in [parts_v4(7, &datagram(), &[8, 80, 160, 240]), parts_v6(7, &datagram(), &[8, 80, 160, 240])] {
        let all = orders(parts.len());
        assert_eq!(all.len(), 120);
        for order in all {
            let mut fragments = Fragments::default();
            let (last, first) = order.split_last().unwrap();
            for &i in first {
                assert_eq!(feed(&mut fragments, 0, &parts[i]), WAITS);
            }
            let seen = is_whole(feed(&mut fragments, 0, &parts[*last]));
            assert_eq!(seen.frame_len, parts[*last].len() as u32, "the frame that completes it");
            assert_eq!(seen.ip_len, if seen.src.0.is_ipv4() { 298 } else { 318 });
            assert_eq!((fragments.held(), fragments.take_lost()), ((0, 0), Lost::default()));
        }
    }
}

#[test]
fn copies_of_parts_are_passed_over() {
    for parts in [parts_v4(7, &datagram(), &[80, 160]), parts_v6(7, &datagram(), &[80, 160])] {
        let mut fragments = Fragments::default();
        for part in [&parts[0], &parts[0], &parts[2], &parts[0], &parts[2]] {
            assert_eq!(feed(&mut fragments, 0, part), WAITS);
        }
        is_whole(feed(&mut fragments, 0, &parts[1]));
        assert_eq!(fragments.take_lost(), Lost::default());
    }
}

#[test]
fn overlapping_parts_of_ipv4_keep_the_first_copy() {
    let whole = datagram();
    let lie = vec![0xee; 80];
    let mut fragments = Fragments::default();
    feed(&mut fragments, 0, &part_v4(7, 17, &whole[..80], 0, true));
    feed(&mut fragments, 0, &part_v4(7, 17, &lie, 40, true));
    feed(&mut fragments, 0, &part_v4(7, 17, &whole[160..], 160, false));
    let seen = feed(&mut fragments, 0, &part_v4(7, 17, &whole[80..160], 80, true)).packet();
    assert_eq!(seen.payload[..72], long()[..72], "the first copy");
    assert_eq!(seen.payload[72..112], lie[..40], "what came second was the first here");
    assert_eq!(seen.payload[112..], long()[112..]);
}

#[test]
fn overlapping_parts_of_ipv6_drop_the_datagram_for_good() {
    let whole = datagram();
    let mut fragments = Fragments::default();
    feed(&mut fragments, 0, &part_v6(7, 17, &whole[..80], 0, true));
    feed(&mut fragments, 0, &part_v6(7, 17, &whole[40..160], 40, true));
    for part in parts_v6(7, &whole, &[80, 160]) {
        assert_eq!(feed(&mut fragments, 0, &part), WAITS);
    }
    assert_eq!(fragments.take_lost(), Lost { conflict: 1, ..Lost::default() });
    for part in &parts_v6(8, &whole, &[80])[..1] {
        assert_eq!(feed(&mut fragments, 31_000_000, part), WAITS);
    }
    assert_eq!(fragments.take_lost(), Lost::default(), "the mark expires in silence");
}

#[test]
fn two_ends_drop_the_datagram() {
    let whole = datagram();
    for (first, second) in [((240, false), (160, false)), ((160, false), (240, true)), ((240, true), (160, false))]
    {
        let mut fragments = Fragments::default();
        for (offset, more) in [first, second] {
            feed(&mut fragments, 0, &part_v4(7, 17, &whole[offset..offset + 16], offset, more));
        }
        assert_eq!(fragments.take_lost(), Lost { conflict: 1, ..Lost::default() });
        assert_eq!(fragments.held(), (0, 0));
    }
}

#[test]
fn parts_of_different_datagrams_are_not_mixed() {
    let (mut fragments, whole) = (Fragments::default(), datagram());
    let (one, other) = (parts_v4(1, &whole, &[80]), parts_v4(2, &udp(1, 2, &[9; 270]), &[80]));
    for part in [&one[0], &other[1]] {
        assert_eq!(feed(&mut fragments, 0, part), WAITS);
    }
    is_whole(feed(&mut fragments, 0, &one[1]));
    assert_eq!(feed(&mut fragments, 0, &other[0]).packet().payload, [9; 270]);
}

#[test]
fn what_no_datagram_can_have_is_malformed() {
    let mut fragments = Fragments::default();
    let odd = part_v4(7, 17, &[0; 15], 0, true);
    let empty = part_v4(7, 17, &[], 80, true);
    let beyond = part_v4(7, 17, &[0; 100], 65_528, false);
    let odd_v6 = part_v6(7, 17, &[0; 15], 0, true);
    for packet in [odd, empty, beyond, odd_v6] {
        assert_eq!(feed(&mut fragments, 0, &packet), Out::Malformed(Malformed::Fragment));
    }
    assert_eq!(fragments.held(), (0, 0));
}

#[test]
fn a_fragment_header_without_fragment_is_passed_over() {
    is_whole(on(LinkType::RawIp, &part_v6(7, 17, &datagram(), 0, false)));
}

#[test]
fn extension_headers_behind_the_fragment_header() {
    let options = [&[17, 0, 1, 4, 0, 0, 0, 0], &datagram()[..]].concat();
    let mut fragments = Fragments::default();
    feed(&mut fragments, 0, &part_v6(7, 60, &options[..48], 0, true));
    is_whole(feed(&mut fragments, 0, &part_v6(7, 60, &options[48..], 48, false)));
}

#[test]
fn parts_cut_by_a_snaplen_complete_their_datagram() {
    let parts = parts_v4(7, &datagram(), &[80, 160]);
    let mut fragments = Fragments::default();
    let mut last = WAITS;
    for part in &parts {
        let (data, wire_len) = (&part[..part.len().min(64)], part.len() as u32);
        last = through(&mut fragments, &Frame { time: 0, data, wire_len, link: LinkType::RawIp });
    }
    let seen = last.packet();
    assert_eq!((seen.payload_len, seen.ip_len), (270, 298));
    assert_eq!(seen.payload, long()[..36], "up to the first byte that was not captured");
}

#[test]
fn a_tunnel_in_parts_and_parts_in_a_tunnel() {
    let whole = datagram();
    let mut fragments = Fragments::default();
    let mut last = WAITS;
    for inner in parts_v6(9, &whole, &[80, 160]) {
        let tunnel = udp(2152, 2152, &gtp(0, &[], &inner));
        for part in parts_v4(u16::from(inner[inner.len() - 1]), &tunnel, &[40, 64]) {
            assert_eq!(last, WAITS);
            last = feed(&mut fragments, 0, &part);
        }
    }
    is_whole(last);
    assert_eq!(fragments.held(), (0, 0));
}

#[test]
fn parts_of_icmp_are_icmp() {
    let mut fragments = Fragments::default();
    let ping = [8; 160];
    assert_eq!(feed(&mut fragments, 0, &part_v4(7, 1, &ping[..80], 0, true)), WAITS);
    assert_eq!(feed(&mut fragments, 0, &part_v4(7, 1, &ping[80..], 80, false)), Out::NotFlow(NotFlow::Icmp));
}

#[test]
fn a_datagram_waits_thirty_seconds() {
    let parts = parts_v4(7, &datagram(), &[80]);
    for (time, whole) in [(30_000_000, true), (30_000_001, false)] {
        let mut fragments = Fragments::default();
        feed(&mut fragments, 0, &parts[0]);
        assert_eq!(matches!(feed(&mut fragments, time, &parts[1]), Out::Packet(_)), whole);
        assert_eq!(fragments.take_lost().incomplete, u64::from(!whole));
    }
    let mut fragments = Fragments::default();
    feed(&mut fragments, 0, &parts[0]);
    fragments.clear();
    assert_eq!((fragments.take_lost().incomplete, fragments.held()), (1, (0, 0)));
}

#[test]
fn a_flood_of_parts_stays_under_the_bound_and_hides_no_datagram() {
    let mut fragments = Fragments::default();
    let junk = [0; 1_480];
    for round in 0..40_000_u32 {
        let src = round.to_be_bytes();
        let mut packet = part_v4(round as u16, 17, &junk, 0, true);
        packet[12..16].copy_from_slice(&src);
        assert_eq!(feed(&mut fragments, i64::from(round), &packet), WAITS);
        if round % 1_000 < 3 {
            let part = &parts_v4(9, &datagram(), &[80, 160])[(round % 1_000) as usize];
            let out = feed(&mut fragments, i64::from(round), part);
            assert_eq!(matches!(out, Out::Packet(_)), round % 1_000 == 2, "{round}");
        }
        let (datagrams, bytes) = fragments.held();
        assert!(datagrams <= 4_096 && bytes <= 32 << 20, "{datagrams}, {bytes}");
    }
    assert_eq!(fragments.take_lost().full, 40_000 - fragments.held().0 as u64);
}

#[test]
fn a_datagram_of_endless_parts_is_given_up() {
    let mut fragments = Fragments::default();
    for i in 1..=600_usize {
        assert_eq!(feed(&mut fragments, 0, &part_v4(7, 17, &[0; 8], i * 16, true)), WAITS);
    }
    let lost = fragments.take_lost();
    assert_eq!(lost, Lost { full: 1, ..Lost::default() });
    assert!(fragments.held().1 < 100_000);
}
