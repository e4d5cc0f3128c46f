//! The figures of docs/clickhouse.md and docs/sizing.md:
//! `cargo test -p clickhouse-tests --release -- --ignored --nocapture sizing`.

use std::time::Instant;

use ingest::store::{STORE_FILE, SqliteStore, Store};
use ingest::time::Window;
use sensor::record::{FlowRecord, LookupRecord, MinuteRecord, Record, Tally};

use crate::sample::*;
use crate::server::server;

/// Numbers that look like chance.
fn chance(n: i64, salt: u64) -> u64 {
    let mixed = ((n as u64) ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

/// A day of 200 devices and 30 services, in an order and with numbers that look like chance.
fn day(number: i64) -> Vec<Record> {
    let record = |n: i64| {
        let client = format!("10.20.{}.{}", chance(n, 1) % 4, 10 + chance(n, 2) % 50);
        let service = format!("service{}", chance(n, 3) % 30);
        let at = MONDAY + number * DAY + n * DAY / 300_000;
        flow_record(FlowRecord {
            flow_id: format!("{:016x}", chance(n, 4) << 32 | chance(n, 5)),
            community_id: format!("1:{:08x}{:08x}{:08x}=", chance(n, 6), chance(n, 7), chance(n, 8)),
            client_port: (chance(n, 9) % 60_000) as u16,
            server_ip: format!("192.0.2.{}", chance(n, 3) % 200).parse().unwrap(),
            bytes_up: chance(n, 10) % 60_000,
            bytes_down: chance(n, 11) % 900_000,
            upload_bytes: chance(n, 10) % 50_000,
            turns: chance(n, 12) % 5,
            ..flow(&client, &service, at)
        })
    };
    (0..100_000).map(record).collect()
}

#[test]
#[ignore = "measures, half a minute"]
fn sizing() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    store.insert("schema", &[]).unwrap();
    let (mut rows, mut seconds) = (0, 0.0);
    for number in 0..3 {
        let records = day(number);
        let begun = Instant::now();
        rows += store.insert(&format!("day {number}"), &records).unwrap().new;
        seconds += begun.elapsed().as_secs_f64();
    }
    let begun = Instant::now();
    store.insert("small", &[flow_record(flow("10.20.1.1", "chat", MONDAY))]).unwrap();
    let small = begun.elapsed();
    let begun = Instant::now();
    let answered = store.usage("", Window { from: MONDAY, to: MONDAY + 7 * DAY }).unwrap().len();
    eprintln!("{:.0} rows/s in batches of 100,000; a batch of one row takes {small:?}", rows as f64 / seconds);
    eprintln!("a week's usage: {answered} rows in {:?}", begun.elapsed());
    for table in ["flow", "usage_hour", "usage_day"] {
        server.sql(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    eprintln!(
        "{}",
        server.sql(
            "SELECT table, sum(rows), round(sum(bytes_on_disk) / sum(rows), 1) FROM system.parts \
             WHERE active AND database = currentDatabase() AND rows > 2 GROUP BY table ORDER BY table"
        )
    );
}

fn lookups(number: i64) -> Vec<Record> {
    let record = |n: i64| {
        let client = format!("10.20.{}.{}", chance(n, 1) % 4, 10 + chance(n, 2) % 50);
        let lookup = lookup(&client, &format!("service{}", chance(n, 3) % 30), MONDAY + number * DAY + n * SECOND);
        let lookup_id = format!("{:016x}", chance(n, 4) << 32 | chance(n, 5));
        Record::Lookup(Box::new(LookupRecord { lookup_id, ..lookup }))
    };
    (0..20_000).map(record).collect()
}

/// A sensor's day, with as many words as the recorded office has.
fn minutes(number: i64) -> Vec<Record> {
    let words = |of: &[&str], n: i64| {
        let tally =
            |salt| Tally { flows: chance(n, salt) % 90, frames: chance(n, salt) % 9_000, bytes: chance(n, salt) };
        of.iter().zip(10..).map(|(word, salt)| ((*word).to_owned(), tally(salt))).collect()
    };
    let record = |n: i64| {
        Record::Minute(Box::new(MinuteRecord {
            frames: chance(n, 1) % 900_000,
            bytes: chance(n, 2),
            dns_questions: chance(n, 3) % 500,
            methods: words(&["sni", "quic-sni", "http-host", "dns", "resolver", "none", "inbound", "local"], n),
            not_flow: words(&["arp", "icmp", "igmp", "other-link"], n),
            malformed: words(&["short"], n),
            ..minute(MONDAY + number * DAY + n * 60 * SECOND)
        }))
    };
    (0..1_440).map(record).collect()
}

/// 200 devices that reach AI services or hide names in 40 of a day's ten minutes.
fn sights(number: i64) -> Vec<Record> {
    let record = |n: i64| {
        let device = format!("10.20.{}.{}", n % 4, 10 + n / 4 % 50);
        let totals = [chance(n, 1) % 900, chance(n, 2) % 90, chance(n, 3) % 9];
        visibility(&device, totals, "doh", MONDAY + number * DAY + n / 200 * 600 * SECOND)
    };
    (0..8_000).map(record).collect()
}

type Day = fn(i64) -> Vec<Record>;

#[test]
#[ignore = "measures, a minute"]
fn sizing_by_kind_of_record() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    let kinds: [(&str, Day); 4] = [("flow", day), ("lookup", lookups), ("minute", minutes), ("visibility", sights)];
    for (kind, records) in kinds {
        let dir = tempfile::tempdir().unwrap();
        let mut sqlite = SqliteStore::open(dir.path(), berlin()).unwrap();
        let mut rows = 0;
        for number in 0..3 {
            let records = records(number);
            store.insert(&format!("{kind} {number}"), &records).unwrap();
            rows += sqlite.insert(&number.to_string(), &records).unwrap().new;
        }
        drop(sqlite);
        let bytes = std::fs::metadata(dir.path().join(STORE_FILE)).unwrap().len();
        eprintln!(
            "SQLite, {kind} with what hangs on it: {rows} rows, {:.0} bytes each",
            bytes as f64 / rows as f64
        );
    }
    let tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'";
    for table in server.sql(tables).lines() {
        server.sql(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    eprintln!(
        "{}",
        server.sql(
            "SELECT table, sum(rows), round(sum(bytes_on_disk) / sum(rows), 1) FROM system.parts \
             WHERE active AND database = currentDatabase() AND rows > 20 GROUP BY table ORDER BY table"
        )
    );
}
