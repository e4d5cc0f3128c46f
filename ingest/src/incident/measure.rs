//! The form's numbers.

use super::Measurement;
use super::words::about_use;
use crate::judge::{Detail, Finding, evidence_words};
use crate::text::{safe_name, safe_text};
use crate::time::utc;

const COUNTED: &str = "counted on the wire";
const POLICY: &str = "policy";

/// What was measured, each with its unit and how it is known.
pub(super) fn measurements(finding: &Finding) -> Vec<Measurement> {
    let mut rows = Vec::new();
    if let Some(contact) = &finding.contact {
        let seen = format!("{}, {}", evidence_words(contact.evidence), contact.strength);
        rows.push(row("name", contact.host.as_deref().map_or("hidden".to_owned(), safe_name), "", &seen));
    }
    if about_use(finding.rule) && finding.contact.is_some() {
        for (what, value, unit) in [
            ("flows", finding.count, "flows"),
            ("exchanges", finding.turns, "exchanges"),
            ("sent", finding.bytes_up, "bytes"),
            ("of this, able to carry content", finding.upload_bytes, "bytes"),
            ("received", finding.bytes_down, "bytes"),
        ] {
            rows.push(row(what, value.to_string(), unit, COUNTED));
        }
    }
    detail(&finding.detail, &mut rows);
    rows
}

fn detail(detail: &Detail, rows: &mut Vec<Measurement>) {
    let mut put = |what: &str, value: String, unit, evidence: &str| rows.push(row(what, value, unit, evidence));
    match detail {
        Detail::None | Detail::FirstSight { .. } => {}
        Detail::Limit { limit, bytes, per, since, episodes, .. } => {
            put(&format!("sent in the {per}"), bytes.to_string(), "bytes", COUNTED);
            put(&format!("limit for a {per}"), limit.to_string(), "bytes", POLICY);
            put("span began", utc(*since), "", COUNTED);
            put("spans over the limit", episodes.to_string(), "spans", COUNTED);
        }
        Detail::Anomaly { bytes, since, until, references, score, .. } => {
            put("sent in the span", bytes.to_string(), "bytes", COUNTED);
            put("span began", utc(*since), "", COUNTED);
            put("span ended", utc(*until), "", COUNTED);
            put("distance from the usual", tenths(*score), "widths of the usual", "computed from earlier uploads");
            for usual in references {
                put("usual", safe_text(usual), "", "computed from earlier uploads");
            }
        }
        Detail::Local { endpoint, port, clients, .. } => {
            let speaks = endpoint.map_or("told by the port alone", |endpoint| endpoint.as_str());
            put("port", port.to_string(), "", COUNTED);
            put("interface", speaks.to_owned(), "", "class of the paths asked for");
            put("clients", clients.to_string(), "devices", COUNTED);
        }
        Detail::Download { bytes, limit, since, .. } => {
            put("fetched in the day", bytes.to_string(), "bytes", COUNTED);
            put("counts as a model from", limit.to_string(), "bytes", POLICY);
            put("day began", utc(*since), "", COUNTED);
        }
        Detail::Dark { since, before, after, ai_days, .. } => {
            let share = before.map_or("not known".to_owned(), |share| share.to_string());
            put("bytes with a name before", share, "percent", COUNTED);
            put("bytes with a name since", after.to_string(), "percent", COUNTED);
            put("names hidden since", utc(*since), "", COUNTED);
            put("days with AI services in four weeks", ai_days.to_string(), "days", COUNTED);
        }
        Detail::Health { what, frames, amount, since } => {
            put("frames seen", frames.to_string(), "frames", COUNTED);
            put(&format!("amount of {}", safe_name(what)), amount.to_string(), unit_of(what), COUNTED);
            put("since", utc(*since), "", COUNTED);
        }
        Detail::Review { what, due, line, .. } => {
            put("to be reviewed", safe_text(what), "", POLICY);
            put("due", due.clone(), "", POLICY);
            put("line in the policy", line.to_string(), "", POLICY);
        }
    }
}

fn row(what: &str, value: String, unit: &'static str, evidence: &str) -> Measurement {
    Measurement { what: what.to_owned(), value, unit, evidence: evidence.to_owned() }
}

fn tenths(score: u64) -> String {
    format!("{}.{}", score / 10, score % 10)
}

fn unit_of(what: &str) -> &'static str {
    match what {
        "silence" => "minutes",
        "clock" => "steps",
        "mirror" => "bytes",
        _ => "packets",
    }
}
