//! A week that has every kind of finding in it, in every state, and the report of it.

use std::path::Path;

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::{Act, Filter, FindingsDb, Judge};
use ingest::report::{Report, ReportContext};
use ingest::siem::SinkTarget;
use ingest::store::SqliteStore;
use rules::behaviour::{Behaviour, ClientKind};
use rules::policy::FindingRule;
use sensor::record::{FlowRecord, MinuteRecord, Record};

use super::sample::{
    DAY, HOUR, MONDAY, SECOND, berlin, catalogue, device_record, download, flow, flow_record, local_flow, minute,
    policy_with, spool, visibility,
};

const POLICY: &str = r#"
[[limit]]
bytes = "50MB"
per = "day"
services = ["painter"]
owner = "Security"
reason = "client data"

[[rule]]
services = ["assistant"]
status = "in_review"
review_by = 2026-11-02

[[suppression]]
services = ["assistant"]
groups = ["sales"]
owner = "Sales lead"
reason = "pilot of the assistant"
expires = 2026-11-06

[budget]
per_device_per_day = 2
"#;

/// The device whose names are hidden from Monday on.
const DARK: &str = "10.20.2.7";

/// Four weeks in which little happens: twelve devices write with an approved service.
fn before() -> Vec<Record> {
    let mut records = Vec::new();
    for day in (-28..0).filter(|day: &i64| day.rem_euclid(7) < 5) {
        let start = MONDAY + day * DAY;
        records.extend((0..5).map(|m| ledger(start + m * 60 * SECOND)));
        for device in 1..=12_i64 {
            let client = format!("10.20.{}.{}", 1 + device % 2, device);
            let upload_bytes = 200_000 + 20_000 * device.unsigned_abs() + 9_000 * day.unsigned_abs();
            let at = start + device * 60 * SECOND;
            records.push(flow_record(FlowRecord { upload_bytes, ..flow(&client, "good", at) }));
        }
        records.push(flow_record(flow(DARK, "good", start)));
        records.extend((0..6).map(|n| visibility(DARK, [90_000, 10_000, 0], "vpn", start + n * 600 * SECOND)));
    }
    records
}

fn monday() -> Vec<Record> {
    let mut records: Vec<Record> = (0..60).map(|m| ledger(MONDAY + m * 60 * SECOND)).collect();
    for n in 1..=6 {
        let clients = [format!("10.20.1.{n}"), format!("10.20.2.{n}")];
        records.extend(clients.map(|client| flow_record(flow(&client, "good", MONDAY + n * 60 * SECOND))));
    }
    records.push(flow_record(flow("10.20.1.2", "deep", MONDAY + HOUR)));
    records.extend((1..=4).map(|n| flow_record(flow(&format!("10.20.1.{n}"), "chat", MONDAY + HOUR + n))));
    records.extend((0..20).map(|n| visibility(DARK, [5_000, 0, 100_000], "vpn", MONDAY + n * 600 * SECOND)));
    records
}

fn rest() -> Vec<Record> {
    let mut records: Vec<Record> = (0..40).map(|m| ledger(MONDAY + 2 * DAY + m * 60 * SECOND)).collect();
    records.extend((10..22).map(|m| lossy(MONDAY + 2 * DAY + (m + 40) * 60 * SECOND)));
    let tuesday = MONDAY + DAY;
    records.push(flow_record(FlowRecord {
        behaviour: Behaviour::Bulk,
        upload_bytes: 412_000_000,
        bytes_up: 430_000_000,
        ..flow("10.20.1.4", "good", tuesday)
    }));
    records.push(flow_record(FlowRecord {
        behaviour: Behaviour::FileUpload,
        upload_bytes: 64_000_000,
        bytes_up: 66_000_000,
        ..flow("10.20.2.3", "painter", tuesday + HOUR)
    }));
    let ask = |n: i64| flow_record(local_flow(&format!("10.20.1.{n}"), "10.20.2.9", tuesday + 2 * HOUR + n));
    records.extend((1..8).map(ask));
    records.push(flow_record(download("10.20.2.3", 4_700_000_000, tuesday + 3 * HOUR)));
    records.push(flow_record(FlowRecord {
        client: ClientKind::Program,
        ..flow("10.20.2.3", "chat", tuesday + 4 * HOUR)
    }));
    // What was closed on Monday is seen again on Thursday, an hour before the last fact.
    records.push(flow_record(flow("10.20.1.2", "deep", MONDAY + 3 * DAY)));
    records.push(flow_record(flow("10.20.1.9", "assistant", MONDAY + 3 * DAY)));
    // A name of a stranger's choice, and one of a device that the page does not show.
    records.push(device_record("10.20.1.2", Some("anna<b>book"), MONDAY + 3 * DAY));
    records.push(device_record("10.20.9.9", Some("nobodys"), MONDAY + 3 * DAY));
    records.extend((0..10).map(|m| ledger(MONDAY + 3 * DAY + m * 60 * SECOND)));
    records
}

fn ledger(at: i64) -> Record {
    Record::Minute(Box::new(MinuteRecord { source: "week.pcap".to_owned(), ..minute(at) }))
}

fn lossy(at: i64) -> Record {
    let drops = [("kernel".to_owned(), 90)].into_iter().collect();
    Record::Minute(Box::new(MinuteRecord { source: "week.pcap".to_owned(), drops, ..minute(at) }))
}

/// Delivers the week with what people did in between; the sinks are told.
pub(crate) fn lived(dir: &Path, sinks: &[SinkTarget]) {
    let (catalogue, policy) = (catalogue(), policy_with(POLICY));
    let deliver = |records: &[Record]| {
        let config = DeliverConfig {
            data_dir: dir.to_path_buf(),
            spool: spool(dir, &[records]),
            catalogue: catalogue.clone(),
            policy: policy.clone(),
            sinks: sinks.to_vec(),
            time_zone: berlin(),
        };
        Deliverer::open(config).unwrap().drain(None).unwrap();
    };
    deliver(&before());
    deliver(&monday());
    let listeners = sinks.iter().map(SinkTarget::listener).collect();
    let judge =
        Judge { catalogue: catalogue.clone(), policy: policy.clone(), time_zone: berlin(), sinks: listeners };
    let mut findings = FindingsDb::open(dir).unwrap();
    let of = |findings: &FindingsDb, rule| {
        findings.list(&Filter { rule: Some(rule), ..Filter::default() }).unwrap().into_iter().map(|one| one.uid)
    };
    let act = |text, at| Act { who: "A. Kaya", text, at };
    for uid in of(&findings, FindingRule::ProhibitedUse) {
        let done = act("moved to the approved tool", MONDAY + HOUR + 40 * 60 * SECOND);
        findings.close(&uid, &done, &judge).unwrap();
    }
    for uid in of(&findings, FindingRule::UnapprovedUse).take(2) {
        findings.acknowledge(&uid, &act("asked the team", MONDAY + 3 * HOUR), &judge).unwrap();
    }
    drop(findings);
    deliver(&rest());
}

/// Lives through the week and builds its report.
pub(crate) fn report(dir: &Path) -> Report {
    lived(dir, &[]);
    let (catalogue, policy) = (catalogue(), policy_with(POLICY));
    let context = ReportContext {
        catalogue: &catalogue,
        policy: &policy,
        site: "hq".to_owned(),
        time_zone: berlin(),
        week: "2026-W46".parse().unwrap(),
        binary: "shadowtap 0.1.0".to_owned(),
    };
    let store = SqliteStore::open(dir, berlin()).unwrap();
    Report::build(&store, &FindingsDb::open(dir).unwrap(), &context).unwrap()
}
