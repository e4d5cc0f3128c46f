//! Hand-made records through spool, delivery and report: what a site gets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ingest::db::DbError;
use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::FindingsDb;
use ingest::report::{Report, ReportContext, latest_week, summary_text};
use ingest::store::{
    CandidateRow, Facts, Inserted, Ledger, LookupRow, SqliteStore, Store, StoreError, TallyRow, UsageRow,
};
use ingest::time::Window;
use rules::behaviour::{Behaviour, ClientKind};
use rules::policy::Policy;
use sample::*;
use sensor::record::{FlowRecord, MinuteRecord, Record, Tally};

fn config(dir: &Path, segments: &[&[Record]]) -> DeliverConfig {
    DeliverConfig {
        data_dir: dir.to_path_buf(),
        spool: spool(dir, segments),
        catalogue: catalogue(),
        policy: policy(),
        sinks: Vec::new(),
        time_zone: berlin(),
    }
}

fn report(dir: &Path) -> Report {
    report_by(dir, &policy())
}

fn report_by(dir: &Path, policy: &Policy) -> Report {
    let store = SqliteStore::open(dir, berlin()).unwrap();
    let findings = FindingsDb::open(dir).unwrap();
    let week = latest_week(&store, &berlin()).unwrap().unwrap();
    let catalogue = catalogue();
    let context = ReportContext {
        catalogue: &catalogue,
        policy,
        site: "hq".to_owned(),
        time_zone: berlin(),
        week,
        binary: "shadowtap 0.1.0".to_owned(),
    };
    Report::build(&store, &findings, &context).unwrap()
}

fn delivered(segments: &[&[Record]]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Deliverer::open(config(dir.path(), segments)).unwrap().drain(None).unwrap();
    dir
}

#[test]
fn a_week_of_records_becomes_a_report() {
    let dir = delivered(&[&week()]);
    let report = report(dir.path());
    assert_eq!(report.window.week, "2026-W46");
    assert_eq!(
        report.headline,
        "3 AI services were used on 12 devices; 2 of them are not approved. 7 report times passed without an answer."
    );
    assert_eq!(report.totals.bytes_uploaded.now, 13 * 9_000);
    // Seven uses, and a sensor that fell silent.
    assert_eq!(report.totals.findings_open.now, 8);
    assert_eq!((report.announced.alerted, report.announced.quiet, report.announced.first_sights), (3, 5, 4));
    assert_eq!(
        (report.services[0].behaviour.as_str(), report.services[0].clients.join(" ")),
        ("chat", "browser".into())
    );
    assert_eq!(report.departments.len(), 2);
    let uses: Vec<(&str, &str)> = report.services.iter().map(|s| (s.service.as_str(), s.usage.as_str())).collect();
    let expected =
        [("chat", "used"), ("good", "used"), ("deep", "used"), ("assistant", "shared"), ("painter", "visited")];
    assert_eq!(uses, expected);
    report.write(&dir.path().join("out")).unwrap();
    assert!(fs::read_to_string(dir.path().join("out/index.html")).unwrap().contains("3 AI services"));
}

#[test]
fn a_second_delivery_of_the_same_records_changes_nothing() {
    let dir = delivered(&[&week()]);
    let before = report(dir.path());
    // The same capture read again: other segment names, the same records.
    let again = spool(dir.path(), &[]);
    let mut writer = again.writer(99);
    week().iter().for_each(|record| writer.append(record).unwrap());
    writer.seal().unwrap();
    let done = Deliverer::open(config(dir.path(), &[])).unwrap().drain(None).unwrap();
    assert_eq!((done.store.records.new, done.store.records.known), (0, week().len() as u64));
    assert!(done.opened.is_empty());
    assert_eq!(report(dir.path()), before);
}

#[test]
fn one_segment_or_many_give_the_same_report() {
    let records = week();
    let many: Vec<&[Record]> = records.chunks(4).collect();
    let (one, two) = (delivered(&[&records]), delivered(&many));
    assert_eq!(report(one.path()).json().unwrap(), report(two.path()).json().unwrap());
}

#[test]
fn hostile_names_stay_text_on_the_page_and_in_the_tables() {
    let script = "<script>alert(1)</script>";
    let hostile = FlowRecord {
        device: script.to_owned(),
        host: Some(script.to_owned()),
        ..flow("10.20.2.1", "chat", MONDAY)
    };
    let formula = FlowRecord { device: "=1+1".to_owned(), ..flow("10.20.2.2", "chat", MONDAY) };
    let odd = Record::Minute(Box::new(MinuteRecord {
        malformed: [(script.to_owned(), Tally { flows: 0, frames: 1, bytes: 1 })].into_iter().collect(),
        ..minute(MONDAY)
    }));
    let dir = delivered(&[&[flow_record(hostile), flow_record(formula), odd]]);
    let report = report(dir.path());
    let page = report.html().unwrap();
    assert!(!page.contains("<script") && !page.contains("<Co>"));
    assert!(page.contains("&lt;script&gt;") && page.contains("Chat &amp; &lt;Co&gt;"));
    let paths = report.write(&dir.path().join("out")).unwrap();
    let findings = paths.csv.iter().find(|path| path.ends_with("findings.csv")).unwrap();
    assert!(fs::read_to_string(findings).unwrap().contains("\"'=1+1\""));
}

