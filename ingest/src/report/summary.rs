//! The report on a terminal.

use super::model::{FindingRow, Pair, Report, ServiceRow, Share, Totals};
use crate::text::{bytes, counted, number, percent, safe_text};

/// Services that fit on a screen; the files hold all of them.
const SERVICES: usize = 12;
/// Findings that fit on a screen.
const FINDINGS: usize = 5;
/// Below this, columns are unreadable anyway.
const NARROWEST: usize = 40;

/// The week in a screenful of plain text, no line wider than `width` (at least 40).
pub fn summary_text(report: &Report, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut lines = vec![
        format!("Shadow AI, week {}{}", report.window.week, site(report)),
        format!("{} to {} ({})", report.window.from, report.window.to, report.window.time_zone),
        String::new(),
    ];
    lines.extend(wrap(&report.headline, width, ""));
    lines.push(String::new());
    lines.extend(totals(report));
    lines.extend(services(report, width));
    lines.extend(findings(report, width));
    lines.extend(also(report).into_iter().flat_map(|line| wrap(&line, width, "  ")));
    lines.extend(["".to_owned(), "Next".to_owned()]);
    for (number, action) in (1..).zip(&report.actions) {
        lines.extend(wrap(&format!("{number}. {action}"), width, "   "));
    }
    lines.push(String::new());
    lines.extend(wrap(&coverage(report), width, ""));
    lines.iter().map(|line| cut(&safe_text(line), width) + "\n").collect()
}

fn site(report: &Report) -> String {
    if report.site.is_empty() { String::new() } else { format!(", site {}", report.site) }
}

fn totals(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let line = |label: &str, pair: Pair, words: fn(u64) -> String| {
        let before = pair.before.map_or("no data".to_owned(), words);
        format!("  {label:<26}{:>10}   last week {before}", words(pair.now))
    };
    vec![
        line("services in use", totals.services_used, number),
        line("of these not approved", totals.unapproved_services_used, number),
        line("new services", totals.new_services, number),
        line("devices using AI", totals.devices, number),
        line("uploaded", totals.bytes_uploaded, bytes),
        line("findings open", totals.findings_open, number),
        line("of these missed", totals.findings_late, number),
        deadlines(totals),
    ]
}

/// Deadlines of the week in one line.
fn deadlines(totals: &Totals) -> String {
    let three = |met: u64, missed: u64, running: u64| format!("{met} / {missed} / {running}");
    let (met, missed, running) = (totals.deadlines_met, totals.deadlines_missed, totals.deadlines_running);
    let before = match (met.before, missed.before, running.before) {
        (Some(met), Some(missed), Some(running)) => three(met, missed, running),
        _ => "no data".to_owned(),
    };
    format!(
        "  {:<26}{:>10}   last week {before}",
        "met / missed / running",
        three(met.now, missed.now, running.now)
    )
}

fn services(report: &Report, width: usize) -> Vec<String> {
    let shown: Vec<&ServiceRow> = report.services.iter().filter(|row| row.usage != "nothing").collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let name = width.saturating_sub(54).clamp(12, 32);
    let head = ("Service", "Use", "Status", "Devices", "Turns", "Uploaded");
    let mut lines = vec![String::new(), columns(name, head.0, head.1, head.2, head.3, head.4, head.5)];
    for row in shown.iter().take(SERVICES) {
        let (devices, turns, up) = (number(row.devices), number(row.turns), bytes(row.upload_bytes));
        lines.push(columns(name, &row.name, &row.usage, &row.status.replace('_', " "), &devices, &turns, &up));
    }
    if shown.len() > SERVICES {
        lines.push(format!("and {} more", shown.len() - SERVICES));
    }
    lines
}

fn columns(width: usize, name: &str, usage: &str, status: &str, devices: &str, turns: &str, up: &str) -> String {
    let name = cut(name, width);
    format!("{name:<width$} {usage:<8} {status:<17} {devices:>7} {turns:>7} {up:>8}")
}

fn findings(report: &Report, width: usize) -> Vec<String> {
    let asks = |finding: &&FindingRow| ["missed", "due", "open"].contains(&finding.lane.as_str());
    let open: Vec<_> = report.findings.iter().filter(asks).filter(|finding| finding.state == "open").collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut lines =
        vec![String::new(), format!("{} to answer, missed deadlines first", counted(open.len() as u64, "finding"))];
    for finding in open.iter().take(FINDINGS) {
        let clock = match &finding.report_due_at {
            Some(due) => format!("due {due} ({})", finding.clock),
            None => "no deadline".to_owned(),
        };
        let about = [finding.device.as_str(), &finding.name].join(" ");
        let line = format!("{clock} {}: {}", finding.rule, about.trim());
        lines.extend(wrap(&line, width, "    "));
    }
    if open.len() > FINDINGS {
        lines.push(format!("and {} more", open.len() - FINDINGS));
    }
    lines
}

/// What else there is, in one line of counts.
fn also(report: &Report) -> Option<String> {
    let told = &report.announced;
    let counts = [
        (report.unusual_uploads.len() as u64, "unusual upload"),
        (report.local_models.len() as u64, "local model server"),
        (report.model_downloads.len() as u64, "model download"),
        (report.reviews.len() as u64, "review due within 30 days"),
        (told.held, "finding held back by the budget"),
        (told.quiet, "finding opened quietly"),
    ];
    let words: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| several(*n, noun)).collect();
    (!words.is_empty()).then(|| format!("Also: {}.", words.join(", ")))
}

/// The first noun takes the plural: `2 findings held back`.
fn several(count: u64, words: &str) -> String {
    let plural = |noun: &str| words.replacen(noun, &format!("{noun}s"), 1);
    let noun = ["upload", "server", "download", "review", "finding"].into_iter().find(|noun| words.contains(noun));
    let words = if count == 1 { words.to_owned() } else { noun.map_or(words.to_owned(), plural) };
    format!("{} {words}", number(count))
}

fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    let thrown = match coverage.lost_records.iter().map(|row| row.count).sum() {
        0 => String::new(),
        lost => format!(" {} thrown away by a full spool;", counted(lost, "record")),
    };
    let missing = match coverage.tcp_missing {
        Share { part: 0, .. } => String::new(),
        Share { part, of } => format!(" {} of TCP data not captured (of UDP unknown);", percent(part, of)),
    };
    format!(
        "Coverage: {} of {} named, {} of bytes; {} one-way; {} of packets lost;{missing}{thrown} {} of {} minutes seen.",
        percent(coverage.flows_named.part, coverage.flows_named.of),
        counted(coverage.flows_named.of, "flow"),
        percent(coverage.bytes_named.part, coverage.bytes_named.of),
        percent(coverage.one_way_flows.part, coverage.one_way_flows.of),
        percent(coverage.lost_packets.part, coverage.lost_packets.of),
        number(coverage.minutes.part),
        number(coverage.minutes.of),
    )
}

/// Breaks a line between words; what follows is indented.
fn wrap(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.trim().is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        }
        if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
