//! Facts of the server in the order in which they are judged: four sorted streams, merged, each read in pages.
//!
//! A plan comes first: how many facts each hour has and in which days (the tables' partitions) they lie. It cuts the
//! window into slices of about a page: a page reads its own days alone, and neither side holds more. It also says how
//! many rows have to come, so that a short answer is never taken for the end.
//!
//! Nothing in ClickHouse holds a snapshot over several questions: what is written while facts are read may be among
//! them, in its place, or not.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;

use clickhouse::{Row, RowOwned, RowRead};
use sensor::record::Record;
use serde::Deserialize;

use super::connection::Connection;
use super::error::ClickHouseError;
use super::fact_rows::{FlowColumns, MinuteColumns, VisibilityColumns};
use super::rows::LAST;
use crate::store::facts::{Facts, Stream, merge};
use crate::time::{HOUR, MINUTE, Window};

/// One kind of fact, and the order in which it comes.
#[derive(Debug)]
struct Kind {
    table: &'static str,
    /// The column of time that comes first in the order.
    at: &'static str,
    /// Which of the table's rows.
    condition: &'static str,
    /// What the order goes on with, and its types.
    key: &'static [(&'static str, &'static str)],
    /// A fact is known this long after `at`.
    known: i64,
    /// Rows per answer: some 10 MB.
    page: u64,
}

const FLOW_KEY: &[(&str, &str)] = &[("flow_id", "String"), ("seq", "UInt32")];

static FLOWS: Kind = Kind {
    table: "flow",
    at: "emitted",
    condition: "emitted > fromUnixTimestamp64Micro(0)",
    key: FLOW_KEY,
    known: 0,
    page: 20_000,
};

/// Written before records told when they were.
static OLD_FLOWS: Kind = Kind {
    table: "flow",
    at: "end",
    condition: "emitted = fromUnixTimestamp64Micro(0)",
    key: FLOW_KEY,
    known: 0,
    page: 20_000,
};

static VISIBILITY: Kind = Kind {
    table: "visibility",
    at: "start",
    condition: "1",
    key: &[("device", "String"), ("source", "String"), ("sensor", "String")],
    known: 10 * MINUTE,
    page: 10_000,
};

/// Each has some twenty rows of `tally`.
static MINUTES: Kind = Kind {
    table: "minute",
    at: "minute",
    condition: "1",
    key: &[("source", "String"), ("sensor", "String")],
    known: MINUTE,
    page: 2_000,
};

const OF_SITE: &str = "({site:String} = '' OR site = {site:String})";

/// Starts reading the facts of a site, or of all sites, in a window.
pub(super) fn read(connection: &Arc<Connection>, site: &str, window: Window) -> Result<Facts, ClickHouseError> {
    let plan = |kind| plan(connection, kind, site, window);
    let slices = [plan(&FLOWS)?, plan(&OLD_FLOWS)?, plan(&VISIBILITY)?, plan(&MINUTES)?];
    let total = slices.iter().flatten().map(|slice| slice.facts).sum();
    let (connection, site) = (connection.clone(), site.to_owned());
    Ok(Facts::read(total, move |sink| {
        let [flows, old, seen, minutes] = slices;
        let mut streams: [Box<dyn Stream<Error = ClickHouseError>>; 4] = [
            Box::new(Pages::<FlowColumns>::new(&connection, &FLOWS, &site, flows)),
            Box::new(Pages::<FlowColumns>::new(&connection, &OLD_FLOWS, &site, old)),
            Box::new(Pages::<VisibilityColumns>::new(&connection, &VISIBILITY, &site, seen)),
            Box::new(Pages::<MinuteColumns>::new(&connection, &MINUTES, &site, minutes)),
        ];
        Ok(merge(&mut streams, sink)?)
    }))
}

/// A span of time with about a page of facts.
#[derive(Debug)]
struct Slice {
    span: Window,
    /// Partitions that hold its facts.
    days: Vec<u16>,
    /// Facts that it had when it was planned.
    facts: u64,
}

