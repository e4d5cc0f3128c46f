//! Ten million facts in both stores: how fast they go in, what they take, how long a report's questions take
//! (docs/performance.md).
//!
//! `cargo test -p clickhouse-tests --release --locked -- --ignored --nocapture ten_million`, a quarter of an hour.

use std::time::Instant;

use ingest::store::{SqliteStore, Store};
use ingest::time::Window;
use sensor::record::{FlowRecord, Record};

use crate::sample::*;
use crate::server::server;

/// Ten million facts: 13 weeks of 2,000 devices and 60 services. Both stores, the same records.
#[test]
#[ignore = "measures, a quarter of an hour"]
fn ten_million() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    let rows: i64 = std::env::var("SIZING_ROWS").map_or(10_000_000, |text| text.parse().unwrap());
    let embedded = SqliteStore::open(dir.path(), berlin()).unwrap();
    let stores: [(&str, Box<dyn Store>); 2] =
        [("ClickHouse", Box::new(server.store())), ("SQLite", Box::new(embedded))];
    for (name, mut store) in stores {
        let mut seconds = 0.0;
        for from in (0..rows).step_by(100_000) {
            let records: Vec<Record> = (from..from + 100_000).map(|n| quarter(n, rows)).collect();
            let begun = Instant::now();
            store.insert(&format!("batch {from}"), &records).unwrap();
            seconds += begun.elapsed().as_secs_f64();
        }
        eprintln!("{name}: {:.0} facts/s in batches of 100,000", rows as f64 / seconds);
        questions(name, store.as_ref());
    }
    let disk = |path: &str| std::fs::metadata(dir.path().join(path)).map_or(0, |about| about.len());
    let bytes = disk("shadowtap.db") + disk("shadowtap.db-wal");
    eprintln!("SQLite: {:.0} bytes per fact, roll-up and indices with it", bytes as f64 / rows as f64);
    eprintln!(
        "ClickHouse, as merged by itself:\n{}",
        server.sql(
            "SELECT table, sum(rows), round(sum(bytes_on_disk) / sum(rows), 1) FROM system.parts \
             WHERE active AND database = currentDatabase() AND rows > 2 GROUP BY table ORDER BY table"
        )
    );
}

/// A fact of the quarter; four of five fall on working hours.
fn quarter(n: i64, of: i64) -> Record {
    let chance = |salt: u64| {
        let mixed = ((n as u64) ^ salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
    };
    let day = n * 91 / of;
    let hour = if chance(1) % 5 == 0 { chance(2) % 24 } else { 8 + chance(2) % 10 } as i64;
    let at = MONDAY - 9 * HOUR + day * DAY + hour * HOUR + (chance(3) % 3600) as i64 * SECOND;
    let device = chance(4) % 2000;
    let client = format!("10.20.{}.{}", device / 250, 1 + device % 250);
    // Few services have most of the use.
    let service = format!("service{}", (chance(5) % 60) * (chance(6) % 60) / 60);
    flow_record(FlowRecord {
        flow_id: format!("{:016x}", chance(7) << 32 | n as u64 & 0xffff_ffff),
        community_id: format!("1:{:08x}{:08x}{:08x}=", chance(8), chance(9), chance(10)),
        client_port: (chance(11) % 60_000) as u16,
        server_ip: format!("192.0.2.{}", chance(5) % 200).parse().unwrap(),
        bytes_up: chance(12) % 60_000,
        bytes_down: chance(13) % 900_000,
        upload_bytes: chance(12) % 50_000,
        turns: chance(14) % 5,
        ..flow(&client, &service, at)
    })
}

/// How long each question of a report takes: the best of three.
fn questions(name: &str, store: &dyn Store) {
    let week = Window { from: MONDAY + 35 * DAY, to: MONDAY + 42 * DAY };
    let quarter = Window { from: MONDAY - DAY, to: MONDAY + 92 * DAY };
    let time = |what: &str, ask: &dyn Fn() -> usize| {
        let took = (0..3).map(|_| {
            let begun = Instant::now();
            let rows = ask();
            (begun.elapsed(), rows)
        });
        let (took, rows) = took.min().unwrap();
        eprintln!("{name}: {what}: {rows} rows in {:.3} s", took.as_secs_f64());
    };
    time("usage of a week", &|| store.usage("", week).unwrap().len());
    time("usage of 13 weeks", &|| store.usage("", quarter).unwrap().len());
    time("first seen", &|| store.first_seen("", week.to).unwrap().len());
    time("DNS questions of a week", &|| store.lookups("", week).unwrap().len());
    time("ledger of a week", &|| store.ledger("", week).map(|_| 1).unwrap());
    time("tallies of a week", &|| store.tallies("", week).unwrap().len());
    time("candidates of a week", &|| store.candidates("", week).unwrap().len());
    time("newest fact", &|| usize::from(store.newest("", None).unwrap().is_some()));
}
