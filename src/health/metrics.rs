//! Every number as Prometheus reads it. docs/operations.md has a row for each; a test compares.
//!
//! No label holds a client, a host name or anything else that strangers choose: methods, kinds, reasons and parts are
//! words of ours, receivers those of the configuration.

use super::exposition::{
    Kind::{Counter, Gauge},
    Page,
};
use super::parts::Counts;
use super::status::Status;
use super::verdict::{Seen, Verdict};
use crate::totals::{PENDING, Totals};

/// The page. Without a word of the sensing side its metrics are left out: no number is better than a wrong zero.
pub(super) fn page(seen: &Seen, verdict: &Verdict) -> String {
    let mut page = Page::default();
    page.gauge("shadowtap_healthy", "1 when /healthz answers 200.", verdict.is_well());
    if let Ok(Some(status)) = &seen.status {
        sensing(&mut page, status, seen);
        traffic(&mut page, &status.totals);
        methods(&mut page, &status.totals);
        losses(&mut page, &status.totals);
    }
    spool(&mut page, seen);
    parts(&mut page, seen);
    store(&mut page, seen);
    sinks(&mut page, seen);
    let mut open = page.family(
        "shadowtap_findings_open",
        Gauge,
        "Findings that are open or acknowledged, first sights included, by severity.",
    );
    for (severity, count) in seen.waiting.findings.iter().enumerate() {
        open.labelled(&[("severity", &severity.to_string())], *count);
    }
    page.text()
}

fn sensing(page: &mut Page, status: &Status, seen: &Seen) {
    let labels = [("version", status.version.as_str()), ("catalogue", status.catalogue.as_str())];
    page.family("shadowtap_build_info", Gauge, "1; the program's version and that of the catalogue in force.")
        .labelled(&labels, true);
    let mut interfaces = page.family("shadowtap_interface_info", Gauge, "1 for each interface that is read.");
    status.interfaces.iter().for_each(|name| interfaces.labelled(&[("interface", name)], true));
    let name = "shadowtap_start_time_seconds";
    page.gauge(name, "When the sensing side started, seconds since 1970.", seconds(status.started));
    let name = "shadowtap_status_age_seconds";
    page.gauge(name, "How long ago the sensing side told its numbers.", seen.age.as_secs_f64());
    if let Some(last) = status.last_packet {
        let name = "shadowtap_last_packet_time_seconds";
        page.gauge(name, "When the last packet had come, to a second, seconds since 1970.", seconds(last));
    }
}

fn traffic(page: &mut Page, totals: &Totals) {
    page.counter("shadowtap_packets_total", "Frames seen: all lines of the ledger together.", totals.packets);
    page.counter("shadowtap_bytes_total", "Their length on the wire.", totals.bytes);
    page.counter("shadowtap_flows_total", "Flows that began.", totals.flows);
    page.counter("shadowtap_ai_flows_total", "Flows tagged as AI services.", totals.ai_flows);
    page.counter("shadowtap_dns_questions_total", "DNS questions seen.", totals.names.dns);
    page.counter("shadowtap_records_total", "Records written to the spool.", totals.records);
    let name = "shadowtap_duplicate_packets_total";
    page.counter(name, "Second copies of frames, on flows to AI services or not yet decided.", totals.duplicates);
    let name = "shadowtap_one_way_flows_total";
    page.counter(name, "Flows that ended and of which one direction alone was seen.", totals.one_way_flows);
    page.counter("shadowtap_late_flows_total", "TCP flows older than the sensor.", totals.late_flows);
    let name = "shadowtap_clock_steps_total";
    page.counter(name, "How often the clock was set back by more than five minutes.", totals.clock_steps);
    let tcp = &totals.tcp.sums;
    page.counter("shadowtap_tcp_bytes_total", "Payload of TCP by sequence numbers, holes included.", tcp.bytes);
    let name = "shadowtap_tcp_missing_bytes_total";
    page.counter(name, "Of it what was on the wire and not captured, estimated.", tcp.missing);
}

