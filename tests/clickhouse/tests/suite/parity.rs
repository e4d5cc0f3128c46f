//! The same facts in both stores give the same report, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::FindingsDb;
use ingest::report::{Report, ReportContext, latest_week};
use ingest::store::{SqliteStore, Store};
use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sensor::capture::file::CaptureFile;
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

use crate::facts::facts;
use crate::sample::*;
use crate::server::server;

/// Facts and the rules to judge them by.
struct Office {
    records: Vec<Record>,
    catalogue: Arc<Catalogue>,
    policy: Arc<Policy>,
    site: &'static str,
}

/// The files of the report that this store's facts make, delivered through the spool.
fn folder(office: &Office, mut open: impl FnMut(&Path) -> Box<dyn Store>) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let segments: Vec<&[Record]> = office.records.chunks(200).collect();
    let config = DeliverConfig {
        data_dir: dir.path().to_path_buf(),
        spool: spool(dir.path(), &segments),
        catalogue: office.catalogue.clone(),
        policy: office.policy.clone(),
        sinks: Vec::new(),
        time_zone: berlin(),
    };
    let delivered = Deliverer::with_store(config, open(dir.path())).unwrap().drain(None).unwrap();
    assert_eq!(delivered.store.records.new, office.records.len() as u64);
    let store = open(dir.path());
    let context = ReportContext {
        catalogue: &office.catalogue,
        policy: &office.policy,
        site: office.site.to_owned(),
        time_zone: berlin(),
        week: latest_week(store.as_ref(), &berlin()).unwrap().unwrap(),
        binary: "test".to_owned(),
    };
    let report = Report::build(store.as_ref(), &FindingsDb::open(dir.path()).unwrap(), &context).unwrap();
    let out = dir.path().join("report");
    report.write(&out).unwrap();
    let files = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

fn alike(office: &Office) {
    let Some(server) = server() else { return };
    let sqlite = folder(office, |dir| Box::new(SqliteStore::open(dir, berlin()).unwrap()));
    let clickhouse = folder(office, |_| Box::new(server.store()));
    assert!(sqlite.len() > 5, "{:?}", sqlite.keys());
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), clickhouse.keys().collect::<Vec<_>>());
    for (name, content) in &sqlite {
        let (sqlite, clickhouse) = (String::from_utf8_lossy(content), String::from_utf8_lossy(&clickhouse[name]));
        assert_eq!(sqlite, clickhouse, "{name}");
    }
}

#[test]
fn the_sample_weeks_give_the_same_report() {
    let last: Vec<Record> =
        (0..9).map(|n| flow_record(flow("10.20.1.1", "chat", MONDAY - 7 * DAY + n * HOUR))).collect();
    let records = [facts(), last, vec![minute_record(MONDAY - 7 * DAY)]].concat();
    alike(&Office { records, catalogue: catalogue(), policy: policy(), site: "hq" });
}

/// What a worker writes.
#[derive(Default)]
struct Records(Vec<Record>);

impl Output for Records {
    fn record(&mut self, record: Record) {
        self.0.push(record);
    }
}

#[test]
fn the_recorded_office_week_gives_the_same_report() {
    let pcaps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
    let catalogue = Arc::new(Catalogue::builtin());
    let policy = Arc::new(Policy::load(&pcaps.join("demo.policy.toml"), &catalogue).unwrap());
    let mut file = CaptureFile::open(&pcaps.join("office-week.pcap")).unwrap();
    let config = WorkerConfig { source: file.fingerprint(), ..WorkerConfig::new(catalogue.clone()) };
    let (mut worker, mut out) = (Worker::new(config), Records::default());
    while let Some(frame) = file.next_frame().unwrap() {
        worker.frame(&frame, &mut out);
    }
    worker.finish(&mut out);
    assert!(out.0.len() > 200, "{} records", out.0.len());
    alike(&Office { records: out.0, catalogue, policy, site: "" });
}

/// Each question as it stands, asked without the store: what a panel would send.
#[test]
fn each_question_is_answered_by_the_server() {
    let Some(server) = server() else { return };
    server.store().insert("all", &facts()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/sql/clickhouse");
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let sql = fs::read_to_string(&path).unwrap();
        let sql = sql.replace("{from:Int64}", "0").replace("{to:Int64}", "4000000000000000");
        let answer = server.sql(&sql.replace("{site:String}", "'hq'"));
        assert!(!answer.is_empty() && !answer.contains('{'), "{}: {answer}", path.display());
    }
}

/// One question, one name, whatever the store.
#[test]
fn each_question_stands_in_both_folders() {
    let names = |folder: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/sql").join(folder);
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.filter(|name| name.ends_with(".sql")).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(""), names("clickhouse"));
}
