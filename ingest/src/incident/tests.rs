//! The form of each kind of finding: its words, its fields, and names that want to be markup.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rules::policy::{FindingRule, Policy};
use sensor::record::{FlowRecord, Record};
use serde_json::Value;

use super::*;
use crate::judge::{Detail, Filter, Finding, FindingsDb, HistoryRow, Judge};
use crate::sample::{HOUR, MONDAY, berlin, catalogue, flow, flow_record, policy};

fn judged(records: &[Record]) -> (Finding, Vec<HistoryRow>) {
    let dir = tempfile::tempdir().unwrap();
    let mut db = FindingsDb::open(dir.path()).unwrap();
    let judge = Judge { catalogue: catalogue(), policy: policy(), time_zone: berlin(), sinks: Vec::new() };
    judge.segment(&mut db, records).unwrap();
    let rule = Some(FindingRule::ProhibitedUse);
    let finding = db.list(&Filter { rule, ..Filter::default() }).unwrap().remove(0);
    let history = db.history(&finding.uid).unwrap();
    (finding, history)
}

fn form(finding: &Finding, history: &[HistoryRow]) -> Form {
    let (catalogue, policy, time_zone) = (catalogue(), policy(), berlin());
    let seen = Some(Seen { first_seen: Some(MONDAY), devices: 2, bytes_up: 24_000, bytes_down: 680_000 });
    let context = Context {
        catalogue: &catalogue,
        policy: &policy,
        time_zone: &time_zone,
        seen,
        at: MONDAY + 2 * HOUR,
        binary: "0.1.0",
    };
    Form::of(finding, history, &context)
}

