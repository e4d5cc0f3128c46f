//! The findings file: opinion, its clocks and its outgoing events, apart from the facts.

use std::path::{Path, PathBuf};

use rules::policy::FindingRule;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};

use super::ledger::{Ledger, finding_row};
use super::{FindError, Finding, State};
use crate::db::{self, DbError, Schema};

/// Name of the findings' file in the data directory.
pub const FINDINGS_FILE: &str = "findings.db";

const SCHEMA: Schema = Schema {
    application_id: 0x5354_4F01,
    steps: &[
        include_str!("../../schema/findings/0001_findings.sql"),
        include_str!("../../schema/findings/0002_life.sql"),
        include_str!("../../schema/findings/0003_sweep.sql"),
        include_str!("../../schema/findings/0004_refused.sql"),
        include_str!("../../schema/findings/0005_order.sql"),
    ],
};

/// Findings and what the judge remembers beside them. The events that wait for a SIEM are in the same file.
#[derive(Debug)]
pub struct FindingsDb {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    /// The working set as it was after the round that it counts.
    pub(super) cached: Option<Box<super::Cases>>,
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
    /// Device id, or the client's address.
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

impl FindingsDb {
    /// Opens `findings.db` in the data directory and brings it up to date. A damaged, newer or foreign file is
    /// refused with its mend and left as it is.
    pub fn open(data_dir: &Path) -> Result<Self, DbError> {
        let (db, path) = connect(data_dir)?;
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

    /// How many findings are open or acknowledged, by severity.
    pub fn open_by_severity(&self) -> Result<Vec<(u8, u64)>, DbError> {
        let failed = DbError::of(&self.path);
        let mut query = self.db.prepare_cached(OPEN_BY_SEVERITY).map_err(&failed)?;
        let rows = query.query_map([], |row| Ok((row.get("severity")?, db::count(row, "open")?)));
        rows.and_then(Iterator::collect).map_err(&failed)
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

    /// The newest instant that was judged, µs UTC; 0 before the first.
    pub fn newest(&self) -> Result<i64, DbError> {
        newest(&self.db).map_err(DbError::of(&self.path))
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

/// A connection to `findings.db` in a data directory, with its path.
pub(crate) fn connect(data_dir: &Path) -> Result<(Connection, PathBuf), DbError> {
    let path = data_dir.join(FINDINGS_FILE);
    Ok((db::open(&path, &SCHEMA)?, path))
}

/// The newest instant that was judged, µs UTC; 0 before the first.
pub(crate) fn newest(db: &Connection) -> rusqlite::Result<i64> {
    Ok(number(db, super::NOW)?.unwrap_or_default())
}

/// A number that the judge keeps under a mark.
pub(super) fn number(db: &Connection, mark: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT CAST(json_extract(value, '$') AS INTEGER) FROM memory WHERE kind = 'mark' AND key = ?1";
    db.prepare_cached(sql)?.query_row([mark], |row| row.get(0)).optional()
}

impl Filter {
    fn fits(&self, finding: &Finding) -> bool {
        let address = finding.contact.as_ref().map_or_else(String::new, |contact| contact.client_ip.to_string());
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        self.rule.is_none_or(|rule| rule == finding.rule)
            && self.state.is_none_or(|state| state == finding.state)
            && (!self.unclosed || finding.is_open())
            && (is(&self.device, &finding.device) || is(&self.device, &address))
            && is(&self.service, &finding.service)
            && self.since.is_none_or(|since| finding.detected_at >= since)
            && finding.severity >= self.severity
    }
}

const DETECTED_BEFORE: &str = "
SELECT * FROM finding
WHERE state <> 'watch' AND detected_at < :before AND (site = :site OR :site = '' OR site = '')
ORDER BY detected_at, uid";

const OPEN_BY_SEVERITY: &str = "
SELECT severity, count(*) AS open FROM finding WHERE state IN ('open', 'acknowledged') GROUP BY severity";

const BY_PREFIX: &str = "
SELECT * FROM finding WHERE state <> 'watch' AND substr(uid, 1, length(?1)) = ?1 ORDER BY uid LIMIT 10";
