//! Facts in, answers out: what the embedded store says, this one says.

use ingest::store::{Inserted, SqliteStore, Store};
use ingest::time::Window;
use sensor::record::{FlowRecord, Record, Tally, VisibilityRecord};

use crate::sample::*;
use crate::server::{answers, server};

/// The sample week, with what it lacks: deltas of one flow, tags, licences, both address families, all record kinds.
pub(crate) fn facts() -> Vec<Record> {
    let mut records = week();
    let first =
        FlowRecord { turns: 0, upload_bytes: 100, last: false, ..flow("10.20.1.7", "chat", MONDAY + 5 * HOUR) };
    let second = FlowRecord { seq: 1, turns: 2, end: first.end + HOUR, ..first.clone() };
    let tagged = FlowRecord {
        vlan: Some(30),
        client_mac: None,
        plan: Some("enterprise".parse().unwrap()),
        tenant: Some("acme".to_owned()),
        host: None,
        candidates: vec!["a.example".to_owned(), "b'\\\t\"".to_owned()],
        ..flow("2001:db8::7", "deep", MONDAY + 15 * HOUR)
    };
    records.extend([first, second, tagged].map(flow_record));
    records.extend(
        ["10.20.1.9", "10.20.1.9", "10.20.1.8"]
            .iter()
            .zip(1..)
            .map(|(client, n)| lookup_record(client, "deep", MONDAY + n * HOUR)),
    );
    let tally = Tally { flows: 2, frames: 30, bytes: 4000 };
    records.push(Record::Visibility(Box::new(VisibilityRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        start: MONDAY,
        client_ip: "10.20.1.7".parse().unwrap(),
        device: "10.20.1.7".to_owned(),
        ai_flows: 3,
        named: tally,
        nameless: Tally::default(),
        hidden: [("vpn".to_owned(), tally), ("doh".to_owned(), tally)].into_iter().collect(),
    })));
    records.push(Record::Candidate(Box::new(candidate("new.example", MONDAY))));
    let names = [Some("old-name"), Some("ws-anna"), None];
    records.extend(names.into_iter().zip(0..).map(|(name, n)| device_record("10.20.1.7", name, MONDAY + n * HOUR)));
    records.push(device_record("10.20.1.8", None, MONDAY));
    records
}

/// An embedded store with the facts.
pub(crate) fn embedded(records: &[Record]) -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), berlin()).unwrap();
    store.insert("all", records).unwrap();
    (dir, store)
}

#[test]
fn both_stores_answer_alike() {
    let Some(server) = server() else { return };
    let records = facts();
    let (_dir, sqlite) = embedded(&records);
    let mut clickhouse = server.store();
    let all = Inserted { new: records.len() as u64, known: 0 };
    assert_eq!(clickhouse.insert("all", &records).unwrap(), all);
    assert_eq!(answers(&clickhouse), answers(&sqlite));
    for window in [(0, HOUR), (HOUR, 6 * HOUR), (DAY, 2 * DAY), (-DAY, 0)] {
        let window = Window { from: MONDAY + window.0, to: MONDAY + window.1 };
        assert_eq!(clickhouse.usage("hq", window).unwrap(), sqlite.usage("hq", window).unwrap());
        assert_eq!(clickhouse.lookups("hq", window).unwrap(), sqlite.lookups("hq", window).unwrap());
        assert_eq!(clickhouse.ledger("hq", window).unwrap(), sqlite.ledger("hq", window).unwrap());
        assert_eq!(clickhouse.tallies("hq", window).unwrap(), sqlite.tallies("hq", window).unwrap());
        assert_eq!(
            clickhouse.newest("hq", Some(window.to)).unwrap(),
            sqlite.newest("hq", Some(window.to)).unwrap()
        );
        assert_eq!(clickhouse.first_seen("hq", window.to).unwrap(), sqlite.first_seen("hq", window.to).unwrap());
        assert!(clickhouse.usage("it's\\", window).unwrap().is_empty());
    }
}

#[test]
fn a_record_counts_once_however_often_it_comes() {
    let Some(server) = server() else { return };
    let records = facts();
    let all = records.len() as u64;
    let mut store = server.store();
    assert_eq!(store.insert("a", &records).unwrap(), Inserted { new: all, known: 0 });
    let once = answers(&store);
    assert_eq!(store.insert("a", &records).unwrap(), Inserted { new: 0, known: all }, "the same batch");
    assert_eq!(
        store.insert("b", &records).unwrap(),
        Inserted { new: 0, known: all },
        "the same capture read twice"
    );
    let more = [records.as_slice(), &[flow_record(flow("10.20.1.9", "chat", MONDAY + DAY))]].concat();
    assert_eq!(store.insert("c", &more).unwrap(), Inserted { new: 1, known: all }, "and one record more");
    let twice = [flow_record(flow("10.20.1.9", "deep", MONDAY)), flow_record(flow("10.20.1.9", "deep", MONDAY))];
    assert_eq!(store.insert("d", &twice).unwrap(), Inserted { new: 1, known: 1 }, "twice in one batch");
    let (_dir, mut sqlite) = embedded(&more);
    sqlite.insert("d", &twice).unwrap();
    assert_ne!(answers(&store), once);
    assert_eq!(answers(&store), answers(&sqlite));
}

#[test]
fn the_answers_do_not_depend_on_how_records_are_cut_into_batches() {
    let Some(server) = server() else { return };
    let mut records = facts();
    let (_dir, sqlite) = embedded(&records);
    let mut store = server.store();
    records.reverse();
    for (number, part) in records.chunks(9).enumerate() {
        store.insert(&number.to_string(), part).unwrap();
    }
    assert_eq!(answers(&store), answers(&sqlite), "before merges");
    server.sql("OPTIMIZE TABLE usage_hour FINAL");
    assert_eq!(answers(&store), answers(&sqlite), "after merges");
}

#[test]
fn forged_times_and_counters_are_held_at_the_edge() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    let times = [i64::MIN, -1, 0, i64::MAX - HOUR, MONDAY];
    let forged = times.iter().zip(0_u32..).map(|(at, seq)| {
        flow_record(FlowRecord {
            seq,
            start: *at,
            end: *at,
            emitted: *at,
            bytes_up: u64::MAX,
            turns: u64::MAX,
            ..flow("10.20.1.1", "chat", MONDAY)
        })
    });
    let forged: Vec<Record> = forged.collect();
    assert_eq!(store.insert("a", &forged).unwrap().new, 5);
    assert_eq!(store.insert("b", &forged).unwrap().known, 5);
    assert!(store.usage("hq", Window { from: MONDAY, to: MONDAY + HOUR }).unwrap()[0].bytes_up > 1 << 45);
}

#[test]
fn a_batch_over_many_days_is_one_batch() {
    let Some(server) = server() else { return };
    let days: Vec<Record> =
        (0..200).map(|day| flow_record(flow("10.20.1.1", "chat", MONDAY - day * DAY))).collect();
    let mut store = server.store();
    store.insert("old capture", &days).unwrap();
    store.insert("old capture", &days).unwrap();
    assert_eq!(server.sql("SELECT count(), uniqExact(day) FROM flow"), "200\t200");
    assert_eq!(server.sql("SELECT sum(flows) FROM usage_hour"), "200");
    assert_eq!(
        server.sql("SELECT sum(flows), count() FROM (SELECT day, sum(flows) AS flows FROM usage_day GROUP BY day)"),
        "200\t200"
    );
}
