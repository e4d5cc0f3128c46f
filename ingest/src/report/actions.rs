//! The headline and the next actions, in words.

use super::model::{Report, ServiceRow};
use crate::judge::MISSING_ONE_IN;
use crate::text::{bytes, counted, number, percent};

/// How many actions a reader takes in; a calm week is filled up to the fewest.
const ACTIONS: usize = 5;
const FEWEST: usize = 3;

/// The week in one sentence.
pub(super) fn headline(report: &Report) -> String {
    let totals = &report.totals;
    if report.window.facts_until.is_none() {
        return "The sensor saw no traffic in this week, so nothing can be said about it.".to_owned();
    }
    let (used, open) = (totals.services_used.now, totals.unapproved_services_used.now);
    if used == 0 {
        return "No use of an AI service was seen on this wire.".to_owned();
    }
    let services = match used {
        1 => "One AI service was".to_owned(),
        n => format!("{n} AI services were"),
    };
    let rest = match (open, used) {
        (0, _) => "all of it is approved".to_owned(),
        (1, 1) => "it is not approved yet".to_owned(),
        (all, used) if all == used => "none of them is approved yet".to_owned(),
        (1, _) => "one of them is not approved".to_owned(),
        (n, _) => format!("{n} of them are not approved"),
    };
    let use_of = format!("{services} used on {}; {rest}.", counted(totals.devices.now, "device"));
    match notable(report).as_slice() {
        [] => use_of,
        [one] => format!("{use_of} {one}."),
        [one, two, ..] => format!("{use_of} {one}, and {two}."),
    }
}

/// What stands out, the weightiest first; each fits behind the other.
fn notable(report: &Report) -> Vec<String> {
    let missed = report.totals.deadlines_missed.now;
    let unusual = report.unusual_uploads.iter().filter(|row| row.new).count() as u64;
    let local = report.local_models.len() as u64;
    let words = [
        (missed, format!("{} passed without an answer", counted(missed, "report time"))),
        (unusual, format!("{} stood out", counted(unusual, "upload"))),
        (local, format!("{} answered", counted(local, "local model server"))),
    ];
    words.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect()
}

/// What to do next: deadlines first, then what stands out, what the policy prohibits or asks for, decisions, and the
/// view itself.
pub(super) fn actions(report: &Report) -> Vec<String> {
    let facts = [
        clocks(report),
        unusual(report),
        prohibited(report),
        local(report),
        reviews(report),
        policy(report),
        undecided(report),
        new(report),
        view(report),
    ];
    let mut actions: Vec<String> = facts.into_iter().flatten().take(ACTIONS).collect();
    let routine = [
        "Compare this week with the trend and note what changed.",
        "Tell staff which AI services are approved and how to ask for another.",
        "Look at the coverage below: which part of the network does the sensor not see yet?",
    ];
    let missing = FEWEST.saturating_sub(actions.len());
    actions.extend(routine.into_iter().take(missing).map(str::to_owned));
    actions
}

fn clocks(report: &Report) -> Option<String> {
    let (open, late) = (report.totals.findings_open.now, report.totals.findings_late.now);
    match (open, late) {
        (0, _) => None,
        (open, 0) => Some(format!("Work through {}; no report time has passed.", counted(open, "open finding"))),
        (open, late) => {
            let whose = if open == late { "all of them".to_owned() } else { format!("{late} of them") };
            Some(format!("Work through {}; for {whose} the report time has passed.", counted(open, "open finding")))
        }
    }
}

/// The largest upload that stands out and is not dealt with.
fn unusual(report: &Report) -> Option<String> {
    let open: Vec<_> = report.unusual_uploads.iter().filter(|row| row.state == "open").collect();
    let row = open.first()?;
    let why =
        if row.rule == "upload-limit" { "it is over the policy's limit" } else { "it is far from what is usual" };
    let more = match open.len() {
        1 => String::new(),
        several => format!("; {} more stand out", several - 1),
    };
    Some(format!("Ask what was sent to {} ({}): {why}{more}.", row.name, bytes(row.bytes)))
}

