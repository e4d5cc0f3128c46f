//! Findings on real files: when one opens, what it says, and that it opens once.

mod again;
mod budget;
mod clock;
mod dark;
mod health;
mod listeners;
mod mended;
mod migrate;
mod times;
mod uses;
mod wording;

use std::sync::Arc;

use rules::policy::{FindingRule, Policy, Status};
use rusqlite::Connection;
use sensor::record::{Evidence, FlowRecord, Record};

use super::*;
use crate::sample::{DAY, HOUR, MONDAY, berlin, catalogue, flow, flow_record, minute_record, policy};
use crate::siem::{Outbox, Waiting};

const SINK: &str = "siem.example:514";

fn judge() -> Judge {
    Judge {
        catalogue: catalogue(),
        policy: policy(),
        time_zone: berlin(),
        sinks: vec![Listener { name: SINK.to_owned(), activity: false }],
    }
}

fn findings() -> (tempfile::TempDir, FindingsDb) {
    let dir = tempfile::tempdir().unwrap();
    let db = FindingsDb::open(dir.path()).unwrap();
    (dir, db)
}

fn opened(db: &mut FindingsDb, flows: &[FlowRecord]) -> Vec<String> {
    let records: Vec<Record> = flows.iter().cloned().map(flow_record).collect();
    judge().segment(db, &records).unwrap().opened
}

/// A judge by the tests' policy with more behind it.
fn judge_with(more: &str) -> Judge {
    Judge { policy: crate::sample::policy_with(more), ..judge() }
}

/// What waits for the sink at a moment.
fn waiting(db: &FindingsDb, now: i64) -> Vec<Waiting> {
    outbox(db).waiting(SINK, now, 100_000).unwrap()
}

fn outbox(db: &FindingsDb) -> Outbox {
    Outbox::open(db.path.parent().unwrap()).unwrap()
}

/// Events in the outbox: action, uid, labels of the last ones.
fn events(db: &FindingsDb) -> Vec<serde_json::Value> {
    waiting(db, i64::MAX).into_iter().map(|one| one.message.event).collect()
}

/// Events about one rule: its action and its clock.
fn told(db: &FindingsDb, rule: &str) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of_rule = events(db).into_iter().filter(|event| event["event"]["code"] == rule);
    of_rule.map(|event| (text(&event["event"]["action"]), text(&event["labels"]["deadline"]))).collect()
}

