//! Findings on the server: what a SIEM is told of them, once however often it is sent.

use std::path::Path;

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::{Act, Filter, FindingsDb, Judge, Listener};
use ingest::siem::{FileTarget, Format, Outbox, Sink, SinkTarget, To};
use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseTarget, FindingRow, Keep};
use sensor::record::Record;

use crate::facts::facts;
use crate::sample::*;
use crate::server::server;

const SINK: &str = "siem.example:514";
/// How a finding stands: its newest revision.
const NOW: &str = "SELECT rule, device, service, argMax(state, revision), count() > 0, \
                   argMax(upload_bytes, revision), max(detected_at), min(acknowledged_at), max(closed_at) \
                   FROM finding GROUP BY site, uid, rule, device, service ORDER BY rule, device, service";

/// The rows of what a judge tells of the records; one finding is taken on, another one closed.
pub(crate) fn told(records: &[Record]) -> Vec<FindingRow> {
    let dir = tempfile::tempdir().unwrap();
    let mut db = FindingsDb::open(dir.path()).unwrap();
    let judge = Judge { catalogue: catalogue(), policy: policy(), time_zone: berlin(), sinks: vec![listener()] };
    judge.segment(&mut db, records).unwrap();
    let newest = db.newest().unwrap();
    let open = db.list(&Filter::default()).unwrap();
    let mut open = open.iter().filter(|finding| finding.rule.as_str() != "first-sight");
    let act = |at| Act { who: "Ana Ruiz", text: "assessed", at };
    if let Some(finding) = open.next() {
        db.acknowledge(&finding.uid, &act(newest + HOUR), &judge).unwrap();
    }
    if let Some(finding) = open.next() {
        db.close(&finding.uid, &act(newest + HOUR), &judge).unwrap();
    }
    sent(dir.path())
}

/// The one sink of a judge in these tests.
pub(crate) fn listener() -> Listener {
    Listener { name: SINK.to_owned(), activity: false }
}

/// The rows of what waits in a data directory, by way of a file as a SIEM would get it.
pub(crate) fn sent(data_dir: &Path) -> Vec<FindingRow> {
    let path = data_dir.join("events.ndjson");
    let to = To::File(FileTarget { path: path.clone() });
    let target = SinkTarget { name: SINK.to_owned(), format: Format::Ecs, activity: false, to };
    Sink::open(&target).unwrap().drain(&mut Outbox::open(data_dir).unwrap(), i64::MAX).unwrap();
    rows(&path)
}

/// The rows of a file of events.
fn rows(path: &Path) -> Vec<FindingRow> {
    let text = std::fs::read_to_string(path).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter_map(|event| FindingRow::of_event(&event)).collect()
}

#[test]
fn findings_wait_for_a_server_that_is_away_and_are_in_once() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.ndjson");
    let away = ClickHouseTarget { port: 1, ..server.target.clone() };
    let keep = Keep { raw_days: 0, rollup_days: 0, findings_days: 0 };
    let round = |target: &ClickHouseTarget| {
        let file = To::File(FileTarget { path: events.clone() });
        let file = SinkTarget { name: "file".to_owned(), format: Format::Ecs, activity: false, to: file };
        let config = DeliverConfig {
            data_dir: dir.path().to_path_buf(),
            spool: spool(dir.path(), &[&facts()]),
            catalogue: catalogue(),
            policy: policy(),
            sinks: vec![SinkTarget::store(target.clone(), keep), file],
            time_zone: berlin(),
        };
        Deliverer::open(config).unwrap().drain(None).unwrap().siem.remove(0)
    };
    let down = round(&away);
    assert!(down.error.is_some() && down.sent == 0 && down.waiting > 8, "{down:?}");
    let up = round(&server.target);
    assert_eq!((up.error, up.sent, up.waiting), (None, down.waiting, 0));
    assert_eq!(round(&server.target).sent, 0);
    let rows = rows(&events).len();
    assert!(rows > 5, "digests have no row: {rows}");
    assert_eq!(server.sql("SELECT count() FROM finding"), rows.to_string());
}

#[test]
fn a_told_revision_counts_once_however_often_it_comes() {
    let Some(server) = server() else { return };
    let rows = told(&facts());
    assert!(rows.len() > 8, "{}", rows.len());
    let store = server.store();
    store.insert_findings(&rows).unwrap();
    let (once, count) = (server.sql(NOW), server.sql("SELECT count() FROM finding"));
    assert_eq!(count, rows.len().to_string());
    store.insert_findings(&rows).unwrap();
    assert_eq!(server.sql("SELECT count() FROM finding"), count, "the same block");
    for row in rows.iter().rev() {
        store.insert_findings(std::slice::from_ref(row)).unwrap();
    }
    assert_eq!(server.sql(NOW), once, "other blocks, before a merge");
    server.sql("OPTIMIZE TABLE finding FINAL");
    assert_eq!(server.sql("SELECT count() FROM finding"), count, "and after it");
    assert_eq!(server.sql(NOW), once);
    for state in ["open", "acknowledged", "closed"] {
        assert!(once.contains(state), "{once}");
    }
}

#[test]
fn the_first_finding_makes_the_schema_and_facts_come_after_it() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    store.insert_findings(&[]).unwrap();
    store.insert_findings(&told(&facts())).unwrap();
    store.insert("a", &facts()).unwrap();
    assert_ne!(server.sql("SELECT count() FROM flow"), "0");
    assert_ne!(server.sql("SELECT count() FROM finding"), "0");
}

#[test]
fn a_changed_table_of_findings_is_a_clear_message() {
    let Some(server) = server() else { return };
    let (store, rows) = (server.store(), told(&facts()));
    store.insert_findings(&rows).unwrap();
    server.sql("ALTER TABLE finding RENAME COLUMN reason TO why");
    let error = server.store().insert_findings(&rows).unwrap_err();
    assert!(!error.retry() && error.to_string().contains("schema is not what this program writes"), "{error}");
    server.sql("ALTER TABLE finding RENAME COLUMN why TO reason");
    store.insert_findings(&rows).unwrap();
}
