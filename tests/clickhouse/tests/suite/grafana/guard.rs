//! Runs a statement on the engine, and says what is wrong with its answer: an error, nothing, or too much read for it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::macros::Chosen;
use super::month::{NOW, SITES};
use super::query::{Query, list, text};
use crate::sample::SECOND;
use crate::server::Server;

/// Rows of a mark in the test's tables.
const MARK: u64 = 64;
/// Two rows are alike until a merge, and a subquery may look twice.
const SLACK: f64 = 1.2;

/// An answer with the rows that the engine read for it.
pub(crate) struct Answer {
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) rows: Vec<Value>,
    pub(crate) read: u64,
}

/// What is chosen on a board: a range that ends so many days ago, and one site or all.
pub(crate) fn chosen(days: i64, ends_days_ago: i64, sites: &[&str]) -> Chosen {
    let to = NOW / SECOND - ends_days_ago * 86_400;
    let values = [
        ("site", sites.iter().map(|site| (*site).to_owned()).collect()),
        ("service", Vec::new()),
        ("access", if sites.is_empty() { Vec::new() } else { vec!["web".to_owned(), "embedded".to_owned()] }),
        ("rule", Vec::new()),
        ("severity", vec!["0".to_owned()]),
        ("burst", vec!["1000000".to_owned()]),
        ("device", vec!["10.20.2.16".to_owned()]),
    ];
    let variables: BTreeMap<String, Vec<String>> = values.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
    Chosen { from: to - days * 86_400, to, interval: (days * 86_400 / 1000).max(60), variables }
}

/// Asks the engine.
pub(crate) fn ask(server: &Server, query: &Query, chosen: &Chosen) -> Result<Answer, String> {
    let said = |why: String| format!("{}: {why}\n{}", query.place, query.sql);
    let mut chosen = chosen.clone();
    chosen.interval = chosen.interval.max(query.interval);
    if let Some((from, to)) = query.range {
        let now = chosen.to;
        (chosen.from, chosen.to) = (now - from, now - to);
    }
    let sql = chosen.fill(&query.sql).map_err(said)?;
    let answer = server.try_sql(&format!("{sql}\nFORMAT JSON")).map_err(said)?;
    let answer: Value = serde_json::from_str(&answer).map_err(|e| said(format!("{e}: {answer}")))?;
    Ok(Answer {
        columns: list(&answer["meta"]).iter().map(|one| (text(&one["name"]), text(&one["type"]))).collect(),
        rows: list(&answer["data"]).to_vec(),
        read: answer["statistics"]["rows_read"].as_u64().unwrap_or(0),
    })
}

/// True for a column that a unit has to be given for.
fn is_number(kind: &str) -> bool {
    let kind = kind.trim_start_matches("Nullable(");
    ["UInt", "Int", "Float", "Decimal"].iter().any(|number| kind.starts_with(number))
}

/// What a panel's answer lacks.
pub(crate) fn lacks(query: &Query, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("{}: {what}", query.place));
    if !query.may_be_empty && answer.rows.is_empty() {
        say("no rows".to_owned());
    }
    for (name, _) in answer.columns.iter().filter(|(_, kind)| kind.contains("AggregateFunction")) {
        say(format!("column {name} is a state of an aggregate: the plugin wants a plain type"));
    }
    let numbers: Vec<&(String, String)> = answer.columns.iter().filter(|(_, kind)| is_number(kind)).collect();
    if let Some(units) = &query.units {
        for (name, _) in &numbers {
            if !units.iter().any(|(column, _)| column == name || column.is_empty()) {
                say(format!("column {name} has no unit"));
            }
        }
        for (column, _) in units.iter().filter(|(column, _)| !column.is_empty()) {
            if !answer.columns.iter().any(|(name, _)| name == column) {
                say(format!("a unit for column {column}, which is not there"));
            }
        }
        let zero = |value: &Value| value.is_null() || value == 0 || value == "0";
        let nothing = |row: &Value| numbers.iter().all(|(name, _)| zero(&row[name.as_str()]));
        if !numbers.is_empty() && answer.rows.iter().all(nothing) {
            say("all its numbers are nothing".to_owned());
        }
    }
    if query.series {
        let kinds: Vec<&str> = answer.columns.iter().map(|(_, kind)| kind.as_str()).collect();
        let shape = matches!(kinds.as_slice(), [time, "String" | "LowCardinality(String)", number] if time.starts_with("DateTime") && is_number(number));
        let times: Vec<String> = answer.rows.iter().map(|row| text(&row["time"])).collect();
        if !shape || !times.is_sorted() {
            say(format!("no series of time, name and number in the order of time: {kinds:?}"));
        }
    }
    wrong
}

