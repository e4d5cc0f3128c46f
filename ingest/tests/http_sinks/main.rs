//! Findings to receivers over HTTP. The receivers are built from the vendors' public documents, take what those allow
//! and refuse the rest; what misbehaves is in `faults`. Everything goes the whole way, from records to the receiver.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

mod elastic;
mod every;
mod faults;
mod secrets;
mod sentinel;
mod server;
mod splunk;
mod tls;
mod webhook;

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../../src/sample.rs"]
mod sample;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::siem::{Format, SiemReport, SinkTarget, To};
use sample::{MONDAY, SECOND, berlin, catalogue, flow, flow_record, policy, spool};
use sensor::record::{FlowRecord, Record};
use server::{Reply, Request, Server};

/// A receiver in a test: what it answers and what it has taken.
trait Receiver: Send + 'static {
    fn answer(&mut self, request: &Request) -> Reply;

    /// Id and revision of each event that it has, in the order of their arrival, repeats as often as it has them.
    fn keys(&self) -> Vec<String>;
}

/// A receiver that runs, and a Deliverer with findings for it.
struct Run<R> {
    receiver: Arc<Mutex<R>>,
    server: Server,
    deliverer: Deliverer,
    _dir: tempfile::TempDir,
}

impl<R: Receiver> Run<R> {
    fn new(receiver: R, to: impl FnOnce(&str) -> To, records: &[Record]) -> Self {
        Self::with(receiver, Format::Ecs, to, records)
    }

    fn with(receiver: R, format: Format, to: impl FnOnce(&str) -> To, records: &[Record]) -> Self {
        Self::of(receiver, |url| sink(format, to(url)), records)
    }

    /// The same with a record of each flow.
    fn with_activity(receiver: R, to: impl FnOnce(&str) -> To, records: &[Record]) -> Self {
        Self::of(receiver, |url| SinkTarget { activity: true, ..sink(Format::Ecs, to(url)) }, records)
    }

    fn of(receiver: R, sink: impl FnOnce(&str) -> SinkTarget, records: &[Record]) -> Self {
        let receiver = Arc::new(Mutex::new(receiver));
        let answers = receiver.clone();
        let server = Server::start(move |request| answers.lock().unwrap().answer(request));
        let dir = tempfile::tempdir().unwrap();
        let deliverer = deliverer(dir.path(), sink(&server.url()), records);
        Self { receiver, server, deliverer, _dir: dir }
    }

    fn round(&mut self) -> SiemReport {
        self.deliverer.drain(None).unwrap().siem.remove(0)
    }

    /// Rounds until nothing waits; what all of them took.
    fn settle(&mut self) -> SiemReport {
        let mut sum = SiemReport::default();
        wait_for("all events to be taken", || {
            let report = self.round();
            sum.sent += report.sent;
            sum.refused += report.refused;
            sum.refused_why = report.refused_why.or(sum.refused_why.take());
            (report.waiting == 0).then(|| sum.clone())
        })
    }

    fn receiver(&self) -> MutexGuard<'_, R> {
        self.receiver.lock().unwrap()
    }
}

fn sink(format: Format, to: To) -> SinkTarget {
    SinkTarget { name: "soc".to_owned(), format, activity: false, to }
}

fn deliverer(dir: &Path, sink: SinkTarget, records: &[Record]) -> Deliverer {
    let config = DeliverConfig {
        data_dir: dir.to_path_buf(),
        spool: spool(dir, &[records]),
        catalogue: catalogue(),
        policy: policy(),
        sinks: vec![sink],
        time_zone: berlin(),
    };
    Deliverer::open(config).unwrap()
}

/// One finding.
fn one() -> Vec<Record> {
    vec![flow_record(flow("10.20.1.12", "deep", MONDAY))]
}

/// Findings of so many devices.
fn many(count: u8) -> Vec<Record> {
    (1..=count).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "deep", MONDAY))).collect()
}

/// Three findings, of which the second bears a name that a receiver may dislike.
fn with_poison() -> Vec<Record> {
    let poison = FlowRecord {
        host: Some("poison\"}\n{\"index\":{}}\u{2028}.deep.example".to_owned()),
        ..flow("10.20.1.2", "deep", MONDAY + SECOND)
    };
    vec![
        flow_record(flow("10.20.1.1", "deep", MONDAY)),
        flow_record(poison),
        flow_record(flow("10.20.1.3", "deep", MONDAY + 2 * SECOND)),
    ]
}

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(40);
    while Instant::now() < until {
        if let Some(answer) = ready() {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

/// What the receiver refuses for now, with the words and the mend that the operator reads.
fn refuses<R: Receiver>(run: &mut Run<R>, words: &[&str]) {
    let report = run.round();
    let error = report.error.unwrap_or_else(|| panic!("no error: {:?}", (report.sent, report.refused_why)));
    assert_eq!((report.sent, report.refused, report.waiting), (0, 0, 1), "{error}");
    for word in words {
        assert!(error.contains(word), "{word:?} in {error}");
    }
}
