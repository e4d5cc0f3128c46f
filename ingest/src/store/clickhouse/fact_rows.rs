//! Rows of the server's tables as records again: typed, so that the crate compares each column with the table's.

use std::collections::{BTreeMap, HashMap};

use clickhouse::{Row, RowOwned, RowRead};
use sensor::record::{FlowRecord, MinuteRecord, Record, Tally, VisibilityRecord};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::connection::Connection;
use super::error::ClickHouseError;
use super::facts::{Columns, Place};
use super::query::word;

#[derive(Row, Deserialize)]
pub(super) struct FlowColumns {
    flow_id: String,
    seq: u32,
    last: bool,
    community_id: String,
    sensor: String,
    site: String,
    start: i64,
    end: i64,
    emitted: i64,
    client_ip: String,
    client_port: u16,
    client_mac: Option<String>,
    vlan: Option<u16>,
    device: String,
    server_ip: String,
    server_port: u16,
    transport: String,
    protocol: String,
    host: Option<String>,
    evidence: String,
    candidates: Vec<String>,
    service: String,
    role: String,
    strength: String,
    plan: Option<String>,
    tenant: Option<String>,
    access: String,
    modality: String,
    ech: String,
    alpn: Vec<String>,
    ja4: Option<String>,
    client: String,
    behaviour: String,
    endpoint: Option<String>,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
    packets_up: u64,
    packets_down: u64,
    turns: u64,
    largest_burst: u64,
    catalogue: String,
}

impl FlowColumns {
    fn record(self, server: &str) -> Result<Record, ClickHouseError> {
        Ok(Record::Flow(Box::new(FlowRecord {
            client_ip: word(server, &self.client_ip)?,
            server_ip: word(server, &self.server_ip)?,
            transport: spelled(server, &self.transport)?,
            protocol: spelled(server, &self.protocol)?,
            evidence: spelled(server, &self.evidence)?,
            role: word(server, &self.role)?,
            strength: word(server, &self.strength)?,
            plan: self.plan.map(|plan| word(server, &plan)).transpose()?,
            access: word(server, &self.access)?,
            modality: word(server, &self.modality)?,
            ech: spelled(server, &self.ech)?,
            client: word(server, &self.client)?,
            behaviour: word(server, &self.behaviour)?,
            endpoint: self.endpoint.map(|endpoint| word(server, &endpoint)).transpose()?,
            flow_id: self.flow_id,
            seq: self.seq,
            last: self.last,
            community_id: self.community_id,
            sensor: self.sensor,
            site: self.site,
            start: self.start,
            end: self.end,
            emitted: self.emitted,
            client_port: self.client_port,
            client_mac: self.client_mac,
            vlan: self.vlan,
            device: self.device,
            server_port: self.server_port,
            host: self.host,
            candidates: self.candidates,
            service: self.service,
            tenant: self.tenant,
            alpn: self.alpn,
            ja4: self.ja4,
            bytes_up: self.bytes_up,
            bytes_down: self.bytes_down,
            upload_bytes: self.upload_bytes,
            packets_up: self.packets_up,
            packets_down: self.packets_down,
            turns: self.turns,
            largest_burst: self.largest_burst,
            catalogue: self.catalogue,
        })))
    }
}

impl Columns for FlowColumns {
    fn place(&self) -> Place {
        let at = if self.emitted > 0 { self.emitted } else { self.end };
        (at, vec![self.flow_id.clone(), self.seq.to_string()])
    }

    fn records(page: Vec<Self>, _: &str, connection: &Connection) -> Result<Vec<Record>, ClickHouseError> {
        page.into_iter().map(|row| row.record(connection.name())).collect()
    }
}

#[derive(Row, Deserialize)]
pub(super) struct VisibilityColumns {
    sensor: String,
    source: String,
    start: i64,
    device: String,
    site: String,
    client_ip: String,
    ai_flows: u64,
    named_flows: u64,
    named_frames: u64,
    named_bytes: u64,
    nameless_flows: u64,
    nameless_frames: u64,
    nameless_bytes: u64,
}

#[derive(Row, Deserialize)]
struct HiddenColumns {
    sensor: String,
    source: String,
    start: i64,
    device: String,
    word: String,
    flows: u64,
    frames: u64,
    bytes: u64,
}

impl Columns for VisibilityColumns {
    fn place(&self) -> Place {
        (self.start, vec![self.device.clone(), self.source.clone(), self.sensor.clone()])
    }

