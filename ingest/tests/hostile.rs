//! Hostile text through the whole way: records, catalogue, policy and people's answers hold it, events are written in
//! every format, and readers that are not ours find each field as it was meant and nothing beside it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../src/sample.rs"]
mod sample;

#[allow(unreachable_pub, reason = "modules of this test")]
mod hostile {
    pub mod meant;
    pub mod reader;
    pub mod texts;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hostile::meant;
use hostile::reader::{Fields, Python, Receiver};
use hostile::texts;
use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::judge::{Act, Filter, FindingsDb, Judge};
use ingest::siem::{FileTarget, Format, SinkTarget, To};
use ingest::text::safe_name;
use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sample::*;
use sensor::record::{FlowRecord, MinuteRecord, Record};

/// Random texts beside the known ones.
const RANDOM: usize = 24;
/// Runs begin at every third text; with three services of its own place each, every text is in every place of a record.
const STEP: usize = 3;

/// Texts of one run, each in a place of its own.
struct Places<'a> {
    texts: &'a [String],
    first: usize,
}

impl Places<'_> {
    fn text(&self, place: usize) -> &str {
        &self.texts[(self.first + place) % self.texts.len()]
    }

    /// As a TOML string: JSON's, with DEL escaped, which TOML wants.
    fn toml(&self, place: usize) -> String {
        serde_json::to_string(self.text(place)).unwrap().replace('\u{7f}', "\\u007f")
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        let services: String = ["deep", "one", "two", "three", "four"]
            .iter()
            .map(|id| {
                format!(
                    "[[service]]\nid = \"{id}\"\nname = {}\nvendor = {}\ncategory = \"chat\"\naccess = [\"web\"]\n\
                     modality = [\"text\"]\nhosts = [{{ suffix = \"{id}.example\", role = \"app\", \
                     strength = \"definite\", source = \"test\", date = 2026-11-01 }}]\n",
                    self.toml(0),
                    self.toml(1),
                )
            })
            .collect();
        Arc::new(Catalogue::parse([("test.toml", services.as_str())]).unwrap())
    }

    fn policy(&self, catalogue: &Catalogue) -> Arc<Policy> {
        let text = format!(
            "[policy]\nname = {}\n[groups.finance]\nname = {}\nsubnets = [\"10.20.1.0/24\"]\n\
             [[rule]]\nservices = [\"deep\"]\nstatus = \"prohibited\"\nowner = {}\nreason = {}\n\
             [[rule]]\nservices = [\"four\"]\nstatus = \"approved\"\n\
             [[limit]]\nbytes = \"1kB\"\nper = \"day\"\nservices = [\"deep\"]\nowner = {}\nreason = {}\n\
             [routes]\nsecurity = {}\nrisk_owner = {}\n[budget]\nper_device_per_day = 1\n",
            self.toml(2),
            self.toml(3),
            self.toml(4),
            self.toml(5),
            self.toml(6),
            self.toml(7),
            self.toml(8),
            self.toml(9),
        );
        Arc::new(Policy::parse(&text, "policy.toml", catalogue).unwrap())
    }

    /// Prohibited use with an upload over a limit, more unapproved use than the budget tells, and an hour later a
    /// minute of the sensor, so that the digest is due.
    fn records(&self) -> Vec<Record> {
        let own = |text: usize| self.text(text).to_owned();
        let hostile = |(service, shift): (&str, usize)| FlowRecord {
            host: Some(own(10 + shift)),
            device: own(11 + shift),
            sensor: own(12 + shift),
            site: own(13 + shift),
            tenant: Some(own(14 + shift)),
            candidates: vec![own(15 + shift), own(16 + shift)],
            alpn: vec![own(17 + shift)],
            ja4: Some(own(18 + shift)),
            catalogue: own(19 + shift),
            ..flow("10.20.1.12", service, MONDAY)
        };
        let services = [("deep", 0), ("one", 0), ("two", 1), ("three", 2), ("four", 0)];
        let mut records: Vec<Record> = services.map(|one| flow_record(hostile(one))).into();
        let (sensor, site) = (own(12), own(13));
        records.push(Record::Minute(Box::new(MinuteRecord { sensor, site, ..minute(MONDAY + 2 * HOUR) })));
        records
    }
}

/// What the sinks got in one run, in the same order.
struct Told {
    ecs: Vec<String>,
    ocsf: Vec<String>,
    cef: Vec<String>,
    syslog: Vec<String>,
}

fn tell(places: &Places<'_>) -> Told {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let file = |format: Format| SinkTarget {
        name: format.as_str().to_owned(),
        format,
        activity: true,
        to: To::File(FileTarget { path: dir.path().join(format.as_str()) }),
    };
    let mut sinks: Vec<SinkTarget> = Format::ALL.map(file).into();
    sinks.push(SinkTarget { format: Format::Cef, activity: true, ..SinkTarget::syslog(&receiver.address) });
    let catalogue = places.catalogue();
    let policy = places.policy(&catalogue);
    let judge = Judge {
        catalogue: catalogue.clone(),
        policy: policy.clone(),
        time_zone: berlin(),
        sinks: sinks.iter().map(SinkTarget::listener).collect(),
    };
    let config = DeliverConfig {
        data_dir: dir.path().to_path_buf(),
        spool: spool(dir.path(), &[&places.records()]),
        catalogue,
        policy,
        sinks,
        time_zone: berlin(),
    };
    let mut deliverer = Deliverer::open(config).unwrap();
    let first = deliverer.drain(None).unwrap();
    answer(dir.path(), &judge, places);
    let second = deliverer.drain(None).unwrap();
    drop(deliverer);

    let lines = |format: Format| -> Vec<String> {
        let bytes = fs::read(dir.path().join(format.as_str())).unwrap();
        String::from_utf8(bytes).unwrap().split_terminator('\n').map(str::to_owned).collect()
    };
    let told = Told {
        ecs: lines(Format::Ecs),
        ocsf: lines(Format::Ocsf),
        cef: lines(Format::Cef),
        syslog: receiver.messages(),
    };
    for (was, then) in first.siem.iter().zip(&second.siem) {
        assert_eq!((&then.error, then.waiting), (&None, 0), "{}", then.sink);
        assert_eq!(was.sent + then.sent, told.ecs.len() as u64, "{}: events and lines", then.sink);
    }
    told
}

