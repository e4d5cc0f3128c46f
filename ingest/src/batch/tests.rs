//! Folding, and every instant at which a crash can interrupt it.

use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use sensor::record::Record;

use super::*;
use crate::sample::{MONDAY, SECOND, flow, flow_record, minute_record, spool};
use crate::store::{STORE_FILE, SqliteStore};

fn segments() -> Vec<Vec<Record>> {
    (0..4)
        .map(|n| {
            let at = MONDAY + n * 60 * SECOND;
            vec![flow_record(flow("10.20.1.1", "chat", at)), minute_record(at)]
        })
        .collect()
}

fn waiting(dir: &Path) -> Queue {
    let segments = segments();
    spool(dir, &segments.iter().map(Vec::as_slice).collect::<Vec<_>>()).queue("store")
}

fn store(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, TimeZone::UTC).unwrap()
}

/// Everything that a report could see, in one line.
fn facts(dir: &Path) -> String {
    let db = Connection::open(dir.join(STORE_FILE)).unwrap();
    let sql = "SELECT (SELECT count(*) FROM flow) || ' flows ' || (SELECT count(*) FROM minute) || ' minutes ' ||
               (SELECT group_concat(hour || '/' || flows || '/' || turns || '/' || bytes_up) FROM usage)";
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const WHOLE: &str = "4 flows 4 minutes 1794211200000000/4/12/48000";

#[test]
fn waiting_segments_become_one_batch_and_are_gone_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let queue = waiting(dir.path());
    let folded = deliver(&queue, &mut store(dir.path())).unwrap();
    assert_eq!((folded.batches, folded.records.new, folded.records.known), (1, 8, 0));
    assert_eq!(facts(dir.path()), WHOLE);
    assert!(names(queue.dir()).is_empty());
    assert_eq!(deliver(&queue, &mut store(dir.path())).unwrap(), Folded::default());
}

/// The instants between two steps, each set up by hand and followed by a restart.
#[test]
fn a_crash_at_any_step_loses_nothing_and_repeats_nothing() {
    for crash in ["while writing", "after the rename", "after some unlinks", "after the insert", "after a relink"] {
        let dir = tempfile::tempdir().unwrap();
        let queue = waiting(dir.path());
        let copies: Vec<(PathBuf, Vec<u8>)> =
            queue.segments().unwrap().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        let put_back =
            |from: usize| copies.iter().skip(from).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        match crash {
            "while writing" => fs::write(queue.dir().join("half.part"), b"{\"record\":\"fl").unwrap(),
            "after the rename" => {
                fold(&queue).unwrap();
                put_back(0);
            }
            "after some unlinks" => {
                fold(&queue).unwrap();
                put_back(2);
            }
            "after the insert" => {
                fold(&queue).unwrap();
                let batch = batches(queue.dir()).unwrap().remove(0);
                let bytes = fs::read(&batch).unwrap();
                deliver(&queue, &mut store(dir.path())).unwrap();
                fs::write(&batch, bytes).unwrap();
            }
            _ => {
                deliver(&queue, &mut store(dir.path())).unwrap();
                put_back(3);
            }
        }
        let folded = deliver(&queue, &mut store(dir.path())).unwrap();
        if crash == "after the rename" || crash == "after some unlinks" {
            assert_eq!(
                (folded.batches, folded.records.known),
                (1, 0),
                "{crash}: covered segments are not read again"
            );
        }
        assert_eq!(facts(dir.path()), WHOLE, "{crash}");
        assert!(names(queue.dir()).is_empty(), "{crash}: {:?}", names(queue.dir()));
    }
}

#[test]
fn the_segments_of_two_writers_never_share_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool(dir.path(), &[&segments()[0]]);
    let mut later = spool.writer(9);
    later.append(&segments()[1][0]).unwrap();
    later.seal().unwrap();
    let queue = spool.queue("store");
    fold(&queue).unwrap();
    fold(&queue).unwrap();
    // The first writer is still at work: its next name lies between the two.
    let late = queue.dir().join(format!("{:016x}-000001.ndjson", 7));
    fs::write(&late, serde_json::to_string(&segments()[2][0]).unwrap() + "\n").unwrap();
    let folded = deliver(&queue, &mut store(dir.path())).unwrap();
    assert_eq!((folded.batches, folded.records.new), (3, 4));
}

