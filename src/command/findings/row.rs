//! One finding as a row: of the table, of the JSON and of the CSV file. Names off the wire are made safe here.

use ingest::judge::{Finding, rule_name};
use ingest::text::{safe_name, safe_text};
use ingest::time::utc;
use rules::policy::FindingRule;
use serde::Serialize;
use serde_json::Value;

/// A finding in one line. Field names and their order stay.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) uid: String,
    pub(super) severity: u8,
    pub(super) rule: &'static str,
    title: &'static str,
    pub(super) state: &'static str,
    status: Option<&'static str>,
    site: String,
    device: String,
    department: Option<String>,
    service: String,
    service_name: String,
    vendor: String,
    repeated: bool,
    occurrences: u64,
    earlier_findings: u64,
    devices: u64,
    pub(super) clock: &'static str,
    detected_at: String,
    report_due_at: Option<String>,
    missed_at: Option<String>,
    acknowledged_at: Option<String>,
    acknowledged_by: Option<String>,
    closed_at: Option<String>,
    closed_by: Option<String>,
    closed_reason: Option<String>,
    flows: u64,
    exchanges: u64,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
    first_seen: String,
    last_seen: String,
    revision: u64,
    alerted: bool,
    held: bool,
    policy: String,
    catalogue: String,
}

impl Row {
    pub(super) fn of(finding: &Finding, now: i64) -> Self {
        Self {
            uid: finding.uid.clone(),
            severity: finding.severity,
            rule: finding.rule.as_str(),
            title: rule_name(finding.rule),
            state: finding.state.as_str(),
            status: finding.status.map(|status| status.as_str()),
            site: safe_text(&finding.site),
            device: safe_name(&finding.device),
            department: finding.group_name.as_deref().map(safe_text),
            service: safe_name(&finding.service),
            service_name: safe_text(&finding.service_name),
            vendor: safe_text(&finding.vendor),
            repeated: finding.repeated(),
            occurrences: finding.occurrences,
            earlier_findings: finding.earlier,
            devices: finding.devices,
            clock: finding.clock(now).as_str(),
            detected_at: utc(finding.detected_at),
            report_due_at: finding.report_due_at.map(utc),
            missed_at: finding.missed_at.map(utc),
            acknowledged_at: finding.acknowledged_at.map(utc),
            acknowledged_by: finding.acknowledged_by.as_deref().map(safe_text),
            closed_at: finding.closed_at.map(utc),
            closed_by: finding.closed_by.as_deref().map(safe_text),
            closed_reason: finding.closed_reason.as_deref().map(safe_text),
            flows: finding.count,
            exchanges: finding.turns,
            bytes_up: finding.bytes_up,
            bytes_down: finding.bytes_down,
            upload_bytes: finding.upload_bytes,
            first_seen: utc(finding.first_seen),
            last_seen: utc(finding.last_seen),
            revision: finding.revision,
            alerted: finding.alerted,
            held: finding.held,
            policy: safe_text(&finding.policy),
            catalogue: safe_text(&finding.catalogue),
        }
    }
}

/// Whom it is about, for people.
pub(crate) fn who(finding: &Finding) -> String {
    match finding.rule {
        FindingRule::SensorHealth => format!("sensor {}", safe_name(&finding.device)),
        FindingRule::ReviewDue => "policy".to_owned(),
        _ if finding.device.is_empty() => format!("site {}", safe_text(&finding.site)),
        _ => match &finding.group_name {
            Some(group) => format!("{} ({})", safe_name(&finding.device), safe_text(group)),
            None => safe_name(&finding.device),
        },
    }
}

/// Which service, or what else it is about.
pub(crate) fn service(finding: &Finding) -> String {
    match (finding.service_name.as_str(), finding.service.as_str()) {
        ("", "") => "-".to_owned(),
        ("", id) => safe_text(id),
        (name, _) => safe_text(name),
    }
}

/// Lines of a CSV file (RFC 4180), the head first, safe to open in a spreadsheet.
pub(super) fn csv(rows: &[Row]) -> serde_json::Result<Vec<String>> {
    let mut lines = vec![HEAD.join(",")];
    for row in rows {
        let value = serde_json::to_value(row)?;
        let cells: Vec<String> = HEAD.iter().map(|key| cell(value.get(*key))).collect();
        lines.push(cells.join(","));
    }
    Ok(lines)
}

fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => return other.to_string(),
    };
    // A spreadsheet takes these for the beginning of a formula.
    let formula = text.starts_with(['=', '+', '-', '@']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The fields of a [`Row`] in their order; a test compares them.
const HEAD: [&str; 37] = [
    "uid",
    "severity",
    "rule",
    "title",
    "state",
    "status",
    "site",
    "device",
    "department",
    "service",
    "service_name",
    "vendor",
    "repeated",
    "occurrences",
    "earlier_findings",
    "devices",
    "clock",
    "detected_at",
    "report_due_at",
    "missed_at",
    "acknowledged_at",
    "acknowledged_by",
    "closed_at",
    "closed_by",
    "closed_reason",
    "flows",
    "exchanges",
    "bytes_up",
    "bytes_down",
    "upload_bytes",
    "first_seen",
    "last_seen",
    "revision",
    "alerted",
    "held",
    "policy",
    "catalogue",
];
