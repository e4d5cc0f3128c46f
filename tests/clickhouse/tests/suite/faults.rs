//! Whatever breaks, and whenever: in the end each fact is in once, in the tables and in the roll-ups.

use std::time::Duration;

use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget};
use sensor::record::Record;

use crate::facts::{embedded, facts};
use crate::proxy::{Fault, Proxy};
use crate::sample::*;
use crate::server::{Server, answers, engine, server, store};

/// The facts around midnight on the site's clock: their flows lie in two partitions.
pub(crate) fn over_midnight() -> Vec<Record> {
    let midnight = MONDAY + 15 * HOUR;
    let mut records = facts();
    records.extend((0..20).map(|n| flow_record(flow("10.20.1.5", "good", midnight + (n - 10) * SECOND))));
    records
}

/// The same facts as those of another site, seen by another sensor.
pub(crate) fn of_site(records: &[Record], site: &str) -> Vec<Record> {
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
    let tables = ["flow", "lookup", "minute", "tally", "visibility", "visibility_hidden", "candidate", "device"];
    let counts = tables.map(|table| format!("(SELECT count() FROM {table} WHERE site = '{site}')"));
    let sums = ["usage_hour", "usage_day"].map(|table| {
        format!("(SELECT (sum(flows), sum(turns), sum(bytes_up)) FROM {table} WHERE site = '{site}')")
    });
    let days = format!("(SELECT uniqExact(day) > 1 FROM flow WHERE site = '{site}')");
    server.sql(&format!("SELECT {}, {}, {days}", counts.join(", "), sums.join(", ")))
}

/// A store that comes to the server through the proxy, gives up on a silent peer soon, and has no pause to wait for.
pub(crate) fn through(proxy: &Proxy, database: &str) -> ClickHouseStore {
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
