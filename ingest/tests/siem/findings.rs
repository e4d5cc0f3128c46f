//! Findings as they come out of delivery, at a real rsyslogd.

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ingest::siem::SinkTarget;
use sensor::record::{FlowRecord, Record};
use serde_json::Value;

use crate::receiver::{Program, Receiver, Way, free_port};
use crate::sample::*;
use crate::{deliverer, wait_for};

fn to_port(port: u16) -> Vec<SinkTarget> {
    vec![SinkTarget::syslog(&format!("127.0.0.1:{port}"))]
}

#[test]
fn rsyslogd_receives_each_finding_as_one_line_of_ecs_json() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(receiver) = Receiver::start(Program::Rsyslog, Way::Tcp, dir.path(), port) else { return };
    let hostile = FlowRecord {
        host: Some("a\nb\"<13>1 - forged\u{202e}.chat.example".to_owned() + &"x".repeat(9000)),
        sensor: "tap 1\n<0>".to_owned(),
        ..flow("10.20.2.7", "chat", MONDAY + HOUR / 2)
    };
    let records = [flow_record(flow("10.20.1.12", "deep", MONDAY)), flow_record(hostile)];
    let delivered = deliverer(dir.path(), to_port(port), &records).drain(None).unwrap();
    assert_eq!((delivered.siem[0].sent, delivered.siem[0].waiting, &delivered.siem[0].error), (2, 0, &None));

    let lines = receiver.lines(2);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!((lines[0].priority.as_str(), lines[0].host.as_str()), ("131", "tap1"));
    assert_eq!((lines[0].app.as_str(), lines[0].msgid.as_str()), ("shadowtap", "finding"));
    let event: Value = serde_json::from_str(&lines[0].text).unwrap();
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    assert_eq!(text("/@timestamp"), "2026-11-09T08:00:00Z");
    assert_eq!(text("/event/kind"), "alert");
    assert_eq!(text("/rule/id"), "prohibited-use");
    assert_eq!(text("/source/ip"), "10.20.1.12");
    assert_eq!(text("/source/mac"), "02-77-00-00-00-11");
    assert_eq!(text("/destination/domain"), "www.deep.example");
    assert_eq!(text("/network/application"), "deep");
    assert_eq!(text("/labels/policy_status"), "prohibited");
    assert_eq!(text("/labels/report_due_at"), "2026-11-09T09:00:00Z");
    assert!(text("/message").contains("not an accusation"));

    let event: Value = serde_json::from_str(&lines[1].text).unwrap();
    let domain = event.pointer("/destination/domain").unwrap().as_str().unwrap();
    assert!(domain.starts_with("a\\u{a}b\"<13>1\\u{20}-") && domain.len() <= 253, "{domain}");
}

#[test]
fn events_wait_while_rsyslogd_is_away_and_arrive_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut deliverer = deliverer(dir.path(), to_port(port), &[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let delivered = deliverer.drain(None).unwrap();
    assert_eq!((delivered.store.records.new, delivered.opened.len()), (1, 1), "facts do not wait");
    assert_eq!((delivered.siem[0].sent, delivered.siem[0].waiting), (0, 1));
    assert!(delivered.siem[0].error.as_ref().unwrap().contains("cannot connect"));

    let pausing = deliverer.drain(None).unwrap().siem.remove(0);
    assert_eq!(pausing.error, delivered.siem[0].error, "the reason of the pause");

    let Some(receiver) = Receiver::start(Program::Rsyslog, Way::Tcp, dir.path(), port) else { return };
    wait_for("the pause to end", || (deliverer.drain(None).unwrap().siem[0].sent == 1).then_some(()));
    assert_eq!(receiver.lines(1).len(), 1);
}

#[test]
fn a_receiver_that_closes_gets_its_events_again() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = thread::spawn(move || {
        // The first connection is dropped with its bytes unread, the second is read to its end.
        drop(listener.accept().unwrap());
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let records: Vec<Record> =
        (1..40).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "deep", MONDAY))).collect();
    let mut deliverer = deliverer(dir.path(), to_port(port), &records);
    let first = deliverer.drain(None).unwrap().siem.remove(0);
    assert_eq!((first.sent, first.waiting), (0, 39), "{first:?}");
    assert!(first.error.unwrap().contains("cannot send"));
    wait_for("the pause to end", || (deliverer.drain(None).unwrap().siem[0].sent == 39).then_some(()));
    assert_eq!(peer.join().unwrap().matches("shadowtap - finding - {").count(), 39);
}

/// All bytes fit into the receiver's buffer and it goes away without reading them: only the reset tells.
#[test]
fn events_that_a_receiver_never_read_are_not_marked() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        thread::sleep(Duration::from_millis(300));
        drop(connection);
    });
    let mut deliverer = deliverer(dir.path(), to_port(port), &[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let report = deliverer.drain(None).unwrap().siem.remove(0);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    peer.join().unwrap();
}
