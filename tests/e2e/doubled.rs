//! A mirror that gives frames twice: the same records of flows as one that gives them once, and a count of the copies.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::decode::{Decoded, Packet, decode};

use crate::support::{Store, corpus, own};

const CAPTURES: [&str; 4] = ["browser-quic.pcap", "browser-tcp.pcap", "clients-vlan-v6.pcapng", "shapes-quic.pcap"];
/// µs after which a copy comes at the latest.
const LATEST: i64 = 10_000;

/// How a mirror doubles a frame.
#[derive(Debug, Clone, Copy)]
struct Mirror {
    /// Frames between the two.
    between: usize,
    /// The copy is taken behind a router.
    routed: bool,
}

const MIRRORS: [Mirror; 4] = [
    Mirror { between: 0, routed: false },
    Mirror { between: 3, routed: false },
    Mirror { between: 0, routed: true },
    Mirror { between: 3, routed: true },
];

/// A captured frame.
struct Taken {
    time: i64,
    data: Vec<u8>,
    wire_len: u32,
}

/// Both ends of a flow.
type Ends = BTreeSet<(IpAddr, u16)>;

#[test]
fn a_doubled_mirror_gives_the_flows_of_a_plain_one() {
    for capture in CAPTURES {
        let plain = frames(&own(capture));
        let once = read(&plain);
        let wanted = flows(&once);
        assert!(wanted.len() > 8, "{capture}: {} records", wanted.len());
        assert_eq!(once.summary["duplicates"], 0, "{capture}: nothing comes twice");
        for mirror in MIRRORS {
            let (all, added) = doubled(&plain, mirror, |_| true);
            let twice = read(&all);
            assert_eq!(flows(&twice), wanted, "{capture} {mirror:?}");
            let told = twice.summary["duplicates"].as_u64().unwrap();
            assert!(told > 0 && told <= added, "{capture} {mirror:?}: {told} of {added}");
        }
    }
}

#[test]
fn the_copies_of_flows_to_ai_services_are_counted_one_by_one() {
    for capture in CAPTURES {
        let plain = frames(&own(capture));
        let once = read(&plain);
        let (wanted, known) = (flows(&once), ends(&once));
        for mirror in MIRRORS {
            let (all, added) = doubled(&plain, mirror, |packet| known.contains(&[packet.src, packet.dst].into()));
            let twice = read(&all);
            assert_eq!(flows(&twice), wanted, "{capture} {mirror:?}");
            assert!(added > 500, "{capture}: {added} frames");
            assert_eq!(twice.summary["duplicates"], added, "{capture} {mirror:?}");
            let frames = |store: &Store| store.summary["packets"].as_u64().unwrap();
            assert_eq!(frames(&twice), frames(&once) + added, "the ledger counts every frame");
        }
    }
}

#[test]
fn copies_that_come_too_late_are_packets() {
    let plain = frames(&own("browser-tcp.pcap"));
    let packets = |store: &Store| store.rows("SELECT sum(packets_up) + sum(packets_down) FROM flow")[0][0].clone();
    let late: Vec<_> = plain.iter().map(|frame| Taken { time: frame.time + 50_000, ..copy(frame) }).collect();
    let mut all = plain;
    let once = packets(&read(&all)).parse::<u64>().unwrap();
    all.extend(late);
    all.sort_by_key(|frame| frame.time);
    let store = read(&all);
    assert_eq!((packets(&store), &store.summary["duplicates"]), ((2 * once).to_string(), &0.into()));
}

#[test]
fn the_doubled_mirror_of_the_lab_gives_the_flows_of_the_plain_one() {
    let Some(captures) = corpus("lab/captures") else { return };
    let [once, twice] = ["span_base", "span_dup"].map(|name| frames(&captures.join(format!("{name}.pcap"))));
    assert_eq!(twice.len(), 2 * once.len());
    let (once, twice) = (read(&once), read(&twice));
    assert_eq!(flows(&twice), flows(&once));
    assert!(twice.summary["duplicates"].as_u64() > Some(1_000), "{}", twice.summary);
}

