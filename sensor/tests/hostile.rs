//! A hostile packet can do nothing: frames of real captures, broken in every way that a cheap generator finds, neither
//! panic nor escape the ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

mod random;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use random::Random;
use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

const CAPTURES: [&str; 3] = ["browser-quic.pcap", "browser-tcp.pcap", "clients-vlan-v6.pcapng"];

#[derive(Default)]
struct Count(u64);

impl Output for Count {
    fn record(&mut self, _: Record) {
        self.0 += 1;
    }
}

fn each_frame(mut act: impl FnMut(&Frame<'_>)) {
    for name in CAPTURES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps").join(name);
        let mut file = CaptureFile::open(&path).unwrap();
        while let Some(frame) = file.next_frame().unwrap() {
            act(&frame);
        }
    }
}

fn worker() -> Worker {
    Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())))
}

#[track_caller]
fn conserved(mut worker: Worker, mut out: Count) {
    worker.finish(&mut out);
    let (totals, lines) = (worker.totals(), worker.totals().accounted());
    assert!(totals.frames > 1000);
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
}

#[test]
fn whole_frames_are_conserved() {
    let (mut worker, mut out) = (worker(), Count::default());
    each_frame(|frame| worker.frame(frame, &mut out));
    conserved(worker, out);
}

#[test]
fn flipped_bytes() {
    for seed in 1..=12 {
        let (mut worker, mut out, mut random) = (worker(), Count::default(), Random(seed * 0x9e37_79b9));
        each_frame(|frame| {
            let mut data = frame.data.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(data.len());
                data[at] = random.next() as u8;
            }
            worker.frame(&Frame { data: &data, ..*frame }, &mut out);
        });
        conserved(worker, out);
    }
}

#[test]
fn frames_cut_anywhere() {
    for seed in 1..=6 {
        let (mut worker, mut out, mut random) = (worker(), Count::default(), Random(seed * 0x9e37_79b9));
        each_frame(|frame| {
            let data = &frame.data[..random.below(frame.data.len() + 1)];
            worker.frame(&Frame { data, ..*frame }, &mut out);
        });
        conserved(worker, out);
    }
}

#[test]
fn frames_under_the_wrong_link_type() {
    use LinkType::*;
    for link in [RawIp, Loopback, Ppp, LinuxSll, LinuxSll2, Ieee80211, Radiotap, Nflog] {
        let (mut worker, mut out) = (worker(), Count::default());
        each_frame(|frame| worker.frame(&Frame { link, ..*frame }, &mut out));
        conserved(worker, out);
    }
}

/// The frame in VXLAN or GRE, in two fragments of IPv4.
fn wrapped(frame: &[u8], id: u16, in_gre: bool) -> [Vec<u8>; 2] {
    let mut tunnel = if in_gre {
        vec![0, 0, 0x65, 0x58]
    } else {
        let [high, low] = (16 + frame.len() as u16).to_be_bytes();
        vec![0x9c, 0x40, 0x12, 0xb5, high, low, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0]
    };
    tunnel.extend(frame);
    let (first, second) = tunnel.split_at(tunnel.len() / 16 * 8);
    let at = (first.len() / 8) as u16;
    [(first, 0x2000), (second, at)].map(|(part, place)| {
        let protocol = if in_gre { 47 } else { 17 };
        let [len, id, place] = [20 + part.len() as u16, id, place].map(u16::to_be_bytes);
        [&[0x45, 0], &len[..], &id, &place, &[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], part].concat()
    })
}

/// The words of all minutes.
#[derive(Default)]
struct Words(BTreeSet<String>);

impl Output for Words {
    fn record(&mut self, record: Record) {
        let Record::Minute(minute) = record else { return };
        self.0.extend(minute.not_flow.into_keys().chain(minute.malformed.into_keys()));
    }
}

#[test]
fn tunnels_and_fragments_are_conserved() {
    let (mut worker, mut words, mut random) = (worker(), Words::default(), Random(3));
    let mut id = 0_u16;
    each_frame(|frame| {
        id = id.wrapping_add(1);
        for mut data in wrapped(frame.data, id, random.below(2) == 0) {
            if random.below(8) == 0 {
                let at = random.below(data.len().min(60));
                data[at] = random.next() as u8;
            }
            let wire_len = data.len() as u32;
            worker.frame(&Frame { data: &data, wire_len, link: LinkType::RawIp, ..*frame }, &mut words);
        }
        let wireless = [8, 0x40 & random.next() as u8, 0, 0];
        let data = [&wireless[..], frame.data].concat();
        let wire_len = data.len() as u32;
        worker.frame(&Frame { data: &data, wire_len, link: LinkType::Ieee80211, ..*frame }, &mut words);
    });
    worker.finish(&mut words);
    let (totals, lines) = (worker.totals(), worker.totals().accounted());
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
    assert!(totals.method(sensor::ledger::Method::Quic).frames > 100, "what is inside is named");
    for word in ["ip-fragment", "protected", "fragment-header", "tunnel-header", "ip-header"] {
        assert!(words.0.contains(word), "{word}: {:?}", words.0);
    }
    assert!(totals.malformed().get("fragments-incomplete").is_some_and(|&datagrams| datagrams > 0));
}

#[test]
fn times_that_jump() {
    let (mut worker, mut out, mut random) = (worker(), Count::default(), Random(7));
    each_frame(|frame| {
        let time = [0, i64::from(u32::MAX) * 1_000_000, frame.time, -frame.time][random.below(4)];
        worker.frame(&Frame { time, ..*frame }, &mut out);
    });
    conserved(worker, out);
}

#[test]
fn a_full_flow_table_drops_and_counts() {
    let catalogue = Arc::new(Catalogue::builtin());
    let mut worker = Worker::new(WorkerConfig { max_flows: 8, ..WorkerConfig::new(catalogue) });
    let mut out = Count::default();
    each_frame(|frame| worker.frame(frame, &mut out));
    assert!(worker.totals().method(sensor::ledger::Method::Untracked).frames > 0);
    conserved(worker, out);
}
