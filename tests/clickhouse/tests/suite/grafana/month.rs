//! A month of three sites: enough rows that a query which reads too many can be told.

use ingest::judge::{Act, Filter, FindingsDb, Judge};
use ingest::store::Store;
use ingest::store::clickhouse::FindingRow;
use sensor::record::{CandidateRecord, FlowRecord, MinuteRecord, Record, VisibilityRecord};

use crate::facts::facts;
use crate::findings::{listener, sent};
use crate::sample::*;
use crate::server::{Server, server};

/// The sites; the sample's own is the first.
pub(crate) const SITES: [&str; 3] = ["hq", "lab", "north"];
/// The moment at which the boards are looked at: Thursday noon of the sample's week.
pub(crate) const NOW: i64 = MONDAY + 3 * DAY + 3 * HOUR;
const DAYS: i64 = 30;
const SERVICES: [&str; 4] = ["good", "chat", "deep", "assistant"];
/// Rows per mark: small, so that what is read comes close to what is needed.
const GRANULE: &str = "SETTINGS index_granularity = 64, ";

/// A server that holds the sample facts, the month and the findings about both.
pub(crate) fn month() -> Option<Server> {
    let server = server()?;
    server.sql_outside(&format!("CREATE DATABASE IF NOT EXISTS {}", server.target.database));
    server.sql("CREATE TABLE schema_version (version UInt32, done DateTime('UTC') DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY version");
    for (number, step) in (1..).zip(crate::schema::STEPS) {
        for statement in step.split(";\n").filter(|s| s.contains("CREATE") || s.contains("ALTER")) {
            server.sql(&statement.replace("SETTINGS ", GRANULE));
        }
        server.sql(&format!("INSERT INTO schema_version (version) VALUES ({number})"));
    }
    let mut store = server.store();
    store.insert("sample", &facts()).unwrap();
    for first in (0..DAYS).step_by(6) {
        let records: Vec<Record> =
            SITES.iter().flat_map(|site| (first..first + 6).flat_map(|day| one_day(site, day))).collect();
        store.insert(&format!("from day {first}"), &records).unwrap();
    }
    store.insert_findings(&findings()).unwrap();
    for table in server
        .sql("SELECT name FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE '%_view'")
        .lines()
    {
        server.sql(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    Some(server)
}

/// Everything that one site writes on the day that lies so many days back.
fn one_day(site: &str, back: i64) -> Vec<Record> {
    let noon = NOW - back * DAY;
    let mut records: Vec<Record> =
        (0..240).map(|n| use_of(site, noon - 210 * 60 * SECOND + n * 50 * SECOND, n, back)).collect();
    // What the Host field of a model server in the house says may be its address.
    let model = FlowRecord { host: Some("10.20.0.9".to_owned()), ..local_flow(&client(3), "10.20.0.9", noon) };
    let id = format!("{site:>6}{back:05}local");
    records.push(flow_record(FlowRecord { site: site.to_owned(), flow_id: id, ..model }));
    records.extend((0..20).map(|n| at(lookup_record(&client(n), "deep", noon - n * 60 * SECOND), site)));
    records.extend((0..144).map(|n| Record::Minute(Box::new(ledger(site, noon - n * 600 * SECOND)))));
    for n in 0..60 {
        records.push(seen(site, noon - (n / 5) * 600 * SECOND, &client(13 + n % 5)));
        records.push(unlisted(site, noon - (n / 6) * HOUR, n % 6));
    }
    records
}

fn client(n: i64) -> String {
    format!("10.20.{}.{}", 1 + n % 2, 1 + n % 20)
}

/// One use of a service; Painter came three days ago, some flows are visits alone, and the hub is never used.
fn use_of(site: &str, when: i64, n: i64, back: i64) -> Record {
    let service = match n {
        _ if n % 56 == 7 => "hub",
        _ if n % 10 == 0 && back < 3 => "painter",
        _ => SERVICES[(n % 4) as usize],
    };
    let visit = n % 7 == 0;
    let large = if n == 45 { 150_000_000 } else { 9_000 * (n as u64 % 50) };
    let flow = FlowRecord {
        site: site.to_owned(),
        sensor: format!("tap-{site}"),
        flow_id: format!("{site:>6}{back:05}{n:05}"),
        turns: if visit { 0 } else { 3 },
        upload_bytes: if visit { 500 } else { large },
        largest_burst: large / 2,
        ..flow(&client(n * 7), service, when)
    };
    flow_record(flow)
}

fn at(record: Record, site: &str) -> Record {
    match record {
        Record::Lookup(mut lookup) => {
            lookup.lookup_id = format!("{site:>6}{:010}", lookup.ts / SECOND);
            lookup.site = site.to_owned();
            Record::Lookup(lookup)
        }
        other => other,
    }
}

fn ledger(site: &str, when: i64) -> MinuteRecord {
    let mut record = minute(when);
    (record.site, record.sensor) = (site.to_owned(), format!("tap-{site}"));
    record
}

fn seen(site: &str, when: i64, device: &str) -> Record {
    let Record::Visibility(seen) = visibility(device, [900_000, 30_000, 70_000], "vpn", when) else {
        unreachable!()
    };
    let seen = VisibilityRecord { site: site.to_owned(), sensor: format!("tap-{site}"), ..*seen };
    Record::Visibility(Box::new(seen))
}

fn unlisted(site: &str, when: i64, n: i64) -> Record {
    Record::Candidate(Box::new(CandidateRecord {
        sensor: format!("tap-{site}"),
        site: site.to_owned(),
        ..candidate(&format!("new{n}.example"), when - when.rem_euclid(HOUR))
    }))
}

/// What a judge tells of the month. People answer most of it, some in time, some late.
fn findings() -> Vec<FindingRow> {
    let dir = tempfile::tempdir().unwrap();
    let mut db = FindingsDb::open(dir.path()).unwrap();
    let limit =
        "\n[[limit]]\nservices = [\"chat\"]\nper = \"day\"\nbytes = \"1MB\"\nowner = \"IT\"\nreason = \"test\"\n";
    let judge =
        Judge { catalogue: catalogue(), policy: policy_with(limit), time_zone: berlin(), sinks: vec![listener()] };
    for back in (0..DAYS).rev().skip(1).step_by(2) {
        let day = SITES.iter().flat_map(|site| one_day(site, back).into_iter().step_by(9));
        let mut day: Vec<Record> = day.collect();
        day.sort_by_key(|record| if let Record::Flow(flow) = record { flow.emitted } else { 0 });
        let lossy = (0..12).map(|n| {
            let mut record = ledger("lab", NOW - back * DAY - (12 - n) * 60 * SECOND);
            record.drops.insert("ring".to_owned(), 200);
            Record::Minute(Box::new(record))
        });
        day.extend(lossy.filter(|_| back < 2));
        judge.segment(&mut db, &day).unwrap();
        let open = db.list(&Filter::default()).unwrap();
        let open = open
            .iter()
            .filter(|finding| finding.acknowledged_at.is_none() && finding.rule.as_str() != "first-sight");
        for (n, finding) in (0..).zip(open) {
            let act = Act { who: "Ana Ruiz", text: "assessed", at: NOW - back * DAY + HOUR };
            match n % 3 {
                0 => drop(db.acknowledge(&finding.uid, &act, &judge).unwrap()),
                1 if back > 0 => drop(db.close(&finding.uid, &act, &judge).unwrap()),
                _ => {}
            }
        }
    }
    sent(dir.path())
}
