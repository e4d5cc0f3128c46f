//! What is the same at every receiver.

use std::collections::HashSet;

use ingest::siem::{Format, Sink, To, test_event};
use sensor::record::Record;

use super::sample::{HOUR, MONDAY, flow, flow_record};
use super::{Receiver, Run, elastic, one, sentinel, sink, splunk, webhook};

/// Runs of each receiver over the same records.
fn everywhere(check: impl Fn(&str, &mut dyn FnMut(&[Record]) -> Vec<String>)) {
    fn run<R: Receiver + Default>(to: fn(&str) -> To, records: &[Record]) -> Vec<String> {
        let mut run = Run::with_activity(R::default(), to, records);
        let report = run.settle();
        assert_eq!((report.refused, &report.refused_why), (0, &None));
        let keys = run.receiver().keys();
        assert_eq!(report.sent, keys.len() as u64);
        keys
    }
    check("splunk", &mut |records| run::<splunk::Collector>(splunk::target, records));
    check("elastic", &mut |records| run::<elastic::Cluster>(elastic::target, records));
    check("sentinel", &mut |records| run::<sentinel::Azure>(sentinel::target, records));
    check("webhook", &mut |records| run::<webhook::Hook>(webhook::target, records));
}

#[test]
fn activity_findings_and_digests_arrive_once_and_in_the_same_order_everywhere() {
    let device = |n: i64| format!("10.20.{}.{}", n / 200, n % 200 + 1);
    let mut records: Vec<Record> = (0..1200)
        .map(|n| flow_record(flow(&device(n), ["deep", "chat", "good"][n as usize % 3], MONDAY + n)))
        .collect();
    records.push(flow_record(flow("10.20.1.1", "good", MONDAY + 3 * HOUR)));
    let orders = std::cell::RefCell::new(HashSet::new());
    everywhere(|name, run| {
        let keys = run(&records);
        assert!(keys.len() > 1200, "{name}: {}", keys.len());
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "{name}");
        orders.borrow_mut().insert(keys);
    });
    assert_eq!(orders.borrow().len(), 1);
}

#[test]
fn the_event_of_siem_test_is_taken_by_every_receiver() {
    fn probe<R: Receiver + Default>(to: fn(&str) -> To) {
        for format in [Format::Ecs, Format::Ocsf] {
            let run = Run::new(R::default(), to, &one());
            let mut sink = Sink::open(&sink(format, to(&run.server.url()))).unwrap();
            let (uid, event) = test_event("tap1", "hq", MONDAY);
            sink.probe(&uid, event).unwrap();
            assert_eq!(run.receiver().keys(), [format!("{uid}-1")]);
        }
    }
    probe::<splunk::Collector>(splunk::target);
    probe::<elastic::Cluster>(elastic::target);
    probe::<sentinel::Azure>(sentinel::target);
    probe::<webhook::Hook>(webhook::target);
}
