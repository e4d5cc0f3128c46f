//! Facts come out of the server as out of the embedded store: the same records in the same order, or an error.

use ingest::store::{Store, StoreError};
use ingest::time::Window;
use sensor::record::{FlowRecord, Record};

use crate::facts::{embedded, facts};
use crate::faults::through;
use crate::proxy::{Fault, Proxy};
use crate::sample::*;
use crate::server::{engine, server};

const ALL: Window = Window { from: i64::MIN, to: i64::MAX };

/// The sample's facts, some of an earlier version, a minute with every kind of line.
fn all_kinds() -> Vec<Record> {
    let mut records = facts();
    let old = |n: i64| FlowRecord { emitted: 0, ..flow("10.20.1.8", "good", MONDAY + n * HOUR) };
    records.extend((0..5).map(|n| flow_record(old(n))));
    records.push(visibility("10.20.1.7", [5, 4, 3], "doh", MONDAY + HOUR));
    records.push(visibility("10.20.1.6", [5, 4, 3], "vpn", MONDAY + HOUR));
    let mut minute = minute(MONDAY + 3 * HOUR);
    minute.drops.insert("ring".to_owned(), 7);
    records.push(Record::Minute(Box::new(minute)));
    records
}

/// Many flows that became known at a few instants: pages end between flows of one instant.
fn many(number: i64) -> Vec<Record> {
    let flow = |n: i64| FlowRecord {
        flow_id: format!("{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        emitted: MONDAY + n / 9_000 * SECOND + SECOND,
        ..flow("10.20.1.1", "chat", MONDAY + n % 7 * DAY / 100)
    };
    (0..number).map(|n| flow_record(flow(n))).collect()
}

fn read(store: &dyn Store, window: Window) -> Result<Vec<Record>, StoreError> {
    store.facts("", window)?.collect()
}

#[test]
fn the_same_facts_come_in_the_same_order() {
    let Some(server) = server() else { return };
    let records = all_kinds();
    let (_dir, sqlite) = embedded(&records);
    let mut store = server.store();
    assert_eq!(read(&store, ALL).unwrap(), [], "no schema, no facts");
    for (number, part) in records.chunks(11).enumerate() {
        store.insert(&number.to_string(), part).unwrap();
    }
    let expected = read(&sqlite, ALL).unwrap();
    assert!(expected.len() > 40, "{}", expected.len());
    assert_eq!(read(&store, ALL).unwrap(), expected);
    assert!(store.facts("branch", ALL).unwrap().next().is_none());
    assert_eq!(store.facts("hq", ALL).unwrap().map(Result::unwrap).collect::<Vec<_>>(), expected);
    let hours = |from, to| Window { from: MONDAY + from, to: MONDAY + to };
    let windows = [hours(0, HOUR), hours(HOUR, HOUR), hours(10 * 60 * SECOND, DAY), hours(-DAY, 60 * SECOND + 1)];
    for window in windows {
        assert_eq!(read(&store, window).unwrap(), read(&sqlite, window).unwrap(), "{window:?}");
        assert_eq!(store.facts("", window).unwrap().total(), sqlite.facts("", window).unwrap().total());
    }
}

#[test]
fn many_pages_are_one_stream_and_may_be_left_halfway() {
    let Some(server) = server() else { return };
    let records = many(45_000);
    let (_dir, sqlite) = embedded(&records);
    let mut store = server.store();
    store.insert("a", &records).unwrap();
    let expected = read(&sqlite, ALL).unwrap();
    assert_eq!(expected.len(), 45_000);
    assert!(read(&store, ALL).unwrap() == expected);
    let mut left = store.facts("", ALL).unwrap();
    assert!(left.next().is_some_and(|first| first.is_ok()));
    drop(left);
    // Two sensors of one name brought everything at the same instant.
    server.sql("INSERT INTO flow SELECT * FROM flow");
    assert!(read(&store, ALL).unwrap() == expected, "each fact once");
    // The reader is at most a page ahead; what is dropped now cannot be read any more.
    let mut facts = store.facts("", ALL).unwrap();
    assert!(facts.next().is_some_and(|first| first.is_ok()));
    server.sql("TRUNCATE TABLE flow");
    let error = facts.find_map(Result::err).unwrap();
    assert!(error.retry() && error.to_string().contains("rows of flow came"), "{error}");
}

#[test]
fn a_read_that_breaks_is_an_error_and_never_the_end() {
    let Some(engine) = engine() else { return };
    let proxy = Proxy::new(engine.address);
    through(&proxy, "small").insert("a", &all_kinds()).unwrap();
    through(&proxy, "large").insert("a", &many(21_000)).unwrap();
    let breaks = |database: &str, faults: &[Fault], first: usize| {
        proxy.calm();
        let expected = read(&through(&proxy, database), ALL).unwrap();
        let requests = proxy.calm();
        let mut broken = 0;
        for (number, fault) in (first..requests).flat_map(|number| faults.iter().map(move |fault| (number, *fault)))
        {
            proxy.break_request(number, fault);
            match read(&through(&proxy, database), ALL) {
                Ok(facts) => assert!(facts == expected, "{fault:?} at {number}: {} facts", facts.len()),
                Err(error) => {
                    broken += 1;
                    assert!(error.retry(), "{fault:?} at {number}: {error}");
                }
            }
        }
        (requests, broken)
    };
    // A short answer is through before it is cut.
    let cuts = [60, 300, 2_000].map(Fault::CutAnswer);
    let faults = [&cuts[..], &[Fault::LostAnswer, Fault::Status(500), Fault::Refused]].concat();
    let (requests, broken) = breaks("small", &faults, 0);
    assert!(requests > 8 && broken >= requests * 4, "{broken} of {requests} requests");
    // Behind the two questions for the version and the four of the plan come the pages.
    let (_, broken) = breaks("large", &[Fault::CutAnswer(100_000)], 6);
    assert!(broken > 0, "in the middle of the first page");
}

#[test]
fn a_word_of_a_later_version_is_an_error_that_names_the_server() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    store.insert("a", &all_kinds()).unwrap();
    server.sql("ALTER TABLE flow UPDATE transport = 'carrier-pigeon' WHERE seq = 1 SETTINGS mutations_sync = 1");
    let error = read(&store, ALL).unwrap_err();
    let text = error.to_string();
    assert!(!error.retry() && text.contains("carrier-pigeon") && text.contains("clickhouse://"), "{text}");
}
