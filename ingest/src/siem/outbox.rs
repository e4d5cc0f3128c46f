//! The events that wait for a sink: rows of the findings file, written by the judge in the transaction of their finding.
//! Each sink has a connection of its own.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, Transaction, named_params, params};

use super::channel::Message;
use crate::db::{DbError, count};
use crate::judge;

/// Refused events about flows that are kept for each sink: enough to see why, and a receiver that refuses all of them
/// fills no disk.
const REFUSED_FLOWS: u32 = 1_000;

/// The outbox as sinks see it.
#[derive(Debug)]
pub struct Outbox {
    db: Connection,
    path: PathBuf,
}

/// An event that a sink has not taken yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiting {
    /// Row in the outbox.
    pub(crate) id: i64,
    /// What is to be sent.
    pub(crate) message: Message,
}

/// What the outbox holds for one sink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// The sink.
    pub sink: String,
    /// Events that may go and have not been taken.
    pub waiting: u64,
    /// Events that wait for the end of the policy's quiet hours.
    pub quiet: u64,
    /// Events of the last 30 days that the receiver will never take.
    pub refused: u64,
    /// The receiver's words about the latest of them.
    pub refused_why: Option<String>,
    /// Events about findings that it has taken in the last 30 days.
    pub taken: u64,
    /// Events about flows that found no room while the sink was down.
    pub left_out: u64,
}

impl Outbox {
    /// Opens the findings file of a data directory, which may be new.
    pub fn open(data_dir: &Path) -> Result<Self, DbError> {
        let (db, path) = judge::connect(data_dir)?;
        Ok(Self { db, path })
    }

    /// The newest instant that was judged, µs UTC; 0 before the first.
    pub fn newest(&self) -> Result<i64, DbError> {
        judge::newest(&self.db).map_err(DbError::of(&self.path))
    }

    /// The next events for a sink: those whose quiet hours are over at `now`, µs UTC, oldest first, and what is told of
    /// flows behind what is told of findings.
    pub(crate) fn waiting(&self, sink: &str, now: i64, limit: usize) -> Result<Vec<Waiting>, DbError> {
        let mut next = self.next(FINDINGS, sink, now, limit)?;
        let room = limit.saturating_sub(next.len());
        if room > 0 {
            next.extend(self.next(FLOWS, sink, now, room)?);
        }
        Ok(next)
    }

    fn next(&self, sql: &str, sink: &str, now: i64, limit: usize) -> Result<Vec<Waiting>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(sql).map_err(&failed)?;
        let rows = query.query_map(named_params! {":sink": sink, ":now": now, ":limit": limit as i64}, waiting_row);
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// Marks events as done: the sink has them, or will never take them, for which the text is its word.
    pub(crate) fn done(&mut self, events: &[(i64, Option<String>)]) -> Result<(), DbError> {
        let failed = DbError::of(&self.path);
        let step = self.db.transaction().map_err(&failed)?;
        for (id, refused) in events {
            mark(&step, *id, refused.as_deref()).map_err(&failed)?;
        }
        if let Some((id, _)) = events.iter().rfind(|(_, refused)| refused.is_some()) {
            let sql = "DELETE FROM siem_outbox WHERE id IN (SELECT id FROM siem_outbox
                       WHERE sink = (SELECT sink FROM siem_outbox WHERE id = ?1) AND refused IS NOT NULL
                         AND action = 'traffic' ORDER BY id DESC LIMIT -1 OFFSET ?2)";
            step.execute(sql, params![id, REFUSED_FLOWS]).map_err(&failed)?;
        }
        step.commit().map_err(&failed)
    }

    /// How many events wait for a sink and may go, and how many wait for the end of the quiet hours.
    pub(crate) fn waiting_count(&self, sink: &str, now: i64) -> Result<(u64, u64), DbError> {
        let read = |row: &Row<'_>| Ok((count(row, "n")?, count(row, "quiet")?));
        let mut query = self.db.prepare_cached(COUNT).map_err(DbError::of(&self.path))?;
        query.query_row(params![sink, now], read).map_err(DbError::of(&self.path))
    }

    /// What the outbox holds, by sink; sinks that are no longer configured among them.
    pub fn backlogs(&self, now: i64) -> Result<Vec<Backlog>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(BACKLOGS).map_err(&failed)?;
        let rows = query.query_map(params![now, judge::LEFT_OUT], |row| {
            Ok(Backlog {
                sink: row.get("sink")?,
                waiting: count(row, "waiting")?,
                quiet: count(row, "quiet")?,
                refused: count(row, "refused")?,
                refused_why: row.get("refused_why")?,
                taken: count(row, "taken")?,
                left_out: count(row, "left_out")?,
            })
        });
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// Lets a sink have again what it refused for good: whatever made it do so has been mended. The number of events.
    pub fn again(&mut self, sink: &str) -> Result<u64, DbError> {
        let sql = "UPDATE siem_outbox SET sent = 0, sent_at = NULL, refused = NULL
                   WHERE sink = ?1 AND refused IS NOT NULL";
        let again = self.db.execute(sql, [sink]).map_err(DbError::of(&self.path))?;
        Ok(again as u64)
    }

    /// Forgets what waits for a sink, which is gone for good. The number of events.
    pub fn forget(&mut self, sink: &str) -> Result<u64, DbError> {
        let sql = "DELETE FROM siem_outbox WHERE sink = ?1 AND sent = 0";
        let forgotten = self.db.execute(sql, [sink]).map_err(DbError::of(&self.path))?;
        Ok(forgotten as u64)
    }
}

