//! Records as rows of the server's tables: typed, so that the crate compares each column with the table's.

use clickhouse::Row;
use jiff::tz::TimeZone;
use rules::catalogue::Plan;
use rules::catalogue::local::EndpointClass;
use sensor::record::{FlowRecord, LookupRecord};
use serde::Serialize;

use crate::db::int;
use crate::store::insert::ech;
use crate::store::rollup::Share;
use crate::time::date;

/// The last µs that `DateTime` can hold, in 2106. A forged time outside of it lands on the edge.
pub(super) const LAST: i64 = u32::MAX as i64 * 1_000_000;

/// µs that the server's types can hold.
pub(super) fn micros(us: i64) -> i64 {
    us.clamp(0, LAST)
}

fn seconds(us: i64) -> u32 {
    u32::try_from(micros(us) / 1_000_000).unwrap_or(u32::MAX)
}

/// The day on the site's clock, as days since 1970.
pub(super) fn day(us: i64, zone: &TimeZone) -> u16 {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    let days = (date(micros(us), zone) - epoch).get_days();
    u16::try_from(days).unwrap_or(0)
}

/// A counter, held to what sums of forged ones can bear.
pub(super) fn counter(value: u64) -> u64 {
    int(value).unsigned_abs()
}

/// What each row of one batch has in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) zone: &'a TimeZone,
    /// Hash of the batch's token.
    pub(super) batch: u64,
}

#[derive(Row, Serialize)]
pub(super) struct FlowRow<'a> {
    flow_id: &'a str,
    seq: u32,
    last: bool,
    community_id: &'a str,
    sensor: &'a str,
    site: &'a str,
    pub(super) day: u16,
    hour: u32,
    start: i64,
    pub(super) end: i64,
    emitted: i64,
    first_seen: i64,
    client_ip: String,
    client_port: u16,
    client_mac: Option<&'a str>,
    vlan: Option<u16>,
    device: &'a str,
    server_ip: String,
    server_port: u16,
    transport: &'static str,
    protocol: &'static str,
    host: Option<&'a str>,
    evidence: &'static str,
    candidates: &'a [String],
    service: &'a str,
    role: &'static str,
    strength: &'static str,
    plan: Option<&'static str>,
    tenant: Option<&'a str>,
    access: &'static str,
    modality: &'static str,
    ech: &'static str,
    alpn: &'a [String],
    ja4: Option<&'a str>,
    client: &'static str,
    behaviour: &'static str,
    endpoint: Option<&'static str>,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
    packets_up: u64,
    packets_down: u64,
    turns: u64,
    largest_burst: u64,
    best_use: u8,
    role_bit: u64,
    evidence_bit: u64,
    client_bit: u64,
    behaviour_bit: u64,
    catalogue: &'a str,
    batch: u64,
}

impl<'a> FlowRow<'a> {
    pub(super) fn of(flow: &'a FlowRecord, context: Context<'_>) -> Self {
        let share = Share::of(flow, context.zone);
        Self {
            flow_id: &flow.flow_id,
            seq: flow.seq,
            last: flow.last,
            community_id: &flow.community_id,
            sensor: &flow.sensor,
            site: &flow.site,
            day: day(flow.end, context.zone),
            hour: seconds(share.hour),
            start: micros(flow.start),
            end: micros(flow.end),
            emitted: micros(flow.emitted),
            first_seen: micros(share.first_seen),
            client_ip: flow.client_ip.to_string(),
            client_port: flow.client_port,
            client_mac: flow.client_mac.as_deref(),
            vlan: flow.vlan,
            device: &flow.device,
            server_ip: flow.server_ip.to_string(),
            server_port: flow.server_port,
            transport: flow.transport.as_str(),
            protocol: flow.protocol.as_str(),
            host: flow.host.as_deref(),
            evidence: flow.evidence.as_str(),
            candidates: &flow.candidates,
            service: &flow.service,
            role: flow.role.as_str(),
            strength: flow.strength.as_str(),
            plan: flow.plan.map(Plan::as_str),
            tenant: flow.tenant.as_deref(),
            access: flow.access.as_str(),
            modality: flow.modality.as_str(),
            ech: ech(flow),
            alpn: &flow.alpn,
            ja4: flow.ja4.as_deref(),
            client: flow.client.as_str(),
            behaviour: flow.behaviour.as_str(),
            endpoint: flow.endpoint.map(EndpointClass::as_str),
            bytes_up: counter(flow.bytes_up),
            bytes_down: counter(flow.bytes_down),
            upload_bytes: counter(flow.upload_bytes),
            packets_up: counter(flow.packets_up),
            packets_down: counter(flow.packets_down),
            turns: counter(flow.turns),
            largest_burst: counter(flow.largest_burst),
            best_use: u8::try_from(share.best_use).unwrap_or(0),
            role_bit: share.role.unsigned_abs(),
            evidence_bit: share.evidence.unsigned_abs(),
            client_bit: share.client.unsigned_abs(),
            behaviour_bit: share.behaviour.unsigned_abs(),
            catalogue: &flow.catalogue,
            batch: context.batch,
        }
    }
}

#[derive(Row, Serialize)]
pub(super) struct LookupTableRow<'a> {
    lookup_id: &'a str,
    sensor: &'a str,
    site: &'a str,
    day: u16,
    ts: i64,
    client_ip: String,
    device: &'a str,
    resolver_ip: String,
    transport: &'static str,
    name: &'a str,
    qtype: u16,
    rcode: Option<u16>,
    answers: Vec<String>,
    service: &'a str,
    role: &'static str,
    catalogue: &'a str,
    batch: u64,
}

impl<'a> LookupTableRow<'a> {
    pub(super) fn of(lookup: &'a LookupRecord, context: Context<'_>) -> Self {
        Self {
            lookup_id: &lookup.lookup_id,
            sensor: &lookup.sensor,
            site: &lookup.site,
            day: day(lookup.ts, context.zone),
            ts: micros(lookup.ts),
            client_ip: lookup.client_ip.to_string(),
            device: &lookup.device,
            resolver_ip: lookup.resolver_ip.to_string(),
            transport: lookup.transport.as_str(),
            name: &lookup.name,
            qtype: lookup.qtype,
            rcode: lookup.rcode,
            answers: lookup.answers.iter().map(ToString::to_string).collect(),
            service: &lookup.service,
            role: lookup.role.as_str(),
            catalogue: &lookup.catalogue,
            batch: context.batch,
        }
    }
}
