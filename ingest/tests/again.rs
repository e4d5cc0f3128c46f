//! A recorded office week, from the capture to findings: judging its stored facts again equals replaying them.

#![allow(clippy::unwrap_used, reason = "a panic is the failure message")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ingest::judge::{Filter, Finding, FindingsDb, Judge};
use ingest::store::{SqliteStore, Store};
use ingest::time::Window;
use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sensor::capture::file::CaptureFile;
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

/// A harder policy than the one that the week is judged under first.
const STRICT: &str = "[[rule]]\nservices = [\"chatgpt\", \"claude\"]\nstatus = \"prohibited\"\n\n\
    [[limit]]\nbytes = \"200kB\"\nper = \"day\"\nowner = \"Security\"\nreason = \"client data\"\n";

#[derive(Default)]
struct Sink(Vec<Record>);

impl Output for Sink {
    fn record(&mut self, record: Record) {
        self.0.push(record);
    }
}

fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps")
}

fn week(catalogue: &Arc<Catalogue>) -> Vec<Record> {
    let mut sink = Sink::default();
    let mut worker = Worker::new(WorkerConfig::new(catalogue.clone()));
    let mut file = CaptureFile::open(&pcaps().join("office-week.pcap")).unwrap();
    worker.set_source(&file.fingerprint(), &mut sink);
    while let Some(frame) = file.next_frame().unwrap() {
        worker.frame(&frame, &mut sink);
    }
    worker.finish(&mut sink);
    sink.0
}

fn judge(catalogue: &Arc<Catalogue>, policy: Policy) -> Judge {
    Judge {
        catalogue: catalogue.clone(),
        policy: Arc::new(policy),
        time_zone: TimeZone::get("Europe/Berlin").unwrap(),
        sinks: Vec::new(),
    }
}

fn replay(judge: &Judge, records: &[Record]) -> (tempfile::TempDir, FindingsDb) {
    let dir = tempfile::tempdir().unwrap();
    let mut db = FindingsDb::open(dir.path()).unwrap();
    for segment in records.chunks(50) {
        judge.segment(&mut db, segment).unwrap();
    }
    (dir, db)
}

/// What has to be the same of the findings that are not closed.
fn same<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<String> {
    let mut rows: Vec<String> = findings
        .into_iter()
        .filter(|one| one.is_open())
        .map(|one| {
            let counts = [one.count, one.turns, one.bytes_up, one.bytes_down, one.upload_bytes];
            let times = [one.first_seen, one.last_seen, one.detected_at];
            let (uid, rule, device, service) = (&one.uid, one.rule, &one.device, &one.service);
            format!(
                "{uid} {rule} {device} {service} {:?} {} {counts:?} {times:?} {:?}",
                one.status, one.severity, one.detail
            )
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn judging_the_office_week_again_equals_replaying_it() {
    let catalogue = Arc::new(Catalogue::builtin());
    let records = week(&catalogue);
    let first = judge(&catalogue, Policy::load(&pcaps().join("demo.policy.toml"), &catalogue).unwrap());
    let second = judge(&catalogue, Policy::parse(STRICT, "strict.toml", &catalogue).unwrap());
    let (_dir, wanted) = replay(&second, &records);
    let wanted = wanted.list(&Filter::default()).unwrap();

    let (dir, mut db) = replay(&first, &records);
    let mut store = SqliteStore::open(dir.path(), first.time_zone.clone()).unwrap();
    store.insert("week", &records).unwrap();
    let before = db.list(&Filter::default()).unwrap();
    let rejudged = second.rejudge(store.facts("", Window { from: 0, to: i64::MAX }).unwrap()).unwrap();
    assert!(wanted.len() > 20, "{}", wanted.len());
    assert_ne!(same(&before), same(&wanted));
    assert_eq!(same(rejudged.findings()), same(&wanted), "the fresh set");
    let at = wanted.iter().map(|one| one.last_seen).max().unwrap();
    db.apply(rejudged, &second, at).unwrap();
    assert_eq!(same(&db.list(&Filter::default()).unwrap()), same(&wanted), "the file");
}
