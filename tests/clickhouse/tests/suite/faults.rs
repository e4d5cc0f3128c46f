//! Whatever breaks, and whenever: in the end each fact is in once, in the tables and in the roll-ups.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ingest::batch::{self, rejects};
use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget, Secret};
use sensor::record::Record;
use sensor::spool::Queue;

use crate::facts::{embedded, facts};
use crate::proxy::{Fault, Proxy};
use crate::sample::*;
use crate::server::{Server, answers, engine, server, store};

/// The facts around midnight on the site's clock: their flows lie in two partitions.
fn over_midnight() -> Vec<Record> {
    let midnight = MONDAY + 15 * HOUR;
    let mut records = facts();
    records.extend((0..20).map(|n| flow_record(flow("10.20.1.5", "good", midnight + (n - 10) * SECOND))));
    records
}

/// The same facts as those of another site, seen by another sensor.
fn of_site(records: &[Record], site: &str) -> Vec<Record> {
    let named = |record: &Record| {
        let mut json = serde_json::to_value(record).unwrap();
        let fields = json.as_object_mut().unwrap();
        for (field, value) in fields.iter_mut() {
            match field.as_str() {
                "site" | "sensor" => *value = site.into(),
                "flow_id" | "lookup_id" => *value = format!("{}-{site}", value.as_str().unwrap()).into(),
                _ => {}
            }
        }
        serde_json::from_value(json).unwrap()
    };
    records.iter().map(named).collect()
}

/// The number of a site's rows in each table, and what its roll-ups add up to.
fn counts(server: &Server, site: &str) -> String {
    let tables = ["flow", "lookup", "minute", "tally", "visibility", "visibility_hidden", "candidate"];
    let counts = tables.map(|table| format!("(SELECT count() FROM {table} WHERE site = '{site}')"));
    let sums = ["usage_hour", "usage_day"].map(|table| {
        format!("(SELECT (sum(flows), sum(turns), sum(bytes_up)) FROM {table} WHERE site = '{site}')")
    });
    let days = format!("(SELECT uniqExact(day) > 1 FROM flow WHERE site = '{site}')");
    server.sql(&format!("SELECT {}, {}, {days}", counts.join(", "), sums.join(", ")))
}

/// A store that comes to the server through the proxy, gives up on a silent peer soon, and has no pause to wait for.
fn through(proxy: &Proxy, database: &str) -> ClickHouseStore {
    let mut target = ClickHouseTarget::parse(&format!("clickhouse://{}/{database}", proxy.address)).unwrap();
    target.timeout = Duration::from_secs(4);
    store(target)
}

#[test]
fn a_request_that_breaks_anywhere_loses_nothing_and_repeats_nothing() {
    let Some(mut engine) = engine() else { return };
    let records = over_midnight();
    let proxy = Proxy::new(engine.address);
    let database = "test".to_owned();
    through(&proxy, &database).insert("schema", &[]).unwrap();
    proxy.calm();
    through(&proxy, &database).insert("whole", &of_site(&records, "whole")).unwrap();
    let requests = proxy.calm();
    let expected = counts(&engine.server(), "whole");
    assert!(requests > 15 && expected.ends_with("1"), "{requests} requests: {expected}");
    // A lost answer hurts most: the work is done. The others take turns.
    let others =
        [Fault::CutRequest(700), Fault::CutAnswer(20), Fault::Status(503), Fault::Refused, Fault::Status(500)];
    for number in 0..requests {
        for (round, fault) in [Fault::LostAnswer, others[number % others.len()]].into_iter().enumerate() {
            let site = format!("s{round}r{number}");
            let records = of_site(&records, &site);
            proxy.break_request(number, fault);
            let broken = through(&proxy, &database).insert(&site, &records);
            if let Err(error) = &broken {
                assert!(error.retry(), "{fault:?} at {number}: {error}");
            }
            proxy.calm();
            // The sender starts again with the same batch, twice.
            through(&proxy, &database).insert(&site, &records).unwrap();
            through(&proxy, &database).insert(&site, &records).unwrap();
            assert_eq!(counts(&engine.server(), &site), expected, "{fault:?} at request {number}");
        }
    }
    engine.kill();
    engine.restart();
    proxy.redirect(engine.address);
    engine.server().sql("DELETE FROM batch WHERE token = 'whole'");
    through(&proxy, &database).insert("whole", &of_site(&records, "whole")).unwrap();
    assert_eq!(counts(&engine.server(), "whole"), expected, "tokens outlive the server's death");
}

#[test]
fn a_schema_that_breaks_off_anywhere_is_finished_by_the_next_sender() {
    let Some(engine) = engine() else { return };
    let proxy = Proxy::new(engine.address);
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    through(&proxy, "calm").insert("whole", &[]).unwrap();
    let requests = proxy.calm();
    for number in 0..requests {
        let database = format!("broken{number}");
        proxy.break_request(number, if number % 2 == 0 { Fault::LostAnswer } else { Fault::CutRequest(60) });
        let _ = through(&proxy, &database).insert("whole", &records);
        proxy.calm();
        through(&proxy, &database).insert("whole", &records).unwrap();
        assert_eq!(answers(&through(&proxy, &database)), answers(&sqlite), "request {number} of the schema");
    }
}

