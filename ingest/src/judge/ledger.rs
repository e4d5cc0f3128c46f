//! Rows of the findings file, inside one transaction.

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};
use sensor::record::{Evidence, Protocol, Transport};
use serde::de::DeserializeOwned;

use super::{Case, Finding, State};
use crate::db::{count, int, word};

/// The findings file, open for one segment.
pub(crate) struct Ledger<'a> {
    pub(super) step: &'a Transaction<'a>,
}

impl Ledger<'_> {
    /// Counts a flow record; true when it opened the finding. A record that is counted already changes nothing.
    pub(super) fn add(&mut self, case: &Case<'_>) -> rusqlite::Result<bool> {
        let flow = case.flow;
        let known_flow = self.flow_is_known(&flow.flow_id)?;
        let mut mark = self.step.prepare_cached("INSERT OR IGNORE INTO judged (flow_id, seq) VALUES (?1, ?2)")?;
        if mark.execute(params![flow.flow_id, flow.seq])? == 0 {
            return Ok(false);
        }
        self.watch(case)?;
        self.step.prepare_cached(COUNT)?.execute(named_params! {
            ":uid": case.uid,
            ":flows": i64::from(!known_flow),
            ":turns": int(flow.turns),
            ":up": int(flow.bytes_up),
            ":down": int(flow.bytes_down),
            ":upload": int(flow.upload_bytes),
            ":first": flow.start.min(flow.end),
            ":last": flow.end,
        })?;
        if case.used { self.open(case) } else { Ok(false) }
    }

    /// A finding by uid.
    pub(super) fn finding(&self, uid: &str) -> rusqlite::Result<Option<Finding>> {
        let mut query = self.step.prepare_cached("SELECT * FROM finding WHERE uid = ?1 AND state <> 'watch'")?;
        query.query_row([uid], finding_row).optional()
    }

    /// Puts a finding's event into the outbox of one sink, once.
    pub(super) fn enqueue(&self, uid: &str, sink: &str, event: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO siem_outbox (uid, action, sink, event) VALUES (?1, 'create', ?2, ?3)";
        self.step.prepare_cached(sql)?.execute(params![uid, sink, event]).map(|_| ())
    }

    fn flow_is_known(&self, flow_id: &str) -> rusqlite::Result<bool> {
        self.step.prepare_cached("SELECT 1 FROM judged WHERE flow_id = ?1 LIMIT 1")?.exists([flow_id])
    }

    /// Makes the row on first contact.
    fn watch(&self, case: &Case<'_>) -> rusqlite::Result<()> {
        let flow = case.flow;
        self.step.prepare_cached(WATCH)?.execute(named_params! {
            ":uid": case.uid,
            ":site": flow.site,
            ":sensor": flow.sensor,
            ":rule": case.rule.as_str(),
            ":device": flow.device,
            ":service": flow.service,
            ":first": flow.start.min(flow.end),
            ":last": flow.end,
        })?;
        Ok(())
    }

    /// Turns a watched row into an open finding: this record is its evidence, its time starts the clock.
    fn open(&self, case: &Case<'_>) -> rusqlite::Result<bool> {
        let Case { flow, service, decision, .. } = case;
        let rows = self.step.prepare_cached(OPEN)?.execute(named_params! {
            ":uid": case.uid,
            ":site": flow.site,
            ":device": flow.device,
            ":sensor": flow.sensor,
            ":status": decision.status.as_str(),
            ":severity": decision.severity,
            ":why": decision.why,
            ":group_id": decision.group.map(|group| &group.id),
            ":group_name": decision.group.map(|group| &group.name),
            ":service_name": service.name,
            ":vendor": service.vendor,
            ":category": service.category.as_str(),
            ":host": flow.host,
            ":evidence": flow.evidence.as_str(),
            ":strength": flow.strength.as_str(),
            ":access": flow.access.as_str(),
            ":client_ip": flow.client_ip.to_string(),
            ":client_mac": flow.client_mac,
            ":server_ip": flow.server_ip.to_string(),
            ":server_port": flow.server_port,
            ":transport": flow.transport.as_str(),
            ":protocol": flow.protocol.as_str(),
            ":community_id": flow.community_id,
            ":detected_at": flow.end,
            ":report_due_at": case.report_due_at,
            ":policy": case.policy,
            ":catalogue": flow.catalogue,
        })?;
        Ok(rows == 1)
    }
}

