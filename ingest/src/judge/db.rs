//! The findings file: opinion, its clocks and its outgoing events, apart from the facts.

use std::path::{Path, PathBuf};

use rules::policy::FindingRule;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, named_params, params};

use super::ledger::{Ledger, finding_row};
use super::{FindError, Finding, State};
use crate::db::{self, DbError, Schema, count};

/// Name of the findings' file in the data directory.
pub const FINDINGS_FILE: &str = "findings.db";

const SCHEMA: Schema = Schema {
    application_id: 0x5354_4F01,
    steps: &[
        include_str!("../../schema/findings/0001_findings.sql"),
        include_str!("../../schema/findings/0002_life.sql"),
        include_str!("../../schema/findings/0003_sweep.sql"),
    ],
};

/// Findings, what the judge remembers beside them, and the events that wait for a SIEM.
#[derive(Debug)]
pub struct FindingsDb {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    /// The working set and the version of the file that it was read from.
    pub(super) cached: Option<(i64, Box<super::Cases>)>,
}

/// Which findings to list; the default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Site; those that concern all sites come along. Absent: every site.
    pub site: Option<String>,
    /// Rule.
    pub rule: Option<FindingRule>,
    /// State.
    pub state: Option<State>,
    /// True: open or acknowledged ones alone.
    pub unclosed: bool,
    /// Device id.
    pub device: Option<String>,
    /// Service id.
    pub service: Option<String>,
    /// Detected at this instant or later, µs UTC.
    pub since: Option<i64>,
    /// The least severity.
    pub severity: u8,
}

/// One thing that happened to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// When, µs UTC: packet time, or the clock's for what people did.
    pub at: i64,
    /// Who: `shadowtap`, or the name that was given.
    pub who: String,
    /// What: `opened`, `reopened`, `missed`, `acknowledged`, `closed`, `rejudged`.
    pub what: String,
    /// The reason or note; may be empty.
    pub text: String,
}

/// An event that a sink has not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Row in the outbox.
    pub id: i64,
    /// The finding's uid.
    pub uid: String,
    /// The finding's revision of which the event tells.
    pub revision: u64,
    /// The event as JSON.
    pub event: String,
}

impl FindingsDb {
    /// Opens `findings.db` in the data directory and brings it up to date. A damaged, newer or foreign file is
    /// refused with its mend and left as it is.
    pub fn open(data_dir: &Path) -> Result<Self, DbError> {
        let path = data_dir.join(FINDINGS_FILE);
        let db = db::open(&path, &SCHEMA)?;
        Ok(Self { db, path, cached: None })
    }

    /// Findings detected before `before`, oldest first; an empty site name means all sites.
    pub fn detected_before(&self, site: &str, before: i64) -> Result<Vec<Finding>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(DETECTED_BEFORE).map_err(&failed)?;
        let rows = query.query_map(named_params! {":site": site, ":before": before}, finding_row);
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// Findings that fit, oldest first. Watched contacts are none.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Finding>, DbError> {
        let mut findings = self.detected_before(filter.site.as_deref().unwrap_or_default(), i64::MAX)?;
        findings.retain(|finding| filter.fits(finding));
        Ok(findings)
    }

    /// The one finding whose uid begins so.
    pub fn find(&self, prefix: &str) -> Result<Finding, FindError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(BY_PREFIX).map_err(&failed)?;
        let rows = query.query_map(params![prefix.to_ascii_lowercase()], finding_row);
        let mut found: Vec<Finding> = rows.and_then(Iterator::collect).map_err(&failed)?;
        match found.len() {
            0 => Err(FindError::None(prefix.to_owned())),
            1 => Ok(found.remove(0)),
            _ => Err(FindError::Many {
                prefix: prefix.to_owned(),
                matches: found.into_iter().map(|finding| finding.uid).collect(),
            }),
        }
    }

    /// What happened to a finding, oldest first.
    pub fn history(&self, uid: &str) -> Result<Vec<HistoryRow>, DbError> {
        let failed = DbError::of(&self.path);
        let sql = "SELECT at, who, what, text FROM history WHERE uid = ?1 ORDER BY id";
        let mut query = self.db.prepare_cached(sql).map_err(&failed)?;
        let rows = query.query_map(params![uid], |row| {
            Ok(HistoryRow {
                at: row.get("at")?,
                who: row.get("who")?,
                what: row.get("what")?,
                text: row.get("text")?,
            })
        });
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// The next events for a sink, oldest first: those whose quiet hours are over at `now`.
    pub fn waiting(&self, sink: &str, now: i64, limit: usize) -> Result<Vec<Waiting>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(WAITING).map_err(&failed)?;
        let rows = query.query_map(named_params! {":sink": sink, ":now": now, ":limit": limit as i64}, waiting_row);
        rows.and_then(Iterator::collect).map_err(&failed)
    }

    /// How many events wait for a sink, and how many of them for the end of the quiet hours.
    pub fn waiting_count(&self, sink: &str, now: i64) -> Result<(u64, u64), DbError> {
        let sql = "SELECT count(*) AS n, count(*) FILTER (WHERE not_before > ?2) AS quiet FROM siem_outbox
                   WHERE sink = ?1 AND sent = 0";
        let read = |row: &Row<'_>| Ok((count(row, "n")?, count(row, "quiet")?));
        self.db.query_row(sql, params![sink, now], read).map_err(DbError::of(&self.path))
    }

    /// The newest instant that was judged, µs UTC; 0 before the first.
    pub fn newest(&self) -> Result<i64, DbError> {
        let sql = "SELECT CAST(json_extract(value, '$') AS INTEGER) FROM memory WHERE kind = 'mark' AND key = ?1";
        let newest = self.db.query_row(sql, [super::NOW], |row| row.get(0)).optional();
        Ok(newest.map_err(DbError::of(&self.path))?.unwrap_or_default())
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

impl Filter {
    fn fits(&self, finding: &Finding) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        self.rule.is_none_or(|rule| rule == finding.rule)
            && self.state.is_none_or(|state| state == finding.state)
            && (!self.unclosed || finding.is_open())
            && is(&self.device, &finding.device)
            && is(&self.service, &finding.service)
            && self.since.is_none_or(|since| finding.detected_at >= since)
            && finding.severity >= self.severity
    }
}

fn waiting_row(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        id: row.get("id")?,
        uid: row.get("uid")?,
        revision: count(row, "revision")?,
        event: row.get("event")?,
    })
}

const DETECTED_BEFORE: &str = "
SELECT * FROM finding
WHERE state <> 'watch' AND detected_at < :before AND (site = :site OR :site = '' OR site = '')
ORDER BY detected_at, uid";

const BY_PREFIX: &str = "
SELECT * FROM finding WHERE state <> 'watch' AND substr(uid, 1, length(?1)) = ?1 ORDER BY uid LIMIT 10";

const WAITING: &str = "
SELECT id, uid, revision, event FROM siem_outbox
WHERE sink = :sink AND sent = 0 AND not_before <= :now ORDER BY id LIMIT :limit";
