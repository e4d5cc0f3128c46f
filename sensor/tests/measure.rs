//! Measures turns, uploads, clients and behaviour against truth: `cargo test -p sensor --test measure -- --ignored
//! --nocapture` with `SHADOWTAP_MEASURE` naming captures, each with its `.truth.json` beside it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for people, run by hand")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rules::catalogue::Catalogue;
use rules::usage::{combine, judge};
use sensor::capture::file::CaptureFile;
use sensor::output::Output;
use sensor::record::{FlowRecord, Record};
use sensor::worker::{Worker, WorkerConfig};
use serde_json::Value;

#[derive(Default)]
struct Seen(Vec<FlowRecord>);

impl Output for Seen {
    fn record(&mut self, record: Record) {
        if let Record::Flow(flow) = record {
            self.0.push(*flow);
        }
    }
}

#[test]
#[ignore = "prints a table"]
fn table() {
    for capture in std::env::var("SHADOWTAP_MEASURE").unwrap().split_whitespace() {
        let path = Path::new(capture);
        let mut worker = Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())));
        let mut seen = Seen::default();
        let mut file = CaptureFile::open(path).unwrap();
        while let Some(frame) = file.next_frame().unwrap() {
            worker.frame(&frame, &mut seen);
        }
        worker.finish(&mut seen);
        println!("== {}", path.file_stem().unwrap().display());
        print(path, &seen.0);
    }
}

fn print(path: &Path, records: &[FlowRecord]) {
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(path.with_extension("truth.json")).unwrap()).unwrap();
    let mut flows: BTreeMap<&str, Vec<&FlowRecord>> = BTreeMap::new();
    for record in records {
        flows.entry(&record.flow_id).or_default().push(record);
    }
    let mut flows: Vec<_> = flows.into_values().collect();
    flows.sort_by_key(|records| records[0].start);
    for records in flows {
        let last = records.last().unwrap();
        let turns: u64 = records.iter().map(|r| r.turns).sum();
        let upload: u64 = records.iter().map(|r| r.upload_bytes).sum();
        let used =
            records.iter().map(|r| judge(r.role, r.strength, r.turns, r.upload_bytes)).reduce(combine).unwrap();
        println!(
            "{:>15}:{:<5} {:28} {:9} {:5} turns {turns:2} up {upload:8} burst {:8} {:8} {:14} {used:8} | {}",
            last.client_ip,
            last.client_port,
            last.host.as_deref().unwrap_or("-").chars().take(28).collect::<String>(),
            last.role,
            last.protocol.as_str(),
            last.largest_burst,
            last.client,
            last.behaviour,
            of_truth(&truth, last),
        );
    }
}

fn of_truth(truth: &Value, flow: &FlowRecord) -> String {
    let mut text = String::new();
    let ip = flow.client_ip.to_string();
    for row in truth["sessions"].as_array().into_iter().flatten() {
        let here = row["client_ip"] == ip.as_str()
            && row["client_ports"].as_array().unwrap().iter().any(|port| *port == flow.client_port);
        if here {
            text += &format!("{} {} n={} up={}; ", row["tool"], row["kind"], row["requests"], row["upload_bytes"]);
        }
    }
    for row in [&truth["connections"], &truth["media"]].into_iter().filter_map(Value::as_array).flatten() {
        let start = row["start"].as_str().and_then(|s| s.get(..16)).unwrap_or_default();
        let _ = start;
        if row["client_ip"] == ip.as_str() && row["client_port"] == flow.client_port {
            text += &format!(
                "{} {} {} prompts={} n={} up={}; ",
                row["client"], row["shape"], row["kind"], row["prompts"], row["requests"], row["body_up"]
            );
        }
    }
    text.replace('"', "")
}
