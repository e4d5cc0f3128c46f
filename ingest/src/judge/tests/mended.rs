//! Limits, leads, digests and first sights where several things come together.

use super::*;

fn sent(mb: u64, at: i64, n: u32) -> Record {
    let bytes = mb * 1_000_000;
    flow_record(FlowRecord {
        flow_id: format!("f{n}-{at}"),
        upload_bytes: bytes,
        bytes_up: bytes,
        ..flow("10.20.1.1", "good", at)
    })
}

fn limit(bytes: &str, per: &str, more: &str) -> String {
    format!("\n[[limit]]\nbytes = \"{bytes}\"\nper = \"{per}\"\nowner = \"IT\"\nreason = \"{per}\"\n{more}\n")
}

fn chat(n: u8, at: i64) -> Record {
    flow_record(FlowRecord { flow_id: format!("z{n}{at}"), ..flow(&format!("10.20.1.{n}"), "chat", at) })
}

fn act(text: &str, at: i64) -> Act<'_> {
    Act { who: "ana", text, at }
}

fn digests(db: &FindingsDb) -> Vec<serde_json::Value> {
    events(db).into_iter().filter(|event| event["event"]["code"] == "digest").collect()
}

#[test]
fn a_record_counts_once_however_many_limits_it_is_over() {
    let (_dir, mut db) = findings();
    let limits = limit("1MB", "hour", "") + &limit("2MB", "day", "") + &limit("3MB", "week", "");
    judge_with(&limits).segment(&mut db, &[sent(10, MONDAY, 1)]).unwrap();
    let finding = one(&db, FindingRule::UploadLimit);
    assert_eq!((finding.upload_bytes, finding.bytes_up, finding.count), (10_000_000, 10_000_000, 1));
}

#[test]
fn of_several_limits_the_one_that_weighs_most_decides() {
    let limits = limit("50MB", "day", "") + &limit("5MB", "day", "severity = 8\nreport_within = \"5m\"");
    for mb in [6, 60] {
        let (_dir, mut db) = findings();
        judge_with(&limits).segment(&mut db, &[sent(mb, MONDAY, 1)]).unwrap();
        let finding = one(&db, FindingRule::UploadLimit);
        assert_eq!((finding.severity, finding.report_due_at), (8, Some(finding.detected_at + 300_000_000)), "{mb}");
        assert!(finding.why.contains("allows 5.0 MB per day"), "{}", finding.why);
    }
}

#[test]
fn a_stricter_limit_raises_an_open_finding_and_is_told() {
    let (_dir, mut db) = findings();
    let judge = judge_with(
        &(limit("1MB", "hour", "report_within = \"8h\"")
            + &limit("5MB", "day", "severity = 9\nreport_within = \"5m\"")),
    );
    judge.segment(&mut db, &[sent(2, MONDAY, 1)]).unwrap();
    judge.segment(&mut db, &[sent(20, MONDAY + 2 * HOUR, 2)]).unwrap();
    let finding = one(&db, FindingRule::UploadLimit);
    assert_eq!((finding.severity, finding.report_due_at), (9, Some(MONDAY + 2 * HOUR + 300_000_000)));
    let words = sentence(&finding);
    assert!(words.contains("the limit is 5.0 MB") && words.contains("allows 5.0 MB per day"), "{words}");
    assert_eq!(told(&db, "upload-limit").len(), 2);
    // A weaker one that is passed again later takes nothing back.
    judge.segment(&mut db, &[sent(3, MONDAY + DAY, 3)]).unwrap();
    let words = sentence(&one(&db, FindingRule::UploadLimit));
    assert!(words.contains("the limit is 5.0 MB") && words.contains("allows 5.0 MB per day"), "{words}");
}

