//! Receivers that die and come back: nothing is lost, order is kept, what comes twice is the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use ingest::siem::{Format, Outbox, Sink};
use rules::policy::Policy;
use serde_json::Value;

use crate::events::{event, outbox};
use crate::receiver::{Program, Receiver, Way, free_port};
use crate::sample::*;
use crate::{deliverer, wait_for};

const BOTH: [Program; 2] = [Program::Rsyslog, Program::SyslogNg];
const WAYS: [Way; 2] = [Way::Tcp, Way::Both("server")];
/// Events per connection.
const CHUNK: u64 = 500;

/// Id and revision of each line, in order of arrival.
fn keys(receiver: &Receiver) -> Vec<(String, u64)> {
    let key =
        |event: Value| Some((event["event"]["id"].as_str()?.to_owned(), event["event"]["sequence"].as_u64()?));
    receiver.so_far().iter().filter_map(|line| key(serde_json::from_str(&line.text).ok()?)).collect()
}

/// It stops reading, holds what has come in its buffers, and is killed: all of that is gone, and none of it counted.
#[test]
fn a_receiver_that_is_killed_with_events_unread_gets_them_again_in_order() {
    for (program, way) in BOTH.into_iter().flat_map(|program| WAYS.map(|way| (program, way))) {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let Some(receiver) = Receiver::start(program, way, dir.path(), port) else { continue };
        let events: Vec<Value> = (0..700).map(event).collect();
        let mut outbox = outbox(dir.path(), &events[..100]);
        let mut sink = Sink::open(&way.target(Format::Ecs, port)).unwrap();
        assert_eq!(sink.drain(&mut outbox, 0).unwrap().sent, 100);
        receiver.lines(100);

        receiver.freeze();
        let mut outbox = crate::events::outbox(dir.path(), &events[100..]);
        let lost = sink.drain(&mut outbox, 0).unwrap();
        assert_eq!((lost.sent, lost.waiting), (0, 600), "{program:?} {way:?}: {lost:?}");
        drop(receiver);

        let receiver = Receiver::start(program, way, dir.path(), port).unwrap();
        wait_for("the pause to end", || (sink.drain(&mut outbox, 0).unwrap().waiting == 0).then_some(()));
        receiver.lines(700);
        let expected: Vec<_> = (0..700_u64).map(|number| (format!("{number:016x}"), 1)).collect();
        assert!(keys(&receiver) == expected, "{program:?} {way:?}");
    }
}

/// Killed somewhere while events come: what it had not closed for arrives, first arrivals are in order, and what comes
/// twice is the same to the byte.
#[test]
fn a_receiver_that_is_killed_while_events_come_gets_the_rest_when_it_is_back() {
    for (program, way) in BOTH.into_iter().flat_map(|program| WAYS.map(|way| (program, way))) {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let Some(receiver) = Receiver::start(program, way, dir.path(), port) else { continue };
        let events: Vec<Value> = (0..3000).map(event).collect();
        let mut outbox = outbox(dir.path(), &events);
        let mut sink = Sink::open(&way.target(Format::Ecs, port)).unwrap();
        let sending = thread::spawn(move || {
            let mut told = 0;
            wait_for("all to be sent", || {
                let report = sink.drain(&mut outbox, 0).unwrap();
                told += report.sent;
                (report.waiting == 0).then_some(told)
            })
        });
        receiver.lines(600);
        drop(receiver);
        let closed_for = Outbox::open(dir.path()).unwrap().backlogs(0).unwrap()[0].taken;
        let receiver = Receiver::start(program, way, dir.path(), port).unwrap();
        assert_eq!(sending.join().unwrap(), 3000);
        wait_for("the last event", || {
            keys(&receiver).last().is_some_and(|(id, _)| *id == format!("{:016x}", 2999)).then_some(())
        });
        let lines = receiver.so_far();
        let mut seen: HashMap<String, &str> = HashMap::new();
        let mut newest = None;
        for line in &lines {
            // What was being written when it was killed may be half a line.
            let Ok(event) = serde_json::from_str::<Value>(&line.text) else { continue };
            let id = event["event"]["id"].as_str().unwrap().to_owned();
            match seen.get(&id) {
                Some(before) => assert_eq!(*before, line.text, "a repeat is the same"),
                None => {
                    assert!(newest.as_ref() < Some(&id), "{program:?} {way:?}: {id} behind {newest:?}");
                    newest = Some(id.clone());
                    seen.insert(id, &line.text);
                }
            }
        }
        // The one way to lose an event: the receiver has read it, has closed, and dies before it writes.
        let missing = (0..3000).find(|number| !seen.contains_key(&format!("{number:016x}")));
        assert!(missing.is_none_or(|number| number < closed_for + CHUNK), "{program:?} {way:?}: {missing:?}");
    }
}

/// Thirty findings open, miss their clocks and close while nobody listens.
#[test]
fn a_finding_is_told_in_the_order_of_its_life_after_an_outage() {
    let approved = "[policy]\nname = \"later\"\n[[rule]]\nservices = [\"deep\", \"good\"]\nstatus = \"approved\"\n";
    let approved = Arc::new(Policy::parse(approved, "policy.toml", &catalogue()).unwrap());
    for program in BOTH {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let deep = (1..=30).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "deep", MONDAY + n * SECOND)));
        // A day later, beyond each deadline.
        let records: Vec<_> = deep.chain([flow_record(flow("10.20.2.9", "good", MONDAY + DAY))]).collect();
        let mut deliverer = deliverer(dir.path(), vec![Way::Tcp.target(Format::Ecs, port)], &records);
        let away = deliverer.drain(None).unwrap();
        assert_eq!((away.siem[0].sent, away.opened.len(), away.missed.len()), (0, 30, 30));
        deliverer.judging().set_policy(approved.clone());
        assert_eq!(deliverer.drain(Some(MONDAY + DAY + HOUR)).unwrap().closed.len(), 30);

        let Some(receiver) = Receiver::start(program, Way::Tcp, dir.path(), port) else { continue };
        wait_for("the pause to end", || (deliverer.drain(None).unwrap().siem[0].waiting == 0).then_some(()));
        let waited = Outbox::open(dir.path()).unwrap().backlogs(i64::MAX).unwrap()[0].taken;
        let mut lives: HashMap<String, Vec<String>> = HashMap::new();
        for line in receiver.lines(waited as usize) {
            let event: Value = serde_json::from_str(&line.text).unwrap();
            let life = lives.entry(event["event"]["id"].as_str().unwrap().to_owned()).or_default();
            life.push(format!("{} {}", event["event"]["action"].as_str().unwrap(), event["event"]["sequence"]));
        }
        let whole = lives.values().filter(|life| **life == ["create 1", "update 2", "close 3"]).count();
        assert_eq!(whole, 30, "{program:?}: {lives:?}");
    }
}