#[test]
fn a_store_without_room_leaves_the_batch_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let many: Vec<Record> = (0..500).map(|n| flow_record(flow("10.20.1.1", "chat", MONDAY + n * SECOND))).collect();
    let queue = spool(dir.path(), &[&many]).queue("store");
    let mut full = store(dir.path());
    full.limit_pages_for_test();
    let error = deliver(&queue, &mut full).unwrap_err();
    assert!(matches!(&error, BatchError::Store(e) if e.retry()), "{error}");
    assert!(error.to_string().contains(STORE_FILE), "{error}");
    assert_eq!(batches(queue.dir()).unwrap().len(), 1);
    drop(full);
    assert_eq!(deliver(&queue, &mut store(dir.path())).unwrap().records.new, 500);
}

#[test]
fn lines_that_are_no_records_are_kept_among_the_rejects() {
    let dir = tempfile::tempdir().unwrap();
    let queue = waiting(dir.path());
    let last = queue.segments().unwrap().pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    bytes.extend_from_slice(b"{\"record\":\"flow\"}\n");
    fs::write(&last, bytes).unwrap();
    let folded = deliver(&queue, &mut store(dir.path())).unwrap();
    assert_eq!((folded.records.new, folded.rejected), (8, 1));
    assert!(names(queue.dir()).is_empty());
    assert_eq!(names(&dir.path().join("spool").join(rejects::FOLDER)).len(), 1);
    assert_eq!(facts(dir.path()), WHOLE);
}

#[test]
fn a_batch_ends_where_its_limit_is() {
    let dir = tempfile::tempdir().unwrap();
    let queue = waiting(dir.path());
    let big = queue.dir().join(format!("{:016x}-000000.ndjson", 6));
    fs::write(&big, "\n".repeat(BATCH_RECORDS)).unwrap();
    fold(&queue).unwrap();
    assert_eq!(queue.segments().unwrap().len(), 4, "only the big one was folded");
}

/// A store that takes nothing, for one reason or the other.
#[derive(Default)]
struct Refusing {
    poison: bool,
    calls: usize,
    patience: Duration,
    /// Poison is what this client did, and nothing else.
    client: Option<u16>,
}

impl Store for Refusing {
    fn candidates(&self, _: &str, _: crate::time::Window) -> Result<Vec<crate::store::CandidateRow>, StoreError> {
        Ok(Vec::new())
    }

    fn facts(&self, _: &str, _: crate::time::Window) -> Result<crate::store::Facts, StoreError> {
        Ok(crate::store::Facts::read(0, |_| Ok(())))
    }

    fn insert(&mut self, _: &str, records: &[Record]) -> Result<Inserted, StoreError> {
        use crate::store::clickhouse::ClickHouseError::{Passing, Rows};
        self.calls += 1;
        let at_fault =
            |record: &Record| matches!(record, Record::Flow(flow) if Some(flow.client_port) == self.client);
        if self.client.is_some() && !records.iter().any(at_fault) {
            return Ok(Inserted { new: records.len() as u64, known: 0 });
        }
        let (server, why) = ("test".to_owned(), "no".to_owned());
        Err(if self.poison { Rows { server, why } } else { Passing { server, why } }.into())
    }
    fn patience(&self) -> Duration {
        self.patience
    }
    fn usage(&self, _: &str, _: crate::time::Window) -> Result<Vec<crate::store::UsageRow>, StoreError> {
        Ok(Vec::new())
    }
    fn first_seen(&self, _: &str, _: i64) -> Result<std::collections::BTreeMap<String, i64>, StoreError> {
        Ok(std::collections::BTreeMap::new())
    }
    fn lookups(&self, _: &str, _: crate::time::Window) -> Result<Vec<crate::store::LookupRow>, StoreError> {
        Ok(Vec::new())
    }
    fn ledger(&self, _: &str, _: crate::time::Window) -> Result<crate::store::Ledger, StoreError> {
        Ok(crate::store::Ledger::default())
    }
    fn tallies(&self, _: &str, _: crate::time::Window) -> Result<Vec<crate::store::TallyRow>, StoreError> {
        Ok(Vec::new())
    }
    fn newest(&self, _: &str, _: Option<i64>) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }
}

