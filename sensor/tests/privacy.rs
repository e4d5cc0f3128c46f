//! What is said cannot be told from what is stored: sizes of single packets leave no trace beyond their sum.

#![allow(clippy::unwrap_used, reason = "a panic is a test's failure message")]

use std::sync::Arc;

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::Output;
use sensor::record::{FlowRecord, Record};
use sensor::worker::{Worker, WorkerConfig};

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 7], 40_000);
const SERVER: ([u8; 4], u16) = ([198, 51, 100, 30], 443);

#[derive(Default)]
struct Seen(Vec<FlowRecord>);

impl Output for Seen {
    fn record(&mut self, record: Record) {
        if let Record::Flow(flow) = record {
            self.0.push(*flow);
        }
    }
}

/// Two answers with the same tokens in another order, as two topics would give them: the records are the same.
#[test]
fn answers_with_permuted_packets_leave_identical_records() {
    let tokens: Vec<usize> = (0..400).map(|i| 90 + i * 37 % 83).collect();
    let mut sorted = tokens.clone();
    sorted.sort_unstable();
    let reversed: Vec<usize> = tokens.iter().rev().copied().collect();
    let records = records(&tokens);
    assert!(records.len() > 2 && records.iter().map(|r| r.turns).sum::<u64>() == 1);
    for other in [&sorted, &reversed] {
        let other = self::records(other);
        let last = |records: &[FlowRecord]| records.last().unwrap().clone();
        let sum = |records: &[FlowRecord]| records.iter().map(|r| r.bytes_down).sum::<u64>();
        assert_eq!(sum(&records), sum(&other));
        // Sums of a minute may differ; nothing else does.
        let (a, b) = (last(&records), last(&other));
        assert_eq!(FlowRecord { bytes_down: 0, ..a }, FlowRecord { bytes_down: 0, ..b });
    }
}

/// A page, a prompt, and an answer in packets of these sizes, one each 250 ms.
fn records(tokens: &[usize]) -> Vec<FlowRecord> {
    let mut worker = Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())));
    let mut seen = Seen::default();
    let (mut up, mut down) = (100, 500);
    let mut send = |time: i64, from_client: bool, payload: &[u8]| {
        let (from, to, seq) = if from_client { (CLIENT, SERVER, &mut up) } else { (SERVER, CLIENT, &mut down) };
        let data = tcp(from, to, *seq, payload);
        *seq += payload.len() as u32;
        let wire_len = data.len() as u32;
        worker.frame(&Frame { time, data: &data, wire_len, link: LinkType::RawIp }, &mut seen);
    };
    send(0, true, &hello("claude.ai"));
    send(1000, false, &[0; 1400]);
    send(2000, true, &[0; 700]);
    send(3000, false, &[0; 1400]);
    send(5_000_000, true, &[0; 900]);
    for (i, token) in tokens.iter().enumerate() {
        send(6_000_000 + i as i64 * 250_000, false, &vec![0; *token]);
    }
    worker.finish(&mut seen);
    seen.0
}

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), seq: u32, payload: &[u8]) -> Vec<u8> {
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let tcp = [&ports[..], &seq.to_be_bytes(), &[0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0], payload].concat();
    let len = (20 + tcp.len() as u16).to_be_bytes();
    [&[0x45, 0][..], &len, &[0, 0, 0, 0, 64, 6, 0, 0], &from.0, &to.0, &tcp].concat()
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
