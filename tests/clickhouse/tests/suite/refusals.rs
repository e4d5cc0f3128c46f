//! What the server says no to: rows, users.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use ingest::batch::{self, rejects};
use ingest::secret::Secret;
use ingest::store::Store;
use ingest::store::clickhouse::ClickHouseTarget;
use sensor::record::Record;

use crate::facts::embedded;
use crate::faults::over_midnight;
use crate::kills::spooled;
use crate::sample::*;
use crate::server::{answers, server, store};

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

/// The flows of the whole batch are in when its minutes are refused; its halves come under names of their own.
#[test]
fn a_large_batch_is_halved_around_a_bad_row_and_counts_once() {
    let Some(server) = server() else { return };
    let mut records: Vec<Record> =
        (0..2_400).map(|n| flow_record(flow("10.20.1.1", "chat", MONDAY + n * SECOND))).collect();
    records.extend((0..100).map(|n| minute_record(MONDAY + n * 60 * SECOND)));
    let (_dir, sqlite) = embedded(&records);
    let dir = tempfile::tempdir().unwrap();
    let queue = spool(dir.path(), &[&records]).queue("store");
    server.store().insert("schema", &[]).unwrap();
    let bad = format!("minute != fromUnixTimestamp64Micro({})", MONDAY + 60 * SECOND);
    server.sql(&format!("ALTER TABLE minute ADD CONSTRAINT bad CHECK {bad}"));
    let folded = batch::deliver(&queue, &mut server.store()).unwrap();
    assert_eq!((folded.set_aside, server.sql("SELECT count() FROM flow")), (1, "2400".to_owned()));
    let spool = dir.path().join("spool");
    let aside = rejects::list(&spool).unwrap();
    server.sql("ALTER TABLE minute DROP CONSTRAINT bad");
    rejects::replay(&spool, "store", &aside[0]).unwrap();
    assert_eq!(batch::deliver(&queue, &mut server.store()).unwrap().batches, 1);
    assert_eq!(answers(&server.store()), answers(&sqlite));
    assert_eq!(server.sql("SELECT sum(flows) FROM usage_day"), "2400");
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