impl Slice {
    /// The condition that keeps other partitions unread.
    fn days(&self) -> String {
        let days: Vec<String> = self.days.iter().map(|day| format!("toDate({day})")).collect();
        format!("day IN ({})", days.join(", "))
    }
}

#[derive(Row, Deserialize)]
struct Hour {
    hour: i64,
    date: u16,
    facts: u64,
}

fn plan(connection: &Connection, kind: &Kind, site: &str, window: Window) -> Result<Vec<Slice>, ClickHouseError> {
    // The server's times end in 2106; a forged one lands on that edge, which is inside of an open window.
    let edge = |us: i64| us.saturating_sub(kind.known).clamp(0, LAST + 1);
    let window = Window { from: edge(window.from), to: edge(window.to) };
    let Kind { table, at, condition, .. } = kind;
    let sql = format!(
        "SELECT intDiv(toUnixTimestamp64Micro({at}), {HOUR}) AS hour, toUInt16(day) AS date, count() AS facts \
         FROM {table} WHERE {OF_SITE} AND {condition} AND {at} >= fromUnixTimestamp64Micro({{from:Int64}}) \
         AND {at} < fromUnixTimestamp64Micro({{to:Int64}}) GROUP BY hour, date ORDER BY hour, date"
    );
    let parameters = [("site", site.to_owned()), ("from", window.from.to_string()), ("to", window.to.to_string())];
    let hours: Vec<Hour> = connection.rows(&sql, &parameters)?;
    Ok(slices(&hours, window, kind.page))
}

/// Hours put together until they have a page of facts; an hour is never cut.
fn slices(hours: &[Hour], window: Window, page: u64) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::new();
    for hour in hours.chunk_by(|a, b| a.hour == b.hour) {
        let Some(first) = hour.first() else { continue };
        let start = first.hour.saturating_mul(HOUR);
        let span = Window { from: start.max(window.from), to: start.saturating_add(HOUR).min(window.to) };
        let facts = hour.iter().map(|part| part.facts).sum();
        let days = hour.iter().map(|part| part.date);
        match slices.last_mut() {
            Some(slice) if slice.facts.saturating_add(facts) <= page => {
                slice.span.to = span.to;
                slice.facts += facts;
                slice.days.extend(days);
                slice.days.sort_unstable();
                slice.days.dedup();
            }
            _ => slices.push(Slice { span, days: days.collect(), facts }),
        }
    }
    slices
}

/// Where a row stands in the order of its kind: the time, then the rest of the key.
pub(super) type Place = (i64, Vec<String>);

/// Rows of one kind as they come from the server.
pub(super) trait Columns: RowOwned + RowRead + Send {
    /// Its place.
    fn place(&self) -> Place;

    /// The records of a page, with what hangs on them in other tables; `days` keeps other partitions unread.
    fn records(page: Vec<Self>, days: &str, connection: &Connection) -> Result<Vec<Record>, ClickHouseError>;
}

/// All records of one kind, page by page.
struct Pages<T> {
    connection: Arc<Connection>,
    kind: &'static Kind,
    site: String,
    slices: VecDeque<Slice>,
    /// Rows of the first slice that have come.
    come: u64,
    /// Where the last page of the first slice ended.
    after: Option<Place>,
    ready: std::vec::IntoIter<Record>,
    head: Option<Record>,
    rows: PhantomData<fn() -> T>,
}

impl<T: Columns> Pages<T> {
    fn new(connection: &Arc<Connection>, kind: &'static Kind, site: &str, slices: Vec<Slice>) -> Self {
        Self {
            connection: connection.clone(),
            kind,
            site: site.to_owned(),
            slices: slices.into(),
            come: 0,
            after: None,
            ready: Vec::new().into_iter(),
            head: None,
            rows: PhantomData,
        }
    }

