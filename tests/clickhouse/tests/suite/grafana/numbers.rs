//! What the panels say is what the report's questions say, and what people did with findings.

use ingest::store::Store;
use ingest::store::clickhouse::FindingRow;
use ingest::time::{Window, utc};
use rules::usage::Use;
use serde_json::{Value, json};

use super::guard::{ask, chosen};
use super::month::NOW;
use super::query::of_board;
use crate::facts::facts;
use crate::sample::*;
use crate::server::{Server, server};

/// The only row of a panel, for the sample's site or all.
fn row(server: &Server, panel: &str, days: i64) -> Value {
    rows(server, panel, days).remove(0)
}

fn rows(server: &Server, panel: &str, days: i64) -> Vec<Value> {
    let all: Vec<_> = super::loaded().iter().flat_map(of_board).collect();
    let query = all.iter().find(|query| query.place.ends_with(panel)).unwrap_or_else(|| panic!("no panel {panel}"));
    ask(server, query, &chosen(days, 0, &[])).unwrap().rows
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_panels_say_what_the_report_says() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    store.insert("all", &facts()).unwrap();
    let window = Window { from: NOW - 7 * DAY, to: NOW };
    let usage = store.usage("", window).unwrap();
    let count = |what: fn(&ingest::store::UsageRow) -> &str| {
        let used = usage.iter().filter(|row| row.usage == Use::Used);
        used.map(what).collect::<std::collections::BTreeSet<_>>().len() as f64
    };
    let sum = |what: fn(&ingest::store::UsageRow) -> u64| usage.iter().map(what).sum::<u64>() as f64;
    let overview = |panel: &str, column: &str| number(&row(&server, &format!("overview / {panel}"), 7)[column]);
    assert_eq!(overview("Services in use", "services"), count(|row| &row.service));
    assert_eq!(overview("Devices with use", "devices"), count(|row| &row.device));
    assert_eq!(overview("Exchanges", "exchanges"), sum(|row| row.turns));
    assert_eq!(overview("Uploaded", "uploaded"), sum(|row| row.upload_bytes));
    assert!(count(|row| &row.service) > 2.0 && sum(|row| row.turns) > 10.0);
    // 740,000 of the sample minute's 780,000 bytes have a name; 10,000 more are name resolution.
    assert!((overview("Named traffic", "named") - 740.0 / 780.0).abs() < 1e-9);
    // Its 7 lost packets are on their way to the sensor, of 1,007.
    assert!((number(&row(&server, "health / Lost packets", 7)["loss"]) - 7.0 / 1007.0).abs() < 1e-9);
    assert!((number(&row(&server, "health / Malformed frames", 7)["malformed"]) - 0.005).abs() < 1e-9);
}

/// An event as a SIEM gets it, cut down to what the boards ask of it.
fn event(uid: &str, revision: u64, at: i64, state: &str, due: i64) -> FindingRow {
    let action = match (state, revision) {
        ("closed", _) => "close",
        ("open", _) => "create",
        _ => "update",
    };
    let event = json!({
        "@timestamp": utc(at),
        "event": {
            "dataset": "shadowtap.finding", "id": uid, "sequence": revision, "action": action, "severity": 6,
            "start": utc(at), "end": utc(at),
        },
        "rule": {"id": "unapproved-use"},
        "service": {"id": "chat"},
        "observer": {"name": "tap1", "geo": {"name": "hq"}},
        "labels": {"state": state, "report_due_at": utc(due), "policy_status": "unreviewed"},
    });
    FindingRow::of_event(&event).unwrap()
}

/// What an alert rule says of the only site.
fn alert(server: &Server, title: &str) -> f64 {
    let rules = super::query::of_alerts(&super::alerts::provisioned(super::RULES));
    let query = rules.iter().find(|query| query.place.ends_with(title)).unwrap();
    number(&ask(server, query, &chosen(1, 0, &[])).unwrap().rows[0]["value"])
}

#[test]
fn a_rise_of_unapproved_use_is_told_from_the_usual() {
    const RISE: &str = "Unapproved or prohibited use is rising";
    let Some(server) = server() else { return };
    let store = server.store();
    let told = |name: &str, count: i64, at: i64| {
        let rows: Vec<FindingRow> =
            (0..count).map(|n| event(&format!("{name}{n}"), 1, at - n * SECOND, "open", NOW + HOUR)).collect();
        store.insert_findings(&rows).unwrap();
    };
    told("today", 2, NOW - HOUR);
    assert_eq!(alert(&server, RISE), 0.0, "two are no rise");
    told("later", 2, NOW - 2 * HOUR);
    assert_eq!(alert(&server, RISE), 4.0, "four, and none in the weeks before");
    told("before", 60, NOW - 9 * DAY);
    assert_eq!(alert(&server, RISE), 0.0, "four are less than twice the usual two a day");
    assert_eq!(alert(&server, "A report's deadline has passed"), 0.0);
    store.insert_findings(&[event("late", 1, NOW - 2 * HOUR, "open", NOW - HOUR)]).unwrap();
    assert_eq!(alert(&server, "A report's deadline has passed"), 1.0);
}

#[test]
fn findings_stand_as_people_answered_them() {
    let Some(server) = server() else { return };
    let day = NOW - DAY;
    let minutes = |n: i64| day + n * 60 * SECOND;
    let due = minutes(60);
    let rows_of = [
        // Taken on in time, and told once more a day later: the first answer counts.
        event("a", 1, day, "open", due),
        event("a", 2, minutes(30), "acknowledged", due),
        event("a", 3, NOW - HOUR, "acknowledged", due),
        // Nobody answered.
        event("b", 1, day, "open", due),
        // Closed an hour late.
        event("c", 1, day, "open", due),
        event("c", 2, minutes(120), "closed", due),
        // Closed in time, and open again since half an hour: its clock runs anew.
        event("d", 1, day, "open", due),
        event("d", 2, minutes(10), "closed", due),
        event("d", 3, NOW - HOUR / 2, "open", NOW + HOUR / 2),
        // What came after the range is not known yet.
        event("b", 2, NOW + HOUR, "closed", due),
    ];
    let store = server.store();
    store.insert_findings(&rows_of).unwrap();
    store.insert_findings(&rows_of[..3]).unwrap();
    let policy = |panel: &str, column: &str| number(&row(&server, &format!("deadlines / {panel}"), 7)[column]);
    assert_eq!(policy("Open", "open"), 2.0, "b and d");
    assert_eq!(policy("Late", "late"), 1.0, "b");
    assert_eq!(policy("Due within four hours", "due_soon"), 1.0, "d");
    assert_eq!(policy("Taken on", "taken_on"), 1.0, "a");
    assert!((policy("Deadlines met", "met") - 1.0 / 3.0).abs() < 1e-9, "a of a, b, c");
    assert_eq!(policy("Median time to an answer", "seconds"), 7200.0, "of 30 and 120 minutes the upper");
    let open = rows(&server, "Open findings, soonest clock first", 7);
    let uids: Vec<&str> = open.iter().filter_map(|row| row["uid"].as_str()).collect();
    assert_eq!(uids, ["b", "d", "a"], "late, due, taken on");
    assert_eq!(number(&open[1]["due_in"]), 1800.0);
}
