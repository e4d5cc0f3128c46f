//! Events that a judge made, as rows.

use super::*;
use crate::judge::{Act, Filter, FindingsDb, Judge, Listener};
use crate::sample::*;
use crate::siem::Outbox;

const SINK: &str = "siem.example:514";

/// What a judge tells of the records, then of what people do.
fn events(
    records: &[sensor::record::Record],
    people: impl FnOnce(&mut FindingsDb, &Judge),
) -> Vec<(FindingRow, Value)> {
    let dir = tempfile::tempdir().unwrap();
    let mut db = FindingsDb::open(dir.path()).unwrap();
    let sinks = vec![Listener { name: SINK.to_owned(), activity: true }];
    let judge = Judge { catalogue: catalogue(), policy: policy(), time_zone: berlin(), sinks };
    judge.segment(&mut db, records).unwrap();
    people(&mut db, &judge);
    let waiting = Outbox::open(dir.path()).unwrap().waiting(SINK, i64::MAX, 1000).unwrap();
    let events = waiting.into_iter().map(|one| one.message.event);
    events.filter_map(|event| Some((FindingRow::of_event(&event)?, event))).collect()
}

fn seconds(us: i64) -> u32 {
    u32::try_from(us / SECOND).unwrap()
}

#[test]
fn a_findings_life_is_a_row_for_each_told_revision() {
    let used = [flow_record(flow("10.20.1.2", "deep", MONDAY))];
    let rows = events(&used, |db, judge| {
        let filter = Filter { rule: Some(rules::policy::FindingRule::ProhibitedUse), ..Filter::default() };
        let uid = db.list(&filter).unwrap()[0].uid.clone();
        let act = |hours: i64| Act { who: "Ana Ruiz", text: "no client data", at: MONDAY + hours * HOUR };
        judge.tick(db, MONDAY + 2 * HOUR).unwrap();
        db.acknowledge(&uid, &act(3), judge).unwrap();
        db.close(&uid, &act(4), judge).unwrap();
    });
    let rows: Vec<&FindingRow> =
        rows.iter().map(|(row, _)| row).filter(|row| row.rule == "prohibited-use").collect();
    let told: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.state.as_str(), row.revision)).collect();
    let life =
        [("create", "open", 1), ("update", "open", 2), ("update", "acknowledged", 3), ("close", "closed", 4)];
    assert_eq!(told, life);
    let due = Some(seconds(MONDAY + HOUR));
    assert!(rows.iter().all(|row| row.report_due_at == due && row.uid == rows[0].uid));
    let first = rows[0];
    assert_eq!((first.site.as_str(), first.sensor.as_str(), first.device.as_str()), ("hq", "tap1", "10.20.1.2"));
    assert_eq!((first.service.as_str(), first.status.as_str(), first.severity), ("deep", "prohibited", 8));
    assert_eq!((first.department.as_str(), first.deadline.as_str()), ("Finance", "running"));
    assert_eq!((first.bytes_up, first.bytes_down, first.upload_bytes), (12_000, 340_000, 9_000));
    assert_eq!((first.turns, first.flows, first.devices, first.repeated), (3, 1, 1, false));
    assert!(first.reason.contains("policy.toml") && first.policy.contains("test policy"), "{first:?}");
    assert_eq!((first.detected_at, first.missed_at), (Some(seconds(MONDAY)), None));
    assert_eq!(u32::from(first.day), seconds(MONDAY) / DAY_SECONDS);
    let times = |row: &FindingRow| (row.detected_at, row.missed_at, row.acknowledged_at, row.closed_at);
    assert_eq!(times(rows[1]), (None, due, None, None));
    assert_eq!(times(rows[2]), (None, due, Some(seconds(MONDAY + 3 * HOUR)), None));
    assert_eq!(times(rows[3]), (None, due, None, Some(seconds(MONDAY + 4 * HOUR))));
}

#[test]
fn no_name_of_a_person_and_no_note_becomes_a_column() {
    let used = [flow_record(flow("10.20.1.2", "deep", MONDAY))];
    let rows = events(&used, |db, judge| {
        let uid = db.list(&Filter::default()).unwrap()[0].uid.clone();
        db.close(&uid, &Act { who: "Ana Ruiz", text: "client Acme", at: MONDAY + HOUR }, judge).unwrap();
    });
    assert!(rows.iter().any(|(_, event)| event.to_string().contains("Ana Ruiz")), "the event names her");
    for (row, _) in rows {
        let text = format!("{row:?}");
        assert!(!text.contains("Ana Ruiz") && !text.contains("Acme"), "{text}");
    }
}

#[test]
fn the_device_is_the_findings_own() {
    let records =
        [flow_record(local_flow("10.20.1.7", "10.20.0.9", MONDAY)), flow_record(flow("10.20.1.2", "good", MONDAY))];
    let rows = events(&records, |_, _| ());
    let device = |rule: &str| rows.iter().find(|(row, _)| row.rule == rule).map(|(row, _)| row.device.clone());
    assert_eq!(device("local-model-server").as_deref(), Some("10.20.0.9"), "not its client");
    assert_eq!(device("first-sight").as_deref(), Some(""), "a first sight is about no device");
}

#[test]
fn what_is_no_finding_is_no_row() {
    let used = [flow_record(flow("10.20.1.2", "deep", MONDAY))];
    let (_, good) = events(&used, |_, _| ()).remove(0);
    assert!(FindingRow::of_event(&good).is_some());
    for (pointer, other) in [
        ("/event/dataset", Value::from("shadowtap.digest")),
        ("/event/id", Value::from("")),
        ("/event/sequence", Value::from("1")),
        ("/@timestamp", Value::from("yesterday")),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = other;
        assert_eq!(FindingRow::of_event(&event), None, "{pointer}");
    }
    for text in ["null", "[]", "{\"event\":{}}", "3"] {
        assert_eq!(FindingRow::of_event(&serde_json::from_str(text).unwrap()), None);
    }
}

#[test]
fn a_forged_time_lands_on_the_edge() {
    let used = [flow_record(flow("10.20.1.2", "deep", MONDAY))];
    let (_, mut event) = events(&used, |_, _| ()).remove(0);
    event["event"]["end"] = "2300-01-01T00:00:00Z".into();
    event["event"]["start"] = "1900-01-01T00:00:00Z".into();
    let row = FindingRow::of_event(&event).unwrap();
    assert_eq!((row.first_seen, row.last_seen), (0, u32::MAX));
}
