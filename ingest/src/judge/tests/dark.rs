//! Visibility lost for a device.

use super::*;
use crate::sample::visibility;

const DEVICE: &str = "10.20.1.5";
const TEN: i64 = 600_000_000;

/// Three days of AI use and named traffic, 10 % of it nameless.
fn habit() -> Vec<Record> {
    let mut records = Vec::new();
    for day in 0..3 {
        records.push(flow_record(flow(DEVICE, "good", MONDAY + day * DAY)));
        for n in 0..6 {
            records.push(visibility(DEVICE, [90_000, 10_000, 0], "vpn", MONDAY + day * DAY + n * TEN));
        }
    }
    records
}

fn hiding(from: i64, named: u64, count: i64) -> Vec<Record> {
    (0..count).map(|n| visibility(DEVICE, [named, 0, 100_000], "vpn", from + n * TEN)).collect()
}

fn dark(db: &FindingsDb) -> Vec<Finding> {
    db.list(&Filter { rule: Some(FindingRule::GoingDark), ..Filter::default() }).unwrap()
}

#[test]
fn a_device_with_a_habit_that_begins_to_hide_is_told_a_day_later_and_closes_when_it_is_back() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let begun = MONDAY + 3 * DAY;
    judge.segment(&mut db, &habit()).unwrap();
    judge.segment(&mut db, &hiding(begun, 5_000, 20)).unwrap();
    assert!(dark(&db).is_empty());
    judge.tick(&mut db, begun + DAY).unwrap();
    let finding = dark(&db).remove(0);
    assert_eq!((finding.severity, finding.report_due_at, finding.device.as_str()), (3, None, DEVICE));
    let Detail::Dark { ref class, before, after, ai_days, .. } = finding.detail else { panic!() };
    assert_eq!((class.as_str(), before, after, ai_days), ("vpn", Some(90), 4, 3));
    let sentence = sentence(&finding);
    assert!(
        sentence.starts_with("visibility lost for 10.20.1.5 (Finance): since 2026-11-12T08:00:00Z"),
        "{sentence}"
    );
    let event = events(&db).pop().unwrap();
    assert_eq!(event["threat"]["technique"]["id"][0], "T1090");
    let back = judge.segment(&mut db, &[flow_record(flow(DEVICE, "good", begun + 2 * DAY))]).unwrap();
    assert_eq!((back.closed.len(), dark(&db)[0].state), (1, State::Closed));
}

#[test]
fn ai_use_that_goes_on_or_a_share_that_holds_is_no_darkness() {
    for (named, used) in [(5_000, true), (200_000, false)] {
        let (_dir, mut db) = findings();
        let judge = judge();
        let begun = MONDAY + 3 * DAY;
        judge.segment(&mut db, &habit()).unwrap();
        let mut records = hiding(begun, named, 20);
        records.extend(used.then(|| flow_record(flow(DEVICE, "good", begun + 4 * HOUR))));
        judge.segment(&mut db, &records).unwrap();
        judge.tick(&mut db, begun + 10 * DAY).unwrap();
        assert!(dark(&db).is_empty(), "{named} {used}");
    }
}

#[test]
fn without_a_habit_or_with_an_old_vpn_nothing_is_lost() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &hiding(MONDAY + 3 * DAY, 5_000, 20)).unwrap();
    judge.tick(&mut db, MONDAY + 5 * DAY).unwrap();
    let mut records = habit();
    records.insert(0, visibility(DEVICE, [90_000, 0, 10], "vpn", MONDAY));
    let (_dir, mut other) = findings();
    records.extend(hiding(MONDAY + 3 * DAY, 5_000, 20));
    judge.segment(&mut other, &records).unwrap();
    judge.tick(&mut other, MONDAY + 6 * DAY).unwrap();
    assert!(dark(&db).is_empty() && dark(&other).is_empty());
}

#[test]
fn a_device_that_is_back_after_five_weeks_closes_its_finding() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let begun = MONDAY + 3 * DAY;
    judge.segment(&mut db, &habit()).unwrap();
    judge.segment(&mut db, &hiding(begun, 5_000, 20)).unwrap();
    for day in 1..40 {
        judge.tick(&mut db, begun + day * DAY).unwrap();
    }
    assert_eq!(dark(&db)[0].state, State::Open);
    judge.segment(&mut db, &[flow_record(flow(DEVICE, "good", begun + 40 * DAY))]).unwrap();
    assert_eq!(dark(&db)[0].state, State::Closed);
}

#[test]
fn forged_sums_do_not_overflow() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let most = (0..2).map(|day| visibility(DEVICE, [u64::MAX, 0, 0], "vpn", MONDAY + day * DAY));
    judge.segment(&mut db, &most.collect::<Vec<_>>()).unwrap();
    judge.segment(&mut db, &hiding(MONDAY + 2 * DAY, u64::MAX, 2)).unwrap();
    let mut two = visibility(DEVICE, [0, 0, u64::MAX], "vpn", MONDAY + 3 * DAY);
    let Record::Visibility(record) = &mut two else { panic!() };
    let tally = record.hidden["vpn"];
    record.hidden.insert("tor".to_owned(), tally);
    judge.segment(&mut db, &[two]).unwrap();
}

#[test]
fn a_private_device_does_not_go_dark_and_is_measured_nowhere() {
    let by_group = "\n[groups.phones]\nname = \"Phones\"\nsubnets = [\"10.20.1.0/24\"]\npersonal = true\n";
    let by_rule = "\n[[rule]]\nservices = [\"good\"]\nstatus = \"personal_risk\"\n";
    for (policy, opens) in [("", true), (by_group, false), (by_rule, false)] {
        let (dir, mut db) = findings();
        let parsed = Policy::parse(policy, "policy.toml", &catalogue()).unwrap();
        let judge = Judge { policy: Arc::new(parsed), ..judge() };
        let begun = MONDAY + 3 * DAY;
        judge.segment(&mut db, &habit()).unwrap();
        judge.segment(&mut db, &hiding(begun, 5_000, 20)).unwrap();
        judge.tick(&mut db, begun + DAY).unwrap();
        let file = Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
        let measured: i64 = file.query_row("SELECT count(*) FROM volume", [], |row| row.get(0)).unwrap();
        assert_eq!((dark(&db).len() == 1, measured > 0), (opens, opens), "{policy}");
    }
}
