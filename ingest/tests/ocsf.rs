//! Every kind of event in OCSF against the published schema (`ocsf/README.md`), by a validator that is not ours.

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

use boon::{Compiler, SchemaIndex, Schemas};
use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::siem::{FileTarget, Format, SinkTarget, To, test_event};
use rules::policy::FindingRule;
use sample::{MONDAY, berlin, catalogue, download, flow_record, policy, spool};
use serde_json::{Value, json};

/// The schemas of the three classes that are sent.
struct Ocsf {
    schemas: Schemas,
    classes: [(u64, SchemaIndex); 3],
}

impl Ocsf {
    fn load() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let classes = [
            (2004, include_str!("ocsf/detection_finding.json")),
            (4001, include_str!("ocsf/network_activity.json")),
            (0, include_str!("ocsf/base_event.json")),
        ]
        .map(|(class, text)| {
            let schema: Value = serde_json::from_str(text).unwrap();
            let id = schema["$id"].as_str().unwrap().to_owned();
            compiler.add_resource(&id, schema).unwrap();
            (class, compiler.compile(&id, &mut schemas).unwrap())
        });
        Self { schemas, classes }
    }

    fn check(&self, event: &Value) -> Result<(), String> {
        let class = event["class_uid"].as_u64().ok_or("no class_uid")?;
        let (_, schema) = self.classes.iter().find(|(uid, _)| *uid == class).ok_or("a class that is not sent")?;
        self.schemas.validate(event, *schema).map_err(|error| format!("{error:#}\n{event:#}"))
    }
}

/// The events of a week with every kind of finding in every state, of a model that was fetched, whose alert that
/// week's budget holds back, and the test event.
fn events() -> Vec<Value> {
    let mut events = told(|dir, sink| every_kind::lived(dir, &[sink]));
    events.extend(told(|dir, sink| {
        let config = DeliverConfig {
            data_dir: dir.to_path_buf(),
            spool: spool(dir, &[&[flow_record(download("10.20.2.5", 4_700_000_000, MONDAY))]]),
            catalogue: catalogue(),
            policy: policy(),
            sinks: vec![sink],
            time_zone: berlin(),
        };
        Deliverer::open(config).unwrap().drain(None).unwrap();
    }));
    events.push(Format::Ocsf.value(&test_event("tap1", "hq", MONDAY).1));
    events
}

fn told(deliver: impl FnOnce(&Path, SinkTarget)) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    let to = To::File(FileTarget { path: path.clone() });
    deliver(dir.path(), SinkTarget { name: "file".to_owned(), format: Format::Ocsf, activity: true, to });
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_kind_of_event_is_what_the_schema_asks_for() {
    let ocsf = Ocsf::load();
    let events = events();
    let wrong: Vec<String> = events.iter().filter_map(|event| ocsf.check(event).err()).collect();
    assert!(wrong.is_empty(), "{} of {} events:\n{}", wrong.len(), events.len(), wrong[0]);

    let of = |pointer: &str| -> BTreeSet<String> {
        events.iter().filter_map(|event| event.pointer(pointer)).map(|value| value.to_string()).collect()
    };
    assert_eq!(of("/type_uid"), ["99", "200401", "200402", "200403", "400106"].map(str::to_owned).into());
    assert_eq!(of("/status_id"), ["1", "2", "4"].map(str::to_owned).into());
    let rules = FindingRule::ALL.iter().map(|rule| format!("\"{}\"", rule.as_str()));
    assert_eq!(of("/finding_info/analytic/uid"), rules.collect(), "every rule has an event");
    let techniques = ["\"T1090\"", "\"T1567\""].map(str::to_owned).into();
    assert_eq!(of("/finding_info/attacks/0/technique/uid"), techniques);
}

/// Makes an event wrong.
type Break = fn(&mut Value);

#[test]
fn an_event_that_breaks_the_schema_is_told() {
    let ocsf = Ocsf::load();
    let events = events();
    let finding = events.iter().find(|e| e["class_uid"] == 2004 && e.get("evidences").is_some()).unwrap();
    let activity = events.iter().find(|e| e["class_uid"] == 4001).unwrap();
    let breaks: [(&str, Break); 9] = [
        ("a required attribute is missing", |e| drop(e.as_object_mut().unwrap().remove("severity_id"))),
        ("an attribute is unknown", |e| e["severty"] = json!(1)),
        ("an attribute of an object is unknown", |e| e["metadata"]["product"]["vendor"] = json!("x")),
        ("a required attribute of an object is missing", |e| {
            drop(e["metadata"].as_object_mut().unwrap().remove("version"));
        }),
        ("a number is no member of its enumeration", |e| e["severity_id"] = json!(7)),
        ("a type belongs to another class", |e| e["type_uid"] = json!(300_401)),
        ("a time is a text", |e| e["time"] = json!("2026-11-09T08:00:00Z")),
        ("a text is a number", |e| e["message"] = json!(1)),
        ("an address is none", |e| e["observables"] = json!([{"name": "x", "type_id": 2000}])),
    ];
    for event in [finding, activity] {
        ocsf.check(event).unwrap();
        for (what, broken) in &breaks {
            let mut event = event.clone();
            broken(&mut event);
            assert!(ocsf.check(&event).is_err(), "{what}");
        }
    }
    let mut event = activity.clone();
    event["dst_endpoint"]["ip"] = json!("300.1.1.1x");
    assert!(ocsf.check(&event).is_err(), "an address is none");
    let mut event = finding.clone();
    event["finding_info"]["analytic"] = json!({"type_id": 1});
    assert!(ocsf.check(&event).is_err(), "a constraint is broken: neither name nor uid");
}
