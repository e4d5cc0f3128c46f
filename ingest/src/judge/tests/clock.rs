//! The clock: missed at the second, met by an answer, and told once.

use super::*;

fn act(text: &str, at: i64) -> Act<'_> {
    Act { who: "Ada", text, at }
}

#[test]
fn a_deadline_is_missed_at_the_second_and_told_once() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let due = MONDAY + HOUR;
    assert!(judge.tick(&mut db, due - 1).unwrap().missed.is_empty());
    assert_eq!(all(&db)[0].clock(due - 1), Clock::Running);
    let missed = judge.tick(&mut db, due).unwrap().missed;
    assert_eq!(missed, [all(&db)[0].uid.clone()]);
    for later in [due, due + 1, due + DAY] {
        assert!(judge.tick(&mut db, later).unwrap().missed.is_empty());
    }
    let finding = all(&db).remove(0);
    assert_eq!((finding.missed_at, finding.revision, finding.clock(due)), (Some(due), 2, Clock::Missed));
    let pairs = [("create", "running"), ("update", "missed")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(told(&db, "prohibited-use"), pairs);
    let event = events(&db).pop().unwrap();
    assert_eq!((&event["@timestamp"], &event["labels"]["revision"]), (&"2026-11-09T09:00:00Z".into(), &"2".into()));
}

#[test]
fn facts_let_the_time_pass_as_a_clock_does() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let later = judge.segment(&mut db, &[minute_record(MONDAY + 2 * HOUR)]).unwrap();
    assert_eq!((later.missed.len(), all(&db)[0].missed_at), (1, Some(MONDAY + HOUR)));
}

#[test]
fn an_answer_in_time_meets_the_deadline() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let uid = all(&db)[0].uid.clone();
    let found = db.acknowledge(&uid[..6], &act("on it", MONDAY + HOUR - 1), &judge).unwrap();
    assert_eq!((found.state, found.clock(MONDAY + DAY)), (State::Acknowledged, Clock::Met));
    assert!(judge.tick(&mut db, MONDAY + DAY).unwrap().missed.is_empty());
    assert!(db.acknowledge(&uid, &act("", MONDAY + DAY), &judge).unwrap_err().to_string().contains("by Ada"));
    db.close(&uid, &act("tool assessed", MONDAY + DAY), &judge).unwrap();
    assert!(db.close(&uid, &act("", MONDAY + DAY), &judge).unwrap_err().to_string().contains("tool assessed"));
    let words: Vec<(String, String, String)> =
        db.history(&uid).unwrap().into_iter().map(|row| (row.who, row.what, row.text)).collect();
    let rows = [
        ("shadowtap", "opened", "deep is prohibited by policy.toml:13, owner IT"),
        ("Ada", "acknowledged", "on it"),
        ("Ada", "closed", "tool assessed"),
    ];
    assert_eq!(words, rows.map(|(who, what, text)| (who.to_owned(), what.to_owned(), text.to_owned())));
    let actions: Vec<String> =
        told(&db, "prohibited-use").into_iter().map(|(action, clock)| action + " " + &clock).collect();
    assert_eq!(actions, ["create running", "update met", "close met"]);
}

#[test]
fn an_answer_that_comes_late_has_missed_it() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let uid = all(&db)[0].uid.clone();
    let found = db.acknowledge(&uid, &act("", MONDAY + HOUR), &judge).unwrap();
    assert_eq!((found.clock(MONDAY + DAY), found.missed_at), (Clock::Missed, Some(MONDAY + HOUR)));
}

#[test]
fn an_id_that_fits_none_or_several_is_refused() {
    let (_dir, mut db) = findings();
    opened(&mut db, &[flow("10.20.1.12", "deep", MONDAY), flow("10.20.1.13", "deep", MONDAY)]);
    assert!(db.find("zz").unwrap_err().to_string().contains("findings list"));
    let error = db.find("").unwrap_err().to_string();
    assert!(error.starts_with("3 findings begin with \"\": "), "{error}");
}

#[test]
fn what_was_closed_opens_again_on_a_later_day() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let uid = all(&db)[0].uid.clone();
    db.close(&uid, &act("talked to her", MONDAY + HOUR / 2), &judge).unwrap();
    // The same day counts and says nothing.
    let same = judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + 2 * HOUR))]).unwrap();
    assert!(same.reopened.is_empty());
    assert_eq!((all(&db)[0].state, all(&db)[0].count), (State::Closed, 2));
    let next = judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + DAY))]).unwrap();
    assert_eq!((next.opened.len(), next.reopened), (0, vec![uid]));
    let finding = all(&db).remove(0);
    assert_eq!((finding.state, finding.occurrences, finding.count), (State::Open, 2, 3));
    assert_eq!((finding.detected_at, finding.report_due_at), (MONDAY + DAY, Some(MONDAY + DAY + HOUR)));
    assert!(sentence(&finding).contains("seen again after it was closed (2 times in all)"));
    assert_eq!(events(&db).pop().unwrap()["labels"]["occurrences"], "repeated");
}

#[test]
fn another_process_may_answer_in_between() {
    let (dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let mut other = FindingsDb::open(dir.path()).unwrap();
    let uid = all(&db)[0].uid.clone();
    other.acknowledge(&uid, &act("on it", MONDAY + 60), &judge).unwrap();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + 2 * HOUR))]).unwrap();
    let finding = all(&db).remove(0);
    assert_eq!((finding.state, finding.count, finding.missed_at), (State::Acknowledged, 2, None));
}
