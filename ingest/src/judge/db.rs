//! The findings file: opinion, its clocks and its outgoing events, apart from the facts.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, named_params, params};

use super::Finding;
use super::ledger::{Ledger, finding_row};
use crate::db::{self, DbError, Schema, count};

/// Name of the findings' file in the data directory.
pub const FINDINGS_FILE: &str = "findings.db";

const SCHEMA: Schema =
    Schema { application_id: 0x5354_4F01, steps: &[include_str!("../../schema/findings/0001_findings.sql")] };

/// Findings and the events that wait for a SIEM.
#[derive(Debug)]
pub struct FindingsDb {
    db: Connection,
    path: PathBuf,
}

/// An event that a sink has not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Row in the outbox.
    pub id: i64,
    /// The finding's uid.
    pub uid: String,
    /// The event as JSON.
    pub event: String,
}

impl FindingsDb {
    /// Opens `findings.db` in the data directory and brings it up to date. A damaged, newer or foreign file is
    /// refused with its mend and left as it is.
    pub fn open(data_dir: &Path) -> Result<Self, DbError> {
        let path = data_dir.join(FINDINGS_FILE);
        let db = db::open(&path, &SCHEMA)?;
        Ok(Self { db, path })
    }

    /// Findings detected before `before`, oldest first; an empty site name means all sites.
    pub fn detected_before(&self, site: &str, before: i64) -> Result<Vec<Finding>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(DETECTED_BEFORE).map_err(&failed)?;
        let rows = query.query_map(named_params! {":site": site, ":before": before}, finding_row);
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// The next events for a sink, oldest first.
    pub fn waiting(&self, sink: &str, limit: usize) -> Result<Vec<Waiting>, DbError> {
        let failed = DbError::of(&self.path);
        let sql = "SELECT id, uid, event FROM siem_outbox WHERE sink = ?1 AND sent = 0 ORDER BY id LIMIT ?2";
        let mut query = self.db.prepare_cached(sql).map_err(&failed)?;
        let rows = query.query_map(params![sink, limit as i64], |row| {
            Ok(Waiting { id: row.get("id")?, uid: row.get("uid")?, event: row.get("event")? })
        });
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// How many events wait for a sink.
    pub fn waiting_count(&self, sink: &str) -> Result<u64, DbError> {
        let sql = "SELECT count(*) AS n FROM siem_outbox WHERE sink = ?1 AND sent = 0";
        self.db.query_row(sql, [sink], |row| count(row, "n")).map_err(DbError::of(&self.path))
    }

    /// Marks events that a sink has taken.
    pub fn sent(&mut self, events: &[Waiting]) -> Result<(), DbError> {
        let failed = DbError::of(&self.path);
        let step = self.db.transaction().map_err(&failed)?;
        for event in events {
            step.execute("UPDATE siem_outbox SET sent = 1 WHERE id = ?1", [event.id]).map_err(&failed)?;
        }
        step.commit().map_err(&failed)
    }

    /// Runs `work` in one transaction: all of it stands, or nothing.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Ledger<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DbError> {
        let failed = DbError::of(&self.path);
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
        let result = work(&mut Ledger { step: &step }).map_err(&failed)?;
        step.commit().map_err(&failed)?;
        Ok(result)
    }
}

const DETECTED_BEFORE: &str = "
SELECT * FROM finding
WHERE state <> 'watch' AND detected_at < :before AND (site = :site OR :site = '')
ORDER BY detected_at, uid";