/// One finding as each rule would have it.
fn every_kind() -> Vec<Form> {
    let (finding, history) = judged(&[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let what = "silence".to_owned();
    let details = [
        Detail::None,
        Detail::Health { what, frames: 10, amount: 3, since: MONDAY },
        Detail::Review { what: "rule 1".to_owned(), due: "2026-11-20".to_owned(), line: 7, overdue: true },
    ];
    let one =
        |rule: &FindingRule, detail: &Detail| Finding { rule: *rule, detail: detail.clone(), ..finding.clone() };
    FindingRule::ALL
        .iter()
        .flat_map(|rule| details.iter().map(move |detail| (rule, detail)))
        .map(|(rule, detail)| form(&one(rule, detail), &history))
        .collect()
}

#[test]
fn no_form_accuses_anybody() {
    const WORDS: [&str; 20] = [
        "violat",
        "offend",
        "offence",
        "offense",
        "culprit",
        "guilt",
        "caught",
        "abuse",
        "suspect ",
        "suspects",
        "perpetrat",
        "misconduct",
        "malicious",
        "illegal",
        "breach",
        "infring",
        "punish",
        "blame",
        "wrongdo",
        "fault",
    ];
    for form in every_kind() {
        let text = format!("{}{}", form.json().unwrap(), form.markdown(&TimeZone::UTC)).to_lowercase();
        for word in WORDS {
            assert!(!text.replace("default", "").contains(word), "{word:?} in {}:\n{text}", form.reference.rule);
        }
    }
}

#[test]
fn a_form_says_what_a_policy_asks_for() {
    let (finding, history) = judged(&[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let form = form(&finding, &history);
    assert_eq!(form.incident_type.id, "prohibited_tool");
    assert_eq!(form.affected.department.as_deref(), Some("Finance"));
    assert_eq!(form.policy.status.as_deref(), Some("prohibited"));
    assert!(form.policy.line.contains("policy.toml:"), "{}", form.policy.line);
    assert_eq!((form.times.clock.as_str(), form.reported_by.as_deref()), ("missed", None));
    let page = form.markdown(&berlin());
    for part in [
        "# AI incident report ",
        "| Reported by | ____________________ |",
        "not told before a first assessment",
        "2026-11-09 09:00 CET (2026-11-09T08:00:00Z)",
        "| sent | 12000 | bytes | counted on the wire |",
        "seen as TLS server name",
        "rotate it first",
        "## What is not known",
        "First time; no earlier finding for this device.",
        "| Vendor | Deep Ltd |",
        "| deep.example | suffix | app | definite |",
        "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        "[ ] coaching",
        "| Devices at the site | 2 |",
        "| shadowtap | opened |",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

#[test]
fn a_name_off_the_wire_cannot_break_out() {
    const HOSTILE: &str =
        "x`|y\n\n# evil <script>alert(1)</script> [a](http://evil.example) ![b](c) **d** &lt; \u{202e}";
    let hostile = FlowRecord {
        device: HOSTILE.to_owned(),
        host: Some(HOSTILE.to_owned()),
        client_mac: Some(HOSTILE.to_owned()),
        ..flow("10.20.1.12", "deep", MONDAY)
    };
    let (finding, _) = judged(&[flow_record(hostile)]);
    let finding = Finding {
        group_name: Some(HOSTILE.to_owned()),
        why: HOSTILE.to_owned(),
        vendor: HOSTILE.to_owned(),
        service_name: HOSTILE.to_owned(),
        acknowledged_by: Some(HOSTILE.to_owned()),
        ..finding
    };
    let text = HOSTILE.to_owned();
    let history = [HistoryRow { at: MONDAY, who: text.clone(), what: "acknowledged".to_owned(), text }];
    let form = form(&finding, &history);
    let (page, json) = (form.markdown(&TimeZone::UTC), form.json().unwrap());
    assert!(!json.contains('\u{202e}') && !page.contains('\u{202e}'));
    let plain = every_kind().into_iter().find(|form| form.incident_type.id == "prohibited_tool").unwrap();
    let headings =
        |page: &str| page.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(headings(&page), headings(&plain.markdown(&TimeZone::UTC)));
    let mut last = String::new();
    for line in page.lines() {
        for (at, _) in line.match_indices(['`', '<', '[', '*', '&']) {
            let empty_box = line.get(at..).is_some_and(|rest| rest.starts_with("[ ]"));
            assert!(empty_box || line.get(..at).is_some_and(|before| before.ends_with('\\')), "{line}");
        }
        // Every row of a table has as many cells as the row before it.
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        if line.starts_with('|') && last.starts_with('|') {
            assert_eq!(cells(line), cells(&last), "{line}");
        }
        line.clone_into(&mut last);
    }
}

#[test]
fn the_json_has_the_fields_that_its_page_documents() {
    let page = include_str!("../../../docs/incident.md");
    let documented: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut found = BTreeSet::new();
    for form in every_kind() {
        let json: Value = serde_json::from_str(&form.json().unwrap()).unwrap();
        assert_eq!(json["format"], FORMAT);
        paths("", &json, &mut found);
    }
    let missing: Vec<_> = found.iter().filter(|path| !documented.contains(path.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/incident.md: {missing:?}");
    let gone: Vec<_> = documented.iter().filter(|path| !found.contains(**path)).collect();
    assert!(gone.is_empty(), "only in docs/incident.md: {gone:?}");
}

fn paths(at: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                paths(&path, value, found);
            }
        }
        Value::Array(entries) if entries.first().is_some_and(Value::is_object) => {
            entries.iter().for_each(|entry| paths(&format!("{at}[]"), entry, found));
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}

#[test]
fn a_form_needs_no_policy_no_store_and_no_contact() {
    let (finding, _) = judged(&[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let finding = Finding {
        rule: FindingRule::SensorHealth,
        contact: None,
        category: None,
        report_due_at: None,
        service: "loss".to_owned(),
        detail: Detail::Health { what: "loss".to_owned(), frames: 900, amount: 12, since: MONDAY },
        ..finding
    };
    let (catalogue, policy) = (catalogue(), Policy::empty());
    let zone = TimeZone::UTC;
    let context = Context {
        catalogue: &catalogue,
        policy: &policy,
        time_zone: &zone,
        seen: None,
        at: MONDAY,
        binary: "0.1.0",
    };
    let form = Form::of(&finding, &[], &context);
    assert_eq!((form.incident_type.id, &form.vetting, &form.affected.device), ("sensor", &None, &None));
    let page = form.markdown(&zone);
    assert!(page.contains("| amount of loss | 12 | packets |") && page.contains("no deadline"), "{page}");
}
