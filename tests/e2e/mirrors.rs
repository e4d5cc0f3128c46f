//! The same traffic through each kind of mirror: same names, same counts, same uploads, same clients. And through mirrors
//! that give less: one direction, or the start of each frame.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Store, corpus, json, own, run, shadowtap};

/// A frame: captured bytes and length on the wire.
pub(crate) type Frame = (Vec<u8>, usize);
/// Puts a frame into another; the number tells one frame from the next.
pub(crate) type Wrap = fn(&Frame, usize) -> Vec<Frame>;

/// Mirrors that carry the client's own frame.
pub(crate) const WITH_FRAME: [(&str, Wrap); 12] = [
    ("802.1Q", |f, _| vec![retag(f, &[0x81, 0, 0, 20])]),
    ("802.1ad", |f, _| vec![retag(f, &[0x88, 0xa8, 0, 100, 0x81, 0, 0, 20])]),
    ("three tags", |f, _| vec![retag(f, &[0x91, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 20])]),
    ("pseudowire", |f, _| vec![before(f, &[&ROUTERS, &[0x88, 0x47, 0, 1, 0x11, 64][..]].concat())]),
    ("control word", |f, _| vec![before(f, &[&ROUTERS, &[0x88, 0x47, 0, 1, 0x11, 64, 0, 0, 0, 9][..]].concat())]),
    ("vxlan", |f, n| vec![vxlan(f, n)]),
    ("geneve", |f, n| vec![udp(&before(f, &[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 8, 2, 0]), n, 6081)]),
    ("gre", |f, n| vec![ip(&before(f, &[0x20, 0, 0x65, 0x58, 0, 0, 0, 1]), n, 47)]),
    ("erspan 1", |f, n| vec![ip(&before(f, &[0, 0, 0x88, 0xbe]), n, 47)]),
    ("erspan 2", |f, n| {
        vec![ip(&before(f, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 20, 0, 77, 0, 0, 0, 5]), n, 47)]
    }),
    ("erspan 3", |f, n| {
        let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 20, 0, 77, 0, 0, 0, 1, 0, 0, 0, 1];
        vec![ip(&before(f, &[&header[..], &[0; 8]].concat()), n, 47)]
    }),
    ("vxlan in fragments", |f, n| in_fragments(vxlan(f, n))),
];

/// Tunnels that carry bare IP packets: the client has no hardware address.
pub(crate) const WITH_PACKET: [(&str, Wrap); 5] = [
    ("gtp", |f, n| {
        let [high, low] = (f.1 as u16 - 14).to_be_bytes();
        vec![udp(&before(&bare(f), &[0x30, 255, high, low, 0, 0, 0, 1]), n, 2152)]
    }),
    ("ip in ip", |f, n| vec![ip(&bare(f), n, if f.0[14] >> 4 == 4 { 4 } else { 41 })]),
    ("gre ip", |f, n| vec![ip(&before(&bare(f), &[0, 0, f.0[12], f.0[13]]), n, 47)]),
    ("mpls", |f, _| vec![before(&bare(f), &[&ROUTERS, &[0x88, 0x47, 0, 1, 0x11, 64][..]].concat())]),
    ("gtp over vxlan", |f, n| {
        let [high, low] = (f.1 as u16 - 14).to_be_bytes();
        vec![vxlan(&udp(&before(&bare(f), &[0x30, 255, high, low, 0, 0, 0, 1]), n, 2152), n)]
    }),
];

/// The hardware addresses of two routers.
pub(crate) const ROUTERS: [u8; 12] = [0, 0x1b, 0x17, 0, 0, 9, 0, 0x1b, 0x17, 0, 0, 8];

#[test]
fn each_mirror_gives_what_the_plain_one_gives() {
    for plain in [own("browser-quic.pcap"), own("browser-tcp.pcap")] {
        same_through_each(&plain);
    }
}

#[test]
fn each_mirror_of_the_lab_gives_what_the_plain_one_gives() {
    let Some(captures) = corpus("lab/captures") else { return };
    let plain = captures.join("span_base.pcap");
    let wanted = seen(&plain, true);
    for mirror in ["span_vlan", "span_qinq8100", "span_vxlan", "span_erspan2"] {
        assert_eq!(seen(&captures.join(format!("{mirror}.pcap")), true), wanted, "{mirror}");
    }
    same_through_each(&plain);
}

/// A mirror of the receiving side alone, or of the sending side.
#[test]
fn one_direction_gives_what_it_has() {
    for capture in ["browser-tcp", "browser-quic", "quic-ways"] {
        one_way(capture, true);
        one_way(capture, false);
    }
    one_way("midstream", true);
}

/// Of one connection there an answer alone is on this mirror, and its body is a hello.
#[test]
fn a_file_in_the_servers_direction_names_nothing() {
    one_way("midstream", false);
}

