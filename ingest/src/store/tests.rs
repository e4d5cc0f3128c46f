//! The embedded store on real files: repeats, broken files, and what its columns may hold.

use std::fs;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use sensor::record::{Evidence, FlowRecord, Record};

use super::*;
use crate::sample::{
    DAY, HOUR, MONDAY, berlin, device_record, flow, flow_record, lookup_record, minute_record, week,
};

fn store() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), berlin()).unwrap();
    (dir, store)
}

const WEEK: Window = Window { from: MONDAY - 8 * HOUR, to: MONDAY + 6 * DAY };

#[test]
fn a_record_counts_once_however_often_it_comes() {
    let (_dir, mut store) = store();
    let records = week();
    assert_eq!(store.insert("a", &records).unwrap().new, records.len() as u64);
    let once = (store.usage("hq", WEEK).unwrap(), store.ledger("hq", WEEK).unwrap());
    let again = Inserted { new: 0, known: records.len() as u64 };
    assert_eq!(store.insert("a", &records).unwrap(), again, "the same batch");
    assert_eq!(store.insert("b", &records).unwrap(), again, "the same capture read twice");
    assert_eq!((store.usage("hq", WEEK).unwrap(), store.ledger("hq", WEEK).unwrap()), once);
}

#[test]
fn the_roll_up_does_not_depend_on_how_records_are_cut_into_batches() {
    let (_dir, mut whole) = store();
    let (_dir2, mut pieces) = store();
    let mut records = week();
    whole.insert("all", &records).unwrap();
    records.reverse();
    for (number, record) in records.chunks(3).enumerate() {
        pieces.insert(&number.to_string(), record).unwrap();
    }
    assert_eq!(whole.usage("", WEEK).unwrap(), pieces.usage("", WEEK).unwrap());
    assert_eq!(whole.tallies("", WEEK).unwrap(), pieces.tallies("", WEEK).unwrap());
}

#[test]
fn deltas_of_a_flow_add_up_and_the_best_use_stays() {
    let (_dir, mut store) = store();
    let quiet = FlowRecord { turns: 0, upload_bytes: 100, last: false, ..flow("10.20.1.1", "chat", MONDAY) };
    let busy = FlowRecord { seq: 1, end: MONDAY + HOUR, ..quiet.clone() };
    let busy = FlowRecord { turns: 2, ..busy };
    let after = FlowRecord { seq: 2, turns: 0, end: MONDAY + 2 * HOUR, last: true, ..busy.clone() };
    store.insert("a", &[quiet, busy, after].map(flow_record)).unwrap();
    let rows = store.usage("hq", WEEK).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].flows, rows[0].turns, rows[0].bytes_up, rows[0].usage), (1, 2, 36_000, Use::Used));
    let hour = Window { from: MONDAY, to: MONDAY + HOUR };
    assert_eq!(store.usage("hq", hour).unwrap()[0].usage, Use::Visited);
}

#[test]
fn an_ambiguous_name_is_no_use() {
    let (_dir, mut store) = store();
    let unsure = FlowRecord { evidence: Evidence::Ambiguous, host: None, ..flow("10.20.1.1", "chat", MONDAY) };
    store.insert("a", &[flow_record(unsure)]).unwrap();
    assert_eq!(store.usage("hq", WEEK).unwrap()[0].usage, Use::Nothing);
    assert!(store.first_seen("hq", WEEK.to).unwrap().is_empty());
}

#[test]
fn questions_are_answered_for_one_site_and_one_window() {
    let (_dir, mut store) = store();
    let elsewhere = FlowRecord { site: "lab".to_owned(), ..flow("10.20.1.2", "deep", MONDAY) };
    let records = [
        flow_record(flow("10.20.1.1", "chat", MONDAY)),
        flow_record(flow("10.20.1.1", "chat", WEEK.to)),
        flow_record(elsewhere),
        minute_record(MONDAY),
        lookup_record("10.20.1.1", "chat", MONDAY),
    ];
    store.insert("a", &records).unwrap();
    assert_eq!(store.usage("hq", WEEK).unwrap().len(), 1);
    assert_eq!(store.usage("", WEEK).unwrap().len(), 2);
    assert_eq!(store.usage("none", WEEK).unwrap().len(), 0);
    assert_eq!(store.lookups("hq", WEEK).unwrap()[0].questions, 1);
    assert_eq!(store.newest("hq", None).unwrap(), Some(WEEK.to));
    assert_eq!(store.newest("hq", Some(WEEK.to)).unwrap(), Some(MONDAY));
    assert_eq!(store.ledger("hq", WEEK).unwrap().frames, 1000);
    let frames: u64 = store
        .tallies("hq", WEEK)
        .unwrap()
        .iter()
        .filter(|t| !["drop", "broken"].contains(&t.kind.as_str()))
        .map(|t| t.frames)
        .sum();
    assert_eq!(frames, 1000, "methods, other frames and malformed ones are all frames");
}

