//! Whatever breaks, and whenever: in the end each fact is in once, in the tables and in the roll-ups.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ingest::batch;
use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget};
use sensor::record::Record;
use sensor::spool::Queue;

use crate::facts::{embedded, facts};
use crate::proxy::{Fault, Proxy};
use crate::sample::*;
use crate::server::{Engine, answers, engine, server, store};

/// The facts around midnight on the site's clock: their flows lie in two partitions.
fn over_midnight() -> Vec<Record> {
    let midnight = MONDAY + 15 * HOUR;
    let mut records = facts();
    records.extend((0..20).map(|n| flow_record(flow("10.20.1.5", "good", midnight + (n - 10) * SECOND))));
    records
}

/// The number of rows in each table, and what the roll-ups add up to.
const COUNTS: &str = "SELECT (SELECT count() FROM flow), (SELECT count() FROM lookup), (SELECT count() FROM minute), \
    (SELECT count() FROM tally), (SELECT count() FROM visibility), (SELECT count() FROM visibility_hidden), \
    (SELECT count() FROM candidate), (SELECT (sum(flows), sum(turns), sum(bytes_up)) FROM usage_hour), \
    (SELECT (sum(flows), sum(turns), sum(bytes_up)) FROM usage_day), (SELECT uniqExact(day) > 1 FROM flow)";

/// A store that comes to the server through the proxy, gives up on a silent peer soon, and has no pause to wait for.
fn through(proxy: &Proxy) -> ClickHouseStore {
    let mut target = ClickHouseTarget::parse(&format!("clickhouse://{}/test", proxy.address)).unwrap();
    target.timeout = Duration::from_secs(2);
    store(target)
}

#[test]
fn a_request_that_breaks_anywhere_loses_nothing_and_repeats_nothing() {
    let Some(mut engine) = engine() else { return };
    let records = over_midnight();
    let proxy = Proxy::new(engine.address);
    through(&proxy).insert("first", &records[..3]).unwrap();
    proxy.calm();
    let (_dir, sqlite) = embedded(&records);
    through(&proxy).insert("whole", &records).unwrap();
    let requests = proxy.calm();
    assert!(requests > 15, "{requests} requests in a batch");
    let (expected, counts) = (answers(&sqlite), engine.sql(COUNTS));
    assert_eq!(answers(&through(&proxy)), expected);
    let faults = [
        Fault::Refused,
        Fault::CutRequest(40),
        Fault::CutRequest(700),
        Fault::LostAnswer,
        Fault::CutAnswer(20),
        Fault::Status(500),
        Fault::Status(503),
    ];
    for (round, fault) in faults.into_iter().enumerate() {
        for number in 0..requests {
            engine.sql_outside("DROP DATABASE test SYNC");
            through(&proxy).insert("first", &records[..3]).unwrap();
            proxy.break_request(number, fault);
            let broken = through(&proxy).insert("whole", &records);
            if let Err(error) = &broken {
                assert!(error.retry(), "{fault:?} at {number}: {error}");
            }
            proxy.calm();
            // The sender starts again with the same batch, twice.
            through(&proxy).insert("whole", &records).unwrap();
            through(&proxy).insert("whole", &records).unwrap();
            assert_eq!(engine.sql(COUNTS), counts, "round {round}: {fault:?} at request {number}");
        }
    }
    assert_eq!(answers(&through(&proxy)), expected);
    engine.kill();
    engine.restart();
    proxy.redirect(engine.address);
    through(&proxy).insert("whole", &records).unwrap();
    assert_eq!(engine.sql(COUNTS), counts, "the server remembers what it has taken");
}