/// A copy with one direction of an own capture has its packets, its bytes, and its names.
fn one_way(capture: &str, from_clients: bool) {
    let plain = own(&format!("{capture}.pcap"));
    let scratch = tempfile::TempDir::new().unwrap();
    let (all, clients) = (inspected(&plain), clients(capture));
    let keep = |ip: &str| clients.contains(ip) == from_clients;
    let copy = wrapped(&plain, scratch.path(), |f, _| {
        let source = Ipv4Addr::from(<[u8; 4]>::try_from(&f.0[26..30]).unwrap());
        if keep(&source.to_string()) { vec![f.clone()] } else { Vec::new() }
    });
    let half = inspected(&copy);
    let wanted: BTreeMap<_, _> = all.sent.iter().filter(|(ends, _)| keep(&ends[1])).collect();
    assert!(wanted.len() > 8, "{capture}");
    assert_eq!(half.sent.iter().collect::<BTreeMap<_, _>>(), wanted, "{capture}, from clients: {from_clients}");
    let hellos = |names: &BTreeSet<[String; 7]>| names.iter().filter(|name| name[0] != "dns").cloned().collect();
    let (said, known): (Vec<_>, Vec<_>) = (hellos(&half.names), hellos(&all.names));
    assert!(known.len() > 8, "{capture}");
    if from_clients {
        assert_eq!(half.names, all.names, "{capture}");
    } else {
        assert_eq!(said, [] as [[String; 7]; 0], "{capture}");
    }
}

/// A mirror that gives the first 128 bytes: headers, and not always all of a hello.
#[test]
fn cut_frames_count_in_full() {
    let plain = own("browser-tcp.pcap");
    let scratch = tempfile::TempDir::new().unwrap();
    let wanted = inspected(&plain);
    let mirrors = WITH_FRAME.into_iter().filter(|(name, _)| ["vxlan", "erspan 3"].contains(name));
    for (name, wrap) in mirrors.chain([("plain", (|f, _| vec![f.clone()]) as Wrap)]) {
        let copy = wrapped(&plain, scratch.path(), |f, n| {
            wrap(f, n).into_iter().map(|(data, len)| (data[..data.len().min(128)].to_vec(), len)).collect()
        });
        let seen = inspected(&copy);
        assert_eq!(seen.sent, wanted.sent, "{name}");
        assert!(seen.names.is_subset(&wanted.names), "{name}");
    }
}

/// What `inspect` says of a capture.
struct Inspected {
    /// Protocol, sender and receiver, with packets and bytes of IP packets.
    sent: BTreeMap<[String; 5], [u64; 2]>,
    /// Names with the ends of their connections.
    names: BTreeSet<[String; 7]>,
}

fn inspected(capture: &Path) -> Inspected {
    let mut found = Inspected { sent: BTreeMap::new(), names: BTreeSet::new() };
    for line in run(shadowtap().args(["inspect", "--flows", "--format", "ndjson"]).arg(capture)).ok().lines() {
        let text = |field: &str| line[field].to_string().replace('"', "");
        if line["kind"] == "name" {
            found.names.insert(["proto", "src_ip", "src_port", "dst_ip", "dst_port", "name", "ja4"].map(text));
            continue;
        }
        for (from, to) in [("a", "b"), ("b", "a")] {
            let [from_ip, from_port, to_ip, to_port] = [(from, "ip"), (from, "port"), (to, "ip"), (to, "port")]
                .map(|(end, what)| text(&format!("{end}_{what}")));
            let counts = ["pkts", "ipbytes"].map(|what| line[format!("{what}_{from}{to}")].as_u64().unwrap());
            if counts[0] > 0 {
                let sum = found.sent.entry([text("proto"), from_ip, from_port, to_ip, to_port]).or_default();
                *sum = [sum[0] + counts[0], sum[1] + counts[1]];
            }
        }
    }
    found
}

/// The clients of an own capture, as its truth has them.
fn clients(capture: &str) -> BTreeSet<String> {
    let truth = json(&own(&format!("{capture}.truth.json")));
    let rows = truth["names"].as_array().unwrap().iter();
    rows.filter_map(|row: &Value| row["client_ip"].as_str()).map(str::to_owned).collect()
}

fn same_through_each(plain: &Path) {
    let scratch = tempfile::TempDir::new().unwrap();
    for (mirrors, with_mac) in [(&WITH_FRAME[..], true), (&WITH_PACKET, false)] {
        let wanted = seen(plain, with_mac);
        let known = hardware(plain);
        assert!(wanted.len() > 8 && !known.is_empty(), "{} rows, {known:?}", wanted.len());
        for (name, wrap) in mirrors {
            let copy = wrapped(plain, scratch.path(), wrap);
            assert_eq!(seen(&copy, with_mac), wanted, "{name} of {}", plain.display());
            // Where no frame of the client is left, ARP messages beside the tunnel still tell, and nothing tells wrong.
            assert!(hardware(&copy).is_subset(&known), "{name}");
        }
    }
}

