//! The sensor's own findings.

use super::*;
use sensor::record::MinuteRecord;

const MINUTE: i64 = 60_000_000;

fn minute(n: i64, change: impl FnOnce(&mut MinuteRecord)) -> Record {
    let mut record = crate::sample::minute(MONDAY + n * MINUTE);
    record.drops.clear();
    change(&mut record);
    Record::Minute(Box::new(record))
}

fn lost(packets: u64) -> impl Fn(&mut MinuteRecord) {
    move |record| {
        record.drops.insert("ring".to_owned(), packets);
    }
}

#[test]
fn loss_over_ten_minutes_opens_and_closes_by_itself() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let opened: Vec<usize> =
        (0..12).map(|n| judge.segment(&mut db, &[minute(n, lost(20))]).unwrap().opened.len()).collect();
    assert_eq!(opened.iter().position(|opened| *opened == 1), Some(9), "ten minutes have to be known");
    let finding = one(&db, FindingRule::SensorHealth);
    assert_eq!((finding.device.as_str(), finding.service.as_str(), finding.severity), ("tap1", "loss", 5));
    assert_eq!(finding.report_due_at, Some(finding.detected_at + 4 * HOUR));
    assert!(finding.why.contains("200 of 10,200 frames lost in ten minutes (2.0 %)"), "{}", finding.why);
    let closed: Vec<usize> =
        (12..40).map(|n| judge.segment(&mut db, &[minute(n, |_| {})]).unwrap().closed.len()).collect();
    assert_eq!(closed.iter().sum::<usize>(), 1);
    assert_eq!(one(&db, FindingRule::SensorHealth).state, State::Closed);
    let event = events(&db).remove(0);
    assert_eq!((&event["source"]["address"], &event["source"]["ip"]), (&"tap1".into(), &serde_json::Value::Null));
}

#[test]
fn records_thrown_away_by_a_full_spool_are_trouble_of_the_sensor_at_once() {
    for word in sensor::ledger::RECORD_WORDS {
        let (_dir, mut db) = findings();
        let full = minute(0, |record| {
            record.drops.insert(word.to_owned(), 1200);
        });
        assert_eq!(judge().segment(&mut db, &[full]).unwrap().opened.len(), 1, "{word}");
        let finding = one(&db, FindingRule::SensorHealth);
        assert_eq!(finding.service, "spool", "{word}");
        assert!(finding.why.starts_with("1,200 "), "{}", finding.why);
        let records: Vec<Record> = (1..15).map(|n| minute(n, |_| {})).collect();
        assert_eq!(judge().segment(&mut db, &records).unwrap().closed.len(), 1, "{word}");
    }
}

#[test]
fn what_the_mirror_loses_is_trouble_of_its_own() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let missing = |n, bytes| minute(n, move |record| (record.tcp_bytes, record.tcp_missing) = (5_000_000, bytes));
    let opened: Vec<usize> =
        (0..12).map(|n| judge.segment(&mut db, &[missing(n, 250_000)]).unwrap().opened.len()).collect();
    assert_eq!(opened.iter().position(|opened| *opened == 1), Some(9), "ten minutes have to be known");
    let finding = one(&db, FindingRule::SensorHealth);
    assert_eq!((finding.service.as_str(), finding.severity), ("mirror", 5));
    assert!(finding.why.contains("about 5.0 % of 50 MB of TCP data"), "{}", finding.why);
    let closed: Vec<usize> =
        (12..40).map(|n| judge.segment(&mut db, &[missing(n, 50_000)]).unwrap().closed.len()).collect();
    assert_eq!(closed.iter().sum::<usize>(), 1, "one per cent is well");
}

#[test]
fn one_frame_in_two_hundred_is_well() {
    let (_dir, mut db) = findings();
    let records: Vec<Record> = (0..30).map(|n| minute(n, lost(5))).collect();
    assert!(judge().segment(&mut db, &records).unwrap().opened.is_empty());
}