fn local(report: &Report) -> Option<String> {
    let server = report.local_models.iter().find(|row| row.state == "open");
    let server = server.map(|row| {
        let clients = counted(row.clients, "device");
        format!("Find the owner of the local model server ({}) that {clients} asked.", row.name)
    });
    let download = || report.model_downloads.iter().find(|row| row.state == "open");
    server.or_else(|| {
        download().map(|row| format!("Ask which model was fetched from {} ({}).", row.name, bytes(row.bytes)))
    })
}

fn reviews(report: &Report) -> Option<String> {
    let due: Vec<_> = report.reviews.iter().filter(|row| row.state != "current").collect();
    if let Some(first) = due.first() {
        let more = if due.len() == 1 { String::new() } else { format!(" and {} more", due.len() - 1) };
        return Some(format!(
            "Review what the policy says about {}{more}: it was due on {}.",
            first.what, first.due
        ));
    }
    let expired = report.exceptions.iter().find(|row| row.state == "expired")?;
    Some(format!("Renew or remove the suppression for {}: it expired on {}.", expired.what, expired.expires))
}

fn prohibited(report: &Report) -> Option<String> {
    let row = report.unapproved.rows.iter().find(|row| row.status == "prohibited")?;
    Some(format!(
        "Offer an approved alternative to {}: it is prohibited, and {} used it ({} uploaded).",
        row.name,
        counted(row.devices, "device"),
        bytes(row.upload_bytes)
    ))
}

/// The service on most devices; of several, the first in the table.
fn undecided(report: &Report) -> Option<String> {
    let row = report
        .unapproved
        .rows
        .iter()
        .rev()
        .filter(|row| row.status != "prohibited")
        .max_by_key(|row| row.devices)?;
    let verb = if row.status == "requires_approval" { "Decide on the approval of" } else { "Assess" };
    Some(format!(
        "{verb} {}: {} used it ({} uploaded) and its status is {}.",
        row.name,
        counted(row.devices, "device"),
        bytes(row.upload_bytes),
        row.status.replace('_', " ")
    ))
}

fn new(report: &Report) -> Option<String> {
    let is_open = |row: &&super::model::NewService| row.status == "unreviewed";
    let names: Vec<&str> =
        report.new_this_week.iter().filter(is_open).map(|row| row.name.as_str()).take(3).collect();
    if names.is_empty() { None } else { Some(format!("Give a first status to what is new: {}.", names.join(", "))) }
}

fn view(report: &Report) -> Option<String> {
    let coverage = &report.coverage;
    if coverage.lost_packets.part > 0 {
        let lost = percent(coverage.lost_packets.part, coverage.lost_packets.of);
        return Some(format!("Find out why {lost} of the packets were lost before the sensor saw them."));
    }
    let missing = coverage.tcp_missing;
    if missing.part.saturating_mul(MISSING_ONE_IN) > missing.of {
        let share = percent(missing.part, missing.of);
        return Some(format!(
            "Find out why {share} of the TCP data never reached the sensor: is the mirror port full?"
        ));
    }
    if !coverage.lost_records.is_empty() {
        let lost = coverage.lost_records.iter().map(|row| row.count).sum();
        return Some(format!(
            "Find out what stood still: {} thrown away because the spool was full.",
            if lost == 1 { "1 record was".to_owned() } else { format!("{} records were", number(lost)) }
        ));
    }
    let (one_way, decided) = (coverage.one_way_flows.part, coverage.one_way_flows.of);
    if one_way.saturating_mul(10) > decided {
        let share = percent(one_way, decided);
        return Some(format!("Check the mirror port: {share} of the flows were seen in one direction only."));
    }
    None
}

fn policy(report: &Report) -> Option<String> {
    let undecided = |row: &ServiceRow| row.usage == "used" && row.status == "unreviewed";
    let all = report.totals.services_used.now > 0
        && report.services.iter().filter(|row| row.usage == "used").all(undecided);
    all.then(|| "Write down a first policy: no service in use has a status yet.".to_owned())
}