/// Who has which hardware address, as the flows say.
fn hardware(capture: &Path) -> BTreeSet<Vec<String>> {
    let sql = "SELECT DISTINCT client_ip, client_mac FROM flow WHERE client_mac IS NOT NULL";
    Store::read(capture, &[]).rows(sql).into_iter().collect()
}

/// What the store says of each flow and lookup, but for lengths of frames.
fn seen(capture: &Path, with_mac: bool) -> Vec<Vec<String>> {
    let mac = if with_mac { "client_mac" } else { "NULL" };
    let store = Store::read(capture, &[]);
    let mut rows = store.rows(&format!(
        "SELECT client_ip, client_port, server_ip, {mac}, protocol, host, evidence, service, role, ja4, client,
         behaviour, start, upload_bytes, packets_up, packets_down, turns FROM flow
         ORDER BY start, client_ip, client_port, seq"
    ));
    rows.extend(store.rows("SELECT client_ip, name, ts FROM lookup ORDER BY ts, client_ip, name"));
    rows
}

/// A little-endian pcap of Ethernet with each IP packet wrapped.
fn wrapped(plain: &Path, scratch: &Path, wrap: impl Fn(&Frame, usize) -> Vec<Frame>) -> PathBuf {
    let pcap = fs::read(plain).unwrap();
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(word(20), 1, "Ethernet");
    let (mut out, mut at, mut n) = (pcap[..24].to_vec(), 24, 0);
    while at + 16 <= pcap.len() {
        let (captured, len) = (word(at + 8), word(at + 12));
        let frame = (pcap[at + 16..at + 16 + captured].to_vec(), len);
        let is_ip = matches!(frame.0[12..14], [0x08, 0x00] | [0x86, 0xdd]);
        let frames = if is_ip { wrap(&frame, n) } else { vec![frame] };
        for (data, len) in frames {
            out.extend(&pcap[at..at + 8]);
            out.extend((data.len() as u32).to_le_bytes());
            out.extend((len as u32).to_le_bytes());
            out.extend(data);
        }
        at += 16 + captured;
        n += 1;
    }
    let copy = scratch.join("wrapped.pcap");
    fs::write(&copy, out).unwrap();
    copy
}

pub(crate) fn before(frame: &Frame, header: &[u8]) -> Frame {
    ([header, &frame.0].concat(), frame.1 + header.len())
}

fn retag(frame: &Frame, tags: &[u8]) -> Frame {
    let (addresses, rest) = frame.0.split_at(12);
    ([addresses, tags, rest].concat(), frame.1 + tags.len())
}

/// The IP packet without its Ethernet header and padding.
pub(crate) fn bare(frame: &Frame) -> Frame {
    let packet = frame.0[14..].to_vec();
    (packet, frame.1 - 14)
}

/// A frame between two routers with an IPv4 packet.
pub(crate) fn ip(payload: &Frame, n: usize, protocol: u8) -> Frame {
    let [len, id] = [(20 + payload.1) as u16, n as u16].map(u16::to_be_bytes);
    let header = [&[0x45, 0], &len[..], &id, &[0, 0, 64, protocol, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2]].concat();
    before(payload, &[&ROUTERS[..], &[8, 0], &header].concat())
}

fn udp(payload: &Frame, n: usize, port: u16) -> Frame {
    let fields = [40_000, port, (8 + payload.1) as u16, 0].map(u16::to_be_bytes);
    ip(&before(payload, fields.as_flattened()), n, 17)
}

fn vxlan(frame: &Frame, n: usize) -> Frame {
    udp(&before(frame, &[0x88, 0xff, 0, 0, 0, 0, 7, 0xff]), n, 4789)
}

/// The IPv4 packet of a frame in three fragments, the last one first.
fn in_fragments((data, len): Frame) -> Vec<Frame> {
    let (head, payload) = data.split_at(34);
    let third = (len - 34) / 24 * 8;
    let parts = [(2 * third, len - 34, 0), (third, 2 * third, 0x2000), (0, third, 0x2000)];
    let part = |(from, to, more): (usize, usize, u16)| {
        let mut frame = head.to_vec();
        frame[16..18].copy_from_slice(&((20 + to - from) as u16).to_be_bytes());
        frame[20..22].copy_from_slice(&((from / 8) as u16 | more).to_be_bytes());
        frame.extend(&payload[from.min(payload.len())..to.min(payload.len())]);
        (frame, 34 + to - from)
    };
    parts.map(part).into()
}
