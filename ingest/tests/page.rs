//! The page of a busy quarter: complete, self-contained, the same every time, and free of blame.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

#[path = "page/every_kind.rs"]
mod every_kind;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::FindingsDb;
use ingest::report::{Report, ReportContext};
use ingest::store::SqliteStore;
use rules::catalogue::{Access, Catalogue, Role};
use rules::policy::{FindingRule, Policy};
use sample::{DAY, HOUR, MONDAY, SECOND, berlin, flow, flow_record, lookup_record, minute_record, spool};
use sensor::record::{FlowRecord, Record};

const POLICY: &str = r#"
[policy]
name = "Example Ltd AI policy"

[groups.finance]
name = "Finance"
subnets = ["10.20.1.0/24"]
[groups.sales]
name = "Sales"
subnets = ["10.20.2.0/24"]
[groups.engineering]
name = "Engineering"
subnets = ["10.20.3.0/24"]
[groups.legal]
name = "Legal"
subnets = ["10.20.4.0/24"]
[groups.board]
name = "Board"
subnets = ["10.20.5.0/24"]

[[rule]]
services = ["copilot", "github-copilot"]
status = "approved"
owner = "IT"
[[rule]]
services = ["deepseek"]
status = "prohibited"
owner = "IT Security"
reason = "no contract on data"
[[rule]]
services = ["claude", "gemini"]
status = "requires_approval"
[[rule]]
services = ["perplexity"]
status = "in_review"
"#;

/// Service, name, category.
const SERVICES: &[(&str, &str, &str)] = &[
    ("chatgpt", "ChatGPT", "chat"),
    ("claude", "Claude", "chat"),
    ("copilot", "Microsoft Copilot", "chat"),
    ("deepseek", "DeepSeek", "chat"),
    ("elevenlabs", "ElevenLabs", "audio"),
    ("gemini", "Gemini", "chat"),
    ("github-copilot", "GitHub Copilot", "code-assistant"),
    ("mistral", "Mistral", "api"),
    ("openai-api", "OpenAI API", "api"),
    ("perplexity", "Perplexity", "search"),
    ("suno", "Suno", "audio"),
];

fn catalogue() -> Catalogue {
    let service = |(id, name, category): &(&str, &str, &str)| {
        format!(
            "[[service]]\nid = \"{id}\"\nname = \"{name}\"\nvendor = \"{name} Inc\"\ncategory = \"{category}\"\n\
             access = [\"web\"]\nmodality = [\"text\"]\nhosts = [{{ suffix = \"{id}.example\", role = \"app\", \
             strength = \"definite\", source = \"test\", date = 2026-11-01 }}]\n"
        )
    };
    let text: String = SERVICES.iter().map(service).collect();
    Catalogue::parse([("services.toml", text.as_str())]).unwrap()
}

/// Service, first week (0 is thirteen weeks ago), number of devices, kB per exchange, access, role.
const USE: &[(&str, u8, u8, u64, Access, Role)] = &[
    ("chatgpt", 0, 14, 9, Access::Web, Role::App),
    ("copilot", 0, 11, 6, Access::Web, Role::App),
    ("github-copilot", 2, 7, 14, Access::Api, Role::Api),
    ("claude", 4, 6, 21, Access::Web, Role::App),
    ("openai-api", 7, 2, 48, Access::Api, Role::Api),
    ("deepseek", 9, 3, 12, Access::Web, Role::App),
    ("gemini", 5, 9, 3, Access::Web, Role::Shared),
    ("perplexity", 6, 4, 4, Access::Web, Role::App),
    ("elevenlabs", 12, 1, 380, Access::Web, Role::Upload),
    ("suno", 12, 2, 2, Access::Web, Role::Cdn),
];

fn quarter() -> Vec<Record> {
    let mut records = Vec::new();
    for week in 0..13 {
        if week == 3 {
            continue;
        }
        let monday = MONDAY - (12 - i64::from(week)) * 7 * DAY;
        records.extend((0..400).map(|m| minute_record(monday + m * 60 * SECOND)));
        for (number, (service, first, devices, kilobytes, access, role)) in USE.iter().enumerate() {
            let grown = devices.saturating_sub((12 - week) / 2).max(1);
            for device in 0..if week >= *first { grown } else { 0 } {
                let client = format!("10.20.{}.{}", 1 + (device + number as u8) % 5, 10 + device % 7);
                let at = monday + i64::from(device) * 7 * HOUR + i64::try_from(number).unwrap() * 61 * SECOND;
                records.push(exchange(&client, service, at, *kilobytes, *access, *role));
            }
        }
    }
    records.push(lookup_record("10.20.1.9", "mistral", MONDAY + HOUR));
    records
}

fn exchange(client: &str, service: &str, at: i64, kilobytes: u64, access: Access, role: Role) -> Record {
    let turns = if role == Role::Cdn { 0 } else { 2 + kilobytes % 5 };
    let upload_bytes = turns.max(1) * kilobytes * 1000;
    flow_record(FlowRecord {
        host: Some(format!("{service}.example")),
        turns,
        upload_bytes,
        bytes_up: upload_bytes * 5 / 4,
        bytes_down: upload_bytes * 9,
        largest_burst: kilobytes * 1000,
        access,
        role,
        ..flow(client, service, at)
    })
}

