//! One sink that is dead delays no other sink and no store.

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use ingest::deliver::{Delivered, Parts};
use ingest::siem::SinkTarget;

use crate::deliverer;
use crate::receiver::free_port;
use crate::sample::*;

/// Three sinks and a store, a thread each, as the live sensor runs them. One sink accepts and never reads, which costs
/// it seconds; all others are through before it is.
#[test]
fn a_sink_that_hangs_and_one_that_is_away_delay_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let healthy = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |port: u16| SinkTarget::syslog(&format!("127.0.0.1:{port}"));
    let named = |name: &str, target: SinkTarget| SinkTarget { name: name.to_owned(), ..target };
    let sinks = vec![
        named("hung", at(hung.local_addr().unwrap().port())),
        named("away", at(free_port())),
        named("healthy", at(healthy.local_addr().unwrap().port())),
    ];
    let received = thread::spawn(move || {
        let mut text = String::new();
        healthy.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text.matches("shadowtap - finding - {").count()
    });
    let records: Vec<_> = (1..=40).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "deep", MONDAY))).collect();
    let Parts { mut judging, mut storing, sinks } = deliverer(dir.path(), sinks, &records).parts();
    let mut delivered = Delivered::default();
    judging.round(None, &mut delivered).unwrap();
    assert_eq!(delivered.opened.len(), 40);

    let (done, ended) = mpsc::channel();
    thread::scope(|scope| {
        for mut sink in sinks {
            let done = done.clone();
            scope.spawn(move || {
                let report = sink.round(None).unwrap();
                done.send((report.sink.clone(), report.sent, report.waiting)).unwrap();
            });
        }
        scope.spawn(move || {
            // The store begins last and still ends before the one that hangs.
            let folded = storing.round(None).unwrap();
            done.send(("store".to_owned(), folded.records.new, 0)).unwrap();
        });
    });
    let mut order: Vec<_> = ended.iter().collect();
    assert_eq!(order.pop().unwrap(), ("hung".to_owned(), 0, 40));
    order.sort();
    let expected = [("away", 0, 40), ("healthy", 40, 0), ("store", 40, 0)];
    assert_eq!(order, expected.map(|(name, sent, waiting)| (name.to_owned(), sent, waiting)));
    assert_eq!(received.join().unwrap(), 40);
}
