//! The schema as SQL for an administrator: as the program makes it, or for a cluster. Both come from the same steps
//! (`schema/clickhouse`), statement by statement; what has no form for a cluster is an error, and a test runs them all.
//!
//! On a cluster each table of the schema is two: `X_local`, replicated within a shard, and `X`, distributed over all
//! shards by site. The program knows `X` alone. Materialized views stand between local tables, so that what a shard
//! takes in is added up there.

use std::fmt::Write;

use super::migrate::{AGES, STEPS, VERSIONS, statements};
use super::names::{DdlError, cluster, identifier, literal};
use super::target::Keep;

/// How long a replicated table remembers tokens, in seconds: ten years. The number of blocks is the limit, as without
/// replicas; the server's own default is an hour, after which a batch that comes back would count twice.
const REMEMBERED: u32 = 315_360_000;

/// Where a replicated table's state is kept, by the macros of each server.
const REPLICA: &str = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

/// A schema to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ddl {
    /// Database: letters, digits and `_`.
    pub database: String,
    /// The cluster's name in the server's configuration, or a macro (`{cluster}`); none for one server.
    pub cluster: Option<String>,
    /// How long rows are kept.
    pub keep: Keep,
}

/// A table or view that holds rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Readable {
    /// Its name, without the database.
    pub(super) name: String,
    /// Its rows tell of which site they are.
    pub(super) has_site: bool,
    /// Nobody reads it: a materialized view, behind which the table that it fills can be seen past that one's policy.
    pub(super) inner: bool,
}

impl Ddl {
    /// The statements that make the schema, each ending with `;` and a line end. They may run twice.
    ///
    /// # Errors
    /// A name that cannot be one.
    pub fn schema(&self) -> Result<String, DdlError> {
        let mut all = vec![format!("CREATE DATABASE IF NOT EXISTS {}{}", self.database(), self.on_cluster()?)];
        all.extend(self.written(VERSIONS)?);
        for (number, step) in (1..).zip(STEPS) {
            for statement in statements(step) {
                all.extend(self.written(statement)?);
            }
            // On a cluster the row is there when the statement returns.
            let at_once = self.cluster.as_ref().map_or("", |_| " SETTINGS distributed_foreground_insert = 1");
            let versions = self.qualified("schema_version");
            all.push(format!("INSERT INTO {versions} (version){at_once} VALUES ({number})"));
        }
        Ok(joined(&all))
    }

    /// The tables and views of the schema; on a cluster the local ones as well.
    pub(super) fn readable(&self) -> Vec<Readable> {
        let mut list: Vec<Readable> = Vec::new();
        for statement in [VERSIONS].into_iter().chain(STEPS.iter().flat_map(|step| statements(step))) {
            let Ok(parsed) = Statement::of(statement) else { continue };
            let has_site = statement.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "site");
            let add = |name: &str| Readable { name: name.to_owned(), has_site, inner: false };
            match parsed {
                Statement::Table { name, .. } if self.cluster.is_some() => {
                    list.extend([add(name), add(&local(name))]);
                }
                Statement::Table { name, .. } | Statement::View { name, .. } => list.push(add(name)),
                Statement::MaterializedView { name, .. } => list.push(Readable { inner: true, ..add(name) }),
                Statement::Alter { .. } => {}
            }
        }
        list
    }

    /// The database, quoted.
    pub(super) fn database(&self) -> String {
        identifier(&self.database)
    }

    /// A table of the database.
    pub(super) fn qualified(&self, table: &str) -> String {
        format!("{}.{}", self.database(), table)
    }

    /// ` ON CLUSTER ...`, or nothing.
    pub(super) fn on_cluster(&self) -> Result<String, DdlError> {
        let name = self.cluster.as_deref().map(cluster).transpose()?;
        Ok(name.map_or_else(String::new, |name| format!(" ON CLUSTER {name}")))
    }

    /// A statement of the schema as it is printed: one, or several for a cluster.
    fn written(&self, statement: &str) -> Result<Vec<String>, DdlError> {
        let on_cluster = self.on_cluster()?;
        let stored = |name: &str| if self.cluster.is_some() { local(name) } else { name.to_owned() };
        Ok(match Statement::of(statement)? {
            Statement::Table { head, name, rest } => {
                let table = self.qualified(&stored(name));
                let rest = self.aged(name, rest);
                let Some(cluster) = &self.cluster else { return Ok(vec![format!("{head}{table} {rest}")]) };
                let over_shards = format!(
                    "CREATE TABLE IF NOT EXISTS {}{on_cluster} AS {table}\nENGINE = Distributed({}, {}, {}, cityHash64({}))",
                    self.qualified(name),
                    literal(cluster),
                    literal(&self.database),
                    literal(&local(name)),
                    sharding_column(rest.as_str()).ok_or_else(|| unknown(statement))?,
                );
                vec![format!("{head}{table}{on_cluster} {}", replicated(&rest)?), over_shards]
            }
            Statement::MaterializedView { head, name, target, query } => {
                let view = self.qualified(name);
                let target = self.qualified(&stored(target));
                let query = self.reading(query, |table| match stored(table) {
                    local if local != table => format!("{} AS {table}", self.qualified(&local)),
                    same => self.qualified(&same),
                });
                vec![format!("{head}{view}{on_cluster} TO {target} AS\n{query}")]
            }
            Statement::View { head, name, query } => {
                let query = self.reading(query, |table| self.qualified(table));
                vec![format!("{head}{}{on_cluster} AS\n{query}", self.qualified(name))]
            }
            Statement::Alter { head, name, rest } => {
                let alter = |table: &str| format!("{head}{}{on_cluster} {rest}", self.qualified(table));
                // A table over shards has columns, and nothing else that can be altered.
                let columns = ["ADD COLUMN", "DROP COLUMN", "MODIFY COLUMN", "RENAME COLUMN", "COMMENT COLUMN"];
                let over_shards = self.cluster.is_some() && columns.iter().any(|word| rest.starts_with(word));
                std::iter::once(alter(&stored(name))).chain(over_shards.then(|| alter(name))).collect()
            }
        })
    }

    /// The definition with the age at which rows are dropped.
    fn aged(&self, table: &str, rest: &str) -> String {
        let Some((_, column, age)) = AGES.iter().find(|(name, ..)| *name == table) else { return rest.to_owned() };
        let days = age(self.keep);
        if days == 0 {
            return rest.to_owned();
        }
        let age = format!("\nTTL {column} + toIntervalDay({days})");
        match rest.split_once("\nSETTINGS ") {
            Some((before, settings)) => format!("{before}{age}\nSETTINGS {settings}"),
            None => format!("{rest}{age}"),
        }
    }

    /// A query whose tables are named as `name` says.
    fn reading(&self, query: &str, name: impl Fn(&str) -> String) -> String {
        let mut written = String::new();
        let mut after = false;
        for word in query.split_inclusive(char::is_whitespace) {
            let bare = word.trim_end().trim_end_matches([')', ',']);
            match after && !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                true => {
                    let _ = write!(written, "{}{}", name(bare), word.strip_prefix(bare).unwrap_or_default());
                }
                false => written.push_str(word),
            }
            after = matches!(word.trim(), "FROM" | "JOIN");
        }
        written
    }
}

