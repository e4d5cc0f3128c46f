//! `report.json` holds what its schema in the documentation says: no field more, none less.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

#[path = "page/every_kind.rs"]
mod every_kind;

use ingest::judge::FindingsDb;
use ingest::report::{Report, ReportContext};
use ingest::store::{SqliteStore, Store};
use sample::{berlin, catalogue, policy, week};
use sensor::record::Record;
use serde_json::Value;

const SCHEMA: &str = include_str!("../../docs/report.schema.json");

/// Keywords that say nothing about validity.
const PROSE: [&str; 4] = ["$schema", "$defs", "title", "description"];

fn report(records: &[Record]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), berlin()).unwrap();
    let mut findings = FindingsDb::open(dir.path()).unwrap();
    let (catalogue, policy) = (catalogue(), policy());
    let judge = ingest::judge::Judge {
        catalogue: catalogue.clone(),
        policy: policy.clone(),
        time_zone: berlin(),
        sinks: Vec::new(),
    };
    store.insert("a", records).unwrap();
    judge.segment(&mut findings, records).unwrap();
    let context = ReportContext {
        catalogue: &catalogue,
        policy: &policy,
        site: String::new(),
        time_zone: berlin(),
        week: "2026-W46".parse().unwrap(),
        binary: "test".to_owned(),
    };
    serde_json::from_str(&Report::build(&store, &findings, &context).unwrap().json().unwrap()).unwrap()
}

/// The part of JSON Schema that ours uses; any other keyword is an error, so that none goes unchecked.
fn check(value: &Value, schema: &Value, root: &Value, at: &str, faults: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$ref" => {
                let target = wanted.as_str().and_then(|r| root.pointer(r.trim_start_matches('#'))).unwrap();
                check(value, target, root, at, faults);
                true
            }
            "type" => types(wanted).iter().any(|name| is(value, name)),
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "pattern" => value.as_str().is_some_and(|text| text.len() == 8 && text.contains("-W")),
            "required" => wanted.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                value.as_object().unwrap().keys().all(|name| known.contains_key(name))
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(value, schema, root, &format!("{at}/{name}"), faults);
                    }
                }
                true
            }
            "items" => {
                for (number, value) in value.as_array().unwrap().iter().enumerate() {
                    check(value, wanted, root, &format!("{at}/{number}"), faults);
                }
                true
            }
            prose => PROSE.contains(&prose),
        };
        if !holds {
            faults.push(format!("{at}: {keyword} {wanted} does not hold for {value}"));
        }
    }
}

fn types(wanted: &Value) -> Vec<&str> {
    match wanted {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn faults(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut faults = Vec::new();
    check(report, &schema, &schema, "", &mut faults);
    faults
}

#[test]
fn a_full_and_an_empty_report_hold_to_the_schema() {
    let full = report(&week());
    for table in ["services", "findings", "uploads", "departments", "access", "trend", "new_this_week"] {
        assert!(!full[table].as_array().unwrap().is_empty(), "{table}");
    }
    assert_eq!(faults(&full), Vec::<String>::new());
    assert_eq!(faults(&report(&[])), Vec::<String>::new());
    let dir = tempfile::tempdir().unwrap();
    let every: Value = serde_json::from_str(&every_kind::report(dir.path()).json().unwrap()).unwrap();
    for table in [
        "unusual_uploads",
        "local_models",
        "model_downloads",
        "visibility_lost",
        "reviews",
        "exceptions",
        "device_names",
    ] {
        assert!(!every[table].as_array().unwrap().is_empty(), "{table}");
    }
    assert_eq!(faults(&every), Vec::<String>::new());
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let mut wrong = report(&week());
    wrong["window"]["extra"] = Value::Null;
    wrong["services"][0]["devices"] = Value::from(-1);
    wrong["services"][1]["use"] = Value::from("perhaps");
    wrong.as_object_mut().unwrap().remove("totals");
    assert_eq!(faults(&wrong).len(), 4, "{:#?}", faults(&wrong));
}
