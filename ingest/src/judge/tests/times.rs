//! Times that cannot be, spans that were cut short, and what is swept.

use super::*;
use crate::sample::{download, visibility};
use sensor::record::CandidateRecord;

const MINUTE: i64 = 60_000_000;

/// The hour of a domain, as a capture that ends after some minutes writes it.
fn cut_hour(start: i64) -> Record {
    Record::Candidate(Box::new(CandidateRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        start,
        domain: "x.example".to_owned(),
        host: "x.example".to_owned(),
        devices: 1,
        flows: 1,
        streaming_flows: 1,
        program_flows: 0,
        turns: 1,
        upload_bytes: 1,
        bytes_down: 1,
    }))
}

fn limit(bytes: &str) -> String {
    format!("\n[[limit]]\nbytes = \"{bytes}\"\nper = \"week\"\nowner = \"IT\"\nreason = \"data\"\n")
}

fn sent(megabytes: u64, at: i64) -> Record {
    let bytes = megabytes * 1_000_000;
    flow_record(FlowRecord { upload_bytes: bytes, bytes_up: bytes, ..flow("10.20.1.1", "good", at) })
}

fn rows(dir: &tempfile::TempDir, what: &str) -> i64 {
    let file = Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_span_that_was_cut_short_lets_no_time_pass() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let minutes: Vec<Record> = (0..6).map(|n| minute_record(MONDAY + n * MINUTE)).collect();
    judge.segment(&mut db, &minutes).unwrap();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + 6 * MINUTE))]).unwrap();
    let spans = [cut_hour(MONDAY + 6 * MINUTE), visibility("10.20.1.12", [9, 0, 1], "vpn", MONDAY + 6 * MINUTE)];
    let judged = judge.segment(&mut db, &spans).unwrap();
    assert_eq!((judged.opened, judged.missed, db.newest().unwrap()), (vec![], vec![], MONDAY + 6 * MINUTE));
    let uid = one(&db, FindingRule::ProhibitedUse).uid;
    let act = Act { who: "Ada", text: "", at: MONDAY + 65 * MINUTE };
    assert_eq!(db.acknowledge(&uid, &act, &judge).unwrap().clock(MONDAY + DAY), Clock::Met);
}

#[test]
fn cut_spans_are_judged_again_as_they_were_read_in_segments_of_any_size() {
    let mut records: Vec<Record> = Vec::new();
    for day in 0..5 {
        let (start, hidden) = (MONDAY + day * DAY, if day < 3 { 0 } else { 90_000 });
        records.push(visibility("10.20.1.5", [90_000 - hidden, 1_000, hidden], "vpn", start));
        records.extend([cut_hour(start), minute_record(start), minute_record(start + 4 * MINUTE)]);
        records.extend((day < 3).then(|| flow_record(flow("10.20.1.5", "deep", start + 3 * MINUTE))));
    }
    records.sort_by(|a, b| order(a).cmp(&order(b)));
    let judge = judge();
    let uids = |findings: Vec<&Finding>| {
        findings.into_iter().map(|one| (one.uid.clone(), one.detected_at, one.missed_at)).collect::<Vec<_>>()
    };
    let fresh = judge.rejudge(records.iter().map(Ok::<_, std::convert::Infallible>)).unwrap();
    assert!(fresh.findings().iter().any(|one| one.rule == FindingRule::GoingDark));
    for size in [1, 3, 100] {
        let (_dir, mut db) = findings();
        records.chunks(size).for_each(|segment| drop(judge.segment(&mut db, segment).unwrap()));
        let read = db.list(&Filter::default()).unwrap();
        assert_eq!(uids(read.iter().collect()), uids(fresh.findings()), "{size}");
    }
}