#[test]
fn a_file_that_is_not_ours_is_refused_with_its_mend_and_left_alone() {
    let zone = TimeZone::UTC;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(STORE_FILE);

    fs::write(&path, "no database at all, but long enough to be looked at".repeat(50)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(dir.path(), zone.clone()).unwrap_err();
    assert!(matches!(error, DbError::Damaged { .. }) && !error.retry(), "{error}");
    assert!(error.to_string().contains("shadowtap.db") && error.to_string().contains("Mend"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(SqliteStore::open(dir.path(), zone.clone()), Err(DbError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    drop(SqliteStore::open(dir.path(), zone.clone()).unwrap());
    Connection::open(&path).unwrap().execute("INSERT INTO schema_version VALUES (99)", []).unwrap();
    let error = SqliteStore::open(dir.path(), zone).unwrap_err();
    assert!(matches!(error, DbError::Newer { found: 99, known: 5, .. }), "{error}");
}

/// A file from before the ledger told of TCP keeps its minutes, which say nothing of it, and takes new ones.
#[test]
fn a_file_of_three_steps_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join(STORE_FILE)).unwrap();
    let steps = ["0001_facts.sql", "0002_behaviour.sql", "0003_sweep.sql"];
    db.execute_batch("CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)").unwrap();
    db.pragma_update(None, "application_id", 0x5354_4601).unwrap();
    for (number, step) in (1..).zip(steps) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/sqlite").join(step);
        db.execute_batch(&fs::read_to_string(path).unwrap()).unwrap();
        db.execute("INSERT INTO schema_version VALUES (?1)", [number]).unwrap();
    }
    let old = "INSERT INTO minute VALUES ('tap1', 'live-0', ?1, 'hq', 10, 900, 1, 2, 3)";
    db.execute(old, [MONDAY + HOUR]).unwrap();
    drop(db);
    let mut store = SqliteStore::open(dir.path(), berlin()).unwrap();
    let before = store.ledger("hq", WEEK).unwrap();
    assert_eq!((before.frames, before.dns_questions, before.tcp_bytes, before.clock_steps), (10, 3, 0, 0));
    store.insert("a", &[minute_record(MONDAY)]).unwrap();
    let after = store.ledger("hq", WEEK).unwrap();
    assert_eq!((after.frames, after.tcp_bytes, after.tcp_missing, after.duplicates), (1010, 500_000, 1_000, 4));
    let broken: Vec<(String, u64)> = store
        .tallies("hq", WEEK)
        .unwrap()
        .into_iter()
        .filter(|t| t.kind == "broken")
        .map(|t| (t.word, t.frames))
        .collect();
    assert_eq!(broken, [("tls-hello".to_owned(), 1), ("tls-unfinished".to_owned(), 2)]);
}

#[test]
fn a_store_that_breaks_while_open_says_so() {
    let (dir, mut store) = store();
    store.insert("a", &week()).unwrap();
    drop(store);
    let path = dir.path().join(STORE_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let error = match SqliteStore::open(dir.path(), berlin()) {
        Err(error) => StoreError::from(error),
        Ok(mut store) => store.insert("b", &[flow_record(flow("10.20.9.9", "chat", MONDAY))]).unwrap_err(),
    };
    assert!(!error.retry() && error.to_string().contains("damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len());
}

#[test]
fn a_folder_that_cannot_hold_the_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file, TimeZone::UTC).unwrap_err();
    assert!(error.to_string().contains("shadowtap.db") && error.retry(), "{error}");
}

#[test]
fn a_reader_sees_whole_batches_while_the_writer_is_at_work() {
    let (dir, mut writer) = store();
    let reader = SqliteStore::open(dir.path(), berlin()).unwrap();
    for day in 0..5 {
        writer.insert(&day.to_string(), &[flow_record(flow("10.20.1.1", "chat", MONDAY + day * DAY))]).unwrap();
        assert_eq!(reader.usage("hq", WEEK).unwrap()[0].flows, day as u64 + 1);
    }
}

/// A device keeps its name while later records tell none, and a record that comes twice counts once.
#[test]
fn a_device_has_the_name_that_it_had_last() {
    let (_dir, mut store) = store();
    let names = [Some("old-name"), Some("ws-anna"), None];
    let mut records: Vec<Record> =
        names.into_iter().zip(0..).map(|(name, n)| device_record("02:20:01:00:00:11", name, MONDAY + n)).collect();
    records.push(device_record("02:20:01:00:00:12", None, MONDAY));
    assert_eq!(store.insert("a", &records).unwrap().new, 4);
    assert_eq!(store.insert("b", &records).unwrap(), Inserted { new: 0, known: 4 });
    let named =
        |to| store.device_names("hq", Window { from: i64::MIN, to }).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(named(i64::MAX), [("02:20:01:00:00:11".to_owned(), "ws-anna".to_owned())]);
    assert_eq!(named(MONDAY + 1), [("02:20:01:00:00:11".to_owned(), "old-name".to_owned())]);
    assert!(store.device_names("elsewhere", WEEK).unwrap().is_empty());
}

/// Sizes or times in sequence would tell what a prompt was about; so would content, a path or a user agent.
#[test]
fn no_column_can_hold_content_or_a_sequence() {
    let (dir, _store) = store();
    let db = Connection::open(dir.path().join(STORE_FILE)).unwrap();
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let columns: Vec<String> =
        db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(columns.len() > 60);
    for column in columns {
        for word in
            ["payload", "content", "path", "url", "agent", "cookie", "lengths", "sizes", "times", "sequence"]
        {
            assert!(!column.contains(word), "{column}");
        }
    }
    let record = serde_json::to_value(flow_record(flow("10.20.1.1", "chat", MONDAY))).unwrap();
    let lists: Vec<&String> =
        record.as_object().unwrap().iter().filter(|(_, v)| v.is_array()).map(|(k, _)| k).collect();
    assert_eq!(lists, ["alpn", "candidates"], "a new list in the record needs a thought about what it tells");
}

#[test]
fn forged_counters_do_not_break_the_sums() {
    let (_dir, mut store) = store();
    let record = |number: i64| -> Record {
        flow_record(FlowRecord {
            bytes_up: u64::MAX,
            turns: u64::MAX,
            ..flow("10.20.1.1", "chat", MONDAY + number)
        })
    };
    store.insert("a", &[record(0)]).unwrap();
    store.insert("b", &[record(1), record(2)]).unwrap();
    assert!(store.usage("hq", WEEK).unwrap()[0].bytes_up > 1 << 46);
}
