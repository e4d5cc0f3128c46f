//! The events in `docs/siem-formats.md` are what the program emits, byte for byte. To write them again:
//!
//!     SHADOWTAP_BLESS=1 cargo test -p ingest --test siem_docs

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::siem::{FileTarget, Format, SinkTarget, To};
use sample::{HOUR, MONDAY, SECOND, berlin, catalogue, flow, flow_record, minute_record, policy_with, spool};
use sensor::record::Record;
use serde_json::Value;

/// Samples by name: format and kind of event.
const SAMPLES: [&str; 9] = [
    "ecs finding",
    "ocsf finding",
    "cef finding",
    "ecs activity",
    "ocsf activity",
    "cef activity",
    "ecs digest",
    "ocsf digest",
    "cef digest",
];

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/siem-formats.md")
}

/// One prohibited use, and an hour with more unapproved use than the budget tells.
fn records() -> Vec<Record> {
    let mut records = vec![flow_record(flow("10.20.1.12", "deep", MONDAY))];
    for (n, service) in (1..).zip(["chat", "painter", "llama"]) {
        records.push(flow_record(flow("10.20.1.13", service, MONDAY + n * SECOND)));
    }
    records.push(minute_record(MONDAY + 2 * HOUR));
    records
}

/// The lines of a format, in the order in which they were told.
fn lines(format: Format) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events");
    let to = To::File(FileTarget { path: path.clone() });
    let config = DeliverConfig {
        data_dir: dir.path().to_path_buf(),
        spool: spool(dir.path(), &[&records()]),
        catalogue: catalogue(),
        policy: policy_with("[budget]\nper_device_per_day = 1\n"),
        sinks: vec![SinkTarget { name: "file".to_owned(), format, activity: true, to }],
        time_zone: berlin(),
    };
    Deliverer::open(config).unwrap().drain(None).unwrap();
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// A sample as the page shows it: JSON is indented, CEF is one line.
fn sample_of(name: &str) -> String {
    let (format, kind) = name.split_once(' ').unwrap();
    let format = Format::ALL.into_iter().find(|one| one.as_str() == format).unwrap();
    let kinds: Vec<String> = lines(Format::Ecs)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["dataset"].as_str().unwrap().to_owned())
        .collect();
    let at = kinds.iter().position(|dataset| *dataset == format!("shadowtap.{kind}")).unwrap();
    let line = lines(format).swap_remove(at);
    match format {
        Format::Cef => format!("```text\n{line}\n```"),
        _ => {
            let event: Value = serde_json::from_str(&line).unwrap();
            format!("```json\n{}\n```", serde_json::to_string_pretty(&event).unwrap())
        }
    }
}

#[test]
fn the_documented_events_are_the_emitted_ones() {
    let mut text = fs::read_to_string(page()).unwrap();
    for name in SAMPLES {
        let mark = format!("<!-- sample: {name} -->\n");
        let start =
            text.find(&mark).unwrap_or_else(|| panic!("docs/siem-formats.md: no place for {name}")) + mark.len();
        let open = text[start..].find("```").unwrap() + start;
        let end = text[open + 3..].find("```").unwrap() + open + 6;
        let sample = sample_of(name);
        if std::env::var_os("SHADOWTAP_BLESS").is_some() {
            text.replace_range(start..end, &sample);
        } else {
            assert!(text[start..end] == sample, "{name}: docs/siem-formats.md should show:\n{sample}");
        }
    }
    if std::env::var_os("SHADOWTAP_BLESS").is_some() {
        fs::write(page(), text).unwrap();
    }
}

/// Every field that a sample has stands in the page's tables.
#[test]
fn every_field_of_a_sample_is_in_a_table() {
    let text = fs::read_to_string(page()).unwrap();
    let missing: Vec<String> = Format::ALL
        .into_iter()
        .flat_map(|format| {
            let section =
                text.split("\n## ").find(|part| part.to_lowercase().starts_with(format.as_str())).unwrap();
            let rows: String = section.lines().filter(|line| line.starts_with('|')).collect();
            let words: Vec<String> =
                rows.split(|c: char| !(c.is_alphanumeric() || "_@".contains(c))).map(str::to_owned).collect();
            let keys = lines(format).into_iter().flat_map(move |line| names(format, &line));
            keys.filter(move |key| !words.contains(key)).map(move |key| format!("{}: {key}", format.as_str()))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Last parts of field names.
fn names(format: Format, line: &str) -> Vec<String> {
    fn of(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                names.push(key.clone());
                of(value, names);
            }),
            Value::Array(list) => list.iter().for_each(|value| of(value, names)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    match format {
        Format::Cef => {
            let extension = line.splitn(8, '|').nth(7).unwrap();
            let keys = extension.split(' ').filter_map(|word| word.split_once('=')).map(|(key, _)| key);
            found.extend(keys.filter(|key| !key.ends_with("Label") && !key.ends_with('\\')).map(str::to_owned));
        }
        _ => of(&serde_json::from_str(line).unwrap(), &mut found),
    }
    let step = |name: &str| {
        ["next_step_", "held_", "shadowtapNextStep", "shadowtapHeld"].iter().any(|s| name.starts_with(s))
    };
    found.retain(|name| !step(name));
    found
}