fn one(db: &FindingsDb, rule: FindingRule) -> Finding {
    let found: Vec<Finding> = db.list(&Filter { rule: Some(rule), ..Filter::default() }).unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn all(db: &FindingsDb) -> Vec<Finding> {
    let mut all = db.detected_before("", i64::MAX).unwrap();
    all.retain(|finding| finding.rule != FindingRule::FirstSight);
    all
}

#[test]
fn a_prohibited_use_opens_a_finding_with_its_clock_and_its_reasons() {
    let (_dir, mut db) = findings();
    let uids = opened(&mut db, &[flow("10.20.1.12", "deep", MONDAY)]);
    let finding = all(&db).remove(0);
    assert_eq!(uids, std::slice::from_ref(&finding.uid));
    assert_eq!((finding.rule, finding.status), (FindingRule::ProhibitedUse, Some(Status::Prohibited)));
    assert_eq!((finding.detected_at, finding.report_due_at), (MONDAY, Some(MONDAY + HOUR)));
    assert_eq!((finding.turns, finding.count, finding.earlier, finding.severity), (3, 1, 0, 8));
    assert_eq!(
        sentence(&finding),
        "10.20.1.12 (Finance) used Deep (www.deep.example, seen as TLS server name, definite) with 3 exchanges, 12 kB up; \
         deep is prohibited by policy.toml:13, owner IT; first finding for this device; report due 2026-11-09T09:00:00Z \
         (1 h after detection). This is an observation, not an accusation; IT assesses the tool."
    );
    assert!(next_steps(&finding)[2].contains("2026-11-09T09:00:00Z"));
}

#[test]
fn unapproved_use_has_four_hours() {
    let (_dir, mut db) = findings();
    opened(&mut db, &[flow("10.20.1.12", "painter", MONDAY), flow("10.9.9.9", "chat", MONDAY)]);
    for finding in all(&db) {
        assert_eq!((finding.rule, finding.report_due_at), (FindingRule::UnapprovedUse, Some(MONDAY + 4 * HOUR)));
    }
    assert_eq!(
        all(&db)[0].group_name.is_some(),
        all(&db)[0].contact.as_ref().unwrap().client_ip.to_string() == "10.20.1.12"
    );
}

#[test]
fn approved_shared_ambiguous_unknown_and_visited_services_open_nothing() {
    let (_dir, mut db) = findings();
    let quiet = FlowRecord { turns: 0, upload_bytes: 500, ..flow("10.20.1.1", "chat", MONDAY) };
    let unsure = FlowRecord { evidence: Evidence::Ambiguous, ..flow("10.20.1.1", "deep", MONDAY) };
    let flows = [
        flow("10.20.1.1", "good", MONDAY),
        flow("10.20.1.1", "assistant", MONDAY),
        quiet,
        unsure,
        flow("10.20.1.1", "gone", MONDAY),
    ];
    let judged = judge().segment(&mut db, &flows.map(flow_record)).unwrap();
    assert_eq!((judged.flows, judged.unknown, judged.opened), (5, 1, Vec::new()));
    assert_eq!(judged.first_sights.len(), 2, "good and assistant, each for the first time");
    assert!(all(&db).is_empty());
}

#[test]
fn a_repeated_segment_changes_nothing() {
    let (_dir, mut db) = findings();
    let flows = [flow("10.20.1.1", "chat", MONDAY), flow("10.20.1.1", "chat", MONDAY + HOUR)];
    assert_eq!(opened(&mut db, &flows).len(), 1);
    let before = (all(&db), waiting(&db, i64::MAX));
    assert_eq!((before.0.len(), before.1.len(), before.0[0].count), (1, 1, 2));
    assert!(opened(&mut db, &flows).is_empty());
    assert_eq!((all(&db), waiting(&db, i64::MAX)), before);
}

#[test]
fn later_use_is_counted_in_the_same_finding_and_the_clock_stays() {
    let (_dir, mut db) = findings();
    opened(&mut db, &[flow("10.20.1.1", "chat", MONDAY)]);
    assert!(opened(&mut db, &[flow("10.20.1.1", "chat", MONDAY + DAY)]).is_empty());
    let finding = all(&db).remove(0);
    assert_eq!((finding.count, finding.turns, finding.bytes_up), (2, 6, 24_000));
    assert_eq!((finding.detected_at, finding.last_seen), (MONDAY, MONDAY + DAY));
}

#[test]
fn what_came_before_the_first_exchange_is_in_the_finding() {
    let (_dir, mut db) = findings();
    let named = FlowRecord { turns: 0, upload_bytes: 100, last: false, ..flow("10.20.1.1", "chat", MONDAY) };
    let asked = FlowRecord { seq: 1, turns: 1, end: MONDAY + HOUR, ..named.clone() };
    assert!(opened(&mut db, &[named]).is_empty());
    assert_eq!(opened(&mut db, &[asked]).len(), 1);
    let finding = all(&db).remove(0);
    assert_eq!((finding.count, finding.turns, finding.bytes_up), (1, 1, 24_000));
    assert_eq!((finding.first_seen, finding.detected_at), (MONDAY - 30_000_000, MONDAY + HOUR));
}

#[test]
fn one_finding_per_device_and_service_and_the_second_knows_of_the_first() {
    let (_dir, mut db) = findings();
    let flows = [
        flow("10.20.1.1", "chat", MONDAY),
        flow("10.20.1.1", "deep", MONDAY + HOUR),
        flow("10.20.1.2", "chat", MONDAY + 2 * HOUR),
    ];
    assert_eq!(opened(&mut db, &flows).len(), 3);
    assert_eq!(all(&db).iter().map(|f| f.earlier).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn a_finding_and_its_event_stand_together_or_not_at_all() {
    let (dir, mut db) = findings();
    let file = Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
    file.execute_batch("ALTER TABLE siem_outbox RENAME TO gone").unwrap();
    let records = [flow_record(flow("10.20.1.1", "chat", MONDAY))];
    assert!(judge().segment(&mut db, &records).is_err());
    assert!(all(&db).is_empty());
    file.execute_batch("ALTER TABLE gone RENAME TO siem_outbox").unwrap();
    assert_eq!(judge().segment(&mut db, &records).unwrap().opened.len(), 1);
    assert_eq!(outbox(&db).waiting_count(SINK, i64::MAX).unwrap(), (1, 0));
}

#[test]
fn an_approval_that_ran_out_at_the_sites_midnight_no_longer_holds() {
    let text = "[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\nexpires = 2026-11-09\n";
    let policy = Arc::new(Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    let judge = Judge { policy, ..judge() };
    let (_dir, mut db) = findings();
    // Monday 23:30 and Tuesday 00:30 in Berlin; both are Monday in UTC.
    let (last_day, next_day) = (MONDAY + 14 * HOUR + HOUR / 2, MONDAY + 15 * HOUR + HOUR / 2);
    let at = |time| [flow_record(flow("10.20.1.1", "chat", time))];
    assert!(judge.segment(&mut db, &at(last_day)).unwrap().opened.is_empty());
    assert_eq!(judge.segment(&mut db, &at(next_day)).unwrap().opened.len(), 1);
    assert!(all(&db)[0].why.contains("expired on 2026-11-09"));
}

#[test]
fn a_suppression_holds_back_until_its_last_day() {
    let text =
        "[[suppression]]\nservices = [\"chat\"]\nowner = \"IT\"\nreason = \"test bench\"\nexpires = 2026-11-09\n";
    let policy = Arc::new(Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    let judge = Judge { policy, ..judge() };
    let (_dir, mut db) = findings();
    let at = |time| [flow_record(flow("10.20.1.1", "chat", time))];
    assert!(judge.segment(&mut db, &at(MONDAY + HOUR)).unwrap().opened.is_empty());
    assert_eq!(judge.segment(&mut db, &at(MONDAY + DAY)).unwrap().opened.len(), 1);
}

#[test]
fn vlan_hardware_address_and_hour_count() {
    let text = "[groups.guests]\nname = \"Guests\"\nvlans = [30]\npersonal = true\n\n\
                [groups.lab]\nname = \"Lab\"\nmacs = [\"02:77:00\"]\n\n\
                [[rule]]\nservices = [\"chat\"]\ngroups = [\"lab\"]\nstatus = \"approved\"\nhours = \"Mon-Fri 08:00-18:00\"\n";
    let policy = Arc::new(Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    let judge = Judge { policy, ..judge() };
    let (_dir, mut db) = findings();
    let mut opened = |record: FlowRecord| judge.segment(&mut db, &[flow_record(record)]).unwrap().opened.len();
    // Monday 10:00 in Berlin is a working hour, 22:00 is none.
    assert_eq!(opened(flow("10.20.1.1", "chat", MONDAY + HOUR)), 0);
    assert_eq!(opened(flow("10.20.1.2", "chat", MONDAY + 13 * HOUR)), 1);
    let guest = FlowRecord { vlan: Some(30), client_mac: None, ..flow("10.20.1.3", "chat", MONDAY + HOUR) };
    assert_eq!(opened(guest), 0, "personal use is no finding");
}

/// A provider hears of its client's site itself; the client only where the policy says so.
#[test]
fn an_event_names_who_is_to_hear_of_it() {
    let text = "[routes]\nsecurity = \"soc@msp.example\"\nrisk_owner = \"risk@msp.example\"\n\n\
                [routes.sites.hq]\nsecurity = \"lead@msp.example\"\n";
    let policy = Arc::new(Policy::parse(text, "policy.toml", &catalogue()).unwrap());
    let judge = Judge { policy, ..judge() };
    let (_dir, mut db) = findings();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.1", "chat", MONDAY))]).unwrap();
    let event = &events(&db)[0];
    assert_eq!(event["labels"]["route_security"], "lead@msp.example");
    assert_eq!(event["labels"]["route_risk_owner"], "risk@msp.example");
    assert_eq!(event["labels"]["route_client"], serde_json::Value::Null);
}
