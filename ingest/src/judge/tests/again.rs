//! Judging again: the same facts under another policy give what a replay under it gives, and what people did stays.

use super::*;
use crate::sample::{download, local_flow, policy_with, visibility};

const OTHER: &str = "\n[[rule]]\nservices = [\"chat\"]\nstatus = \"prohibited\"\nowner = \"CISO\"\n\n\
    [[rule]]\ncategories = [\"local-model\"]\nstatus = \"prohibited\"\nreport_within = \"15m\"\n\n\
    [[limit]]\nbytes = \"20MB\"\nper = \"day\"\nowner = \"Security\"\nreason = \"client data\"\n";

/// What has to be the same; clocks, revisions and what was told differ, because nobody knew before.
type Same = (String, FindingRule, Option<Status>, u8, [u64; 6], [i64; 3], String, String);

fn same(findings: &[&Finding]) -> Vec<Same> {
    let mut rows: Vec<Same> = findings
        .iter()
        .filter(|one| one.is_open())
        .map(|one| {
            let counts = [one.count, one.turns, one.bytes_up, one.bytes_down, one.upload_bytes, one.earlier];
            let times = [one.first_seen, one.last_seen, one.detected_at];
            let detail = serde_json::to_string(&one.detail).unwrap();
            (one.uid.clone(), one.rule, one.status, one.severity, counts, times, detail, one.why.clone())
        })
        .collect();
    rows.sort();
    rows
}

/// Three weeks of several devices with every rule in them.
fn weeks() -> Vec<Record> {
    let mut records = Vec::new();
    for week in 0..3 {
        let start = MONDAY + week * 7 * DAY;
        records.extend(crate::sample::week().into_iter().map(|record| moved(record, week * 7 * DAY)));
        for n in 1..6_i64 {
            let device = format!("10.20.{}.{n}", 1 + n % 2);
            let sent = FlowRecord { upload_bytes: 9_000_000, ..flow(&device, "chat", start + n * HOUR) };
            records.extend([0, 1, 2, 3].map(|seq| {
                let end = sent.end + i64::from(seq) * 60_000_000;
                flow_record(FlowRecord { seq, end, emitted: end + 5, last: seq == 3, ..sent.clone() })
            }));
            records.push(flow_record(local_flow(&device, "10.20.2.9", start + n * HOUR)));
            records.push(flow_record(download(&device, 40_000_000 * n.unsigned_abs(), start + n * DAY)));
            records.push(visibility(&device, [900, 100, 0], "vpn", start + n * HOUR));
        }
    }
    records.push(visibility("10.20.1.2", [1, 0, 900], "vpn", MONDAY + 21 * DAY));
    records.push(minute_record(MONDAY + 23 * DAY));
    records.sort_by(|a, b| crate::judge::core::order(a).cmp(&crate::judge::core::order(b)));
    records
}

fn moved(record: Record, by: i64) -> Record {
    match record {
        Record::Flow(mut flow) => {
            (flow.start, flow.end, flow.emitted) = (flow.start + by, flow.end + by, flow.emitted + by);
            flow.flow_id = format!("{}{by}", flow.flow_id);
            Record::Flow(flow)
        }
        Record::Minute(mut minute) => {
            minute.minute += by;
            Record::Minute(minute)
        }
        other => other,
    }
}

fn replay(judge: &Judge, records: &[Record]) -> (tempfile::TempDir, FindingsDb) {
    let (dir, mut db) = findings();
    for segment in records.chunks(7) {
        judge.segment(&mut db, segment).unwrap();
    }
    (dir, db)
}

fn again(judge: &Judge, records: &[Record]) -> Rejudged {
    judge.rejudge(records.iter().map(Ok::<_, std::convert::Infallible>)).unwrap()
}

