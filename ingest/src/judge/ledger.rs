//! Rows of the findings file, inside one transaction.

use rusqlite::types::Type;
use rusqlite::{Row, Transaction, named_params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Finding, State};
use crate::db::{count, int, word};

/// The findings file, open for one round.
pub(crate) struct Ledger<'a> {
    pub(super) step: &'a Transaction<'a>,
}

impl Ledger<'_> {
    /// Marks a record as counted; false when it was already.
    pub(super) fn mark(&self, key: &str, seq: i64, now: i64) -> rusqlite::Result<bool> {
        let sql = "INSERT OR IGNORE INTO judged (flow_id, seq, at) VALUES (?1, ?2, ?3)";
        Ok(self.step.prepare_cached(sql)?.execute(params![key, seq, now])? == 1)
    }

    /// How many events about flows wait for a sink.
    pub(super) fn waiting_activity(&self, sink: &str) -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) AS n FROM siem_outbox WHERE sink = ?1 AND sent = 0 AND action = ?2";
        self.step.prepare_cached(sql)?.query_row([sink, ACTIVITY], |row| count(row, "n"))
    }

    /// Puts an event into the outbox of one sink, once. What waits for the end of the quiet hours goes with it where it
    /// is about the same finding and this event may go earlier: a finding is told in its order.
    pub(super) fn enqueue(&self, row: &Outgoing<'_>, sink: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO siem_outbox (uid, revision, action, sink, event, not_before)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut put = self.step.prepare_cached(sql)?;
        put.execute(params![row.uid, row.revision as i64, row.action, sink, row.event, row.not_before])?;
        // The plus signs keep it to the few rows of the finding, by the index of the uid.
        let sql = "UPDATE siem_outbox SET not_before = ?3
                   WHERE uid = ?1 AND +sink = ?2 AND +sent = 0 AND not_before > ?3";
        self.step.prepare_cached(sql)?.execute(params![row.uid, sink, row.not_before]).map(|_| ())
    }
}

/// What is told of a flow; of findings the words of [`super::Action`], and `digest`.
pub(crate) const ACTIVITY: &str = "traffic";

/// One event for the outbox.
pub(super) struct Outgoing<'a> {
    pub(super) uid: &'a str,
    pub(super) revision: u64,
    pub(super) action: &'static str,
    pub(super) event: &'a str,
    pub(super) not_before: i64,
}

/// Writes a finding, in the place of what stood under its uid.
pub(super) fn write(step: &Transaction<'_>, finding: &Finding) -> rusqlite::Result<()> {
    let shown = finding.state != State::Watch;
    step.prepare_cached(WRITE)?.execute(named_params! {
        ":uid": finding.uid,
        ":site": finding.site,
        ":sensor": finding.sensor,
        ":rule": finding.rule.as_str(),
        ":device": finding.device,
        ":service": finding.service,
        ":state": finding.state.as_str(),
        ":status": finding.status.map(|status| status.as_str()),
        ":severity": finding.severity,
        ":why": finding.why,
        ":group_id": finding.group_id,
        ":group_name": finding.group_name,
        ":service_name": finding.service_name,
        ":vendor": finding.vendor,
        ":category": finding.category.map(|category| category.as_str()),
        ":contact": finding.contact.as_ref().map(json).transpose()?,
        ":detail": json(&finding.detail)?,
        ":earlier": int(finding.earlier),
        ":count": int(finding.count),
        ":turns": int(finding.turns),
        ":bytes_up": int(finding.bytes_up),
        ":bytes_down": int(finding.bytes_down),
        ":upload_bytes": int(finding.upload_bytes),
        ":first_seen": finding.first_seen,
        ":last_seen": finding.last_seen,
        ":detected_at": shown.then_some(finding.detected_at),
        ":report_due_at": finding.report_due_at,
        ":acknowledged_at": finding.acknowledged_at,
        ":acknowledged_by": finding.acknowledged_by,
        ":closed_at": finding.closed_at,
        ":closed_by": finding.closed_by,
        ":closed_reason": finding.closed_reason,
        ":missed_at": finding.missed_at,
        ":occurrences": int(finding.occurrences),
        ":revision": int(finding.revision),
        ":alerted": finding.alerted,
        ":held": finding.held,
        ":devices": int(finding.devices),
        ":told": json(&finding.told)?,
        ":policy": finding.policy,
        ":catalogue": finding.catalogue,
    })?;
    Ok(())
}

const WRITE: &str = "
INSERT OR REPLACE INTO finding (uid, site, sensor, rule, device, service, state, status, severity, why, group_id,
    group_name, service_name, vendor, category, contact, detail, earlier, count, turns, bytes_up, bytes_down,
    upload_bytes, first_seen, last_seen, detected_at, report_due_at, acknowledged_at, acknowledged_by, closed_at,
    closed_by, closed_reason, missed_at, occurrences, revision, alerted, held, devices, told, policy, catalogue)
VALUES (:uid, :site, :sensor, :rule, :device, :service, :state, :status, :severity, :why, :group_id,
    :group_name, :service_name, :vendor, :category, :contact, :detail, :earlier, :count, :turns, :bytes_up,
    :bytes_down, :upload_bytes, :first_seen, :last_seen, :detected_at, :report_due_at, :acknowledged_at,
    :acknowledged_by, :closed_at, :closed_by, :closed_reason, :missed_at, :occurrences, :revision, :alerted, :held, :devices, :told, :policy,
    :catalogue)";

/// A row of the finding table.
pub(super) fn finding_row(row: &Row<'_>) -> rusqlite::Result<Finding> {
    Ok(Finding {
        uid: row.get("uid")?,
        site: row.get("site")?,
        sensor: row.get("sensor")?,
        rule: word(row, "rule")?,
        device: row.get("device")?,
        service: row.get("service")?,
        state: State::of_word(&row.get::<_, String>("state")?),
        status: maybe(row, "status")?,
        severity: row.get("severity")?,
        why: row.get("why")?,
        group_id: row.get("group_id")?,
        group_name: row.get("group_name")?,
        service_name: row.get("service_name")?,
        vendor: row.get("vendor")?,
        category: maybe(row, "category")?,
        contact: match row.get::<_, Option<String>>("contact")? {
            Some(text) => Some(from_json(&text)?),
            None => None,
        },
        detail: from_json(&row.get::<_, String>("detail")?)?,
        earlier: count(row, "earlier")?,
        count: count(row, "count")?,
        turns: count(row, "turns")?,
        bytes_up: count(row, "bytes_up")?,
        bytes_down: count(row, "bytes_down")?,
        upload_bytes: count(row, "upload_bytes")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
        detected_at: row.get::<_, Option<i64>>("detected_at")?.unwrap_or_default(),
        report_due_at: row.get("report_due_at")?,
        acknowledged_at: row.get("acknowledged_at")?,
        acknowledged_by: row.get("acknowledged_by")?,
        closed_at: row.get("closed_at")?,
        closed_by: row.get("closed_by")?,
        closed_reason: row.get("closed_reason")?,
        missed_at: row.get("missed_at")?,
        occurrences: count(row, "occurrences")?,
        revision: count(row, "revision")?,
        alerted: row.get("alerted")?,
        held: row.get("held")?,
        devices: count(row, "devices")?,
        policy: row.get("policy")?,
        catalogue: row.get("catalogue")?,
        told: from_json(&row.get::<_, String>("told")?)?,
    })
}

/// A column that may hold a word of an enum.
fn maybe<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    match row.get::<_, Option<String>>(column)? {
        Some(_) => word(row, column).map(Some),
        None => Ok(None),
    }
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))
}

/// A value as a column holds it.
pub(super) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}
