//! One batch into the embedded store: one transaction, every row `INSERT OR IGNORE`.

use std::collections::BTreeMap;

use rules::catalogue::Plan;
use rules::catalogue::local::EndpointClass;
use rusqlite::{Transaction, TransactionBehavior, params};
use sensor::record::{
    CandidateRecord, DeviceRecord, FlowRecord, LookupRecord, MinuteRecord, Record, Tally, VisibilityRecord,
};

use super::rollup::Rollup;
use super::{Inserted, SqliteStore};
use crate::db::{DbError, int};

impl SqliteStore {
    pub(super) fn insert_batch(&mut self, token: &str, records: &[Record]) -> Result<Inserted, DbError> {
        let failed = self.failed();
        let zone = self.zone.clone();
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
        let insert = || -> rusqlite::Result<Inserted> {
            let mut counts = Inserted::default();
            if !take_token(&step, token, records.len())? {
                counts.known = records.len() as u64;
                return Ok(counts);
            }
            let mut rollup = Rollup::default();
            for record in records {
                let new = match record {
                    Record::Flow(flow) => insert_flow(&step, flow)?,
                    Record::Lookup(lookup) => insert_lookup(&step, lookup)?,
                    Record::Minute(minute) => insert_minute(&step, minute)?,
                    Record::Visibility(visibility) => insert_visibility(&step, visibility)?,
                    Record::Candidate(candidate) => insert_candidate(&step, candidate)?,
                    Record::Device(device) => insert_device(&step, device)?,
                };
                counts.new += u64::from(new);
                counts.known += u64::from(!new);
                if let (true, Record::Flow(flow)) = (new, record) {
                    rollup.add(flow, &zone);
                }
            }
            rollup.write(&step)?;
            Ok(counts)
        };
        let counts = insert().map_err(&failed)?;
        step.commit().map_err(&failed)?;
        Ok(counts)
    }
}

fn take_token(step: &Transaction<'_>, token: &str, records: usize) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached("INSERT OR IGNORE INTO batch (token, records) VALUES (?1, ?2)")?;
    Ok(insert.execute(params![token, records as i64])? == 1)
}

/// True when the record was new.
fn insert_flow(step: &Transaction<'_>, flow: &FlowRecord) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached(
        "INSERT OR IGNORE INTO flow VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
         ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37,
         ?38, ?39, ?40, ?41, ?42)",
    )?;
    let rows = insert.execute(params![
        flow.flow_id,
        flow.seq,
        flow.last,
        flow.community_id,
        flow.sensor,
        flow.site,
        flow.start,
        flow.end,
        flow.client_ip.to_string(),
        flow.client_port,
        flow.client_mac,
        flow.vlan,
        flow.device,
        flow.server_ip.to_string(),
        flow.server_port,
        flow.transport.as_str(),
        flow.protocol.as_str(),
        flow.host,
        flow.evidence.as_str(),
        list(&flow.candidates),
        flow.service,
        flow.role.as_str(),
        flow.strength.as_str(),
        flow.plan.map(Plan::as_str),
        flow.tenant,
        flow.access.as_str(),
        flow.modality.as_str(),
        ech(flow),
        list(&flow.alpn),
        flow.ja4,
        int(flow.bytes_up),
        int(flow.bytes_down),
        int(flow.upload_bytes),
        int(flow.packets_up),
        int(flow.packets_down),
        int(flow.turns),
        int(flow.largest_burst),
        flow.catalogue,
        flow.emitted,
        flow.client.as_str(),
        flow.behaviour.as_str(),
        flow.endpoint.map(EndpointClass::as_str),
    ])?;
    Ok(rows == 1)
}

pub(super) fn ech(flow: &FlowRecord) -> &'static str {
    match flow.ech {
        sensor::record::Ech::None => "none",
        sensor::record::Ech::Grease => "grease",
        sensor::record::Ech::Real => "real",
    }
}

fn insert_lookup(step: &Transaction<'_>, lookup: &LookupRecord) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached(
        "INSERT OR IGNORE INTO lookup VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let rows = insert.execute(params![
        lookup.lookup_id,
        lookup.sensor,
        lookup.site,
        lookup.ts,
        lookup.client_ip.to_string(),
        lookup.device,
        lookup.resolver_ip.to_string(),
        lookup.transport.as_str(),
        lookup.name,
        lookup.qtype,
        lookup.rcode,
        list(&lookup.answers),
        lookup.service,
        lookup.role.as_str(),
        lookup.catalogue,
    ])?;
    Ok(rows == 1)
}

