//! Sender and server die at any time, and files come back: in the end each fact is in once.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ingest::batch;
use ingest::store::clickhouse::ClickHouseTarget;
use sensor::record::Record;
use sensor::spool::Queue;

use crate::facts::embedded;
use crate::faults::{over_midnight, through};
use crate::proxy::Proxy;
use crate::sample::*;
use crate::server::{answers, engine, server, store};

/// Batches of a spool, delivered by one sender after the other until nothing waits.
fn drain(queue: &Queue, proxy: &Proxy, database: &str) {
    let mut tries = 0;
    while let Err(error) = batch::deliver(queue, &mut through(proxy, database)) {
        tries += 1;
        assert!(tries < 200, "{error}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Many segments by two writers, so that they are many batches.
pub(crate) fn spooled(dir: &Path, records: &[Record]) -> Queue {
    let parts: Vec<&[Record]> = records.chunks(5).collect();
    let spool = spool(dir, &[]);
    for (number, part) in (1..).zip(parts) {
        let mut writer = spool.writer(number);
        part.iter().for_each(|record| writer.append(record).unwrap());
        writer.seal().unwrap();
    }
    spool.queue("store")
}

#[test]
fn a_server_that_is_killed_at_any_time_has_each_fact_once() {
    let Some(mut engine) = engine() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    let proxy = Proxy::new(engine.address);
    for pause in [20, 60, 110, 170, 240, 320] {
        let dir = tempfile::tempdir().unwrap();
        let queue = spooled(dir.path(), &records);
        let database = format!("after{pause}");
        thread::scope(|scope| {
            scope.spawn(|| drain(&queue, &proxy, &database));
            for again in 1..4 {
                thread::sleep(Duration::from_millis(pause * again));
                engine.kill();
                engine.restart();
                proxy.redirect(engine.address);
            }
        });
        assert_eq!(answers(&through(&proxy, &database)), answers(&sqlite), "killed after {pause} ms");
        let mut server = engine.server();
        server.target.database = database;
        let days = server.sql("SELECT sum(flows), sum(turns), sum(bytes_up) FROM usage_day");
        assert_eq!(days, server.sql("SELECT sum(flows), sum(turns), sum(bytes_up) FROM usage_hour"));
        let flows = records.iter().filter(|record| matches!(record, Record::Flow(_))).count();
        assert_eq!(server.sql("SELECT count() FROM flow"), flows.to_string(), "killed after {pause} ms");
    }
}

/// Not a test of its own: the sender that the next test kills.
#[test]
fn sender() {
    let (Ok(dir), Ok(address)) = (std::env::var("SENDER_DIR"), std::env::var("SENDER_TO")) else { return };
    let target = ClickHouseTarget::parse(&format!("clickhouse://{address}/test")).unwrap();
    let queue = spool(Path::new(&dir), &[]).queue("store");
    batch::deliver(&queue, &mut store(target)).unwrap();
}

#[test]
fn a_sender_that_is_killed_at_any_time_has_sent_each_fact_once() {
    let Some(engine) = engine() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    let proxy = Proxy::new(engine.address);
    let dir = tempfile::tempdir().unwrap();
    let queue = spooled(dir.path(), &records);
    let send = || {
        let mut sender = std::process::Command::new(std::env::current_exe().unwrap());
        sender.args(["--exact", "kills::sender", "--quiet"]).stdout(std::process::Stdio::null());
        sender.env("SENDER_DIR", dir.path()).env("SENDER_TO", engine.address.to_string()).spawn().unwrap()
    };
    let mut kills = 0;
    for pause in (20_u64..).step_by(17) {
        let mut sender = send();
        thread::sleep(Duration::from_millis(pause % 400));
        if let Some(status) = sender.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        sender.kill().unwrap();
        sender.wait().unwrap();
        kills += 1;
        assert!(kills < 300, "it never ends");
    }
    assert!(kills > 3, "{kills} kills");
    assert!(queue.segments().unwrap().is_empty());
    assert_eq!(answers(&through(&proxy, "test")), answers(&sqlite), "after {kills} kills");
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The instants between two steps of folding, each set up by hand and followed by a restart.
#[test]
fn a_crash_at_any_step_of_folding_repeats_nothing() {
    let Some(server) = server() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    let dir = tempfile::tempdir().unwrap();
    let parts: Vec<&[Record]> = records.chunks(20).collect();
    let queue = spool(dir.path(), &parts).queue("store");
    let segments = files(queue.dir());
    let away = ClickHouseTarget::parse("clickhouse://127.0.0.1:1/test").unwrap();
    batch::deliver(&queue, &mut store(away)).unwrap_err();
    let folded = files(queue.dir());
    assert_eq!(folded.len(), 1, "one batch, no segment");
    let put_back =
        |files: &[(PathBuf, Vec<u8>)]| files.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    put_back(&segments);
    let done = batch::deliver(&queue, &mut server.store()).unwrap();
    assert_eq!((done.batches, done.records.known), (1, 0), "segments that a batch covers are not read again");
    put_back(&folded);
    let done = batch::deliver(&queue, &mut server.store()).unwrap();
    assert_eq!((done.records.new, done.records.known), (0, records.len() as u64), "the batch after its insert");
    for from in 0..segments.len() {
        put_back(&segments[from..]);
        let done = batch::deliver(&queue, &mut server.store()).unwrap();
        assert_eq!(done.records.new, 0, "segments from {from} on, in a batch of another name");
    }
    assert_eq!(answers(&server.store()), answers(&sqlite));
}
