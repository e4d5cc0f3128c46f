//! The Sigma rules for shadowtap's events (`dashboards/sigma/shadowtap`) match the events that they are about.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

#[allow(dead_code, reason = "shared with the page's tests, which build the report too")]
#[path = "page/every_kind.rs"]
mod every_kind;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ingest::siem::{FileTarget, Format, SinkTarget, To};
use serde_json::Value;

/// One line of a selection: field, smallest value or the value itself.
struct Condition {
    field: String,
    at_least: bool,
    value: String,
}

impl Condition {
    fn read(line: &str) -> Self {
        let (key, value) = line.trim().split_once(": ").unwrap();
        let (field, modifier) = key.split_once('|').unwrap_or((key, ""));
        assert!(["", "gte"].contains(&modifier), "{line}");
        Self {
            field: format!("/{}", field.replace('.', "/")),
            at_least: !modifier.is_empty(),
            value: value.to_owned(),
        }
    }

    fn holds(&self, event: &Value) -> bool {
        match event.pointer(&self.field) {
            Some(Value::String(text)) => *text == self.value,
            Some(Value::Number(number)) if self.at_least => number.as_u64().unwrap() >= self.value.parse().unwrap(),
            _ => false,
        }
    }
}

/// Rules by file name.
fn rules() -> Vec<(String, Vec<Condition>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/sigma/shadowtap");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let block =
                text.split("    selection:\n").nth(1).unwrap().split("    condition: selection\n").next().unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, block.lines().map(Condition::read).collect())
        })
        .collect()
}

#[test]
fn each_rule_matches_the_events_that_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    let to = To::File(FileTarget { path: path.clone() });
    every_kind::lived(
        dir.path(),
        &[SinkTarget { name: "file".to_owned(), format: Format::Ecs, activity: true, to }],
    );
    let text = fs::read_to_string(path).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut silent = BTreeSet::new();
    for (name, conditions) in rules() {
        let matched: Vec<&Value> = events.iter().filter(|e| conditions.iter().all(|one| one.holds(e))).collect();
        let code = name.strip_prefix("shadowtap_").unwrap().replace('_', "-");
        let about = |e: &&Value| e["event"]["code"] == code.as_str() && e["event"]["action"] == "create";
        let meant = events.iter().filter(about).count();
        assert!(meant == 0 || meant == matched.len(), "{name}: {} of {meant}", matched.len());
        if matched.is_empty() {
            silent.insert(name);
        }
    }
    // The week's budget holds the download back, and nothing in it weighs 9.
    let expected = ["shadowtap_model_download", "shadowtap_severity_critical"].map(str::to_owned);
    assert_eq!(silent, expected.into());
}
