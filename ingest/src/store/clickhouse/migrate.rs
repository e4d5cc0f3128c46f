//! Numbered steps that make the schema. Each statement may run twice, and two senders may run them at once: nothing
//! in ClickHouse holds a lock over several statements, so each statement says `IF NOT EXISTS`.

use clickhouse::Row;
use serde::Deserialize;

use super::connection::Connection;
use super::error::ClickHouseError;
use super::target::Keep;

/// One SQL text per version; the first is version 1.
pub(super) const STEPS: [&str; 5] = [
    include_str!("../../../schema/clickhouse/0001_facts.sql"),
    include_str!("../../../schema/clickhouse/0002_rollups.sql"),
    include_str!("../../../schema/clickhouse/0003_findings.sql"),
    include_str!("../../../schema/clickhouse/0004_devices.sql"),
    include_str!("../../../schema/clickhouse/0005_ledger.sql"),
];

pub(super) const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (version UInt32, done DateTime('UTC') DEFAULT now()) \
                        ENGINE = ReplacingMergeTree ORDER BY version";

/// Which of the ages is a table's, in days.
pub(super) type Age = fn(Keep) -> u32;

/// Tables that are dropped by age, their column of time, and their age.
pub(super) const AGES: [(&str, &str, Age); 11] = [
    ("flow", "day", |keep| keep.raw_days),
    ("lookup", "day", |keep| keep.raw_days),
    ("visibility", "day", |keep| keep.raw_days),
    ("visibility_hidden", "day", |keep| keep.raw_days),
    ("device", "day", |keep| keep.raw_days),
    ("minute", "day", |keep| keep.rollup_days),
    ("tally", "day", |keep| keep.rollup_days),
    ("candidate", "day", |keep| keep.rollup_days),
    ("usage_hour", "hour", |keep| keep.rollup_days),
    ("usage_day", "day", |keep| keep.rollup_days),
    ("finding", "day", |keep| keep.findings_days),
];

/// Makes the database and its tables, runs the steps that are missing and sets how long rows are kept. A schema that is
/// ready asks for no right to make anything; one on a cluster is never changed, because only its administrator knows it.
pub(super) fn migrate(connection: &Connection, keep: Keep) -> Result<(), ClickHouseError> {
    let (server, known) = (connection.name().to_owned(), STEPS.len() as u32);
    let there = there(connection)?;
    let found = match there.version {
        Some(found) => found,
        None => {
            make_database(connection)?;
            connection.execute(VERSIONS)?;
            0
        }
    };
    if found > known {
        return Err(ClickHouseError::Newer { server, found, known });
    }
    if there.cluster {
        return if found == known { Ok(()) } else { Err(ClickHouseError::Cluster { server, found, known }) };
    }
    for (number, step) in (1..).zip(STEPS).filter(|(number, _)| *number > found) {
        for statement in statements(step) {
            connection.execute(statement)?;
        }
        connection.execute(&format!("INSERT INTO schema_version (version) VALUES ({number})"))?;
    }
    set_ages(connection, keep)
}

fn make_database(connection: &Connection) -> Result<(), ClickHouseError> {
    let database = connection.database();
    match connection.execute_outside(&format!("CREATE DATABASE IF NOT EXISTS `{database}`")) {
        // A user who may not make databases can still use one that was made for it.
        Err(ClickHouseError::Access { .. }) => Ok(()),
        other => other,
    }
}

/// The schema that a database has.
struct There {
    /// None where nothing was made yet.
    version: Option<u32>,
    /// Its tables are spread over shards.
    cluster: bool,
}

/// The version that the database has; none where nothing was made yet. Reads only.
pub(super) fn version(connection: &Connection) -> Result<Option<u32>, ClickHouseError> {
    there(connection).map(|there| there.version)
}

fn there(connection: &Connection) -> Result<There, ClickHouseError> {
    #[derive(Row, Deserialize)]
    struct Table {
        engine: String,
    }
    #[derive(Row, Deserialize)]
    struct Newest {
        version: u32,
    }
    let sql = "SELECT engine FROM system.tables WHERE database = {database:String} AND name = 'schema_version'";
    let parameters = [("database", connection.database().to_owned())];
    let tables: Vec<Table> = connection.rows_outside(sql, &parameters)?;
    let Some(table) = tables.first() else { return Ok(There { version: None, cluster: false }) };
    let newest: Vec<Newest> = connection.rows("SELECT max(version) AS version FROM schema_version", &[])?;
    let version = Some(newest.first().map_or(0, |found| found.version));
    Ok(There { version, cluster: table.engine == "Distributed" })
}

/// The statements of a step: each ends with `;` at the end of a line.
pub(super) fn statements(step: &str) -> impl Iterator<Item = &str> {
    step.split(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}

/// Sets the ages that the tables do not have already; to set one again would rewrite its parts.
fn set_ages(connection: &Connection, keep: Keep) -> Result<(), ClickHouseError> {
    #[derive(Row, Deserialize)]
    struct Table {
        name: String,
        engine_full: String,
    }
    let sql = "SELECT name, engine_full FROM system.tables WHERE database = {database:String}";
    let tables: Vec<Table> = connection.rows(sql, &[("database", connection.database().to_owned())])?;
    for (name, column, age) in AGES {
        let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
        let days = age(keep);
        let wanted = format!("{column} + toIntervalDay({days})");
        let has_age = table.engine_full.contains(" TTL ");
        if days == 0 && has_age {
            connection.execute(&format!("ALTER TABLE {name} REMOVE TTL"))?;
        } else if days > 0 && !table.engine_full.contains(&format!(" TTL {wanted}")) {
            connection.execute(&format!("ALTER TABLE {name} MODIFY TTL {wanted}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_may_run_twice() {
        let all: Vec<&str> = STEPS.iter().flat_map(|step| statements(step)).collect();
        assert!(all.len() >= 12, "{}", all.len());
        for statement in all {
            assert!(statement.contains("IF NOT EXISTS") || statement.contains("IF EXISTS"), "{statement}");
            let code = statement.lines().filter_map(|line| line.split("--").next()).collect::<String>();
            assert!(!code.contains(';'), "{statement}");
        }
    }

    /// What the embedded store's schema may not hold, this one may not hold either.
    #[test]
    fn no_column_can_hold_content_or_a_sequence() {
        let text = STEPS.concat();
        let columns = text.lines().filter_map(|line| line.strip_prefix("    ")?.split_whitespace().next());
        let columns: Vec<&str> =
            columns.filter(|name| name.chars().all(|c| c.is_lowercase() || c == '_')).collect();
        assert!(columns.len() > 100, "{}", columns.len());
        for column in columns {
            for word in
                ["payload", "content", "path", "url", "agent", "cookie", "lengths", "sizes", "times", "sequence"]
            {
                assert!(!column.contains(word), "{column}");
            }
        }
        let lists: Vec<&str> =
            text.lines().filter(|l| l.contains("Array(")).filter_map(|l| l.split_whitespace().next()).collect();
        assert_eq!(
            lists,
            ["candidates", "alpn", "answers", "addresses"],
            "a new list needs a thought about what it tells"
        );
    }
}
