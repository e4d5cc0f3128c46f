//! A sensor that writes more than its spool may hold, beside a delivery that stands still now and then: each record is
//! stored or counted, and judged or counted, once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ingest::db::DbError;
use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::store::{
    CandidateRow, Facts, Inserted, Ledger, LookupRow, SqliteStore, Store, StoreError, TallyRow, UsageRow,
};
use ingest::time::Window;
use rusqlite::Connection;
use sample::{MONDAY, SECOND, berlin, catalogue, flow, flow_record, policy};
use sensor::ledger::{SPOOL, SPOOL_JUDGE};
use sensor::record::FlowRecord;
use sensor::spool::{Limits, Spool};

/// The embedded store, away for some of its calls; sometimes it has taken the batch and its answer is lost.
struct Flapping {
    store: SqliteStore,
    calls: u64,
}

impl Store for Flapping {
    fn insert(&mut self, token: &str, records: &[sensor::record::Record]) -> Result<Inserted, StoreError> {
        self.calls += 1;
        let away = || -> StoreError {
            DbError::Sql { path: "away.db".into(), source: rusqlite::Error::InvalidQuery }.into()
        };
        match self.calls % 8 {
            0 => self.store.insert(token, records),
            3 => self.store.insert(token, records).and_then(|_| Err(away())),
            _ => Err(away()),
        }
    }
    fn usage(&self, site: &str, window: Window) -> Result<Vec<UsageRow>, StoreError> {
        self.store.usage(site, window)
    }
    fn first_seen(&self, site: &str, before: i64) -> Result<BTreeMap<String, i64>, StoreError> {
        self.store.first_seen(site, before)
    }
    fn lookups(&self, site: &str, window: Window) -> Result<Vec<LookupRow>, StoreError> {
        self.store.lookups(site, window)
    }
    fn ledger(&self, site: &str, window: Window) -> Result<Ledger, StoreError> {
        self.store.ledger(site, window)
    }
    fn tallies(&self, site: &str, window: Window) -> Result<Vec<TallyRow>, StoreError> {
        self.store.tallies(site, window)
    }
    fn candidates(&self, site: &str, window: Window) -> Result<Vec<CandidateRow>, StoreError> {
        self.store.candidates(site, window)
    }
    fn newest(&self, site: &str, before: Option<i64>) -> Result<Option<i64>, StoreError> {
        self.store.newest(site, before)
    }
    fn facts(&self, site: &str, window: Window) -> Result<Facts, StoreError> {
        self.store.facts(site, window)
    }
}

fn count(dir: &Path, file: &str, sql: &str) -> u64 {
    let db = Connection::open(dir.join(file)).unwrap();
    db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

#[test]
fn what_is_stored_or_judged_and_what_is_counted_as_lost_is_all_that_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(&dir.path().join("spool"), &["store", "judge"]).unwrap();
    let limits = Limits { max_bytes: 1 << 20, min_free: 0 };
    let mut writer = spool.limited_writer(7, limits).unwrap();
    let config = DeliverConfig {
        data_dir: dir.path().to_path_buf(),
        spool,
        catalogue: catalogue(),
        policy: policy(),
        sinks: Vec::new(),
        time_zone: berlin(),
    };
    let store = Flapping { store: SqliteStore::open(dir.path(), berlin()).unwrap(), calls: 0 };
    let mut deliverer = Deliverer::with_store(config, Box::new(store)).unwrap();

    let (ended, mut lost, mut written) = (AtomicBool::new(false), BTreeMap::new(), 0_u64);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                let over = ended.load(Ordering::Acquire);
                // Trouble of the store is what this is about.
                let done = deliverer.drain(None).is_ok();
                if over && done {
                    break;
                }
                // Both queues stand still for a while.
                thread::sleep(Duration::from_millis(if round % 5 == 0 && !over { 60 } else { 2 }));
            }
        });
        for number in 0..6000 {
            let at = MONDAY + number * SECOND;
            writer.append(&flow_record(FlowRecord { seq: 0, ..flow("10.20.1.1", "chat", at) })).unwrap();
            written += 1;
            if number % 15 == 0 {
                writer.seal().unwrap();
                let thrown = writer.thrown();
                thrown.records.into_iter().for_each(|(word, records)| *lost.entry(word).or_insert(0) += records);
            }
        }
        writer.seal().unwrap();
        writer.thrown().records.into_iter().for_each(|(word, records)| *lost.entry(word).or_insert(0) += records);
        ended.store(true, Ordering::Release);
    });
    let lost = |word| lost.get(word).copied().unwrap_or(0);
    assert!(lost(SPOOL) > 0, "the store was not behind: {lost:?}", lost = (lost(SPOOL), lost(SPOOL_JUDGE)));
    assert_eq!(count(dir.path(), "shadowtap.db", "SELECT count(*) FROM flow") + lost(SPOOL), written);
    assert_eq!(count(dir.path(), "findings.db", "SELECT count(*) FROM judged") + lost(SPOOL_JUDGE), written);
}
