//! The schema: from nothing, from every version, by two senders at once, changed by others.

use ingest::store::Store;
use ingest::store::StoreError;
use ingest::store::clickhouse::{ClickHouseError, ClickHouseStore, Keep};
use sensor::record::Record;

use crate::facts::{embedded, facts};
use crate::sample::*;
use crate::server::{Server, answers, server};

pub(crate) const STEPS: [&str; 5] = [
    include_str!("../../../../ingest/schema/clickhouse/0001_facts.sql"),
    include_str!("../../../../ingest/schema/clickhouse/0002_rollups.sql"),
    include_str!("../../../../ingest/schema/clickhouse/0003_findings.sql"),
    include_str!("../../../../ingest/schema/clickhouse/0004_devices.sql"),
    include_str!("../../../../ingest/schema/clickhouse/0005_ledger.sql"),
];

fn insert(server: &Server, records: &[Record]) -> Result<u64, ClickHouseError> {
    match server.store().insert("batch", records) {
        Ok(inserted) => Ok(inserted.new),
        Err(StoreError::ClickHouse(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

/// A database at a released version.
fn at_version(server: &Server, version: usize) {
    server.sql_outside(&format!("CREATE DATABASE IF NOT EXISTS {}", server.target.database));
    server.sql("CREATE TABLE schema_version (version UInt32, done DateTime('UTC') DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY version");
    for (number, step) in (1..=version).zip(STEPS) {
        for statement in step.split(";\n").filter(|s| s.contains("CREATE") || s.contains("ALTER")) {
            server.sql(statement);
        }
        server.sql(&format!("INSERT INTO schema_version (version) VALUES ({number})"));
    }
}

#[test]
fn every_released_schema_is_brought_up_to_date() {
    for version in 0..=STEPS.len() {
        let Some(server) = server() else { return };
        at_version(&server, version);
        let records = facts();
        assert_eq!(insert(&server, &records).unwrap(), records.len() as u64, "from version {version}");
        assert_eq!(server.sql("SELECT max(version) FROM schema_version"), STEPS.len().to_string());
        let (_dir, sqlite) = embedded(&records);
        assert_eq!(answers(&server.store()), answers(&sqlite), "from version {version}");
    }
}

#[test]
fn senders_that_start_at_once_make_one_schema() {
    let Some(server) = server() else { return };
    let records = facts();
    std::thread::scope(|scope| {
        for sender in 0..4 {
            let (server, part) = (&server, records.chunks(records.len() / 4 + 1).nth(sender).unwrap());
            scope.spawn(move || server.store().insert(&sender.to_string(), part).unwrap());
        }
    });
    let (_dir, sqlite) = embedded(&records);
    assert_eq!(answers(&server.store()), answers(&sqlite));
}

#[test]
fn a_reader_makes_nothing() {
    let Some(server) = server() else { return };
    assert_eq!(server.store().newest("", None).unwrap(), None);
    let there = format!("SELECT count() FROM system.databases WHERE name = '{}'", server.target.database);
    assert_eq!(server.sql_outside(&there), "0");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let Some(server) = server() else { return };
    insert(&server, &facts()).unwrap();
    server.sql("INSERT INTO schema_version (version) VALUES (99)");
    let error = insert(&server, &facts()).unwrap_err();
    assert!(matches!(error, ClickHouseError::Newer { found: 99, .. }) && !error.retry(), "{error}");
    let error = server.store().newest("", None).unwrap_err();
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[test]
fn a_schema_that_was_changed_by_hand_is_a_clear_message_and_mends() {
    let Some(server) = server() else { return };
    insert(&server, &[minute_record(MONDAY)]).unwrap();
    for (change, back, named) in [
        (
            "ALTER TABLE flow RENAME COLUMN turns TO exchanges",
            "ALTER TABLE flow RENAME COLUMN exchanges TO turns",
            "turns",
        ),
        ("ALTER TABLE minute ADD COLUMN more UInt8", "ALTER TABLE minute DROP COLUMN more", ""),
        ("RENAME TABLE tally TO other", "RENAME TABLE other TO tally", "tally"),
    ] {
        if server.sql_try(change).is_none() {
            continue; // a column that a view reads cannot be renamed everywhere
        }
        let outcome = server.store().insert("later", &facts());
        if let Err(error) = outcome {
            let text = error.to_string();
            assert!(!error.retry() && !error.poison(), "{change}: {text}");
            assert!(text.contains("schema is not what this program writes") && text.contains(named), "{text}");
        } else {
            assert!(change.contains("ADD COLUMN"), "{change}: a column more harms nobody");
        }
        server.sql(back);
    }
    let known = server.store().insert("later", &facts()).unwrap().known;
    assert!(known > 0 || server.store().insert("later", &facts()).unwrap().new == 0);
    let (_dir, sqlite) = embedded(&facts());
    assert_eq!(answers(&server.store()), answers(&sqlite));
}

#[test]
fn ages_are_set_changed_and_lifted() {
    let Some(server) = server() else { return };
    let keep = |raw_days, rollup_days, findings_days| {
        let keep = Keep { raw_days, rollup_days, findings_days };
        let mut store = ClickHouseStore::new(server.target.clone(), keep, berlin()).unwrap();
        store.insert(&format!("{keep:?}"), &[]).unwrap();
    };
    let age = |table: &str| {
        let sql = format!(
            "SELECT extract(engine_full, 'TTL (.*) SETTINGS') FROM system.tables WHERE database = currentDatabase() AND name = '{table}'"
        );
        server.sql(&sql)
    };
    keep(90, 396, 1096);
    assert_eq!(age("flow"), "day + toIntervalDay(90)");
    assert_eq!(age("usage_hour"), "hour + toIntervalDay(396)");
    assert_eq!(age("finding"), "day + toIntervalDay(1096)");
    keep(7, 396, 1096);
    assert_eq!(age("flow"), "day + toIntervalDay(7)");
    keep(0, 0, 0);
    assert_eq!(["flow", "usage_hour", "finding"].map(age), ["", "", ""]);
}