    fn records(page: Vec<Self>, days: &str, connection: &Connection) -> Result<Vec<Record>, ClickHouseError> {
        let rows: Vec<HiddenColumns> = hanging(connection, "visibility_hidden", "start", days, &page)?;
        let mut hidden: HashMap<_, BTreeMap<String, Tally>> = HashMap::new();
        for row in rows {
            let tally = Tally { flows: row.flows, frames: row.frames, bytes: row.bytes };
            hidden.entry((row.start, row.device, row.source, row.sensor)).or_default().insert(row.word, tally);
        }
        let record = |row: Self| {
            let key = (row.start, row.device, row.source, row.sensor);
            let hidden = hidden.remove(&key).unwrap_or_default();
            let (start, device, source, sensor) = key;
            Ok(Record::Visibility(Box::new(VisibilityRecord {
                client_ip: word(connection.name(), &row.client_ip)?,
                ai_flows: row.ai_flows,
                named: Tally { flows: row.named_flows, frames: row.named_frames, bytes: row.named_bytes },
                nameless: Tally {
                    flows: row.nameless_flows,
                    frames: row.nameless_frames,
                    bytes: row.nameless_bytes,
                },
                hidden,
                site: row.site,
                sensor,
                source,
                start,
                device,
            })))
        };
        page.into_iter().map(record).collect()
    }
}

#[derive(Row, Deserialize)]
pub(super) struct MinuteColumns {
    sensor: String,
    source: String,
    minute: i64,
    site: String,
    frames: u64,
    bytes: u64,
    one_way_flows: u64,
    late_flows: u64,
    dns_questions: u64,
    tcp_bytes: u64,
    tcp_missing: u64,
    tcp_reordered: u64,
    tcp_resent: u64,
    duplicates: u64,
    clock_steps: u64,
}

#[derive(Row, Deserialize)]
struct TallyColumns {
    sensor: String,
    source: String,
    minute: i64,
    kind: String,
    word: String,
    flows: u64,
    frames: u64,
    bytes: u64,
}

impl Columns for MinuteColumns {
    fn place(&self) -> Place {
        (self.minute, vec![self.source.clone(), self.sensor.clone()])
    }

    fn records(page: Vec<Self>, days: &str, connection: &Connection) -> Result<Vec<Record>, ClickHouseError> {
        let rows: Vec<TallyColumns> = hanging(connection, "tally", "minute", days, &page)?;
        let mut tallies: HashMap<_, Vec<(String, String, Tally)>> = HashMap::new();
        for row in rows {
            let tally = Tally { flows: row.flows, frames: row.frames, bytes: row.bytes };
            tallies.entry((row.minute, row.source, row.sensor)).or_default().push((row.kind, row.word, tally));
        }
        let record = |row: Self| {
            let key = (row.minute, row.source, row.sensor);
            let tallies = tallies.remove(&key).unwrap_or_default();
            let (minute, source, sensor) = key;
            let mut record = MinuteRecord {
                site: row.site,
                frames: row.frames,
                bytes: row.bytes,
                one_way_flows: row.one_way_flows,
                late_flows: row.late_flows,
                dns_questions: row.dns_questions,
                tcp_bytes: row.tcp_bytes,
                tcp_missing: row.tcp_missing,
                tcp_reordered: row.tcp_reordered,
                tcp_resent: row.tcp_resent,
                duplicates: row.duplicates,
                clock_steps: row.clock_steps,
                methods: BTreeMap::new(),
                not_flow: BTreeMap::new(),
                malformed: BTreeMap::new(),
                drops: BTreeMap::new(),
                broken: BTreeMap::new(),
                sensor,
                source,
                minute,
            };
            for (kind, word, tally) in tallies {
                add(&mut record, connection.name(), &kind, word, tally)?;
            }
            Ok(Record::Minute(Box::new(record)))
        };
        page.into_iter().map(record).collect()
    }
}

/// Enters one line of the ledger.
fn add(
    minute: &mut MinuteRecord,
    server: &str,
    kind: &str,
    word: String,
    tally: Tally,
) -> Result<(), ClickHouseError> {
    match kind {
        "method" => minute.methods.insert(word, tally),
        "not_flow" => minute.not_flow.insert(word, tally),
        "malformed" => minute.malformed.insert(word, tally),
        "drop" => {
            minute.drops.insert(word, tally.frames);
            None
        }
        "broken" => {
            minute.broken.insert(word, tally.frames);
            None
        }
        other => {
            let why = format!("tally: unknown kind {other:?}");
            return Err(ClickHouseError::Drift { server: server.to_owned(), why });
        }
    };
    Ok(())
}

/// The rows of another table at the times of a page.
fn hanging<T: RowOwned + RowRead, P: Columns>(
    connection: &Connection,
    table: &str,
    at: &str,
    days: &str,
    page: &[P],
) -> Result<Vec<T>, ClickHouseError> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT {} FROM {table} WHERE {days} AND {at} >= fromUnixTimestamp64Micro({{first:Int64}}) \
         AND {at} <= fromUnixTimestamp64Micro({{last:Int64}})",
        T::COLUMN_NAMES.join(", ")
    );
    connection.rows(&sql, &[("first", first.place().0.to_string()), ("last", last.place().0.to_string())])
}

/// A word of the records.
fn spelled<'de, T: Deserialize<'de>>(server: &str, text: &'de str) -> Result<T, ClickHouseError> {
    let word: serde::de::value::StrDeserializer<'de, WordError> = text.into_deserializer();
    T::deserialize(word)
        .map_err(|e| ClickHouseError::Drift { server: server.to_owned(), why: format!("{text:?}: {e}") })
}