/// The visibility ledger. What is pending moves to another line once it is decided, so it is a gauge, and apart.
fn methods(page: &mut Page, totals: &Totals) {
    let decided = || totals.methods.iter().filter(|(method, _)| *method != PENDING);
    let help = "Flows by what named them; with shadowtap_pending_flows they are shadowtap_flows_total.";
    let mut flows = page.family("shadowtap_method_flows_total", Counter, help);
    decided().for_each(|(method, tally)| flows.labelled(&[("method", method)], tally.flows));
    let mut packets = page.family("shadowtap_method_packets_total", Counter, "Frames of these flows.");
    decided().for_each(|(method, tally)| packets.labelled(&[("method", method)], tally.frames));
    let mut bytes = page.family("shadowtap_method_bytes_total", Counter, "Bytes of these frames.");
    decided().for_each(|(method, tally)| bytes.labelled(&[("method", method)], tally.bytes));
    let pending = totals.methods.get(PENDING).copied().unwrap_or_default();
    page.gauge("shadowtap_pending_flows", "Flows whose naming is not decided yet.", pending.flows);
    let name = "shadowtap_pending_packets";
    page.gauge(name, "Frames that came in a minute in which their flow was not decided.", pending.frames);
    page.gauge("shadowtap_pending_bytes", "Bytes of these frames.", pending.bytes);
    let mut packets = page.family("shadowtap_not_flow_packets_total", Counter, "Frames of no flow, by kind.");
    totals.not_flow.iter().for_each(|(kind, tally)| packets.labelled(&[("kind", kind)], tally.frames));
    let mut bytes = page.family("shadowtap_not_flow_bytes_total", Counter, "Bytes of these frames.");
    totals.not_flow.iter().for_each(|(kind, tally)| bytes.labelled(&[("kind", kind)], tally.bytes));
    let name = "shadowtap_undecoded_packets_total";
    page.counter(name, "Frames that could not be decoded.", totals.undecoded.frames);
    page.counter("shadowtap_undecoded_bytes_total", "Bytes of these frames.", totals.undecoded.bytes);
    let help = "What was broken, by reason: frames, messages in them, and what was given up for want of room.";
    let mut malformed = page.family("shadowtap_malformed_total", Counter, help);
    totals.malformed.iter().for_each(|(reason, count)| malformed.labelled(&[("reason", reason)], *count));
}

fn losses(page: &mut Page, totals: &Totals) {
    let losses = &totals.losses;
    let help = "Packets lost: kernel, ring, queue and restart before they were seen, table for want of room in the flow table.";
    let mut packets = page.family("shadowtap_lost_packets_total", Counter, help);
    let places = [
        ("kernel", losses.kernel),
        ("ring", losses.ring),
        ("queue", losses.queue),
        ("restart", losses.restart),
        ("table", losses.table),
    ];
    places.iter().for_each(|(place, lost)| packets.labelled(&[("place", place)], *lost));
    let help = "Records lost: spool never stored, unjudged never judged, rejects thrown away that lay aside.";
    let mut records = page.family("shadowtap_lost_records_total", Counter, help);
    let kinds = [("spool", losses.spool), ("unjudged", losses.unjudged), ("rejects", losses.rejects)];
    kinds.iter().for_each(|(kind, lost)| records.labelled(&[("kind", kind)], *lost));
}

