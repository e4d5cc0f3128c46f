//! Events to a real rsyslogd over TCP, and to receivers that misbehave.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::siem::SinkTarget;
use sample::*;
use sensor::record::{FlowRecord, Record};
use serde_json::Value;

fn deliverer(dir: &Path, port: u16, records: &[Record]) -> Deliverer {
    deliver(dir, SinkTarget::syslog(&format!("127.0.0.1:{port}")), records)
}

fn deliver(dir: &Path, sink: SinkTarget, records: &[Record]) -> Deliverer {
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A receiver of our own, stopped when it goes out of scope.
struct Rsyslogd {
    child: Child,
    out: PathBuf,
}

impl Rsyslogd {
    /// None when rsyslogd is not installed; a failure instead where it has to be.
    fn start(dir: &Path, port: u16) -> Option<Self> {
        let program = ["/usr/sbin/rsyslogd", "/usr/bin/rsyslogd", "/sbin/rsyslogd"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let Some(program) = program else {
            assert!(
                std::env::var("SHADOWTAP_CI").as_deref() != Ok("1"),
                "rsyslogd is not installed: apt-get install rsyslog"
            );
            println!("skipped: rsyslogd is not installed (apt-get install rsyslog)");
            return None;
        };
        let out = dir.join("out.log");
        let config = format!(
            "global(workDirectory=\"{dir}\" maxMessageSize=\"64k\")\nmodule(load=\"imtcp\")\n\
             template(name=\"line\" type=\"string\" string=\"%pri% %hostname% %app-name% %msgid% %msg%\\n\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omfile\" file=\"{out}\" template=\"line\")\n",
            dir = dir.display(),
            out = out.display()
        );
        let path = dir.join("rsyslog.conf");
        fs::write(&path, config).unwrap();
        let child = Command::new(program)
            .args(["-n", "-f", path.to_str().unwrap(), "-i", dir.join("pid").to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let receiver = Self { child, out };
        wait_for("rsyslogd to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(receiver)
    }

    fn lines(&self, count: usize) -> Vec<String> {
        wait_for("events in the file", || {
            let text = fs::read_to_string(&self.out).unwrap_or_default();
            (text.lines().count() >= count).then(|| text.lines().map(str::to_owned).collect())
        })
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        if let Some(answer) = ready() {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

#[test]
fn rsyslogd_receives_each_finding_as_one_line_of_ecs_json() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(receiver) = Rsyslogd::start(dir.path(), port) else { return };
    let hostile = FlowRecord {
        host: Some("a\nb\"<13>1 - forged\u{202e}.chat.example".to_owned() + &"x".repeat(9000)),
        sensor: "tap 1\n<0>".to_owned(),
        ..flow("10.20.2.7", "chat", MONDAY + HOUR / 2)
    };
    let records = [flow_record(flow("10.20.1.12", "deep", MONDAY)), flow_record(hostile)];
    let delivered = deliverer(dir.path(), port, &records).drain(None).unwrap();
    assert_eq!((delivered.siem[0].sent, delivered.siem[0].waiting, &delivered.siem[0].error), (2, 0, &None));

    let lines = receiver.lines(2);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let (header, json) = lines[0].split_at(lines[0].find('{').unwrap());
    assert_eq!(header.trim(), "131 tap1 shadowtap finding");
    let event: Value = serde_json::from_str(json).unwrap();
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

    let event: Value = serde_json::from_str(&lines[1][lines[1].find('{').unwrap()..]).unwrap();
    let domain = event.pointer("/destination/domain").unwrap().as_str().unwrap();
    assert!(domain.starts_with("a\\u{a}b\"<13>1\\u{20}-") && domain.len() <= 253, "{domain}");
}

#[test]
fn events_wait_while_rsyslogd_is_away_and_arrive_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut deliverer = deliverer(dir.path(), port, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let delivered = deliverer.drain(None).unwrap();
    assert_eq!((delivered.store.records.new, delivered.opened.len()), (1, 1), "facts do not wait");
    assert_eq!((delivered.siem[0].sent, delivered.siem[0].waiting), (0, 1));
    assert!(delivered.siem[0].error.as_ref().unwrap().contains("cannot connect"));

    let started = Instant::now();
    assert_eq!(deliverer.drain(None).unwrap().siem[0].error, None, "a pause is kept");
    assert!(started.elapsed() < Duration::from_millis(500));

    let Some(receiver) = Rsyslogd::start(dir.path(), port) else { return };
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
    let mut deliverer = deliverer(dir.path(), port, &records);
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
    let mut deliverer = deliverer(dir.path(), port, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let report = deliverer.drain(None).unwrap().siem.remove(0);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    peer.join().unwrap();
}

#[test]
fn a_receiver_that_takes_nothing_costs_a_bounded_time() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut deliverer = deliverer(dir.path(), port, &[flow_record(flow("10.20.1.12", "deep", MONDAY))]);
    let started = Instant::now();
    deliverer.drain(None).unwrap();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