/// All that the store says of flows.
fn flows(store: &Store) -> Vec<Vec<String>> {
    store.rows("SELECT * FROM flow ORDER BY start, client_ip, client_port, seq")
}

/// The flows that lead to AI services.
fn ends(store: &Store) -> BTreeSet<Ends> {
    let rows = store.rows("SELECT DISTINCT client_ip, client_port, server_ip, server_port FROM flow");
    let end = |ip: &str, port: &str| (ip.parse().unwrap(), port.parse().unwrap());
    rows.iter().map(|row| [end(&row[0], &row[1]), end(&row[2], &row[3])].into()).collect()
}

fn frames(capture: &Path) -> Vec<Taken> {
    let mut file = CaptureFile::open(capture).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = file.next_frame().unwrap() {
        assert_eq!(frame.link, LinkType::Ethernet);
        frames.push(Taken { time: frame.time, data: frame.data.to_vec(), wire_len: frame.wire_len });
    }
    frames
}

fn copy(frame: &Taken) -> Taken {
    Taken { data: frame.data.clone(), ..*frame }
}

/// The frames with copies of those that are a packet of `which`, and how many were added.
fn doubled(plain: &[Taken], mirror: Mirror, which: impl Fn(&Packet<'_>) -> bool) -> (Vec<Taken>, u64) {
    let mut all = Vec::new();
    // Place in the order, so that a copy stands behind the frames of its own time.
    let mut added = 0;
    for (at, frame) in plain.iter().enumerate() {
        all.push((frame.time, at, 0, copy(frame)));
        let link = LinkType::Ethernet;
        let decoded = decode(&Frame { time: frame.time, data: &frame.data, wire_len: frame.wire_len, link });
        if !matches!(decoded, Decoded::Packet(packet) if which(&packet)) {
            continue;
        }
        // The frame behind which the copy comes: the last of `between` that is not too late.
        let mut behind = plain.iter().enumerate().skip(at).take(mirror.between + 1);
        let (behind, time) = behind
            .rfind(|(_, later)| later.time <= frame.time + LATEST)
            .map_or((at, frame.time), |(behind, later)| (behind, later.time.max(frame.time)));
        let seen = if mirror.routed { routed(frame) } else { copy(frame) };
        all.push((time, behind, 1 + at, Taken { time, ..seen }));
        added += 1;
    }
    all.sort_by_key(|&(_, behind, order, _)| (behind, order));
    (all.into_iter().map(|(.., frame)| frame).collect(), added)
}

/// The frame behind a router: other hardware addresses, another VLAN, one hop less to live.
fn routed(frame: &Taken) -> Taken {
    let mut ether_type = 12;
    while matches!(frame.data[ether_type..ether_type + 2], [0x81, 0] | [0x88, 0xa8]) {
        ether_type += 4;
    }
    let mut packet = frame.data[ether_type + 2..].to_vec();
    let hops = if packet[0] >> 4 == 4 { 8 } else { 7 };
    packet[hops] -= 1;
    let routers = [0, 0x1b, 0x17, 0, 0, 9, 0, 0x1b, 0x17, 0, 0, 8, 0x81, 0, 0, 77];
    let data = [&routers[..], &frame.data[ether_type..ether_type + 2], &packet].concat();
    let wire_len = frame.wire_len + data.len() as u32 - frame.data.len() as u32;
    Taken { time: frame.time, data, wire_len }
}

/// Reads the frames, written as a capture.
fn read(frames: &[Taken]) -> Store {
    let scratch = tempfile::TempDir::new().unwrap();
    let path = scratch.path().join("doubled.pcap");
    let mut pcap = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
    for frame in frames {
        let (seconds, micros) = ((frame.time / 1_000_000) as u32, (frame.time % 1_000_000) as u32);
        let header = [seconds, micros, frame.data.len() as u32, frame.wire_len].map(u32::to_le_bytes);
        pcap.extend(header.as_flattened());
        pcap.extend(&frame.data);
    }
    std::fs::write(&path, pcap).unwrap();
    Store::read(&path, &[])
}