#[test]
fn one_fact_from_far_ahead_is_counted_and_changes_nothing() {
    let year_9999 = 253_370_764_800_000_000;
    for far in [MONDAY + 4_000 * DAY, year_9999] {
        let (dir, mut db) = findings();
        let judge = judge_with(&limit("20MB"));
        for day in 0..3 {
            judge.segment(&mut db, &[sent(6, MONDAY + day * DAY)]).unwrap();
        }
        let kept = ["volume", "memory WHERE kind IN ('upload', 'device')"];
        let before = kept.map(|what| rows(&dir, what));
        let stray = [flow_record(flow("10.20.1.1", "good", far)), minute_record(far - MINUTE), cut_hour(far)];
        assert_eq!(judge.segment(&mut db, &stray).unwrap().strange, 3, "{far}");
        assert_eq!(judge.tick(&mut db, far + 1).unwrap().strange, 1);
        assert_eq!((kept.map(|what| rows(&dir, what)), db.newest().unwrap()), (before, MONDAY + 2 * DAY));
        judge.segment(&mut db, &[sent(6, MONDAY + 3 * DAY)]).unwrap();
        assert_eq!(one(&db, FindingRule::UploadLimit).state, State::Open);
    }
}

#[test]
fn a_sensor_that_was_off_for_two_years_is_believed_after_two_minutes() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[minute_record(MONDAY)]).unwrap();
    let back = MONDAY + 730 * DAY;
    let strange: Vec<u64> =
        (0..4).map(|n| judge.segment(&mut db, &[minute_record(back + n * MINUTE)]).unwrap().strange).collect();
    assert_eq!((strange, db.newest().unwrap()), (vec![1, 1, 0, 0], back + 4 * MINUTE));
}

#[test]
fn yesterday_told_late_is_no_download_of_today() {
    let (_dir, mut db) = findings();
    let judge = judge();
    let limit = judge.policy.download_bytes();
    let late = FlowRecord { emitted: MONDAY + DAY + HOUR, ..download("10.20.1.5", limit, MONDAY) };
    let today = download("10.20.1.5", limit, MONDAY + DAY);
    let opened = judge.segment(&mut db, &[flow_record(today), flow_record(late)]).unwrap().opened;
    assert!(opened.is_empty(), "neither day is over the limit");
}

#[test]
fn what_is_old_is_swept_once_a_day() {
    let (dir, mut db) = findings();
    let judge = judge();
    let visit = FlowRecord { turns: 0, upload_bytes: 500, ..flow("10.20.1.1", "chat", MONDAY) };
    judge.segment(&mut db, &[flow_record(visit), flow_record(flow("10.20.1.2", "deep", MONDAY))]).unwrap();
    judge.tick(&mut db, MONDAY + HOUR).unwrap();
    let sent: Vec<_> = waiting(&db, i64::MAX).iter().map(|one| (one.id, None)).collect();
    outbox(&db).done(&sent).unwrap();
    let tables = ["judged", "siem_outbox WHERE sent = 1", "finding WHERE state = 'watch'"];
    judge.tick(&mut db, MONDAY + DAY).unwrap();
    let before = tables.map(|what| rows(&dir, what));
    assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
    judge.tick(&mut db, MONDAY + 29 * DAY).unwrap();
    assert_eq!(tables.map(|what| rows(&dir, what)), before);
    judge.tick(&mut db, MONDAY + 36 * DAY).unwrap();
    assert_eq!(tables.map(|what| rows(&dir, what)), [0, 0, 0]);
    assert_eq!(
        rows(&dir, "finding WHERE state <> 'watch'"),
        all(&db).len() as i64 + rows(&dir, "finding WHERE rule = 'first-sight'")
    );
}

#[test]
fn what_the_baselines_refuse_is_counted_once() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[sent(6, MONDAY)]).unwrap();
    // The clock goes on without uploads: their next day is too far from the last one.
    judge.segment(&mut db, &[minute_record(MONDAY + 300 * DAY)]).unwrap();
    assert_eq!(judge.segment(&mut db, &[sent(6, MONDAY + 400 * DAY)]).unwrap().unmeasured, 1);
    assert_eq!(judge.tick(&mut db, MONDAY + 401 * DAY).unwrap().unmeasured, 0);
}
