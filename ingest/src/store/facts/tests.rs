//! What went into the store comes out of it again, in the order in which it is judged.

use rules::catalogue::Plan;
use rules::catalogue::local::EndpointClass;
use sensor::record::{Ech, Evidence, FlowRecord, Protocol, Record, Tally, Transport, VisibilityRecord};

use crate::judge::order;
use crate::sample::{DAY, HOUR, MONDAY, SECOND, berlin, flow, flow_record, minute_record, week};
use crate::store::{SqliteStore, Store};
use crate::time::Window;

const ALL: Window = Window { from: i64::MIN, to: i64::MAX };

fn visibility(device: &str, start: i64) -> Record {
    let tally = |n| Tally { flows: n, frames: n * 10, bytes: n * 1000 };
    Record::Visibility(Box::new(VisibilityRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        start,
        client_ip: device.parse().unwrap(),
        device: device.to_owned(),
        ai_flows: 2,
        named: tally(5),
        nameless: tally(1),
        hidden: [("doh".to_owned(), tally(3)), ("vpn".to_owned(), tally(4))].into_iter().collect(),
    }))
}

fn every_column() -> Record {
    flow_record(FlowRecord {
        vlan: Some(30),
        transport: Transport::Udp,
        protocol: Protocol::Quic,
        host: None,
        evidence: Evidence::Ambiguous,
        candidates: vec!["a.example".to_owned(), "b.example".to_owned()],
        plan: Some(Plan::Business),
        tenant: Some("contoso".to_owned()),
        ech: Ech::Real,
        endpoint: Some(EndpointClass::OllamaApi),
        emitted: MONDAY + 2 * SECOND,
        ..flow("10.20.1.9", "deep", MONDAY)
    })
}

fn looked_at(record: &Record) -> bool {
    matches!(record, Record::Flow(_) | Record::Minute(_) | Record::Visibility(_))
}

fn stored(records: &[Record]) -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), berlin()).unwrap();
    store.insert("a", records).unwrap();
    (dir, store)
}

#[test]
fn whole_records_come_back_in_the_order_of_judging() {
    let mut records = week();
    records.extend([every_column(), visibility("10.20.1.9", MONDAY), visibility("10.20.1.7", MONDAY)]);
    records.push(minute_record(MONDAY + HOUR));
    // Of an earlier version: known when it ended.
    records.push(flow_record(FlowRecord { emitted: 0, ..flow("10.20.1.8", "good", MONDAY + 3 * HOUR) }));
    let (_dir, store) = stored(&records);
    let facts = store.facts("", ALL).unwrap();
    let total = facts.total();
    let facts: Vec<Record> = facts.map(Result::unwrap).collect();
    records.retain(looked_at);
    records.sort_by(|a, b| order(a).cmp(&order(b)));
    records.dedup();
    assert_eq!(total, records.len() as u64);
    assert_eq!(facts, records);
}

#[test]
fn a_window_holds_what_was_known_within_it() {
    let (_dir, store) = stored(&[
        flow_record(flow("10.20.1.1", "chat", MONDAY)),
        flow_record(flow("10.20.1.2", "chat", MONDAY + DAY)),
        minute_record(MONDAY),
        visibility("10.20.1.9", MONDAY),
    ]);
    let known =
        |from, to| store.facts("", Window { from, to }).unwrap().map(Result::unwrap).collect::<Vec<_>>().len();
    assert_eq!(known(MONDAY, MONDAY + 1), 1);
    assert_eq!(known(MONDAY + 1, MONDAY + DAY), 2);
    assert_eq!(known(MONDAY + DAY, i64::MAX), 1);
    assert_eq!(store.facts("", Window { from: MONDAY, to: MONDAY }).unwrap().total(), 0);
}

#[test]
fn one_sites_facts_are_those_of_that_site() {
    let other = FlowRecord { site: "branch".to_owned(), ..flow("10.20.1.2", "chat", MONDAY + SECOND) };
    let (_dir, store) = stored(&[flow_record(flow("10.20.1.1", "chat", MONDAY)), flow_record(other.clone())]);
    let facts = store.facts("branch", ALL).unwrap();
    assert_eq!(facts.total(), 1);
    assert_eq!(facts.map(Result::unwrap).collect::<Vec<_>>(), [flow_record(other)]);
    assert_eq!(store.facts("", ALL).unwrap().total(), 2);
}

#[test]
fn many_chunks_are_one_stream_and_may_be_left_halfway() {
    let records: Vec<Record> =
        (0..5000).map(|n| flow_record(flow("10.20.1.1", "chat", MONDAY + n * SECOND))).collect();
    let (_dir, store) = stored(&records);
    assert_eq!(store.facts("", ALL).unwrap().count(), 5000);
    let mut facts = store.facts("", ALL).unwrap();
    assert!(facts.next().is_some_and(|first| first.is_ok()));
    drop(facts);
    let times: Vec<i64> = store.facts("", ALL).unwrap().map(|fact| order(&fact.unwrap()).0).collect();
    assert!(times.is_sorted());
}

#[test]
fn a_word_of_a_later_version_is_an_error_that_names_the_file() {
    let (dir, store) = stored(&[flow_record(flow("10.20.1.1", "chat", MONDAY))]);
    store.db.execute("UPDATE flow SET transport = 'carrier-pigeon'", []).unwrap();
    let error = store.facts("", ALL).unwrap().find_map(Result::err).unwrap().to_string();
    assert!(error.contains("shadowtap.db") && error.contains("carrier-pigeon"), "{error}");
    drop(dir);
}