    /// The next record; asks for the next page when the last one is used up.
    fn next(&mut self) -> Result<Option<Record>, ClickHouseError> {
        loop {
            if let Some(record) = self.ready.next() {
                return Ok(Some(record));
            }
            let Some(slice) = self.slices.front() else { return Ok(None) };
            let days = slice.days();
            let mut page: Vec<T> = self.ask(slice, &days)?;
            self.come += page.len() as u64;
            let (planned, over) = (slice.facts, (page.len() as u64) < self.kind.page);
            // Two sensors of one name can have brought the same record at the same instant.
            page.dedup_by(|next, row| next.place() == row.place());
            self.after = page.last().map(T::place);
            if over {
                if self.come < planned {
                    return Err(self.short(planned));
                }
                self.slices.pop_front();
                (self.come, self.after) = (0, None);
            }
            self.ready = T::records(page, &days, &self.connection)?.into_iter();
        }
    }

    fn ask(&self, slice: &Slice, days: &str) -> Result<Vec<T>, ClickHouseError> {
        let Kind { table, at, condition, key, page, .. } = self.kind;
        let names: Vec<&str> = key.iter().map(|(name, _)| *name).collect();
        let order = format!("{at}, {}", names.join(", "));
        let span = slice.span;
        let mut parameters =
            vec![("site", self.site.clone()), ("from", span.from.to_string()), ("to", span.to.to_string())];
        let mut behind = String::new();
        if let Some((time, rest)) = &self.after {
            let values: Vec<String> = key.iter().map(|(name, kind)| format!("{{{name}:{kind}}}")).collect();
            behind = format!(
                "AND ({order}) > (fromUnixTimestamp64Micro({{after:Int64}}), {}) \
                 AND {at} >= fromUnixTimestamp64Micro({{after:Int64}})",
                values.join(", ")
            );
            parameters.push(("after", time.to_string()));
            parameters.extend(names.iter().copied().zip(rest.iter().cloned()));
        }
        // Rows of one place stay together, so that a page never ends between them.
        let sql = format!(
            "SELECT {} FROM {table} WHERE {days} AND {OF_SITE} AND {condition} \
             AND {at} >= fromUnixTimestamp64Micro({{from:Int64}}) AND {at} < fromUnixTimestamp64Micro({{to:Int64}}) \
             {behind} ORDER BY {order} LIMIT {page} WITH TIES",
            T::COLUMN_NAMES.join(", ")
        );
        self.connection.rows(&sql, &parameters)
    }

    fn short(&self, planned: u64) -> ClickHouseError {
        let (come, table, server) = (self.come, self.kind.table, self.connection.name().to_owned());
        let why = format!("{come} of {planned} rows of {table} came: others were dropped while they were read");
        ClickHouseError::Passing { server, why }
    }
}

impl<T: Columns> Stream for Pages<T> {
    type Error = ClickHouseError;

    fn head(&self) -> Option<&Record> {
        self.head.as_ref()
    }

    fn advance(&mut self) -> Result<Option<Record>, ClickHouseError> {
        let after = self.next()?;
        Ok(std::mem::replace(&mut self.head, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_become_slices_of_about_a_page() {
        let hour = |hour, date, facts| Hour { hour, date, facts };
        let hours = [hour(10, 1, 4), hour(10, 2, 1), hour(11, 2, 5), hour(40, 3, 30), hour(41, 3, 1)];
        let window = Window { from: 10 * HOUR + 7, to: 41 * HOUR + 9 };
        let slices = slices(&hours, window, 10);
        let seen: Vec<_> = slices.iter().map(|s| (s.span.from, s.span.to, s.facts, s.days.clone())).collect();
        assert_eq!(
            seen,
            [
                (10 * HOUR + 7, 12 * HOUR, 10, vec![1, 2]),
                (40 * HOUR, 41 * HOUR, 30, vec![3]),
                (41 * HOUR, 41 * HOUR + 9, 1, vec![3]),
            ]
        );
    }
}
