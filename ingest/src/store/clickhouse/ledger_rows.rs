//! The ledger's records as rows: minutes, their tallies, visibility per device, candidates.

use clickhouse::Row;
use sensor::record::{CandidateRecord, MinuteRecord, Tally, VisibilityRecord};
use serde::Serialize;

use super::rows::{Context, counter, day, micros};

#[derive(Row, Serialize)]
pub(super) struct MinuteRow<'a> {
    sensor: &'a str,
    source: &'a str,
    minute: i64,
    day: u16,
    site: &'a str,
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
    batch: u64,
}

impl<'a> MinuteRow<'a> {
    pub(super) fn of(minute: &'a MinuteRecord, context: Context<'_>) -> Self {
        Self {
            sensor: &minute.sensor,
            source: &minute.source,
            minute: micros(minute.minute),
            day: day(minute.minute, context.zone),
            site: &minute.site,
            frames: counter(minute.frames),
            bytes: counter(minute.bytes),
            one_way_flows: counter(minute.one_way_flows),
            late_flows: counter(minute.late_flows),
            dns_questions: counter(minute.dns_questions),
            tcp_bytes: counter(minute.tcp_bytes),
            tcp_missing: counter(minute.tcp_missing),
            tcp_reordered: counter(minute.tcp_reordered),
            tcp_resent: counter(minute.tcp_resent),
            duplicates: counter(minute.duplicates),
            clock_steps: counter(minute.clock_steps),
            batch: context.batch,
        }
    }
}

/// One line of the ledger.
#[derive(Row, Serialize)]
pub(super) struct TallyTableRow<'a> {
    sensor: &'a str,
    source: &'a str,
    minute: i64,
    day: u16,
    site: &'a str,
    kind: &'static str,
    word: &'a str,
    flows: u64,
    frames: u64,
    bytes: u64,
    batch: u64,
}

impl<'a> TallyTableRow<'a> {
    /// All lines of a minute.
    pub(super) fn all(minute: &'a MinuteRecord, context: Context<'_>) -> Vec<Self> {
        let row = |kind, word: &'a str, tally: Tally| Self {
            sensor: &minute.sensor,
            source: &minute.source,
            minute: micros(minute.minute),
            day: day(minute.minute, context.zone),
            site: &minute.site,
            kind,
            word,
            flows: counter(tally.flows),
            frames: counter(tally.frames),
            bytes: counter(tally.bytes),
            batch: context.batch,
        };
        let tables =
            [("method", &minute.methods), ("not_flow", &minute.not_flow), ("malformed", &minute.malformed)];
        let tallies = tables.into_iter().flat_map(|(kind, words)| words.iter().map(move |(w, t)| (kind, w, *t)));
        let counts = [("drop", &minute.drops), ("broken", &minute.broken)];
        let counts = counts.into_iter().flat_map(|(kind, words)| words.iter().map(move |(w, n)| (kind, w, *n)));
        let counts = counts.map(|(kind, w, frames)| (kind, w, Tally { frames, ..Tally::default() }));
        tallies.chain(counts).map(|(kind, word, tally)| row(kind, word, tally)).collect()
    }
}

#[derive(Row, Serialize)]
pub(super) struct VisibilityRow<'a> {
    sensor: &'a str,
    source: &'a str,
    start: i64,
    day: u16,
    device: &'a str,
    site: &'a str,
    client_ip: String,
    ai_flows: u64,
    named_flows: u64,
    named_frames: u64,
    named_bytes: u64,
    nameless_flows: u64,
    nameless_frames: u64,
    nameless_bytes: u64,
    batch: u64,
}

impl<'a> VisibilityRow<'a> {
    pub(super) fn of(seen: &'a VisibilityRecord, context: Context<'_>) -> Self {
        Self {
            sensor: &seen.sensor,
            source: &seen.source,
            start: micros(seen.start),
            day: day(seen.start, context.zone),
            device: &seen.device,
            site: &seen.site,
            client_ip: seen.client_ip.to_string(),
            ai_flows: counter(seen.ai_flows),
            named_flows: counter(seen.named.flows),
            named_frames: counter(seen.named.frames),
            named_bytes: counter(seen.named.bytes),
            nameless_flows: counter(seen.nameless.flows),
            nameless_frames: counter(seen.nameless.frames),
            nameless_bytes: counter(seen.nameless.bytes),
            batch: context.batch,
        }
    }
}

#[derive(Row, Serialize)]
pub(super) struct HiddenRow<'a> {
    sensor: &'a str,
    source: &'a str,
    start: i64,
    day: u16,
    device: &'a str,
    site: &'a str,
    word: &'a str,
    flows: u64,
    frames: u64,
    bytes: u64,
    batch: u64,
}

impl<'a> HiddenRow<'a> {
    pub(super) fn all(seen: &'a VisibilityRecord, context: Context<'_>) -> impl Iterator<Item = Self> {
        let day = day(seen.start, context.zone);
        seen.hidden.iter().map(move |(word, tally)| Self {
            sensor: &seen.sensor,
            source: &seen.source,
            start: micros(seen.start),
            day,
            device: &seen.device,
            site: &seen.site,
            word,
            flows: counter(tally.flows),
            frames: counter(tally.frames),
            bytes: counter(tally.bytes),
            batch: context.batch,
        })
    }
}

#[derive(Row, Serialize)]
pub(super) struct CandidateRow<'a> {
    sensor: &'a str,
    source: &'a str,
    start: i64,
    day: u16,
    domain: &'a str,
    site: &'a str,
    host: &'a str,
    devices: u64,
    flows: u64,
    streaming_flows: u64,
    program_flows: u64,
    turns: u64,
    upload_bytes: u64,
    bytes_down: u64,
    batch: u64,
}

impl<'a> CandidateRow<'a> {
    pub(super) fn of(seen: &'a CandidateRecord, context: Context<'_>) -> Self {
        Self {
            sensor: &seen.sensor,
            source: &seen.source,
            start: micros(seen.start),
            day: day(seen.start, context.zone),
            domain: &seen.domain,
            site: &seen.site,
            host: &seen.host,
            devices: counter(seen.devices),
            flows: counter(seen.flows),
            streaming_flows: counter(seen.streaming_flows),
            program_flows: counter(seen.program_flows),
            turns: counter(seen.turns),
            upload_bytes: counter(seen.upload_bytes),
            bytes_down: counter(seen.bytes_down),
            batch: context.batch,
        }
    }
}