/// Flows of one device and service that differ in client and behaviour are one use.
#[test]
fn a_service_tells_what_it_was_used_for() {
    let call = FlowRecord {
        client: ClientKind::Program,
        behaviour: Behaviour::ApiBatch,
        ..flow("10.20.1.1", "good", MONDAY + HOUR)
    };
    let dir = delivered(&[&[flow_record(flow("10.20.1.1", "good", MONDAY)), flow_record(call)]]);
    let store = SqliteStore::open(dir.path(), berlin()).unwrap();
    let rows = store.usage("hq", Window { from: MONDAY - DAY, to: MONDAY + DAY }).unwrap();
    assert_eq!((rows.len(), rows[0].flows, rows[0].turns), (1, 2, 6));
    let row = &report(dir.path()).services[0];
    assert_eq!((row.behaviour.as_str(), row.devices, row.turns), ("api-batch", 1, 6));
    assert_eq!(
        (row.behaviours.join(" "), row.clients.join(" ")),
        ("chat api-batch".into(), "browser program".into())
    );
}

/// A store that is away.
struct Gone;

impl Store for Gone {
    fn insert(&mut self, _: &str, _: &[Record]) -> Result<Inserted, StoreError> {
        let path = "gone.db".into();
        Err(DbError::Sql { path, source: rusqlite::Error::InvalidQuery }.into())
    }
    fn usage(&self, _: &str, _: Window) -> Result<Vec<UsageRow>, StoreError> {
        Ok(Vec::new())
    }
    fn first_seen(&self, _: &str, _: i64) -> Result<BTreeMap<String, i64>, StoreError> {
        Ok(BTreeMap::new())
    }
    fn lookups(&self, _: &str, _: Window) -> Result<Vec<LookupRow>, StoreError> {
        Ok(Vec::new())
    }
    fn ledger(&self, _: &str, _: Window) -> Result<Ledger, StoreError> {
        Ok(Ledger::default())
    }
    fn tallies(&self, _: &str, _: Window) -> Result<Vec<TallyRow>, StoreError> {
        Ok(Vec::new())
    }
    fn candidates(&self, _: &str, _: Window) -> Result<Vec<CandidateRow>, StoreError> {
        Ok(Vec::new())
    }
    fn newest(&self, _: &str, _: Option<i64>) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }
    fn facts(&self, _: &str, _: Window) -> Result<Facts, StoreError> {
        Err(DbError::Sql { path: "gone.db".into(), source: rusqlite::Error::InvalidQuery }.into())
    }
}

#[test]
fn a_store_that_is_away_delays_no_finding_and_loses_no_fact() {
    let dir = tempfile::tempdir().unwrap();
    let mut deliverer = Deliverer::with_store(config(dir.path(), &[&week()]), Box::new(Gone)).unwrap();
    let error = deliverer.drain(None).unwrap_err();
    assert!(error.retry() && error.to_string().contains("store: gone.db"), "{error}");
    // Seven uses, and a sensor that falls silent after half an hour.
    assert_eq!((error.delivered.opened.len(), error.delivered.judged), (8, 1));
    let later = Deliverer::open(config(dir.path(), &[])).unwrap().drain(None).unwrap();
    assert_eq!(later.store.records.new, week().len() as u64);
    assert!(later.opened.is_empty());
}

#[test]
fn a_report_that_cannot_be_written_leaves_nothing_behind() {
    let dir = delivered(&[&week()]);
    let blocked = dir.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let error = report(dir.path()).write(&blocked).unwrap_err();
    assert!(error.to_string().contains("blocked"), "{error}");
    // A page that stands is replaced whole: no file of the first report survives in part.
    let out = dir.path().join("out");
    report(dir.path()).write(&out).unwrap();
    fs::write(out.join("index.part"), "half a page").unwrap();
    report(dir.path()).write(&out).unwrap();
    assert!(!out.join("index.part").exists());
}

