//! What goes, what stays, and that nobody waits for it.

use std::time::Duration;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use sensor::record::{FlowRecord, Record};

use super::*;
use crate::judge::FindingsDb;
use crate::report::{Report, ReportContext};
use crate::sample::{
    MONDAY, berlin, candidate, catalogue, device_record, flow, flow_record, lookup_record, minute_record, policy,
    visibility, week,
};
use crate::store::STORE_FILE;
use crate::store::clickhouse::Keep;
use crate::time::{MINUTE, Window};

/// Wednesday of the week after.
const NOW: i64 = MONDAY + 9 * DAY;
const KEEP: Keep = Keep { raw_days: 90, rollup_days: 396, findings_days: 1096 };

fn store() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), berlin()).unwrap().keeping(KEEP);
    (dir, store)
}

/// A record for each table, at one time.
fn everything(at: i64) -> Vec<Record> {
    vec![
        flow_record(flow("10.20.1.1", "chat", at)),
        flow_record(FlowRecord { emitted: 0, ..flow("10.20.1.2", "deep", at) }),
        lookup_record("10.20.1.1", "chat", at),
        visibility("10.20.1.1", [1, 2, 3], "vpn", at),
        minute_record(at),
        Record::Candidate(Box::new(candidate("new.example", at))),
        device_record("10.20.1.1", Some("ws-anna"), at),
    ]
}

fn sweep(store: &mut SqliteStore, now: i64) -> u64 {
    let mut rows = 0;
    loop {
        let swept = store.sweep(now).unwrap();
        rows += swept.rows;
        if !swept.more {
            return rows;
        }
    }
}

/// Rows of each table but `schema_version` and `batch`.
fn tables(dir: &std::path::Path) -> Vec<(String, i64)> {
    let db = Connection::open(dir.join(STORE_FILE)).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema_version', 'batch') ORDER BY name";
    let names: Vec<String> =
        db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let count = |name: String| {
        let rows = db.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap();
        (name, rows)
    };
    names.into_iter().map(count).collect()
}

#[test]
fn in_every_table_the_old_goes_and_the_young_stays() {
    let (dir, mut store) = store();
    store.insert("young", &everything(MONDAY)).unwrap();
    let young = tables(dir.path());
    assert!(young.len() == 13 && young.iter().all(|(_, rows)| *rows > 0), "{young:?}");
    assert_eq!(sweep(&mut store, NOW), 0);
    assert_eq!(tables(dir.path()), young);

    store.insert("old facts", &everything(MONDAY - 100 * DAY)).unwrap();
    assert_eq!(sweep(&mut store, NOW), 5);
    for ((table, now), (_, alone)) in tables(dir.path()).into_iter().zip(&young) {
        let raw = ["flow", "lookup", "visibility", "visibility_hidden", "device"].contains(&table.as_str());
        assert_eq!(now, if raw { *alone } else { 2 * alone }, "{table}");
    }
    assert_eq!(sweep(&mut store, MONDAY + 296 * DAY), 5 + 4, "the young facts and the old roll-ups");
    assert_eq!(sweep(&mut store, MONDAY + 500 * DAY), 4);
    assert!(tables(dir.path()).iter().all(|(_, rows)| *rows == 0), "{:?}", tables(dir.path()));
}

/// As in ClickHouse: `day + 90 days`, on the site's clock.
#[test]
fn a_day_goes_as_a_whole() {
    let (dir, mut store) = store();
    let midnight = MONDAY - 9 * HOUR;
    store.insert("a", &[midnight - MINUTE, midnight].map(minute_record)).unwrap();
    let minutes = |store: &SqliteStore| store.ledger("hq", Window { from: 0, to: i64::MAX }).unwrap().minutes;
    sweep(&mut store, midnight + 395 * DAY - 1);
    assert_eq!(minutes(&store), 2);
    sweep(&mut store, midnight + 395 * DAY);
    assert_eq!(minutes(&store), 1, "Sunday went as its 396 days were over");
    sweep(&mut store, midnight + 396 * DAY - 1);
    assert_eq!(minutes(&store), 1);
    sweep(&mut store, midnight + 396 * DAY);
    assert_eq!(minutes(&store), 0);
    drop(dir);
}

