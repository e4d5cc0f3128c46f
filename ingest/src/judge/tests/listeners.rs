//! Who is told of flows, and who of findings alone.

use super::*;

const TALKATIVE: &str = "lake.example:514";

fn two() -> Judge {
    let talkative = Listener { name: TALKATIVE.to_owned(), activity: true };
    Judge { sinks: [judge().sinks, vec![talkative]].concat(), ..judge() }
}

fn told_to(db: &FindingsDb, sink: &str) -> Vec<serde_json::Value> {
    let waiting = outbox(db).waiting(sink, i64::MAX, 100).unwrap();
    waiting.into_iter().map(|one| one.message.event).collect()
}

#[test]
fn a_sink_that_asks_for_it_gets_each_record_of_a_flow_once() {
    let (_dir, mut db) = findings();
    let first = flow("10.20.1.12", "deep", MONDAY);
    let last = FlowRecord { seq: 1, last: true, ..first.clone() };
    let records = [first, last].map(flow_record);
    two().segment(&mut db, &records).unwrap();
    two().segment(&mut db, &records).unwrap();
    let (quiet, all) = (told_to(&db, SINK), told_to(&db, TALKATIVE));
    assert_eq!(quiet.len(), 1);
    let activity: Vec<_> = all.iter().filter(|event| event["event"]["code"] == "activity").collect();
    assert_eq!((all.len(), activity.len()), (3, 2));
    let [first, last] = activity[..] else { panic!("{all:#?}") };
    assert_eq!(first["event"]["id"], last["event"]["id"]);
    assert_eq!((&first["event"]["sequence"], &last["event"]["sequence"]), (&1.into(), &2.into()));
    assert_eq!(
        (&first["event"]["kind"], &first["labels"]["policy_status"]),
        (&"event".into(), &"prohibited".into())
    );
    assert_eq!(last["event"]["type"], serde_json::json!(["connection", "end"]));
    // What is taken goes; the finding's event is kept for a while.
    let done: Vec<_> =
        outbox(&db).waiting(TALKATIVE, i64::MAX, 100).unwrap().iter().map(|one| (one.id, None)).collect();
    outbox(&db).done(&done).unwrap();
    let backlog = outbox(&db).backlogs(i64::MAX).unwrap().into_iter().find(|one| one.sink == TALKATIVE).unwrap();
    assert_eq!((backlog.waiting, backlog.taken, backlog.left_out), (0, 1, 0));
}

#[test]
fn flows_that_find_no_room_are_counted_and_findings_still_wait() {
    let (dir, mut db) = findings();
    two().segment(&mut db, &[flow_record(flow("10.20.1.1", "good", MONDAY))]).unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                INSERT INTO siem_outbox (uid, revision, action, sink, event, not_before)
                SELECT 'full', i, 'traffic', ?1, '{}', 0 FROM n";
    file.execute(fill, [TALKATIVE]).unwrap();
    let records = [flow("10.20.1.12", "deep", MONDAY), flow("10.20.1.1", "good", MONDAY + HOUR)];
    two().segment(&mut db, &records.map(flow_record)).unwrap();
    let backlog = outbox(&db).backlogs(i64::MAX).unwrap().into_iter().find(|one| one.sink == TALKATIVE).unwrap();
    let findings = told_to(&db, SINK).len() as u64;
    assert!(findings > 1, "{findings}");
    assert_eq!((backlog.left_out, backlog.waiting), (2, 100_000 + findings));
}

#[test]
fn findings_do_not_wait_behind_flows() {
    let (_dir, mut db) = findings();
    two()
        .segment(
            &mut db,
            &(1..4).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "good", MONDAY))).collect::<Vec<_>>(),
        )
        .unwrap();
    two().segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + HOUR))]).unwrap();
    let codes: Vec<_> = told_to(&db, TALKATIVE).iter().map(|event| event["event"]["code"].clone()).collect();
    let flows = codes.iter().position(|code| code == "activity").unwrap();
    assert!(codes[..flows].iter().any(|code| code == "prohibited-use"), "{codes:?}");
    assert!(codes[flows..].iter().all(|code| code == "activity"), "{codes:?}");
    let first = outbox(&db).waiting(TALKATIVE, i64::MAX, 1).unwrap().remove(0);
    assert_ne!(first.message.event["event"]["code"], "activity");
}

#[test]
fn a_receiver_that_refuses_every_flow_leaves_a_thousand_behind_and_each_finding() {
    let (dir, mut db) = findings();
    two().segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]).unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                INSERT INTO siem_outbox (uid, revision, action, sink, event, not_before)
                SELECT 'full', i, 'traffic', ?1, '{}', 0 FROM n";
    file.execute(fill, [TALKATIVE]).unwrap();
    let refuse = || {
        let some = outbox(&db).waiting(TALKATIVE, i64::MAX, 500).unwrap();
        let done: Vec<_> = some.iter().map(|one| (one.id, Some("400 no".to_owned()))).collect();
        (!done.is_empty()).then(|| outbox(&db).done(&done).unwrap())
    };
    while refuse().is_some() {}
    let backlog = outbox(&db).backlogs(i64::MAX).unwrap().into_iter().find(|one| one.sink == TALKATIVE).unwrap();
    let findings = told_to(&db, SINK).len() as u64;
    assert_eq!((backlog.waiting, backlog.refused), (0, 1_000 + findings));
    assert_eq!(outbox(&db).again(TALKATIVE).unwrap(), 1_000 + findings);
    let again = outbox(&db).backlogs(i64::MAX).unwrap().into_iter().find(|one| one.sink == TALKATIVE).unwrap();
    assert_eq!((again.waiting, again.refused, again.refused_why), (1_000 + findings, 0, None));
}