#[test]
fn an_empty_store_has_no_latest_week_and_an_empty_week_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), berlin()).unwrap();
    assert_eq!(latest_week(&store, &berlin()).unwrap(), None);
    let (catalogue, policy) = (catalogue(), policy());
    let context = ReportContext {
        catalogue: &catalogue,
        policy: &policy,
        site: "hq".to_owned(),
        time_zone: berlin(),
        week: "2026-W46".parse().unwrap(),
        binary: "test".to_owned(),
    };
    let report = Report::build(&store, &FindingsDb::open(dir.path()).unwrap(), &context).unwrap();
    assert!(report.headline.contains("saw no traffic"), "{}", report.headline);
    assert_eq!(report.totals.devices.before, None);
    report.html().unwrap();
    assert!(summary_text(&report, 20).lines().all(|line| line.chars().count() <= 40));
}

#[test]
fn last_week_stands_beside_this_week_and_the_policy_judges_both() {
    let last: Vec<Record> =
        [flow_record(flow("10.20.1.1", "chat", MONDAY - 7 * DAY)), minute_record(MONDAY - 7 * DAY)].into();
    let dir = delivered(&[&last, &week()]);
    let report = report(dir.path());
    let totals = report.totals;
    assert_eq!((totals.services_used.now, totals.services_used.before), (3, Some(1)));
    assert_eq!((totals.findings_open.now, totals.findings_open.before), (9, Some(1)));
    assert_eq!(totals.new_services.now, 4, "chat is not new");
    assert_eq!(report.trend.iter().filter(|week| week.seen).count(), 2);
    // The last fact is on Tuesday: all clocks but those of that day have run out, the silent sensor's among them.
    assert_eq!((totals.findings_late.now, totals.findings_late.before), (8, Some(0)));
}

#[test]
fn two_deliverers_on_one_directory_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let records = week();
    let segments: Vec<&[Record]> = records.chunks(2).collect();
    let first = Deliverer::open(config(dir.path(), &segments)).unwrap();
    let second = Deliverer::open(config(dir.path(), &[])).unwrap();
    let rounds: Vec<_> =
        [first, second].map(|mut deliverer| std::thread::spawn(move || deliverer.drain(None).unwrap())).into();
    let done: Vec<_> = rounds.into_iter().map(|round| round.join().unwrap()).collect();
    assert_eq!(done.iter().map(|d| d.store.records.new).sum::<u64>(), records.len() as u64);
    assert_eq!(done.iter().map(|d| d.opened.len()).sum::<usize>(), 8);
}

/// Private use outside the policy's scope is shown with its status and is nothing to decide.
#[test]
fn personal_risk_is_neither_approved_nor_a_finding() {
    let text = "[[rule]]\nservices = [\"chat\"]\nstatus = \"personal_risk\"\n";
    let policy = Arc::new(Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let used = [flow_record(flow("10.20.1.1", "chat", MONDAY))];
    let config = DeliverConfig { policy: policy.clone(), ..config(dir.path(), &[&used]) };
    assert!(Deliverer::open(config).unwrap().drain(None).unwrap().opened.is_empty());
    let report = report_by(dir.path(), &policy);
    assert_eq!((report.totals.services_used.now, report.totals.unapproved_services_used.now), (1, 0));
    assert_eq!((report.services[0].status.as_str(), report.unapproved.rows.len()), ("personal_risk", 0));
}

/// Opinion is made when the report is: the same facts under another policy.
#[test]
fn a_week_can_be_judged_again() {
    let dir = delivered(&[&week()]);
    let before = report(dir.path());
    let text = "[[rule]]\nservices = [\"chat\", \"deep\", \"good\"]\nstatus = \"approved\"\n";
    let after = report_by(dir.path(), &Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    assert_eq!(before.totals.unapproved_services_used.now, 2);
    assert_eq!(after.totals.unapproved_services_used.now, 0);
    assert_eq!(before.totals.bytes_uploaded, after.totals.bytes_uploaded);
}

#[test]
fn only_a_live_clock_sweeps_the_store() {
    let dir = delivered(&[&week()]);
    let mut deliverer = Deliverer::open(config(dir.path(), &[])).unwrap();
    let flows = || {
        let store = SqliteStore::open(dir.path(), berlin()).unwrap();
        store.facts("", Window { from: 0, to: i64::MAX }).unwrap().filter_map(Result::ok).filter(is_flow).count()
    };
    let before = flows();
    deliverer.drain(None).unwrap();
    deliverer.drain(Some(MONDAY + 60 * DAY)).unwrap();
    assert!(before > 10 && flows() == before);
    deliverer.drain(Some(MONDAY + 120 * DAY)).unwrap();
    assert_eq!(flows(), 0);
    assert_eq!(report(dir.path()).totals.services_used.now, 3, "the roll-up is kept");
}

fn is_flow(record: &Record) -> bool {
    matches!(record, Record::Flow(_))
}