fn build(dir: &Path, records: &[Record]) -> Report {
    let catalogue = catalogue();
    let policy = Policy::parse(POLICY, "policy.toml", &catalogue).unwrap();
    let config = DeliverConfig {
        data_dir: dir.to_path_buf(),
        spool: spool(dir, &[records]),
        catalogue: catalogue.clone().into(),
        policy: policy.clone().into(),
        sinks: Vec::new(),
        time_zone: berlin(),
    };
    Deliverer::open(config).unwrap().drain(None).unwrap();
    let context = ReportContext {
        catalogue: &catalogue,
        policy: &policy,
        site: "hq".to_owned(),
        time_zone: berlin(),
        week: "2026-W46".parse().unwrap(),
        binary: "shadowtap 0.1.0".to_owned(),
    };
    let store = SqliteStore::open(dir, berlin()).unwrap();
    Report::build(&store, &FindingsDb::open(dir).unwrap(), &context).unwrap()
}

/// Writes the page where `SHADOWTAP_PAGE` says, for people to look at.
#[test]
fn the_page_of_a_busy_quarter_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let report = build(dir.path(), &quarter());
    let out = std::env::var_os("SHADOWTAP_PAGE").map_or(dir.path().join("out"), PathBuf::from);
    let paths = report.write(&out).unwrap();
    let page = fs::read_to_string(paths.html).unwrap();
    for section in [
        "Next actions",
        "New this week",
        "In use without approval",
        "Uploads",
        "How services are reached",
        "Thirteen weeks",
        "Departments",
        "Findings and clocks",
        "Reviews and exceptions",
        "Coverage and blind spots",
        "Method",
        "What this report cannot say",
    ] {
        assert!(page.contains(&format!(">{section}</h")), "{section}");
    }
}

/// Writes the page where `SHADOWTAP_FINDINGS_PAGE` says, for people to look at.
#[test]
fn every_kind_of_finding_has_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let report = every_kind::report(dir.path());
    let rules: BTreeSet<&str> = report.findings.iter().map(|row| row.rule.as_str()).collect();
    let all: BTreeSet<&str> = FindingRule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(rules, all);
    let lanes: BTreeSet<&str> = report.findings.iter().map(|row| row.lane.as_str()).collect();
    assert_eq!(lanes, ["answered", "due", "missed", "noted", "open"].into());
    let totals = report.totals;
    let deadlines = [totals.deadlines_met, totals.deadlines_missed, totals.deadlines_running].map(|pair| pair.now);
    assert_eq!((deadlines, totals.findings_late.now), ([2, 10, 1], 9));
    assert_eq!((report.announced.held, report.announced.quiet), (2, 4));
    let again = report.findings.iter().find(|row| row.rule == "prohibited-use").unwrap();
    assert_eq!((again.occurrences, again.lane.as_str(), again.closed_at.is_none()), (2, "due", true));
    let met = report.findings.iter().find(|row| row.clock == "met").unwrap();
    assert_eq!((met.acknowledged_by.as_deref(), met.lane.as_str()), (Some("A. Kaya"), "answered"));
    let burst = report.unusual_uploads.first().unwrap();
    assert_eq!((burst.bytes, burst.own.as_str()), (412_000_000, "own 4-week p99 523 kB"));
    assert_eq!(burst.of_department, "Finance p99 674 kB");
    assert_eq!(
        (report.visibility_lost[0].department.as_str(), &*report.visibility_lost[0].devices),
        ("Sales", "< 5")
    );
    let out = std::env::var_os("SHADOWTAP_FINDINGS_PAGE").map_or(dir.path().join("out"), PathBuf::from);
    let paths = report.write(&out).unwrap();
    let page = fs::read_to_string(paths.html).unwrap();
    for section in
        ["Unusual uploads", "Local models", "Visibility lost", "Reviews and exceptions", "The sensor's health"]
    {
        assert!(page.contains(&format!(">{section}</h")), "{section}");
    }
    assert!(page.contains("<small>anna&lt;b&gt;book</small>") && !page.contains("nobodys"));
    let names: Vec<&str> = report.device_names.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["anna<b>book"], "no name of a device that the report does not show");
    let text = ingest::report::summary_text(&report, 100);
    println!("{text}");
    assert!(text.lines().count() < 60);
    blameless(&report);
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let dir = tempfile::tempdir().unwrap();
    let page = build(dir.path(), &quarter()).html().unwrap();
    for outside in
        ["http://", "https://", "<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import"]
    {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let files = |dir: &Path| {
        let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .map(|p| (p.file_name().unwrap().into(), fs::read(p).unwrap()))
            .collect();
        files.sort();
        files
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    build(one.path(), &quarter()).write(&one.path().join("out")).unwrap();
    let mut doubled = quarter();
    doubled.extend(quarter());
    build(two.path(), &doubled).write(&two.path().join("out")).unwrap();
    let (one, two) = (files(&one.path().join("out")), files(&two.path().join("out")));
    assert_eq!(one.len(), 20, "page, model, eighteen tables; nothing half-written");
    assert_eq!(one, two);
}

/// The report is about tools. Words that suppose an intent or a fault have no place in it.
#[test]
fn no_text_accuses_anybody() {
    let dir = tempfile::tempdir().unwrap();
    blameless(&build(dir.path(), &quarter()));
}

fn blameless(report: &Report) {
    let texts = [report.html().unwrap(), report.json().unwrap(), ingest::report::summary_text(report, 100)];
    let blame = [
        "violat",
        "offend",
        "culprit",
        "guilt",
        "illegal",
        "misconduct",
        "breach",
        "caught",
        "rogue",
        "abuse",
        "unauthori",
        "blame",
        "infring",
        "suspicious",
        "suspect",
        "misuse",
        "punish",
        "disciplin",
        "employee",
        "accus",
    ];
    for text in texts {
        let text = text.to_lowercase().replace("not an accusation", "");
        for word in blame {
            assert!(
                !text.contains(word),
                "{word}: {:?}",
                text.find(word).map(|at| &text[at.saturating_sub(60)..at + 20])
            );
        }
    }
}