#[test]
fn a_live_sensor_that_sees_nothing_is_silent_and_recovers() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[minute(0, |_| {})]).unwrap();
    assert!(judge.tick(&mut db, MONDAY + 16 * MINUTE - 1).unwrap().opened.is_empty());
    assert_eq!(judge.tick(&mut db, MONDAY + 16 * MINUTE).unwrap().opened.len(), 1);
    let finding = one(&db, FindingRule::SensorHealth);
    assert_eq!((finding.service.as_str(), finding.severity), ("silence", 6));
    let records: Vec<Record> = (60..80).map(|n| minute(n, |_| {})).collect();
    assert_eq!(judge.segment(&mut db, &records).unwrap().closed.len(), 1);
    assert_eq!(judge.tick(&mut db, MONDAY + 95 * MINUTE - 1).unwrap().reopened.len(), 0);
}

#[test]
fn a_capture_file_ends_without_being_silent() {
    let (_dir, mut db) = findings();
    judge().segment(&mut db, &[minute(0, |record| record.source = "f00d".to_owned())]).unwrap();
    assert!(judge().tick(&mut db, MONDAY + DAY).unwrap().opened.is_empty());
}

#[test]
fn a_clock_that_steps_and_records_that_are_lost_are_told() {
    let (_dir, mut db) = findings();
    let records = [
        minute(0, |_| {}),
        minute(1, |record| record.source = "live-1#1".to_owned()),
        minute(2, |record| {
            record.source = "live-1#1".to_owned();
            record.drops.insert("spool".to_owned(), 3);
        }),
    ];
    judge().segment(&mut db, &records).unwrap();
    let kinds: Vec<String> = all(&db).into_iter().map(|finding| finding.service).collect();
    assert_eq!(kinds, ["clock", "spool"]);
}

#[test]
fn a_repeated_minute_changes_nothing() {
    let (_dir, mut db) = findings();
    let records: Vec<Record> = (0..12).map(|n| minute(n, lost(20))).collect();
    judge().segment(&mut db, &records).unwrap();
    let before = (all(&db), waiting(&db, i64::MAX));
    assert_eq!(judge().segment(&mut db, &records).unwrap().known, 12);
    assert_eq!((all(&db), waiting(&db, i64::MAX)), before);
}

#[test]
fn what_a_person_closed_rests_for_the_day_while_the_trouble_lasts() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let round = |db: &mut FindingsDb, minutes: std::ops::Range<i64>, packets: u64| {
        let records: Vec<Record> = minutes.map(|n| minute(n, lost(packets))).collect();
        judge.segment(db, &records).unwrap().reopened.len()
    };
    let close = |db: &mut FindingsDb, n: i64| {
        let uid = one(db, FindingRule::SensorHealth).uid;
        db.close(&uid, &Act { who: "Ada", text: "known", at: MONDAY + n * MINUTE }, &judge).unwrap();
    };
    round(&mut db, 0..12, 50);
    close(&mut db, 12);
    assert_eq!(round(&mut db, 12..60, 50), 0);
    // It ends, and comes back: that is another trouble.
    assert_eq!(round(&mut db, 60..90, 0), 0);
    assert_eq!(round(&mut db, 90..110, 500), 1);
    // And what lasts is told again on the next day.
    close(&mut db, 110);
    assert_eq!(round(&mut db, 110..14 * 60, 500), 0, "until an hour before midnight");
    assert_eq!(round(&mut db, 14 * 60..24 * 60, 500), 1);
}

#[test]
fn sums_of_forged_records_do_not_overflow() {
    let (_dir, mut db) = findings();
    let forged = |n| {
        minute(n, |record| {
            record.frames = u64::MAX;
            (record.tcp_bytes, record.tcp_missing) = (u64::MAX, u64::MAX);
            record.drops.insert("ring".to_owned(), u64::MAX);
            record.drops.insert("kernel".to_owned(), u64::MAX);
        })
    };
    let records: Vec<Record> = (0..12).map(forged).collect();
    judge().segment(&mut db, &records).unwrap();
}
