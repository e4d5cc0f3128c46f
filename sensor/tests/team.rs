//! Several workers give what one gives: the same records and the same sums, for every capture, whole or broken.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is the failure message")]

#[path = "ledger/captures.rs"]
mod captures;
mod random;
#[allow(dead_code, reason = "shared with tests that use the rest")]
#[path = "names/wire.rs"]
mod wire;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use captures::{Taken, below, broken, office, read, repository};
use random::Random;
use rules::catalogue::Catalogue;
use sensor::capture::LinkType;
use sensor::ledger::Method;
use sensor::output::Output;
use sensor::record::Record;
use sensor::team::Workers;
use sensor::worker::{Summary, WorkerConfig};
use wire::{ACK, End, RESOLVER, SYN, answer, hello, https, query, tcp, udp};

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));

#[derive(Default)]
struct Lines(Vec<String>);

impl Output for Lines {
    fn record(&mut self, record: Record) {
        self.0.push(serde_json::to_string(&record).unwrap());
    }
}

/// The records of some frames, sorted, and the sums.
fn work(frames: &[Taken], workers: u32) -> (Vec<String>, Summary) {
    let (mut workers, mut out) = (Workers::new(&WorkerConfig::new(CATALOGUE.clone()), workers), Lines::default());
    workers.set_source("x", &mut out);
    frames.iter().for_each(|taken| workers.frame(&taken.frame(), &mut out));
    workers.finish(&mut out);
    out.0.sort();
    (out.0, workers.summary())
}

/// Asserts that any number of workers gives the same; says how many records that are.
fn same(frames: &[Taken], what: &str) -> usize {
    let (one, sums) = work(frames, 1);
    for workers in [2, 4] {
        let (several, summary) = work(frames, workers);
        let missing: Vec<_> = one.iter().filter(|line| !several.contains(line)).collect();
        let added: Vec<_> = several.iter().filter(|line| !one.contains(line)).collect();
        assert!(one == several, "{what}, {workers} workers\nmissing {missing:#?}\nadded {added:#?}");
        assert_eq!(summary.counts, sums.counts, "{what}, {workers} workers");
        assert_eq!((summary.named, summary.ai_flows), (sums.named, sums.ai_flows), "{what}");
        assert_eq!(summary.canaries, sums.canaries, "{what}");
    }
    one.len()
}

fn all(folder: &Path) -> (usize, usize) {
    let captures: Vec<PathBuf> = below(folder);
    let records = captures.iter().map(|path| same(&read(path), &path.display().to_string())).sum();
    (captures.len(), records)
}

#[test]
fn own_captures() {
    let (captures, records) = all(&repository());
    assert!(captures >= 8 && records > 500, "{captures} captures, {records} records");
}

#[test]
fn broken_captures() {
    let mut random = Random(7);
    for path in below(&repository()) {
        let frames = read(&path);
        same(&broken(&frames, &mut random), &format!("{} broken", path.display()));
    }
}

/// An office of several hundred clients, with its devices, its DNS and its days.
#[test]
fn a_large_capture() {
    assert!(same(&office(60_000), "office") > 1_000);
}

#[test]
fn the_corpus() {
    let Some(corpus) = std::env::var_os("SHADOWTAP_CORPUS").map(PathBuf::from) else {
        assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "SHADOWTAP_CORPUS is not set");
        eprintln!("skipped: SHADOWTAP_CORPUS names no folder of captures");
        return;
    };
    let (captures, _) = all(&corpus);
    assert!(captures >= 80, "{captures} captures");
}

/// IPv4 frames of clients, one each millisecond.
#[derive(Default)]
struct Wire(Vec<Taken>);

impl Wire {
    fn frame(&mut self, data: Vec<u8>) {
        let (time, wire_len) = (1_800_000_000_000_000 + self.0.len() as i64 * 1_000, data.len() as u32);
        self.0.push(Taken { time, data, wire_len, link: LinkType::RawIp });
    }

