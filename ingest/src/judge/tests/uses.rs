//! What flows give rise to: first sight, limits, local servers, downloads, and a policy that changes.

use super::*;
use crate::sample::{download, local_flow, policy_with};

fn limit(more: &str) -> String {
    format!("\n[[limit]]\nbytes = \"50MB\"\nper = \"day\"\nowner = \"Security\"\nreason = \"client data\"\n{more}")
}

#[test]
fn first_sight_is_told_where_nothing_else_is() {
    let (_dir, mut db) = findings();
    let records = ["good", "chat", "assistant"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY)));
    let judged = judge().segment(&mut db, &records).unwrap();
    assert_eq!((judged.opened.len(), judged.first_sights.len()), (1, 3));
    assert_eq!(told(&db, "first-sight").len(), 2, "the unapproved use of chat speaks for itself");
    let sights = db.list(&Filter { rule: Some(FindingRule::FirstSight), ..Filter::default() }).unwrap();
    assert!(sights.iter().all(|one| one.device.is_empty() && one.severity == 2 && one.report_due_at.is_none()));
    let again = judge().segment(&mut db, &[flow_record(flow("10.20.1.9", "good", MONDAY + DAY))]).unwrap();
    assert!(again.first_sights.is_empty(), "once per site");
}

/// The flow is still open: its deltas add up, and the one that passes the limit opens the finding.
#[test]
fn an_upload_over_a_limit_opens_at_the_delta() {
    let (_dir, mut db) = findings();
    let judge = judge_with(&limit("services = [\"good\"]\n"));
    let delta = |seq: u32| FlowRecord {
        flow_id: "00000000000000aa".to_owned(),
        seq,
        last: false,
        upload_bytes: 20_000_000,
        ..flow("10.20.1.1", "good", MONDAY + i64::from(seq) * 60_000_000)
    };
    let opened: Vec<usize> =
        (0..5).map(|seq| judge.segment(&mut db, &[flow_record(delta(seq))]).unwrap().opened.len()).collect();
    assert_eq!(opened, [0, 0, 1, 0, 0]);
    let finding = one(&db, FindingRule::UploadLimit);
    assert_eq!((finding.severity, finding.detected_at), (7, MONDAY + 120_000_000));
    assert_eq!(finding.report_due_at, Some(finding.detected_at + 15 * 60_000_000));
    let Detail::Limit { limit, bytes, episodes, since, .. } = finding.detail else { panic!("{finding:?}") };
    assert_eq!((limit, bytes, episodes, since), (50_000_000, 100_000_000, 1, MONDAY - 9 * HOUR));
    assert!(finding.why.contains("policy.toml:") && finding.why.contains("allows 50 MB per day (\"client data\")"));
    let event = events(&db).into_iter().find(|one| one["event"]["code"] == "upload-limit").unwrap();
    assert_eq!(event["threat"]["technique"]["id"][0], "T1567");
    assert_eq!(event["labels"]["limit_bytes"], "50000000");
}

#[test]
fn a_limit_counts_each_day_of_the_sites_clock_anew() {
    let (_dir, mut db) = findings();
    let judge = judge_with(&limit(""));
    let sent = |at| flow_record(FlowRecord { upload_bytes: 30_000_000, ..flow("10.20.1.1", "good", at) });
    // Monday and Tuesday in Berlin: 30 MB each.
    judge.segment(&mut db, &[sent(MONDAY), sent(MONDAY + 15 * HOUR)]).unwrap();
    assert!(db.list(&Filter { rule: Some(FindingRule::UploadLimit), ..Filter::default() }).unwrap().is_empty());
    judge.segment(&mut db, &[sent(MONDAY + 16 * HOUR)]).unwrap();
    assert_eq!(one(&db, FindingRule::UploadLimit).state, State::Open);
    // The next day over the limit is another episode of the same finding.
    judge.segment(&mut db, &[sent(MONDAY + 2 * DAY), sent(MONDAY + 2 * DAY + HOUR)]).unwrap();
    let Detail::Limit { episodes, .. } = one(&db, FindingRule::UploadLimit).detail else { panic!() };
    assert_eq!(episodes, 2);
}