/// Counts rows, each time by one question.
pub(crate) struct Counts<'a> {
    server: &'a Server,
    known: RefCell<BTreeMap<String, u64>>,
}

impl<'a> Counts<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, known: RefCell::default() }
    }

    fn count(&self, sql: String) -> u64 {
        let ask = |sql: &String| self.server.sql(sql).parse().unwrap();
        *self.known.borrow_mut().entry(sql).or_insert_with_key(ask)
    }
}

/// The rows that a statement may read: those of its tables in the chosen days and sites, and the ends of their marks.
pub(crate) fn may_read(counts: &Counts<'_>, query: &Query, chosen: &Chosen) -> u64 {
    let (from, to) = match query.range {
        Some((from, to)) => (chosen.to - from, chosen.to - to),
        None => (chosen.from, chosen.to),
    };
    let sites: Vec<&str> = chosen.variables["site"].iter().map(String::as_str).collect();
    // The list of sites is made from all of them.
    let of_all = query.range.is_some() || query.place.ends_with("variable site");
    let sites = if sites.is_empty() || of_all { SITES.to_vec() } else { sites };
    let sites = sites.iter().map(|site| format!("'{site}'")).collect::<Vec<_>>().join(", ");
    let one = |(table, back): (String, i64)| -> u64 {
        let day = if table == "usage_hour" { "toDate(hour)" } else { "day" };
        let kinds = if table == "tally" { kinds(&query.sql) } else { String::new() };
        let within = format!(
            "{kinds}{day} >= toDate(toDateTime({from} - 86400 * {}), 'UTC') AND {day} <= toDate(toDateTime({to} + 86400), 'UTC')",
            back.max(1)
        );
        let rows = counts.count(format!("SELECT count() FROM {table} WHERE {within} AND site IN ({sites})"));
        // Each run of rows that is wanted begins and ends within a mark: a site of a part, or one kind of its days.
        let runs = if kinds.is_empty() { "uniqExact(_part, site)" } else { "uniqExact(kind, site, day)" };
        let runs = counts.count(format!("SELECT {runs} FROM {table} WHERE {within} AND site IN ({sites})"));
        (rows as f64 * SLACK) as u64 + runs * 2 * MARK
    };
    tables(&query.sql).into_iter().map(one).sum()
}

/// The ledger's tallies are ordered by kind before time, and no statement wants all kinds.
fn kinds(sql: &str) -> String {
    let named = sql.split("kind = ").skip(1).filter_map(|rest| rest.split_inclusive('\'').nth(1));
    let named: Vec<String> = named.map(|kind| format!("'{kind}")).collect();
    if named.is_empty() { String::new() } else { format!("kind IN ({}) AND ", named.join(", ")) }
}

/// The tables behind each FROM, with the days that it says to look back.
pub(crate) fn tables(sql: &str) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for (at, word) in sql.match_indices("FROM") {
        let rest = sql[at + word.len()..].trim_start();
        let table: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if table.is_empty() {
            continue; // a subquery, which is found by its own FROM
        }
        let note = rest[table.len()..].trim_start().strip_prefix("/* looks back ");
        let back = note.and_then(|note| note.split(' ').next()).and_then(|days| days.parse().ok()).unwrap_or(0);
        found.push((table, back));
    }
    found
}
