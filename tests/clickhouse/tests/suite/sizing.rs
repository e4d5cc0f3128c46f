//! The figures of docs/clickhouse.md: `cargo test -p clickhouse-tests --release -- --ignored --nocapture sizing`.

use std::time::Instant;

use ingest::store::Store;
use ingest::time::Window;
use sensor::record::{FlowRecord, Record};

use crate::sample::*;
use crate::server::server;

/// A day of 200 devices and 30 services, in an order and with numbers that look like chance.
fn day(number: i64) -> Vec<Record> {
    let chance = |n: i64, salt: u64| {
        let mixed = ((n as u64) ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
    };
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
