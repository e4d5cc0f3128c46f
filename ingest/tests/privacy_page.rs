//! `docs/privacy.md` names every table and column of the stores, and no other. What a column could hold is looked at
//! when it is written there: nothing reaches a store unseen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

use std::collections::{BTreeMap, BTreeSet};

use ingest::judge::FindingsDb;
use ingest::store::SqliteStore;
use jiff::tz::TimeZone;
use rusqlite::Connection;

const PAGE: &str = include_str!("../../docs/privacy.md");
/// What a server is told: compared with the code by a test of its own.
const SERVER: &str = include_str!("ddl/plain.sql");

/// Columns by table.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// The tables under a heading of the page.
fn named(heading: &str) -> Tables {
    let section = PAGE.split(&format!("\n#### {heading}\n")).nth(1).expect("the heading is on the page");
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).skip(2).take_while(|l| l.starts_with('|'));
    let row = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let [table, of, columns, kept] = cells[..] else { panic!("{row}") };
        assert!(!of.trim().is_empty() && !kept.trim().is_empty(), "{row}");
        let columns = columns.split(", ").map(|column| column.trim_matches('`').to_owned()).collect();
        (table.trim().trim_matches('`').to_owned(), columns)
    };
    rows.map(row).collect()
}

/// The tables of a file.
fn stored(file: &std::path::Path) -> Tables {
    let db = Connection::open(file).unwrap();
    let sql = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
               WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%'";
    let mut tables = Tables::new();
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for row in rows {
        let (table, column): (String, String) = row.unwrap();
        tables.entry(table).or_default().insert(column);
    }
    tables
}

/// The tables of a server, views apart: they add up what is in a table.
fn served() -> Tables {
    let mut tables = Tables::new();
    let code: String =
        SERVER.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    for statement in code.split(";\n") {
        let name = |after: &str| statement.trim().strip_prefix(after)?.split_once(char::is_whitespace);
        if let Some((table, rest)) = name("CREATE TABLE IF NOT EXISTS `shadowtap`.") {
            let list = rest.trim().strip_prefix('(').unwrap();
            let lines: Vec<&str> = if list.starts_with('\n') {
                list.lines().filter_map(|line| line.strip_prefix("    ")).collect()
            } else {
                list.split(") ENGINE").next().unwrap().split(", ").collect()
            };
            let columns = lines.into_iter().filter_map(|line| line.split_whitespace().next()).map(String::from);
            tables.entry(table.to_owned()).or_default().extend(columns.map(|name| name.replace('`', "")));
        } else if let Some((table, rest)) = name("ALTER TABLE `shadowtap`.") {
            let added = rest.split("ADD COLUMN IF NOT EXISTS ").skip(1).filter_map(|rest| rest.split(' ').next());
            tables.entry(table.to_owned()).or_default().extend(added.map(String::from));
        }
    }
    tables
}

#[test]
fn every_table_and_column_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path(), TimeZone::UTC).unwrap());
    drop(FindingsDb::open(dir.path()).unwrap());
    let (facts, findings) = ["shadowtap.db", "findings.db"].map(|file| stored(&dir.path().join(file))).into();
    assert_eq!(named("shadowtap.db"), facts);
    assert_eq!(named("findings.db"), findings);
    let mut further = served();
    assert!(further.values().map(BTreeSet::len).sum::<usize>() > 200, "{further:?}");
    for (table, columns) in &mut further {
        columns.retain(|column| !facts.get(table).is_some_and(|known| known.contains(column)));
    }
    further.retain(|_, columns| !columns.is_empty());
    assert_eq!(named("ClickHouse"), further);
}
