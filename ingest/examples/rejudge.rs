//! How long judging a million facts again takes, from memory and from the embedded store:
//! `cargo run --release -p ingest --example rejudge [FACTS]`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

use std::convert::Infallible;
use std::time::Instant;

use ingest::judge::Judge;
use ingest::store::{SqliteStore, Store};
use ingest::time::Window;
use sample::*;
use sensor::record::{FlowRecord, Record};

/// An office of this many devices, each of which uses all services of the tests.
const DEVICES: usize = 500;
const SERVICES: [&str; 5] = ["assistant", "chat", "deep", "good", "painter"];

fn main() {
    let count: usize = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let facts: Vec<Record> = (0..count).map(|n| flow_record(fact(n, count))).collect();
    let limit = "\n[[limit]]\nbytes = \"50MB\"\nper = \"day\"\nowner = \"Security\"\nreason = \"client data\"\n";
    let judge =
        Judge { catalogue: catalogue(), policy: policy_with(limit), time_zone: berlin(), sinks: Vec::new() };

    let started = Instant::now();
    let rejudged = judge.rejudge(facts.iter().map(Ok::<_, Infallible>)).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("memory: {} facts, {} findings, {seconds:.2} s", rejudged.facts, rejudged.findings().len());

    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), berlin()).unwrap();
    for (at, batch) in facts.chunks(100_000).enumerate() {
        store.insert(&at.to_string(), batch).unwrap();
    }
    drop(facts);
    let started = Instant::now();
    let rejudged = judge.rejudge(store.facts("", Window { from: 0, to: i64::MAX }).unwrap()).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("SQLite: {} facts, {} findings, {seconds:.2} s", rejudged.facts, rejudged.findings().len());
}

/// Ninety days, in order.
fn fact(n: usize, count: usize) -> FlowRecord {
    let device = (n * 7919) % DEVICES;
    let service = SERVICES[(n / DEVICES) % SERVICES.len()];
    let at = MONDAY + (n as i64) * 90 * DAY / (count as i64);
    let client = format!("10.20.{}.{}", 1 + device / 250, 1 + device % 250);
    FlowRecord {
        flow_id: format!("{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        upload_bytes: 9_000 + (n as u64 * 31) % 90_000,
        ..flow(&client, service, at)
    }
}