#[test]
fn a_silent_peer_is_given_up() {
    let Some(engine) = engine() else { return };
    let records = over_midnight();
    let proxy = Proxy::new(engine.address);
    through(&proxy, "test").insert("schema", &[]).unwrap();
    proxy.calm();
    through(&proxy, "test").insert("whole", &of_site(&records, "whole")).unwrap();
    let (requests, expected) = (proxy.calm(), counts(&engine.server(), "whole"));
    // The last ones are the inserts, which have done their work when the silence begins.
    for number in [0, requests - 2, requests - 1] {
        let site = format!("r{number}");
        let records = of_site(&records, &site);
        proxy.break_request(number, Fault::HalfOpen);
        let error = through(&proxy, "test").insert(&site, &records).unwrap_err();
        assert!(error.retry() && error.to_string().contains("timeout"), "{error}");
        proxy.calm();
        through(&proxy, "test").insert(&site, &records).unwrap();
        assert_eq!(counts(&engine.server(), &site), expected, "silence at request {number}");
    }
}

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
    assert_eq!(answers(&through(&proxy, "test")), answers(&sqlite), "after {kills} kills");
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let Some(server) = server() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    server.store().insert("first", &records[..1]).unwrap();
    for table in ["flow", "usage_hour", "usage_day", "tally", "batch"] {
        server.sql(&format!(
            "ALTER TABLE {table} MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000"
        ));
        let error = server.store().insert("whole", &records).unwrap_err();
        assert!(error.retry() && error.to_string().contains("243"), "{table}: {error}");
        server.sql(&format!("ALTER TABLE {table} RESET SETTING min_free_disk_bytes_to_perform_insert"));
    }
    server.store().insert("whole", &records).unwrap();
    assert_eq!(answers(&server.store()), answers(&sqlite));
    assert_eq!(server.sql("SELECT sum(flows) FROM usage_day"), server.sql("SELECT sum(flows) FROM usage_hour"));
}

/// A constraint stands for whatever the server can have against rows.
#[test]
fn rows_that_the_server_refuses_go_aside_and_come_back() {
    let Some(server) = server() else { return };
    let records = over_midnight();
    let (_dir, sqlite) = embedded(&records);
    let dir = tempfile::tempdir().unwrap();
    let queue = spooled(dir.path(), &records);
    server.store().insert("schema", &[]).unwrap();
    server.sql("ALTER TABLE flow ADD CONSTRAINT small CHECK service != 'deep'");
    let folded = batch::deliver(&queue, &mut server.store()).unwrap();
    assert!(folded.set_aside > 0 && folded.batches > folded.set_aside, "{folded:?}");
    assert!(queue.segments().unwrap().is_empty(), "the queue goes on");
    let spool = dir.path().join("spool");
    let aside = rejects::list(&spool).unwrap();
    assert_eq!(aside.len() as u64, folded.set_aside);
    server.sql("ALTER TABLE flow DROP CONSTRAINT small");
    for reject in &aside {
        assert!(reject.reason.contains("VIOLATED_CONSTRAINT"), "{}", reject.reason);
        rejects::replay(&spool, "store", reject).unwrap();
    }
    assert_eq!(batch::deliver(&queue, &mut server.store()).unwrap().batches, folded.set_aside);
    assert_eq!(answers(&server.store()), answers(&sqlite));
}

/// A server that turns the user away: the password has reached it, and nobody else.
#[test]
fn credentials_go_to_the_server_and_into_no_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target =
        ClickHouseTarget::parse(&format!("clickhouse://writer@{}/test", listener.local_addr().unwrap())).unwrap();
    target.password = Some(Secret::new("geheim\n"));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let body = "Code: 516. DB::Exception: writer: Authentication failed";
        let head =
            format!("HTTP/1.1 403 Forbidden\r\nX-ClickHouse-Exception-Code: 516\r\nContent-Length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..read]).to_lowercase()
    });
    let store = store(target);
    let error = store.newest("", None).unwrap_err();
    let request = server.join().unwrap();
    assert!(
        request.contains("x-clickhouse-user: writer") && request.contains("x-clickhouse-key: geheim"),
        "{request}"
    );
    assert!(!request.lines().next().unwrap().contains("geheim"), "not in the URL, which servers log");
    assert!(error.to_string().contains("Mend: user, password and grants") && !error.retry(), "{error}");
    assert!(!format!("{error} {error:?} {store:?}").contains("geheim"));
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
    assert!(
        first.retry() && first.to_string().contains("127.0.0.1:1") && begun.elapsed() < Duration::from_millis(400)
    );
}