#[test]
fn a_silent_peer_is_given_up() {
    let Some(engine) = engine() else { return };
    let records = over_midnight();
    let proxy = Proxy::new(engine.address);
    through(&proxy).insert("whole", &records).unwrap();
    let (requests, counts) = (proxy.calm(), engine.sql(COUNTS));
    // The last ones are the inserts, which have done their work when the silence begins.
    for number in [0, requests / 2, requests - 2, requests - 1] {
        engine.sql_outside("DROP DATABASE test SYNC");
        proxy.break_request(number, Fault::HalfOpen);
        let error = through(&proxy).insert("whole", &records).unwrap_err();
        assert!(error.retry() && error.to_string().contains("timeout"), "{error}");
        proxy.calm();
        through(&proxy).insert("whole", &records).unwrap();
        assert_eq!(engine.sql(COUNTS), counts, "silence at request {number}");
    }
}

/// Batches of a spool, delivered by one sender after the other until nothing waits.
fn drain(queue: &Queue, proxy: &Proxy) {
    let mut tries = 0;
    while let Err(error) = batch::deliver(queue, &mut through(proxy)) {
        tries += 1;
        assert!(tries < 200, "{error}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Many segments by two writers, so that they are many batches.
fn spooled(dir: &Path, records: &[Record]) -> Queue {
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
    for pause in [5, 30, 60, 90, 130, 170, 210, 260, 320, 400] {
        let dir = tempfile::tempdir().unwrap();
        let queue = spooled(dir.path(), &records);
        engine.try_sql_outside("DROP DATABASE test SYNC");
        thread::scope(|scope| {
            scope.spawn(|| drain(&queue, &proxy));
            for again in 1..3 {
                thread::sleep(Duration::from_millis(pause * again));
                engine.kill();
                engine.restart();
                proxy.redirect(engine.address);
            }
        });
        assert_eq!(answers(&through(&proxy)), answers(&sqlite), "killed after {pause} ms");
        let rows = engine.sql("SELECT (SELECT count() FROM flow), (SELECT sum(flows) FROM usage_hour), (SELECT sum(flows) FROM usage_day)");
        let flows = records.iter().filter(|record| matches!(record, Record::Flow(_))).count();
        let begun = records.iter().filter(|record| matches!(record, Record::Flow(flow) if flow.seq == 0)).count();
        assert_eq!(rows, format!("{flows}\t{begun}\t{begun}"), "killed after {pause} ms");
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
        sender.args(["--exact", "faults::sender", "--quiet"]).stdout(std::process::Stdio::null());
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
    assert_eq!(answers(&through(&proxy)), answers(&sqlite), "after {kills} kills");
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let Some(server) = server() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    server.store().insert("first", &records[..1]).unwrap();
    for table in ["flow", "usage_hour", "usage_day", "tally", "batch"] {
        server.sql(&format!("ALTER TABLE {table} MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000"));
        let error = server.store().insert("whole", &records).unwrap_err();
        assert!(error.retry() && error.to_string().contains("243"), "{table}: {error}");
        server.sql(&format!("ALTER TABLE {table} RESET SETTING min_free_disk_bytes_to_perform_insert"));
    }
    server.store().insert("whole", &records).unwrap();
    assert_eq!(answers(&server.store()), answers(&sqlite));
    assert_eq!(server.sql("SELECT sum(flows) FROM usage_day"), server.sql("SELECT sum(flows) FROM usage_hour"));
}

#[test]
fn after_a_failure_the_server_is_left_alone_for_a_while() {
    let nobody = ClickHouseTarget::parse("clickhouse://127.0.0.1:1/test").unwrap();
    let mut store = store(nobody);
    let first = store.insert("a", &[]).unwrap_err();
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(store.insert("a", &[]).unwrap_err().to_string(), first.to_string(), "said once in a log");
    }
    assert!(first.retry() && first.to_string().contains("127.0.0.1:1") && begun.elapsed() < Duration::from_millis(400));
}

impl Engine {
    fn sql(&self, sql: &str) -> String {
        self.server().sql(sql)
    }

    fn sql_outside(&self, sql: &str) {
        self.server().sql_outside(sql);
    }

    fn try_sql_outside(&self, sql: &str) {
        self.server().sql_try(sql);
    }
}