#[test]
fn a_limit_that_is_passed_on_the_day_of_a_closing_opens_on_the_next() {
    let (_dir, mut db) = findings();
    let judge = judge_with(&(limit("2MB", "day", "") + &limit("20MB", "week", "")));
    judge.segment(&mut db, &[sent(3, MONDAY, 1)]).unwrap();
    let uid = one(&db, FindingRule::UploadLimit).uid;
    db.close(&uid, &act("ok", MONDAY + HOUR), &judge).unwrap();
    judge.segment(&mut db, &[sent(30, MONDAY + 2 * HOUR, 2)]).unwrap();
    assert_eq!(one(&db, FindingRule::UploadLimit).state, State::Closed);
    judge.segment(&mut db, &[sent(1, MONDAY + DAY, 3)]).unwrap();
    let finding = one(&db, FindingRule::UploadLimit);
    assert_eq!(finding.state, State::Open);
    assert!(finding.why.contains("allows 20 MB per week"), "{}", finding.why);
}

#[test]
fn judging_a_part_again_forgets_nothing_of_a_running_span() {
    let (_dir, mut db) = findings();
    let judge = judge_with(&limit("20MB", "week", ""));
    let day = |n: i64| sent(6, MONDAY + n * DAY, 1);
    let part = || judge.rejudge([Ok::<_, ()>(day(2))]).unwrap();
    (0..3).for_each(|n| drop(judge.segment(&mut db, &[day(n)]).unwrap()));
    db.apply(part(), &judge, MONDAY + 2 * DAY + HOUR).unwrap();
    judge.segment(&mut db, &[day(3)]).unwrap();
    assert_eq!(one(&db, FindingRule::UploadLimit).state, State::Open);
    // The part alone is within the limit; the week is not.
    let changes = db.apply(judge.rejudge([Ok::<_, ()>(day(3))]).unwrap(), &judge, MONDAY + 3 * DAY + HOUR).unwrap();
    assert_eq!(changes.closed, Vec::<String>::new());
    assert_eq!(one(&db, FindingRule::UploadLimit).state, State::Open);
}

#[test]
fn when_a_lead_closes_the_oldest_under_it_takes_its_place() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[chat(1, MONDAY), chat(2, MONDAY + 1), chat(3, MONDAY + 2)]).unwrap();
    let lead = all(&db).into_iter().find(|one| one.alerted).unwrap();
    db.close(&lead.uid, &act("device 1 is sorted out", MONDAY + HOUR), &judge).unwrap();
    let actions: Vec<String> = told(&db, "unapproved-use").into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["create", "close", "create"]);
    let heir = all(&db).into_iter().find(|one| one.is_open() && one.alerted).unwrap();
    assert_eq!((heir.device.as_str(), heir.devices), ("10.20.1.2", 2));
    judge.tick(&mut db, MONDAY + DAY).unwrap();
    assert!(told(&db, "unapproved-use").contains(&("update".to_owned(), "missed".to_owned())));
    // Approving the service closes all of them, and tells of none that was quiet.
    let approved = judge_with("\n[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\n");
    approved.tick(&mut db, MONDAY + DAY + HOUR).unwrap();
    assert!(all(&db).iter().all(|one| !one.is_open()));
    assert_eq!(told(&db, "unapproved-use").len(), 5);
}

#[test]
fn a_deadline_that_a_quiet_finding_missed_is_in_the_hours_digest() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[chat(1, MONDAY), chat(2, MONDAY + 1), chat(3, MONDAY + 2)]).unwrap();
    judge.tick(&mut db, MONDAY + 6 * HOUR).unwrap();
    let digests = digests(&db);
    assert_eq!(digests.len(), 1);
    let words = digests[0]["message"].as_str().unwrap();
    assert!(words.starts_with("2 deadlines passed of findings without an event of their own between"), "{words}");
    assert_eq!(digests[0]["labels"]["held_missed_deadline"], "2");
}

#[test]
fn an_hour_that_late_facts_fill_again_has_a_second_digest() {
    let (_dir, mut db) = findings();
    let judge = judge_with("\n[budget]\nfirst_per_site = false\nper_rule_per_hour = 1\n");
    judge.segment(&mut db, &[chat(1, MONDAY), chat(2, MONDAY + 1)]).unwrap();
    judge.tick(&mut db, MONDAY + HOUR).unwrap();
    judge.segment(&mut db, &[chat(3, MONDAY + 5), chat(4, MONDAY + 6), chat(5, MONDAY + 7)]).unwrap();
    judge.tick(&mut db, MONDAY + 2 * HOUR).unwrap();
    let seen: Vec<_> = digests(&db)
        .iter()
        .map(|one| (one["event"]["sequence"].as_u64(), one["labels"]["held_unapproved_use"].clone()))
        .collect();
    assert_eq!(seen, [(Some(1), "1".into()), (Some(2), "3".into())]);
}