fn insert_minute(step: &Transaction<'_>, minute: &MinuteRecord) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached(
        "INSERT OR IGNORE INTO minute VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let rows = insert.execute(params![
        minute.sensor,
        minute.source,
        minute.minute,
        minute.site,
        int(minute.frames),
        int(minute.bytes),
        int(minute.one_way_flows),
        int(minute.late_flows),
        int(minute.dns_questions),
        int(minute.tcp_bytes),
        int(minute.tcp_missing),
        int(minute.tcp_reordered),
        int(minute.tcp_resent),
        int(minute.duplicates),
        int(minute.clock_steps),
    ])?;
    if rows == 0 {
        return Ok(false);
    }
    insert_tallies(step, minute, "INSERT INTO minute_method VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &minute.methods)?;
    insert_tallies(
        step,
        minute,
        "INSERT INTO minute_not_flow VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &minute.not_flow,
    )?;
    insert_tallies(
        step,
        minute,
        "INSERT INTO minute_malformed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &minute.malformed,
    )?;
    insert_counts(step, minute, "INSERT INTO minute_drop VALUES (?1, ?2, ?3, ?4, ?5)", &minute.drops)?;
    insert_counts(step, minute, "INSERT INTO minute_broken VALUES (?1, ?2, ?3, ?4, ?5)", &minute.broken)?;
    Ok(true)
}

fn insert_counts(
    step: &Transaction<'_>,
    minute: &MinuteRecord,
    sql: &str,
    counts: &BTreeMap<String, u64>,
) -> rusqlite::Result<()> {
    let mut insert = step.prepare_cached(sql)?;
    for (word, n) in counts {
        insert.execute(params![minute.sensor, minute.source, minute.minute, word, int(*n)])?;
    }
    Ok(())
}

fn insert_tallies(
    step: &Transaction<'_>,
    minute: &MinuteRecord,
    sql: &str,
    tallies: &BTreeMap<String, Tally>,
) -> rusqlite::Result<()> {
    let mut insert = step.prepare_cached(sql)?;
    for (word, tally) in tallies {
        let (flows, frames, bytes) = (int(tally.flows), int(tally.frames), int(tally.bytes));
        insert.execute(params![minute.sensor, minute.source, minute.minute, word, flows, frames, bytes])?;
    }
    Ok(())
}

fn insert_visibility(step: &Transaction<'_>, seen: &VisibilityRecord) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached(
        "INSERT OR IGNORE INTO visibility VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let rows = insert.execute(params![
        seen.sensor,
        seen.source,
        seen.start,
        seen.device,
        seen.site,
        seen.client_ip.to_string(),
        int(seen.ai_flows),
        int(seen.named.flows),
        int(seen.named.frames),
        int(seen.named.bytes),
        int(seen.nameless.flows),
        int(seen.nameless.frames),
        int(seen.nameless.bytes),
    ])?;
    if rows == 0 {
        return Ok(false);
    }
    let mut insert =
        step.prepare_cached("INSERT INTO visibility_hidden VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for (word, tally) in &seen.hidden {
        let (flows, frames, bytes) = (int(tally.flows), int(tally.frames), int(tally.bytes));
        insert.execute(params![seen.sensor, seen.source, seen.start, seen.device, word, flows, frames, bytes])?;
    }
    Ok(true)
}

fn insert_candidate(step: &Transaction<'_>, seen: &CandidateRecord) -> rusqlite::Result<bool> {
    let mut insert = step.prepare_cached(
        "INSERT OR IGNORE INTO candidate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let rows = insert.execute(params![
        seen.sensor,
        seen.source,
        seen.start,
        seen.domain,
        seen.site,
        seen.host,
        int(seen.devices),
        int(seen.flows),
        int(seen.streaming_flows),
        int(seen.program_flows),
        int(seen.turns),
        int(seen.upload_bytes),
        int(seen.bytes_down),
    ])?;
    Ok(rows == 1)
}

fn insert_device(step: &Transaction<'_>, seen: &DeviceRecord) -> rusqlite::Result<bool> {
    let mut insert =
        step.prepare_cached("INSERT OR IGNORE INTO device VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    let rows = insert.execute(params![
        seen.sensor,
        seen.device,
        seen.last_seen,
        seen.site,
        seen.mac,
        seen.private_mac,
        list(&seen.addresses),
        seen.host_name,
        seen.vendor_class,
        seen.source,
        seen.first_seen,
    ])?;
    Ok(rows == 1)
}

/// A list of names or addresses as JSON; such a list always encodes.
fn list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned())
}
