//! `docs/records.md` names every field of every record, and no other.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is the failure message")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

const PAGE: &str = include_str!("../../docs/records.md");
/// Captures that hold, together, a record of every kind.
const CAPTURES: [&str; 2] = ["clients-vlan-v6.pcapng", "shapes-tcp.pcap"];

/// Fields by kind of record.
type Fields = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Seen(Fields);

impl Output for Seen {
    fn record(&mut self, record: Record) {
        let line = serde_json::to_value(&record).unwrap();
        let kind = line["record"].as_str().unwrap().to_owned();
        self.0.entry(kind).or_default().extend(line.as_object().unwrap().keys().cloned());
    }
}

/// A catalogue in which the services of the captures are missing: they are candidates then.
const OTHER: &str = r#"[[service]]
id = "house"
name = "House"
vendor = "House"
category = "api"
access = ["api"]
modality = ["text"]
hosts = [{ exact = "ai.intranet.example", role = "api", strength = "definite", source = "own", date = 2026-11-21 }]
"#;

fn written() -> Fields {
    let mut seen = Seen::default();
    let catalogues = [Catalogue::builtin(), Catalogue::parse([("house.toml", OTHER)]).unwrap()].map(Arc::new);
    for (name, catalogue) in CAPTURES.iter().zip(&catalogues).chain([(&CAPTURES[1], &catalogues[0])]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps").join(name);
        let mut file = CaptureFile::open(&path).unwrap();
        let mut worker = Worker::new(WorkerConfig::new(catalogue.clone()));
        while let Some(frame) = file.next_frame().unwrap() {
            worker.frame(&frame, &mut seen);
        }
        worker.finish(&mut seen);
    }
    seen.0
}

/// The fields in the first table of each section that is a record's.
fn documented() -> Fields {
    let mut fields = Fields::new();
    for section in PAGE.split("\n## ").skip(1) {
        let kind = section.lines().next().unwrap().to_owned();
        let table = section.lines().skip_while(|line| !line.starts_with("| field | type |"));
        let rows: Vec<_> = table.take_while(|line| line.starts_with('|')).skip(2).collect();
        let names = rows.iter().flat_map(|row| row.split('|').nth(1).unwrap().split(','));
        let names: BTreeSet<_> = names.map(|name| name.trim().trim_matches('`').to_owned()).collect();
        if !names.is_empty() {
            fields.insert(kind, names);
        }
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
            assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.trim().is_empty()), "{row}");
        }
    }
    fields
}

#[test]
fn every_field_has_its_meaning_unit_and_absence() {
    assert_eq!(documented(), written());
}