const WATCH: &str = "
INSERT OR IGNORE INTO finding (uid, site, sensor, rule, device, service, state, status, severity, why, service_name,
    vendor, category, evidence, strength, access, client_ip, server_ip, server_port, transport, protocol,
    community_id, earlier, count, turns, bytes_up, bytes_down, upload_bytes, first_seen, last_seen, policy, catalogue)
VALUES (:uid, :site, :sensor, :rule, :device, :service, 'watch', '', 0, '', '', '', '', '', '', '', '', '', 0, '', '',
    '', 0, 0, 0, 0, 0, 0, :first, :last, '', '')";

const COUNT: &str = "
UPDATE finding SET count = count + :flows, turns = turns + :turns, bytes_up = bytes_up + :up,
    bytes_down = bytes_down + :down, upload_bytes = upload_bytes + :upload,
    first_seen = min(first_seen, :first), last_seen = max(last_seen, :last)
WHERE uid = :uid";

const OPEN: &str = "
UPDATE finding SET state = 'open', sensor = :sensor, status = :status, severity = :severity, why = :why,
    group_id = :group_id, group_name = :group_name, service_name = :service_name, vendor = :vendor,
    category = :category, host = :host, evidence = :evidence, strength = :strength, access = :access,
    client_ip = :client_ip, client_mac = :client_mac, server_ip = :server_ip, server_port = :server_port,
    transport = :transport, protocol = :protocol, community_id = :community_id,
    earlier = (SELECT count(*) FROM finding AS other
               WHERE other.site = :site AND other.device = :device AND other.state <> 'watch'),
    detected_at = :detected_at, report_due_at = :report_due_at, policy = :policy, catalogue = :catalogue
WHERE uid = :uid AND state = 'watch'";

/// A finding that is past `watch`.
pub(super) fn finding_row(row: &Row<'_>) -> rusqlite::Result<Finding> {
    Ok(Finding {
        uid: row.get("uid")?,
        site: row.get("site")?,
        sensor: row.get("sensor")?,
        rule: word(row, "rule")?,
        device: row.get("device")?,
        service: row.get("service")?,
        state: if row.get::<_, String>("state")? == "closed" { State::Closed } else { State::Open },
        status: word(row, "status")?,
        severity: row.get("severity")?,
        why: row.get("why")?,
        group_id: row.get("group_id")?,
        group_name: row.get("group_name")?,
        service_name: row.get("service_name")?,
        vendor: row.get("vendor")?,
        category: word(row, "category")?,
        host: row.get("host")?,
        evidence: record_word::<Evidence>(row, "evidence")?,
        strength: word(row, "strength")?,
        access: word(row, "access")?,
        client_ip: word(row, "client_ip")?,
        client_mac: row.get("client_mac")?,
        server_ip: word(row, "server_ip")?,
        server_port: row.get("server_port")?,
        transport: record_word::<Transport>(row, "transport")?,
        protocol: record_word::<Protocol>(row, "protocol")?,
        community_id: row.get("community_id")?,
        earlier: count(row, "earlier")?,
        count: count(row, "count")?,
        turns: count(row, "turns")?,
        bytes_up: count(row, "bytes_up")?,
        bytes_down: count(row, "bytes_down")?,
        upload_bytes: count(row, "upload_bytes")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
        detected_at: row.get("detected_at")?,
        report_due_at: row.get("report_due_at")?,
        policy: row.get("policy")?,
        catalogue: row.get("catalogue")?,
    })
}

/// A column that holds a word of a record's enum, which reads itself through serde alone.
fn record_word<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))
}