#[test]
fn zero_days_keep_everything() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep { raw_days: 0, rollup_days: 0, findings_days: 0 };
    let mut store = SqliteStore::open(dir.path(), TimeZone::UTC).unwrap().keeping(keep);
    store.insert("a", &everything(MONDAY)).unwrap();
    assert_eq!(store.sweep(MONDAY + 9000 * DAY).unwrap(), Swept::default());
}

fn report(dir: &std::path::Path, store: &SqliteStore, week: &str) -> String {
    let (catalogue, policy) = (catalogue(), policy());
    let context = ReportContext {
        catalogue: &catalogue,
        policy: &policy,
        site: String::new(),
        time_zone: berlin(),
        week: week.parse().unwrap(),
        binary: "test".to_owned(),
    };
    let findings = FindingsDb::open(dir).unwrap();
    Report::build(store, &findings, &context).unwrap().json().unwrap()
}

#[test]
fn the_report_of_a_kept_week_stays_as_it_was() {
    let (dir, mut store) = store();
    store.insert("week", &week()).unwrap();
    for days in [80, 100, 380, 400] {
        store.insert(&format!("{days}"), &everything(MONDAY - days * DAY)).unwrap();
    }
    let weeks = ["2026-W46", "2026-W31"].map(|week| report(dir.path(), &store, week));
    assert!(sweep(&mut store, NOW) > 10);
    let after = ["2026-W46", "2026-W31"].map(|week| report(dir.path(), &store, week));
    assert_eq!(after[0], weeks[0]);
    // A week whose facts went keeps everything but the DNS questions by service.
    let without = |text: &str| {
        let mut report: serde_json::Value = serde_json::from_str(text).unwrap();
        let lookups = report["coverage"]["ai_lookups"]["part"].take();
        (report, lookups)
    };
    let ((before, asked), (then, left)) = (without(&weeks[1]), without(&after[1]));
    assert_eq!((before, asked, left), (then, 1.into(), 0.into()));
}

