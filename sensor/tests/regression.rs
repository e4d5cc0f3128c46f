//! One test per defect that was found: its bytes, and what must come of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rules::catalogue::{Catalogue, Plan};
use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::output::{Name, Output};
use sensor::record::{FlowRecord, Record};
use sensor::worker::{Worker, WorkerConfig};

const SECOND: i64 = 1_000_000;
const ACK: u8 = 0x10;
const SYN: u8 = 0x02;
const FIN: u8 = 0x01;
const RST: u8 = 0x04;
const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 7], 40_000);
const SERVER: ([u8; 4], u16) = ([198, 51, 100, 30], 443);
const RESOLVER: ([u8; 4], u16) = ([10, 0, 0, 1], 53);

/// A worker and what it gave.
struct Bench {
    worker: Worker,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    names: Vec<String>,
    flows: Vec<FlowRecord>,
}

impl Output for Seen {
    fn record(&mut self, record: Record) {
        if let Record::Flow(flow) = record {
            self.flows.push(*flow);
        }
    }

    fn name(&mut self, name: &Name<'_>) {
        self.names.extend(name.name.filter(|_| name.protocol != "dns").map(str::to_owned));
    }
}

impl Bench {
    fn new() -> Self {
        let config = WorkerConfig::new(Arc::new(Catalogue::builtin()));
        Self { worker: Worker::new(config), seen: Seen::default() }
    }

    fn frame(&mut self, time: i64, data: &[u8]) {
        let wire_len = data.len() as u32;
        self.worker.frame(&Frame { time, data, wire_len, link: LinkType::RawIp }, &mut self.seen);
    }

    fn done(mut self) -> Seen {
        self.worker.finish(&mut self.seen);
        let (totals, lines) = (self.worker.totals(), self.worker.totals().accounted());
        assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
        self.seen
    }
}

fn ip(protocol: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let header = [&[0x45, 0][..], &len, &[0, 0, 0, 0, 64, protocol, 0, 0], &src, &dst].concat();
    [header, payload.to_vec()].concat()
}

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let header = [&ports[..], &seq.to_be_bytes(), &[0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat();
    ip(6, from.0, to.0, &[&header, payload].concat())
}

fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len() as u16).to_be_bytes();
    let header = [&from.1.to_be_bytes()[..], &to.1.to_be_bytes(), &len, &[0, 0]].concat();
    ip(17, from.0, to.0, &[&header, payload].concat())
}

/// A DNS answer: `name` (two labels) has the address of [`SERVER`] for five minutes.
fn answer(first: &str, second: &str) -> Vec<u8> {
    let label = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let name = [label(first), label(second), vec![0]].concat();
    let header = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    let address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4];
    udp(RESOLVER, (CLIENT.0, 50_000), &[&header[..], &name, &[0, 1, 0, 1], &address, &SERVER.0].concat())
}

/// A TLS record with a ClientHello for `name`.
fn hello(name: &str) -> Vec<u8> {
    let vec16 = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let sni = vec16(&[&[0], &vec16(name.as_bytes())[..]].concat());
    let extensions = vec16(&[&[0, 0], &vec16(&sni)[..]].concat());
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &extensions].concat();
    let message = [&[1, 0], &vec16(&body)[..]].concat();
    [&[22, 3, 1], &vec16(&message)[..]].concat()
}

/// A named connection with `bytes` of upload in one direction, all of it seen.
fn connection(bench: &mut Bench, start: i64, upload: &[&[u8]]) -> u32 {
    bench.frame(start, &tcp(CLIENT, SERVER, 99, SYN, b""));
    bench.frame(start + 1, &tcp(SERVER, CLIENT, 499, SYN | ACK, b""));
    let mut seq = 100;
    for (i, part) in std::iter::once(&&hello("claude.ai")[..]).chain(upload).enumerate() {
        bench.frame(start + 2 + i as i64, &tcp(CLIENT, SERVER, seq, ACK, part));
        seq += part.len() as u32;
    }
    seq
}

fn bytes_up(seen: &Seen) -> u64 {
    seen.flows.iter().map(|flow| flow.bytes_up).sum()
}