    /// A client asks, and is told.
    fn told(&mut self, client: End, name: &str, qtype: u16, data: Vec<u8>) {
        self.frame(udp(client, RESOLVER, &query(7, name, qtype)));
        self.frame(udp(RESOLVER, client, &answer(7, name, qtype, &[(qtype, 60, data)])));
    }

    /// A client connects; its hello shows `outer` and is encrypted.
    fn hides(&mut self, client: End, server: End, outer: &str) {
        self.frame(tcp(client, server, 99, SYN, b""));
        self.frame(tcp(server, client, 499, SYN | ACK, b""));
        self.frame(tcp(client, server, 100, ACK, &hello(Some(outer), true)));
        self.frame(tcp(server, client, 500, ACK, &[23, 3, 3, 0, 1, 0]));
    }
}

/// What one client's answer says of the name that stands outside of encrypted hellos holds for clients of all workers.
#[test]
fn a_public_name_that_one_client_is_told_is_known_of_all() {
    const CLIENTS: u8 = 16;
    let (poe, other) = (([198, 51, 100, 30], 443), ([198, 51, 100, 31], 443));
    let mut wire = Wire::default();
    wire.told(([10, 0, 0, 7], 40_000), "chat.test", 65, https(&[], Some("cover.example")));
    for last in 0..CLIENTS {
        let client = |port| ([10, 0, 1, last], port);
        wire.told(client(40_000), "poe.com", 1, poe.0.to_vec());
        wire.hides(client(50_000), poe, "cover.example");
        wire.hides(client(50_001), other, "cover.example");
    }
    let (records, sums) = work(&wire.0, 1);
    let of_poe =
        records.iter().filter(|line| line.contains(r#""host":"poe.com""#) && line.contains(r#""ech":"real""#));
    assert_eq!(of_poe.count(), 2 * usize::from(CLIENTS), "the first record and the last of each");
    assert_eq!(sums.counts.method(Method::EchReal).flows, u64::from(CLIENTS), "nobody told what is hidden");
    same(&wire.0, "public names");
}

/// Whoever sends for many addresses is a router, however few of them are one worker's clients.
#[test]
fn a_router_is_one_for_all_workers() {
    const CLIENTS: u8 = 40;
    let mut wire = Wire::default();
    for last in 0..CLIENTS {
        let (client, server) = (([10, 0, 1, last], 50_000), ([198, 51, 100, 30], 443));
        let hello = hello(Some("poe.com"), false);
        wire.frame(tcp(client, server, 99, SYN, b""));
        wire.frame(tcp(server, client, 499, SYN | ACK, b""));
        wire.frame(tcp(client, server, 100, ACK, &hello));
    }
    // All of them through one router, whose frames look as if it were each of them.
    for taken in &mut wire.0 {
        let down = taken.data.get(12) == Some(&198);
        let ends = if down { [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9] } else { [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1] };
        taken.data.splice(..0, ends.into_iter().chain([8, 0]));
        (taken.wire_len, taken.link) = (taken.data.len() as u32, LinkType::Ethernet);
    }
    let (records, _) = work(&wire.0, 1);
    let mac = |line: &&String| line.contains(r#""client_mac":"02:00:00:00:00:01""#);
    let last = |line: &&String| line.contains(r#""record":"flow""#) && line.contains(r#""final":true"#);
    let (own, flows) = (records.iter().filter(last).filter(mac).count(), records.iter().filter(last).count());
    assert!(flows == usize::from(CLIENTS) && own > 0 && own < flows / 2, "{own} of {flows}");
    same(&wire.0, "a router");
}

/// Whether the network opts out of encrypted DNS is told by the answer to one client, whoever's it is.
#[test]
fn an_answer_about_the_network_counts_whoever_is_told() {
    for last in 0..8 {
        let mut wire = Wire::default();
        wire.told(([10, 0, 0, last], 40_000), "use-application-dns.net", 1, vec![192, 0, 2, 1]);
        let (_, sums) = work(&wire.0, 1);
        assert_eq!(sums.canaries.firefox_doh.map(bool::from), Some(false));
        same(&wire.0, "a canary");
    }
}