#[test]
fn prohibited_use_and_an_upload_over_its_limit_weigh_nine() {
    let (_dir, mut db) = findings();
    let judge = judge_with(&limit("report_within = \"5m\"\nseverity = 6\n"));
    let sent = FlowRecord { upload_bytes: 60_000_000, ..flow("10.20.1.1", "deep", MONDAY) };
    judge.segment(&mut db, &[flow_record(sent)]).unwrap();
    let (used, over) = (one(&db, FindingRule::ProhibitedUse), one(&db, FindingRule::UploadLimit));
    assert_eq!((used.severity, over.severity), (9, 9));
    assert_eq!(over.report_due_at, Some(MONDAY + 5 * 60_000_000));
}

#[test]
fn the_owner_of_a_local_server_is_asked_and_its_clients_are_not() {
    let (_dir, mut db) = findings();
    let records: Vec<Record> =
        (1..8_i64).map(|n| flow_record(local_flow(&format!("10.20.1.{n}"), "10.20.2.9", MONDAY + n))).collect();
    assert_eq!(judge().segment(&mut db, &records).unwrap().opened.len(), 1);
    let finding = one(&db, FindingRule::LocalModelServer);
    assert_eq!((finding.device.as_str(), finding.group_name.as_deref()), ("10.20.2.9", Some("Sales")));
    let Detail::Local { port, clients, ref shown, .. } = finding.detail else { panic!() };
    assert_eq!((port, clients, shown.len(), finding.turns), (11_434, 7, 5, 21));
    assert_eq!(all(&db).len(), 1);
    assert_eq!((finding.status, finding.severity), (Some(Status::Unreviewed), 5));
}

#[test]
fn model_weights_count_from_their_size_on() {
    let (_dir, mut db) = findings();
    let fetch = |mb: u64, at| flow_record(download("10.20.1.1", mb * 1_000_000, at));
    let opened = |db: &mut FindingsDb, record| judge().segment(db, &[record]).unwrap().opened.len();
    assert_eq!(opened(&mut db, fetch(30, MONDAY)), 0);
    assert_eq!(opened(&mut db, fetch(30, MONDAY + HOUR)), 1);
    let finding = one(&db, FindingRule::ModelDownload);
    let Detail::Download { bytes, limit, ref host, .. } = finding.detail else { panic!() };
    assert_eq!((bytes, limit, host.as_deref()), (60_000_000, 50_000_000, Some("www.hub.example")));
}

#[test]
fn a_rules_severity_can_be_set_and_a_deciding_rules_own_comes_first() {
    let (_dir, mut db) = findings();
    let judge = judge_with("\n[severity]\nunapproved-use = 4\nfirst-sight = 0\nprohibited-use = 10\n");
    let records = ["chat", "deep"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY)));
    judge.segment(&mut db, &records).unwrap();
    assert_eq!(all(&db).iter().map(|one| one.severity).max(), Some(10));
    assert_eq!(one(&db, FindingRule::UnapprovedUse).severity, 4);
}

#[test]
fn what_a_new_policy_approves_closes() {
    let (_dir, mut db) = findings();
    let mut judge = judge();
    let records = ["chat", "deep"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY)));
    judge.segment(&mut db, &records).unwrap();
    judge.set_policy(policy_with("\n[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\n"));
    let closed = judge.tick(&mut db, MONDAY + 60).unwrap().closed;
    let finding = one(&db, FindingRule::UnapprovedUse);
    assert_eq!(closed, std::slice::from_ref(&finding.uid));
    assert!(finding.closed_reason.unwrap().starts_with("policy: approved since test policy "));
    assert!(judge.tick(&mut db, MONDAY + 120).unwrap().closed.is_empty());
    assert_eq!(one(&db, FindingRule::ProhibitedUse).state, State::Open);
}

#[test]
fn reviews_open_when_due_and_close_when_done() {
    let (_dir, mut db) = findings();
    let rule = |day: &str| format!("\n[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\nreview_by = {day}\n");
    let mut judge = judge_with(&rule("2026-11-10"));
    judge.segment(&mut db, &[minute_record(MONDAY)]).unwrap();
    assert!(db.list(&Filter::default()).unwrap().is_empty());
    // Tuesday begins at 23:00 UTC.
    judge.tick(&mut db, MONDAY + 15 * HOUR).unwrap();
    let finding = one(&db, FindingRule::ReviewDue);
    assert_eq!((finding.service.as_str(), finding.severity, finding.state), ("chat", 2, State::Open));
    judge.set_policy(policy_with(&rule("2027-11-10")));
    judge.tick(&mut db, MONDAY + 16 * HOUR).unwrap();
    assert_eq!(one(&db, FindingRule::ReviewDue).state, State::Closed);
}