/// The only place on the wire where the licence shows, and whose resource it is.
#[test]
fn licence_and_tenant_are_on_the_record() {
    let record = |name: &str| {
        let mut bench = Bench::new();
        bench.frame(0, &tcp(CLIENT, SERVER, 99, SYN, b""));
        bench.frame(1, &tcp(CLIENT, SERVER, 100, ACK, &hello(name)));
        bench.done().flows.remove(0)
    };
    assert_eq!(record("api.business.githubcopilot.com").plan, Some(Plan::Business));
    assert_eq!(record("api.githubcopilot.com").plan, None);
    assert_eq!(record("contoso.openai.azure.com").tenant.as_deref(), Some("contoso"));
}

/// A changed catalogue tags the flows that begin after it.
#[test]
fn the_catalogue_changes_under_way() {
    let mut bench = Bench::new();
    let start = |bench: &mut Bench, time: i64, port: u16| {
        let client = (CLIENT.0, port);
        bench.frame(time, &tcp(client, SERVER, 99, SYN, b""));
        bench.frame(time + 1, &tcp(client, SERVER, 100, ACK, &hello("ai.intranet.example")));
    };
    start(&mut bench, 0, 40_001);
    let own = r#"[[service]]
id = "house"
name = "House"
vendor = "House"
category = "api"
access = ["api"]
modality = ["text"]
hosts = [{ exact = "ai.intranet.example", role = "api", strength = "definite", source = "own", date = 2026-11-21 }]
"#;
    let catalogue = Arc::new(Catalogue::parse([("house.toml", own)]).unwrap());
    bench.worker.set_catalogue(catalogue.clone());
    start(&mut bench, 10, 40_002);
    let flows = bench.done().flows;
    assert!(flows.iter().all(|flow| flow.client_port == 40_002 && flow.catalogue == catalogue.version()));
    assert_eq!(flows[0].service, "house");
}

#[test]
fn fin_and_the_last_ack_are_no_payload() {
    let mut bench = Bench::new();
    let seq = connection(&mut bench, 0, &[&[1; 1000]]);
    bench.frame(100, &tcp(CLIENT, SERVER, seq, FIN | ACK, b""));
    bench.frame(101, &tcp(SERVER, CLIENT, 500, FIN | ACK, b""));
    bench.frame(102, &tcp(CLIENT, SERVER, seq + 1, ACK, b""));
    assert_eq!(bytes_up(&bench.done()), u64::from(seq - 100));
}

#[test]
fn an_empty_segment_far_ahead_moves_nothing() {
    let mut bench = Bench::new();
    let seq = connection(&mut bench, 0, &[]);
    bench.frame(50, &tcp(CLIENT, SERVER, seq + (15 << 20), ACK, b""));
    bench.frame(51, &tcp(CLIENT, SERVER, seq.wrapping_add(1 << 30), ACK, b""));
    bench.frame(52, &tcp(CLIENT, SERVER, seq, ACK, &[1; 1200]));
    assert_eq!(bytes_up(&bench.done()), u64::from(seq - 100) + 1200);
}

#[test]
fn a_foreign_reset_ends_no_connection() {
    let mut bench = Bench::new();
    let seq = connection(&mut bench, 0, &[]);
    bench.frame(50, &tcp(CLIENT, SERVER, seq.wrapping_add(1 << 30), RST, b""));
    bench.frame(60 * SECOND, &tcp(CLIENT, SERVER, seq, ACK, &[1; 1200]));
    let seen = bench.done();
    assert_eq!(bytes_up(&seen), u64::from(seq - 100) + 1200);
    assert_eq!(seen.flows.iter().filter(|flow| flow.seq == 0).count(), 1);
}

#[test]
fn a_length_beyond_the_frame_is_malformed() {
    let mut bench = Bench::new();
    connection(&mut bench, 0, &[]);
    let mut lie = tcp(CLIENT, SERVER, 5000, ACK, b"x");
    lie[2..4].copy_from_slice(&[0xff, 0xff]);
    bench.frame(60, &lie);
    assert_eq!(bench.worker.totals().malformed()["ip-header"], 1);
    assert!(bytes_up(&bench.done()) < 1000);
}

#[test]
fn connections_that_carried_nothing_are_no_contact() {
    let mut bench = Bench::new();
    bench.frame(0, &answer("claude", "ai"));
    for port in 41_000..41_003 {
        bench.frame(SECOND, &tcp((CLIENT.0, port), SERVER, 9, SYN, b""));
    }
    assert!(bench.done().flows.is_empty());
}