/// A flow's event is a copy of a fact, and goes; a finding's is kept for a while.
fn mark(step: &Transaction<'_>, id: i64, refused: Option<&str>) -> rusqlite::Result<()> {
    if refused.is_none() {
        let sql = "DELETE FROM siem_outbox WHERE id = ?1 AND action = ?2";
        if step.prepare_cached(sql)?.execute(params![id, judge::ACTIVITY])? > 0 {
            return Ok(());
        }
    }
    let sql = "UPDATE siem_outbox SET sent = 1, refused = ?2 WHERE id = ?1";
    step.prepare_cached(sql)?.execute(params![id, refused]).map(|_| ())
}

fn waiting_row(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let event: String = row.get("event")?;
    Ok(Waiting {
        id: row.get("id")?,
        message: Message {
            uid: row.get("uid")?,
            revision: count(row, "revision")?,
            event: serde_json::from_str(&event).map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(e))
            })?,
        },
    })
}

const FINDINGS: &str = "
SELECT id, uid, revision, event FROM siem_outbox
WHERE sink = :sink AND sent = 0 AND action <> 'traffic' AND not_before <= :now ORDER BY id LIMIT :limit";

const FLOWS: &str = "
SELECT id, uid, revision, event FROM siem_outbox
WHERE sink = :sink AND sent = 0 AND action = 'traffic' AND not_before <= :now ORDER BY id LIMIT :limit";

const COUNT: &str = "
SELECT count(*) FILTER (WHERE not_before <= ?2) AS n, count(*) FILTER (WHERE not_before > ?2) AS quiet
FROM siem_outbox WHERE sink = ?1 AND sent = 0";

const BACKLOGS: &str = "
SELECT sink, count(*) FILTER (WHERE sent = 0 AND not_before <= ?1) AS waiting,
    count(*) FILTER (WHERE sent = 0 AND not_before > ?1) AS quiet,
    count(refused) AS refused, count(*) FILTER (WHERE sent = 1 AND refused IS NULL) AS taken,
    coalesce((SELECT CAST(json_extract(value, '$') AS INTEGER) FROM memory
              WHERE kind = 'mark' AND key = ?2 || siem_outbox.sink), 0) AS left_out,
    (SELECT refused FROM siem_outbox AS one WHERE one.sink = siem_outbox.sink AND refused IS NOT NULL
     ORDER BY id DESC LIMIT 1) AS refused_why
FROM siem_outbox GROUP BY sink ORDER BY sink";