/// Statements as one text.
pub(super) fn joined(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n\n")).collect::<String>().trim_end().to_owned() + "\n"
}

fn local(table: &str) -> String {
    format!("{table}_local")
}

fn unknown(statement: &str) -> DdlError {
    DdlError::Statement(statement.chars().take(80).collect())
}

/// The engine's replicated form, and the settings that go with it.
fn replicated(definition: &str) -> Result<String, DdlError> {
    let (before, engine) = definition.split_once("ENGINE = ").ok_or_else(|| unknown(definition))?;
    let end = engine.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(engine.len());
    let (name, after) = engine.split_at(end);
    if !name.ends_with("MergeTree") {
        return Err(unknown(definition));
    }
    let (own, after) = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
        Some((own, after)) if !own.is_empty() => (format!(", {own}"), after),
        Some((_, after)) => (String::new(), after),
        None => (String::new(), after),
    };
    let after = match after.split_once("non_replicated_deduplication_window = ") {
        Some((before, after)) => {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let (blocks, after) = after.split_at(end);
            format!(
                "{before}replicated_deduplication_window = {blocks}, \
                 replicated_deduplication_window_seconds = {REMEMBERED}{after}"
            )
        }
        None => after.to_owned(),
    };
    Ok(format!("{before}ENGINE = Replicated{name}({REPLICA}{own}){after}"))
}

/// What decides the shard: the site where the table has one, else the first column of its order.
fn sharding_column(definition: &str) -> Option<&str> {
    let columns = definition.lines().filter_map(|line| line.split_whitespace().next());
    if columns.into_iter().any(|column| column == "site") {
        return Some("site");
    }
    let order = definition.split_once("ORDER BY ")?.1.trim_start_matches('(');
    order.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().filter(|column| !column.is_empty())
}

/// What the steps of the schema may consist of. `head` is everything before the name, comments included.
enum Statement<'a> {
    Table { head: &'a str, name: &'a str, rest: &'a str },
    MaterializedView { head: &'a str, name: &'a str, target: &'a str, query: &'a str },
    View { head: &'a str, name: &'a str, query: &'a str },
    Alter { head: &'a str, name: &'a str, rest: &'a str },
}

impl<'a> Statement<'a> {
    fn of(statement: &'a str) -> Result<Self, DdlError> {
        let code = statement.lines().find(|line| !line.trim().is_empty() && !line.starts_with("--"));
        let code = code.and_then(|line| statement.find(line)).ok_or_else(|| unknown(statement))?;
        let after = |words: &str| {
            let name = statement.get(code..)?.strip_prefix(words)?;
            let (name, rest) = name.split_once(' ')?;
            Some((statement.get(..code + words.len())?, name, rest))
        };
        if let Some((head, name, rest)) = after("CREATE TABLE IF NOT EXISTS ") {
            return Ok(Self::Table { head, name, rest });
        }
        if let Some((head, name, rest)) = after("CREATE MATERIALIZED VIEW IF NOT EXISTS ") {
            let target = rest.strip_prefix("TO ").and_then(|rest| rest.split_once(" AS\n"));
            let (target, query) = target.ok_or_else(|| unknown(statement))?;
            return Ok(Self::MaterializedView { head, name, target, query });
        }
        if let Some((head, name, rest)) = after("CREATE VIEW IF NOT EXISTS ") {
            let query = rest.strip_prefix("AS\n").ok_or_else(|| unknown(statement))?;
            return Ok(Self::View { head, name, query });
        }
        if let Some((head, name, rest)) = after("ALTER TABLE ") {
            return Ok(Self::Alter { head, name, rest });
        }
        Err(unknown(statement))
    }
}

#[cfg(test)]
#[path = "ddl_tests.rs"]
mod tests;