#[test]
fn an_answer_names_no_flow_that_began_before_it() {
    let exchange = |bench: &mut Bench| {
        bench.frame(10 * SECOND, &udp(CLIENT, (SERVER.0, 9000), b"something"));
        bench.frame(10 * SECOND + 1, &udp((SERVER.0, 9000), CLIENT, b"else"));
    };
    let mut before = Bench::new();
    exchange(&mut before);
    before.frame(100 * SECOND, &answer("claude", "ai"));
    assert!(before.done().flows.is_empty());
    let mut after = Bench::new();
    after.frame(9 * SECOND, &answer("claude", "ai"));
    exchange(&mut after);
    assert_eq!(after.done().flows[0].service, "claude");
}

#[test]
fn a_hello_whose_second_half_is_seen_first_without_a_syn() {
    let mut bench = Bench::new();
    let hello = hello("claude.ai");
    let (first, second) = hello.split_at(40);
    bench.frame(0, &tcp(CLIENT, SERVER, 140, ACK, second));
    bench.frame(1, &tcp(CLIENT, SERVER, 100, ACK, first));
    assert_eq!(bench.done().names, ["claude.ai"]);
}

#[test]
fn one_frame_from_another_century_changes_nothing() {
    let (mut plain, mut astray) = (Bench::new(), Bench::new());
    for bench in [&mut plain, &mut astray] {
        connection(bench, 1_000 * SECOND, &[&[1; 1000]]);
    }
    astray.frame(4_000_000_000 * SECOND, &udp(CLIENT, RESOLVER, b"x"));
    for bench in [&mut plain, &mut astray] {
        bench.frame(1_001 * SECOND, &tcp(CLIENT, SERVER, 1200, ACK, &[1; 500]));
    }
    assert_eq!(astray.worker.totals().malformed()["time"], 1);
    assert_eq!(plain.done().flows, astray.done().flows);
}

#[test]
fn after_a_step_back_of_the_clock_records_go_on() {
    let mut bench = Bench::new();
    let mut seq = connection(&mut bench, 10_000 * SECOND, &[]);
    for i in 0..300 {
        bench.frame((6_400 + i) * SECOND, &tcp(CLIENT, SERVER, seq, ACK, &[1; 100]));
        seq += 100;
    }
    let before_the_end = bench.seen.flows.len();
    assert!(before_the_end >= 5, "{before_the_end} records");
    assert_eq!(bytes_up(&bench.done()), u64::from(seq - 100));
}

/// QUIC outside of a NAT keeps its port for the next connection: every one of them has its name.
#[test]
fn quic_connections_one_after_another_on_the_same_ports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps/browser-quic.pcap");
    let mut file = CaptureFile::open(&path).unwrap();
    let mut flows: BTreeMap<u16, Vec<(i64, Vec<u8>, u32)>> = BTreeMap::new();
    while let Some(frame) = file.next_frame().unwrap() {
        let mut data = frame.data[14..].to_vec();
        let ports = [u16::from_be_bytes([data[20], data[21]]), u16::from_be_bytes([data[22], data[23]])];
        let Some(client) = ports.iter().copied().find(|&port| port != 443).filter(|_| data[9] == 17) else {
            continue;
        };
        if !ports.contains(&443) {
            continue;
        }
        let up = ports[1] == 443;
        let (from, to) = if up { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        data[12..16].copy_from_slice(&from.0);
        data[16..20].copy_from_slice(&to.0);
        data[20..22].copy_from_slice(&from.1.to_be_bytes());
        data[22..24].copy_from_slice(&to.1.to_be_bytes());
        flows.entry(client).or_default().push((frame.time, data, frame.wire_len - 14));
    }
    let mut bench = Bench::new();
    for (i, frames) in flows.values().enumerate() {
        let first = frames[0].0;
        for (time, data, wire_len) in frames {
            let time = 100 * SECOND * i as i64 + time - first;
            let frame = Frame { time, data, wire_len: *wire_len, link: LinkType::RawIp };
            bench.worker.frame(&frame, &mut bench.seen);
        }
    }
    assert_eq!(flows.len(), 6);
    assert_eq!(bench.done().names.len(), 6);
}