#[test]
fn judging_again_equals_replaying() {
    let records = weeks();
    let (first, second) = (judge(), judge_with(OTHER));
    let (_dir, replayed) = replay(&second, &records);
    let (_dir, mut db) = replay(&first, &records);
    let before = db.list(&Filter::default()).unwrap();
    let changes = db.apply(again(&second, &records), &second, MONDAY + 30 * DAY).unwrap();
    let (after, wanted) = (db.list(&Filter::default()).unwrap(), replayed.list(&Filter::default()).unwrap());
    assert_ne!(same(&before.iter().collect::<Vec<_>>()), same(&after.iter().collect::<Vec<_>>()));
    let rules: std::collections::BTreeSet<FindingRule> = wanted.iter().map(|one| one.rule).collect();
    assert!(rules.len() >= 7, "{rules:?}");
    assert_eq!(same(&after.iter().collect::<Vec<_>>()), same(&wanted.iter().collect::<Vec<_>>()));
    assert!(!changes.opened.is_empty() && !changes.closed.is_empty() && changes.kept > 0, "{changes:?}");
    // And the fresh set by itself is the replay, too.
    let fresh = again(&second, &records);
    assert_eq!(same(&fresh.findings()), same(&wanted.iter().collect::<Vec<_>>()));
    // A second time nothing changes.
    let twice = db.apply(again(&second, &records), &second, MONDAY + 31 * DAY).unwrap();
    assert_eq!((twice.opened, twice.closed, twice.changed), (vec![], vec![], vec![]));
}

#[test]
fn segments_of_any_size_give_the_same_findings() {
    let records = weeks();
    let judge = judge_with(OTHER);
    let whole = |size: usize| {
        let (_dir, mut db) = findings();
        records.chunks(size).for_each(|segment| drop(judge.segment(&mut db, segment).unwrap()));
        (db.list(&Filter::default()).unwrap(), waiting(&db, i64::MAX).len())
    };
    assert_eq!(whole(1), whole(10_000));
}

#[test]
fn what_people_did_stays_and_what_vanished_closes() {
    let records: Vec<Record> =
        ["chat", "deep"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY))).to_vec();
    let (_dir, mut db) = replay(&judge(), &records);
    let act = Act { who: "Ada", text: "known", at: MONDAY + 60 };
    let deep = one(&db, FindingRule::ProhibitedUse).uid;
    db.acknowledge(&deep, &act, &judge()).unwrap();
    let approved = "\n[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\n";
    let lenient = Judge { policy: policy_with(approved), ..judge() };
    let changes = db.apply(again(&lenient, &records), &lenient, MONDAY + DAY).unwrap();
    assert_eq!((changes.closed.len(), changes.opened.len()), (1, 0));
    let (chat, deep) = (one(&db, FindingRule::UnapprovedUse), one(&db, FindingRule::ProhibitedUse));
    assert_eq!((deep.state, deep.acknowledged_by.as_deref()), (State::Acknowledged, Some("Ada")));
    assert!(chat.closed_reason.unwrap().ends_with("no longer a finding"));
    // Back to the first policy: it is a finding again, with a clock that begins now.
    let back = db.apply(again(&judge(), &records), &judge(), MONDAY + 2 * DAY).unwrap();
    let chat = one(&db, FindingRule::UnapprovedUse);
    assert_eq!((back.opened.len(), chat.state, chat.detected_at), (1, State::Open, MONDAY));
    assert_eq!(chat.report_due_at, Some(MONDAY + 2 * DAY + 4 * HOUR));
}

#[test]
fn what_is_older_than_the_facts_stays() {
    let records: Vec<Record> =
        ["chat", "deep"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY))).to_vec();
    let (_dir, mut db) = replay(&judge(), &records);
    let late = [flow_record(flow("10.20.1.9", "painter", MONDAY + 9 * DAY))];
    judge().segment(&mut db, &late).unwrap();
    let changes = db.apply(again(&judge(), &late), &judge(), MONDAY + 10 * DAY).unwrap();
    assert_eq!((changes.closed, changes.opened), (vec![], vec![]));
}