#[test]
fn an_approval_of_other_hours_settles_nothing() {
    let (_dir, mut db) = findings();
    let with = |name: &str, hours: &str| {
        let text = format!(
            "[policy]\nname = \"{name}\"\n\n[[rule]]\nservices = [\"chat\"]\nstatus = \"approved\"\nhours = \"{hours}\"\n"
        );
        Judge { policy: Arc::new(Policy::parse(&text, "policy.toml", &catalogue()).unwrap()), ..judge() }
    };
    let evening = "Mon-Fri 18:00-24:00";
    with("1", evening).segment(&mut db, &[chat(2, MONDAY + HOUR)]).unwrap();
    assert!(with("2", evening).tick(&mut db, MONDAY + 12 * HOUR).unwrap().closed.is_empty());
    assert_eq!(with("3", "Mon-Fri 08:00-24:00").tick(&mut db, MONDAY + 20 * HOUR).unwrap().closed.len(), 1);
}

#[test]
fn steps_say_what_is_late_and_name_what_exists() {
    let (_dir, mut db) = findings();
    let judge = judge();
    judge.segment(&mut db, &[chat(1, MONDAY)]).unwrap();
    judge.tick(&mut db, MONDAY + 5 * HOUR).unwrap();
    assert_eq!(next_steps(&all(&db)[0])[2], "The report was due 2026-11-09T12:00:00Z: file it now.");
    let detail = Detail::Health { what: "silence".into(), frames: 0, amount: 15, since: MONDAY };
    let silent = Finding { rule: FindingRule::SensorHealth, detail, ..all(&db).remove(0) };
    assert!(next_steps(&silent)[1].contains("`shadowtap run`"));
}

#[test]
fn a_first_sight_closes_by_itself_after_a_week() {
    let (dir, mut db) = findings();
    let judge = judge();
    let sight = |db: &FindingsDb, service: &str| {
        let filter =
            Filter { rule: Some(FindingRule::FirstSight), service: Some(service.to_owned()), ..Filter::default() };
        db.list(&filter).unwrap().remove(0)
    };
    judge.segment(&mut db, &["good", "chat"].map(|one| flow_record(flow("10.20.1.1", one, MONDAY)))).unwrap();
    db.acknowledge(&sight(&db, "chat").uid, &act("on it", MONDAY + HOUR), &judge).unwrap();
    judge.tick(&mut db, MONDAY + 7 * DAY - 1).unwrap();
    assert_eq!(sight(&db, "good").state, State::Open);
    // Also after a restart, with the first flow of a day.
    let mut db = FindingsDb::open(dir.path()).unwrap();
    judge.segment(&mut db, &[flow_record(flow("10.20.1.1", "good", MONDAY + 8 * DAY))]).unwrap();
    judge.tick(&mut db, MONDAY + 8 * DAY + 1).unwrap();
    let good = sight(&db, "good");
    assert_eq!((good.state, good.closed_at), (State::Closed, Some(MONDAY + 7 * DAY)));
    assert!(good.closed_reason.unwrap().starts_with("informational"));
    assert_eq!(sight(&db, "chat").state, State::Acknowledged);
}

#[test]
fn private_use_is_no_first_sight_and_no_upload_over_a_limit() {
    let personal = [
        "[groups.guests]\nsubnets = [\"10.20.1.0/24\"]\npersonal = true\n",
        "[[rule]]\nservices = [\"good\"]\nstatus = \"personal_risk\"\n",
    ];
    for text in personal {
        let (_dir, mut db) = findings();
        let text = text.to_owned() + &limit("1MB", "day", "");
        let policy = Arc::new(Policy::parse(&text, "policy.toml", &catalogue()).unwrap());
        let judge = Judge { policy, ..judge() };
        judge.segment(&mut db, &[sent(10, MONDAY, 1)]).unwrap();
        assert_eq!(db.list(&Filter::default()).unwrap(), Vec::new(), "{text}");
        assert_eq!(events(&db).len(), 0);
    }
}