#[test]
fn an_outage_ends_in_one_large_batch() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool(dir.path(), &[&segments()[0]]);
    let (queue, mut away) = (spool.queue("store"), Refusing::default());
    let mut writer = spool.writer(8);
    for segment in &segments()[1..] {
        assert!(deliver(&queue, &mut away).is_err());
        writer.append(&segment[0]).unwrap();
        writer.seal().unwrap();
    }
    assert_eq!((batches(queue.dir()).unwrap().len(), queue.segments().unwrap().len()), (1, 3));
    assert_eq!(deliver(&queue, &mut store(dir.path())).unwrap().batches, 2);
}

#[test]
fn a_batch_that_is_never_taken_goes_aside_with_its_reason_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let queue = waiting(dir.path());
    let mut poisoned = Refusing { poison: true, ..Refusing::default() };
    let folded = deliver(&queue, &mut poisoned).unwrap();
    assert_eq!((folded.set_aside, folded.batches, poisoned.calls), (1, 0, 1));
    assert!(names(queue.dir()).is_empty(), "the queue goes on");
    let spool = dir.path().join("spool");
    let aside = rejects::list(&spool).unwrap();
    assert_eq!((aside.len(), aside[0].reason.as_str()), (1, "test: refuses the rows: no"));
    rejects::replay(&spool, "store", &aside[0]).unwrap();
    assert!(rejects::list(&spool).unwrap().is_empty() && names(&spool.join(rejects::FOLDER)).is_empty());
    assert_eq!(deliver(&queue, &mut store(dir.path())).unwrap().records.new, 8);
    assert_eq!(facts(dir.path()), WHOLE);
}

#[test]
fn facts_gather_as_long_as_the_store_is_patient() {
    let dir = tempfile::tempdir().unwrap();
    let queue = waiting(dir.path());
    let mut patient = Refusing { patience: Duration::from_secs(10), ..Refusing::default() };
    assert_eq!(deliver(&queue, &mut patient).unwrap(), Folded::default());
    assert_eq!((queue.segments().unwrap().len(), patient.calls), (4, 0));
    let oldest = fs::File::open(&queue.segments().unwrap()[0]).unwrap();
    oldest.set_modified(std::time::SystemTime::now() - Duration::from_secs(11)).unwrap();
    assert!(deliver(&queue, &mut patient).is_err());
    assert_eq!((queue.segments().unwrap().len(), patient.calls), (0, 1), "all of them in one batch");
}

#[test]
fn one_bad_record_takes_few_others_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let record = |n: u16| {
        let flow = flow("10.20.1.1", "chat", MONDAY + i64::from(n) * SECOND);
        flow_record(sensor::record::FlowRecord { client_port: n, ..flow })
    };
    let many: Vec<Record> = (0..10_000).map(record).collect();
    let queue = spool(dir.path(), &[&many]).queue("store");
    let copy = (queue.segments().unwrap().remove(0), fs::read(&queue.segments().unwrap()[0]).unwrap());
    let mut picky = Refusing { poison: true, client: Some(7_777), ..Refusing::default() };
    let folded = deliver(&queue, &mut picky).unwrap();
    let aside = rejects::list(&dir.path().join("spool")).unwrap();
    assert_eq!((folded.set_aside, aside.len()), (1, 1));
    let lines = fs::read_to_string(&aside[0].path).unwrap().lines().count() as u64;
    assert!(lines <= 1_000 && folded.records.new == 10_000 - lines, "{lines} lines aside, {folded:?}");
    assert!(names(queue.dir()).is_empty());
    let half = queue.dir().join(aside[0].path.file_name().unwrap());
    assert!(Span::of_batch(&half).unwrap().covers(&copy.0), "a half covers the segment that it came from");
}
