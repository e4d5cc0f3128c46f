//! One CSV file per table (RFC 4180), safe to open in a spreadsheet.

use serde::Serialize;
use serde_json::Value;

use super::model::Report;

/// File names and contents.
pub(super) fn tables(report: &Report) -> Result<Vec<(&'static str, String)>, serde_json::Error> {
    Ok(vec![
        ("new_this_week.csv", table(NEW, &report.new_this_week)?),
        ("services.csv", table(SERVICES, &report.services)?),
        ("unapproved.csv", matrix(report)),
        ("uploads.csv", table(UPLOADS, &report.uploads)?),
        ("uploads_by_status.csv", table(&["status", "services", "upload_bytes"], &report.uploads_by_status)?),
        ("unusual_uploads.csv", table(UNUSUAL, &report.unusual_uploads)?),
        ("local_models.csv", table(LOCAL, &report.local_models)?),
        ("model_downloads.csv", table(DOWNLOADS, &report.model_downloads)?),
        ("access.csv", table(ACCESS, &report.access)?),
        ("trend.csv", table(TREND, &report.trend)?),
        ("departments.csv", table(DEPARTMENTS, &report.departments)?),
        ("findings_by_service.csv", table(BY_SERVICE, &report.findings_by_service)?),
        ("findings.csv", table(FINDINGS, &report.findings)?),
        ("visibility_lost.csv", table(&["department", "devices", "hidden_by"], &report.visibility_lost)?),
        ("reviews.csv", table(&["what", "state", "due", "line"], &report.reviews)?),
        ("exceptions.csv", table(EXCEPTIONS, &report.exceptions)?),
        ("sensor_health.csv", table(HEALTH, &report.coverage.health)?),
        ("coverage.csv", table(&["method", "words", "named", "flows", "bytes"], &report.coverage.methods)?),
    ])
}

const NEW: &[&str] = &["service", "name", "vendor", "category", "status", "use", "devices", "first_seen"];
const SERVICES: &[&str] = &[
    "service",
    "name",
    "category",
    "status",
    "status_varies",
    "use",
    "devices",
    "devices_used",
    "flows",
    "turns",
    "behaviour",
    "behaviours",
    "clients",
    "bytes_up",
    "bytes_down",
    "upload_bytes",
    "first_seen",
    "last_seen",
];
const UPLOADS: &[&str] = &["service", "name", "status", "use", "devices", "upload_bytes", "largest_burst"];
const ACCESS: &[&str] = &["access", "use", "services", "devices", "turns", "upload_bytes"];
const TREND: &[&str] = &[
    "week",
    "seen",
    "services_used",
    "unapproved_services_used",
    "devices",
    "bytes_uploaded",
    "bytes_uploaded_unapproved",
];
const DEPARTMENTS: &[&str] =
    &["department", "devices", "services_used", "unapproved_services_used", "turns", "upload_bytes"];
const BY_SERVICE: &[&str] = &["service", "name", "status", "open", "late", "new", "next_due"];
const UNUSUAL: &[&str] = &[
    "uid",
    "rule",
    "what",
    "severity",
    "state",
    "clock",
    "device",
    "department",
    "service",
    "name",
    "status",
    "bytes",
    "limit",
    "since",
    "own",
    "of_department",
    "of_service",
    "score",
    "learning",
    "observed",
];
const LOCAL: &[&str] = &[
    "uid",
    "device",
    "department",
    "service",
    "name",
    "endpoint",
    "port",
    "clients",
    "turns",
    "status",
    "state",
    "clock",
    "detected_at",
];
const DOWNLOADS: &[&str] = &[
    "uid",
    "device",
    "department",
    "service",
    "name",
    "host",
    "bytes",
    "limit",
    "status",
    "state",
    "clock",
    "detected_at",
];
const EXCEPTIONS: &[&str] = &["what", "state", "expires", "owner", "reason", "line"];
const HEALTH: &[&str] = &["uid", "sensor", "what", "severity", "state", "clock", "since", "closed_at", "observed"];
const FINDINGS: &[&str] = &[
    "uid",
    "rule",
    "title",
    "lane",
    "severity",
    "state",
    "clock",
    "detected_at",
    "report_due_at",
    "acknowledged_at",
    "acknowledged_by",
    "closed_at",
    "closed_by",
    "closed_reason",
    "new",
    "occurrences",
    "devices",
    "told",
    "device",
    "department",
    "service",
    "name",
    "status",
    "turns",
    "bytes_up",
    "explanation",
];

fn table<T: Serialize>(columns: &[&str], rows: &[T]) -> Result<String, serde_json::Error> {
    let mut out = line(columns.iter().map(|column| (*column).to_owned()));
    for row in rows {
        let row = serde_json::to_value(row)?;
        out += &line(columns.iter().map(|column| text(row.get(column))));
    }
    Ok(out)
}

fn matrix(report: &Report) -> String {
    let head = ["service", "name", "status", "devices", "upload_bytes", "decision"].map(str::to_owned);
    let mut out = line(head.into_iter().chain(report.unapproved.departments.iter().cloned()));
    for row in &report.unapproved.rows {
        let fixed = [
            row.service.clone(),
            row.name.clone(),
            row.status.clone(),
            row.devices.to_string(),
            row.upload_bytes.to_string(),
            row.decision.clone(),
        ];
        out += &line(fixed.into_iter().chain(row.cells.iter().cloned()));
    }
    out
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().map(|one| text(Some(one))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| quoted(&cell)).collect();
    cells.join(",") + "\r\n"
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r', ';']) || formula {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        for hostile in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"] {
            assert!(quoted(hostile).starts_with("\"'"), "{hostile}");
        }
    }
}