fn spool(page: &mut Page, seen: &Seen) {
    if let Ok(Some(status)) = &seen.status {
        let name = "shadowtap_spool_held_bytes";
        page.gauge(
            name,
            "What waits in the spool, each segment once though both queues have it.",
            status.spool_bytes,
        );
        page.gauge("shadowtap_spool_limit_bytes", "What the spool may take.", status.spool_limit);
    }
    let mut bytes = page.family("shadowtap_spool_bytes", Gauge, "What waits in a queue of the spool.");
    seen.waiting.queues.iter().for_each(|queue| bytes.labelled(&[("queue", queue.name)], queue.bytes));
    let help = "How long the oldest part of a queue has waited; 0 when nothing waits.";
    let mut oldest = page.family("shadowtap_spool_oldest_seconds", Gauge, help);
    seen.waiting
        .queues
        .iter()
        .for_each(|queue| oldest.labelled(&[("queue", queue.name)], queue.oldest.as_secs_f64()));
}

fn parts(page: &mut Page, seen: &Seen) {
    let mut running = page.family("shadowtap_part_running", Gauge, "1 while a part of delivery is at work.");
    seen.parts.iter().for_each(|(name, part)| running.labelled(&[("part", word(name))], part.running));
    let mut errors = page.family("shadowtap_part_errors_total", Counter, "Rounds of a part that failed.");
    seen.parts.iter().for_each(|(name, part)| errors.labelled(&[("part", word(name))], part.errors));
    let segments = seen.parts.values().map(|part| part.segments).sum();
    page.counter("shadowtap_judged_segments_total", "Segments of the spool that were judged.", segments);
}

/// Messages say `the store`, labels say `store`.
fn word(name: &str) -> &str {
    name.trim_start_matches("the ")
}

fn store(page: &mut Page, seen: &Seen) {
    let Some(stored) = seen.parts.values().find_map(|part| part.stored) else { return };
    let folded = stored.folded;
    page.counter("shadowtap_store_batches_total", "Batches that the store took.", folded.batches);
    page.counter("shadowtap_store_records_total", "Records in them that were new.", folded.records.new);
    let name = "shadowtap_store_known_records_total";
    page.counter(name, "Records in them that the store had already.", folded.records.known);
    let name = "shadowtap_store_set_aside_batches_total";
    page.counter(
        name,
        "Batches that the store can never take; `shadowtap spool rejects` says why.",
        folded.set_aside,
    );
    let name = "shadowtap_store_rejected_lines_total";
    page.counter(name, "Lines of the spool that held no record.", folded.rejected);
    if let Some(last) = stored.last {
        let name = "shadowtap_store_last_batch_time_seconds";
        page.gauge(name, "When the store took a batch last, seconds since 1970.", seconds(last));
    }
}

fn sinks(page: &mut Page, seen: &Seen) {
    let sinks: Vec<_> = seen.parts.values().filter_map(|part: &Counts| part.sent.as_ref()).collect();
    if sinks.is_empty() {
        return;
    }
    let mut sent = page.family("shadowtap_siem_sent_events_total", Counter, "Events that a receiver took.");
    sinks.iter().for_each(|sink| sent.labelled(&[("sink", &sink.sink)], sink.events));
    let help = "Events that a receiver will never take.";
    let mut refused = page.family("shadowtap_siem_refused_events_total", Counter, help);
    sinks.iter().for_each(|sink| refused.labelled(&[("sink", &sink.sink)], sink.refused));
    let mut waiting = page.family("shadowtap_siem_waiting_events", Gauge, "Events that wait for a receiver.");
    sinks.iter().for_each(|sink| waiting.labelled(&[("sink", &sink.sink)], sink.waiting));
    let help = "Events that wait for the end of the policy's quiet hours.";
    let mut quiet = page.family("shadowtap_siem_quiet_events", Gauge, help);
    sinks.iter().for_each(|sink| quiet.labelled(&[("sink", &sink.sink)], sink.quiet));
    let help = "How long events have waited without one being taken; 0 while they move.";
    let mut stuck = page.family("shadowtap_siem_stuck_seconds", Gauge, help);
    sinks.iter().for_each(|sink| stuck.labelled(&[("sink", &sink.sink)], sink.stuck().as_secs_f64()));
}

/// Seconds since 1970. A double holds microseconds exactly until the year 2255.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