/// Every finding is taken on and closed, by hostile people with hostile reasons.
fn answer(dir: &Path, judge: &Judge, places: &Places<'_>) {
    let mut findings = FindingsDb::open(dir).unwrap();
    for finding in findings.list(&Filter::default()).unwrap() {
        let act = |who, text| Act { who: places.text(who), text: places.text(text), at: MONDAY + 3 * HOUR };
        findings.acknowledge(&finding.uid, &act(20, 21), judge).unwrap();
        findings.close(&finding.uid, &act(22, 23), judge).unwrap();
    }
}

#[test]
fn hostile_text_stays_in_its_field_in_every_format() {
    let Some(python) = Python::find() else { return };
    let texts = texts::all(RANDOM);
    let runs: Vec<Told> =
        (0..texts.len()).step_by(STEP).map(|first| tell(&Places { texts: &texts, first })).collect();
    for told in &runs {
        let counts = [told.ecs.len(), told.ocsf.len(), told.cef.len(), told.syslog.len()];
        assert_eq!(counts, [counts[0]; 4], "an event is a line in each");
        for line in [&told.ecs, &told.ocsf, &told.cef, &told.syslog].into_iter().flatten() {
            assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "printable ASCII: {line:?}");
        }
        for (message, cef) in told.syslog.iter().zip(&told.cef) {
            let parsed = syslog_rfc5424::parse_message(message).unwrap();
            assert_eq!((&parsed.msg, parsed.appname.as_deref()), (cef, Some("shadowtap")));
            assert!(parsed.sd.is_empty(), "{message}");
        }
    }
    let read = |kind: &str, lines: fn(&Told) -> &Vec<String>| -> Vec<Fields> {
        let lines = runs.iter().flat_map(lines).map(|line| format!("{kind} {line}"));
        python.read(&lines.collect::<Vec<_>>())
    };
    let (ecs, ocsf, cef) =
        (read("json", |told| &told.ecs), read("json", |told| &told.ocsf), read("cef", |told| &told.cef));
    let counts = [ecs.len(), ocsf.len(), cef.len()];
    let lines: usize = runs.iter().map(|told| told.ecs.len()).sum();
    assert_eq!(counts, [lines; 3], "no line is two events");

    let mut at = 0;
    for (run, told) in runs.iter().enumerate() {
        let places = Places { texts: &texts, first: run * STEP };
        for event in &ecs[at..at + told.ecs.len()] {
            as_meant(event, &places);
        }
        at += told.ecs.len();
    }
    for (ecs, (ocsf, cef)) in ecs.iter().zip(ocsf.iter().zip(&cef)) {
        assert_eq!(cef, &meant::cef(ecs), "CEF");
        meant::ocsf(ecs, ocsf);
    }
    let kinds: BTreeSet<&str> = ecs.iter().map(|event| event["/event/code"].as_str()).collect();
    let expected = ["activity", "digest", "first-sight", "prohibited-use", "unapproved-use", "upload-limit"];
    assert_eq!(kinds, expected.into());
}

/// The fields of an event hold the texts of their places, made safe.
fn as_meant(event: &Fields, places: &Places<'_>) {
    let shift = match event.get("/service/id").map(String::as_str) {
        Some("two") => 1,
        Some("three") => 2,
        _ => 0,
    };
    let shifted = |place| if (10..20).contains(&place) { place + shift } else { place };
    let name = |place| safe_name(places.text(shifted(place)));
    let text = |place| meant::text(places.text(shifted(place)));
    let mut expected = vec![
        ("/destination/domain", name(10)),
        ("/observer/name", text(12)),
        ("/observer/geo/name", text(13)),
        ("/service/name", text(0)),
        ("/labels/vendor", text(1)),
        ("/labels/department", text(3)),
        ("/labels/limit_owner", text(6)),
        ("/labels/route_security", text(8)),
        ("/labels/route_risk_owner", text(9)),
        ("/tls/client/ja4", text(18)),
        ("/labels/catalogue", text(19)),
        ("/labels/acknowledged_by", text(20)),
        ("/labels/first_device", name(11)),
    ];
    if event["/event/code"] != "first-sight" {
        expected.push(("/source/address", name(11)));
    }
    if event.get("/event/action").is_some_and(|action| action == "close") {
        expected.push(("/labels/closed_by", text(22)));
        expected.push(("/labels/closed_reason", text(23)));
    }
    for (path, meant) in expected {
        if let Some(value) = event.get(path) {
            assert_eq!(value, &meant, "{path}");
        }
    }
    let known = |path: &str| meant::ECS.contains(&path) || path.starts_with("/labels/");
    let strange: Vec<&String> = event.keys().filter(|path| !known(path)).collect();
    assert!(strange.is_empty(), "fields that nobody wrote: {strange:?}");
    let labels = event.keys().filter(|path| path.starts_with("/labels/"));
    for label in labels {
        let plain =
            label.chars().skip("/labels/".len()).all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(plain && !label.contains("forged"), "{label}");
    }
}