#[test]
fn a_sweep_comes_in_parts_and_holds_up_neither_reader_nor_writer() {
    let (dir, mut store) = store();
    let old = MONDAY - 100 * DAY;
    let rows = (CHUNK * CHUNKS + 3 * CHUNK) as i64;
    let records: Vec<Record> =
        (0..rows).map(|n| flow_record(flow("10.20.1.1", "chat", old + n * MINUTE))).collect();
    let many: Vec<Record> = records.into_iter().take(usize::try_from(rows).unwrap()).collect();
    store.insert("old", &many).unwrap();
    let reader = Connection::open(dir.path().join(STORE_FILE)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count =
        |db: &Connection| db.query_row("SELECT count(*) FROM flow", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(&reader), rows);
    let now = MONDAY + 4 * DAY;
    let first = store.sweep(now).unwrap();
    assert_eq!((first.rows, first.more), ((CHUNK * CHUNKS) as u64, true));
    assert_eq!(count(&reader), rows, "one snapshot, whatever is swept meanwhile");
    let writer = Connection::open(dir.path().join(STORE_FILE)).unwrap();
    writer.busy_timeout(Duration::ZERO).unwrap();
    writer.execute("INSERT INTO batch (token, records) VALUES ('x', 1)", []).unwrap();
    sweep(&mut store, now);
    reader.execute_batch("COMMIT").unwrap();
    let left = count(&reader);
    assert!(left > 0 && left < rows, "{left}: what is younger stays");
}

#[test]
fn pages_that_became_free_are_used_again() {
    let (dir, mut store) = store();
    let pages = |dir: &std::path::Path| {
        let db = Connection::open(dir.join(STORE_FILE)).unwrap();
        db.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let mut sizes = Vec::new();
    for quarter in 0..4 {
        let from = MONDAY + quarter * 100 * DAY;
        let records: Vec<Record> =
            (0..4000).map(|n| flow_record(flow("10.20.1.1", "chat", from + n * MINUTE))).collect();
        store.insert(&quarter.to_string(), &records).unwrap();
        sweep(&mut store, from + 99 * DAY);
        sizes.push(pages(dir.path()));
    }
    assert!(sizes[3] <= sizes[0] + sizes[0] / 10, "{sizes:?}");
}

#[test]
fn tokens_go_when_no_crash_can_bring_their_batch_back() {
    let (dir, mut store) = store();
    let tokens = || {
        let db = Connection::open(dir.path().join(STORE_FILE)).unwrap();
        db.query_row("SELECT count(*) FROM batch", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    store.insert("a", &everything(MONDAY)).unwrap();
    for (at, left) in [(NOW, 1), (NOW + DAY, 1), (NOW + DAY + 1, 0)] {
        sweep(&mut store, at);
        assert_eq!(tokens(), left);
    }
    assert_eq!(store.insert("a", &everything(MONDAY)).unwrap().new, 0, "the rows are known by their keys");
}

#[test]
fn nothing_scans_a_table() {
    let (dir, _store) = store();
    let db = Connection::open(dir.path().join(STORE_FILE)).unwrap();
    let statements = AGED.iter().flat_map(|table| table.delete.iter().chain([&table.find]));
    for sql in statements.chain([&MARK_TOKENS, &DROP_TOKENS]) {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
        let lines: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for line in &lines {
            assert!(!line.starts_with("SCAN") || line == "SCAN place", "{sql}\n{lines:#?}");
        }
    }
}

/// Counts its sweeps, each of which leaves more to do but the third.
struct Counting {
    calls: u64,
    inner: SqliteStore,
}

impl Store for Counting {
    fn sweep(&mut self, _: i64) -> Result<Swept, StoreError> {
        self.calls += 1;
        Ok(Swept { rows: 1, more: !self.calls.is_multiple_of(3) })
    }
    fn insert(&mut self, token: &str, records: &[Record]) -> Result<crate::store::Inserted, StoreError> {
        self.inner.insert(token, records)
    }
    fn usage(&self, site: &str, window: Window) -> Result<Vec<crate::store::UsageRow>, StoreError> {
        self.inner.usage(site, window)
    }
    fn first_seen(&self, site: &str, to: i64) -> Result<std::collections::BTreeMap<String, i64>, StoreError> {
        self.inner.first_seen(site, to)
    }
    fn lookups(&self, site: &str, window: Window) -> Result<Vec<crate::store::LookupRow>, StoreError> {
        self.inner.lookups(site, window)
    }
    fn ledger(&self, site: &str, window: Window) -> Result<crate::store::Ledger, StoreError> {
        self.inner.ledger(site, window)
    }
    fn tallies(&self, site: &str, window: Window) -> Result<Vec<crate::store::TallyRow>, StoreError> {
        self.inner.tallies(site, window)
    }
    fn candidates(&self, site: &str, window: Window) -> Result<Vec<crate::store::CandidateRow>, StoreError> {
        self.inner.candidates(site, window)
    }
    fn newest(&self, site: &str, before: Option<i64>) -> Result<Option<i64>, StoreError> {
        self.inner.newest(site, before)
    }
    fn facts(&self, site: &str, window: Window) -> Result<crate::store::Facts, StoreError> {
        self.inner.facts(site, window)
    }
}

#[test]
fn a_day_is_swept_once_in_as_many_rounds_as_it_takes() {
    let (_dir, inner) = store();
    let mut store = Counting { calls: 0, inner };
    let mut sweeping = Sweeping::default();
    let mut rounds = |day: i64| {
        for second in 0..10 {
            sweeping.round(&mut store, NOW + day * DAY + second).unwrap();
        }
        store.calls
    };
    assert_eq!([rounds(0), rounds(0), rounds(1), rounds(0), rounds(2)], [3, 3, 6, 6, 9]);
}
