//! How much is told: once per site, within the caps, not at night, and never silently less.

use super::*;

fn flows(devices: std::ops::Range<u8>, service: &str, at: i64) -> Vec<Record> {
    devices.map(|n| flow_record(flow(&format!("10.20.1.{n}"), service, at + i64::from(n)))).collect()
}

#[test]
fn later_devices_of_a_site_update_the_first_finding() {
    let (dir, mut db) = findings();
    let judge = judge();
    assert_eq!(judge.segment(&mut db, &flows(1..7, "chat", MONDAY)).unwrap().opened.len(), 6);
    let findings = all(&db);
    assert_eq!(findings.iter().filter(|one| one.alerted).count(), 1);
    assert_eq!((findings[0].devices, findings[1].devices, findings[1].revision), (6, 1, 1));
    assert_eq!(told(&db, "unapproved-use").len(), 1, "no update within a day");
    // A day later the update goes out by itself, once, also after a restart.
    let mut db = FindingsDb::open(dir.path()).unwrap();
    judge.tick(&mut db, MONDAY + DAY + 10).unwrap();
    judge.tick(&mut db, MONDAY + 2 * DAY).unwrap();
    let events: Vec<_> = events(&db).into_iter().filter(|one| one["event"]["code"] == "unapproved-use").collect();
    let seen: Vec<_> = events.iter().map(|one| (&one["event"]["action"], &one["labels"]["devices"])).collect();
    assert_eq!(seen[0], (&"create".into(), &"1".into()));
    assert!(seen.contains(&(&"update".into(), &"6".into())), "{seen:?}");
    assert!(seen.len() <= 3, "the missed deadline and the devices: {seen:?}");
}

#[test]
fn prohibited_use_alerts_for_each_device() {
    let (_dir, mut db) = findings();
    judge().segment(&mut db, &flows(1..40, "deep", MONDAY)).unwrap();
    assert_eq!(told(&db, "prohibited-use").len(), 39, "severity 8 is never held back");
}

#[test]
fn what_the_caps_hold_back_is_counted_in_a_digest() {
    let (_dir, mut db) = findings();
    let judge = judge_with("\n[budget]\nfirst_per_site = false\nper_rule_per_hour = 3\n");
    judge.segment(&mut db, &flows(1..11, "chat", MONDAY)).unwrap();
    assert_eq!(told(&db, "unapproved-use").len(), 3);
    assert_eq!(all(&db).iter().filter(|one| one.held).count(), 7);
    judge.tick(&mut db, MONDAY + HOUR - 1).unwrap();
    assert!(told(&db, "digest").is_empty());
    judge.tick(&mut db, MONDAY + HOUR).unwrap();
    judge.tick(&mut db, MONDAY + 3 * HOUR).unwrap();
    let digests: Vec<_> = events(&db).into_iter().filter(|one| one["event"]["code"] == "digest").collect();
    assert_eq!(digests.len(), 1);
    let digest = &digests[0];
    assert_eq!(
        (&digest["labels"]["held_unapproved_use"], &digest["labels"]["devices"]),
        (&"7".into(), &"7".into())
    );
    assert_eq!((&digest["event"]["kind"], &digest["event"]["severity"]), (&"event".into(), &5.into()));
    assert!(digest["message"].as_str().unwrap().starts_with("7 alerts held back"), "{digest}");
}

#[test]
fn one_device_has_a_cap_for_its_day() {
    let (_dir, mut db) = findings();
    let judge = judge_with("\n[budget]\nper_device_per_day = 1\n");
    let services = ["chat", "painter"].map(|service| flow_record(flow("10.20.1.1", service, MONDAY)));
    judge.segment(&mut db, &services).unwrap();
    assert_eq!(told(&db, "unapproved-use").len(), 1);
    assert_eq!(all(&db).iter().map(|one| one.held).filter(|held| *held).count(), 1);
}

#[test]
fn what_is_not_urgent_waits_for_the_morning() {
    let (_dir, mut db) = findings();
    let judge =
        judge_with("\n[quiet_hours]\nhours = \"Mon-Fri 18:00-08:00, Sat-Sun 00:00-24:00\"\nurgent_from = 8\n");
    // Monday 22:00 in Berlin; the quiet hours end on Tuesday at 08:00.
    let (night, morning) = (MONDAY + 13 * HOUR, MONDAY + 23 * HOUR);
    let records = ["chat", "deep"].map(|service| flow_record(flow("10.20.1.1", service, night)));
    judge.segment(&mut db, &records).unwrap();
    let told = |at| waiting(&db, at).len();
    assert_eq!((told(night), told(morning - 1), told(morning)), (1, 1, 2));
    assert_eq!(outbox(&db).waiting_count(SINK, night).unwrap(), (1, 1));
}

#[test]
fn an_upload_that_doubles_is_an_update() {
    let (_dir, mut db) = findings();
    let judge = judge_with("\n[budget]\nupdate_after = \"1h\"\n");
    let sent = |mb: u64, at| FlowRecord { upload_bytes: mb * 1_000_000, ..flow("10.20.1.1", "chat", at) };
    judge.segment(&mut db, &[flow_record(sent(1, MONDAY))]).unwrap();
    judge.segment(&mut db, &[flow_record(sent(3, MONDAY + HOUR / 2))]).unwrap();
    assert_eq!(told(&db, "unapproved-use").len(), 1, "too soon");
    judge.segment(&mut db, &[minute_record(MONDAY + HOUR)]).unwrap();
    assert_eq!(told(&db, "unapproved-use").len(), 2);
    judge.segment(&mut db, &[flow_record(sent(1, MONDAY + 3 * HOUR))]).unwrap();
    assert_eq!(told(&db, "unapproved-use").len(), 2, "nothing new");
}

#[test]
fn what_turns_urgent_at_night_takes_the_earlier_events_of_its_finding_along() {
    let (_dir, mut db) = findings();
    let hours = "\n[quiet_hours]\nhours = \"Mon-Fri 18:00-08:00, Sat-Sun 00:00-24:00\"\nurgent_from = ";
    let night = MONDAY + 13 * HOUR;
    let record = |service, at| [flow_record(flow("10.20.1.1", service, at))];
    // Prohibited use has severity 8, and from the second day on its update goes out in quiet hours as well.
    judge_with(&format!("{hours}9\n")).segment(&mut db, &record("deep", night)).unwrap();
    judge_with(&format!("{hours}9\n")).segment(&mut db, &record("chat", night)).unwrap();
    assert_eq!(waiting(&db, night).len(), 0);
    judge_with(&format!("{hours}8\n")).tick(&mut db, night + 2 * HOUR).unwrap();
    let told: Vec<_> = waiting(&db, night + 2 * HOUR).into_iter().map(|one| one.message.revision).collect();
    assert_eq!(told, [1, 2], "the missed deadline behind the opening, and nothing of the other finding");
}
