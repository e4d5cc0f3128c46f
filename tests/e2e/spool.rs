//! A store that is down for a whole capture: the spool stays within its limit, and what it throws away is told.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, json, own, rows, run, shadowtap};

/// Two weeks of an office, so many times; each copy is two weeks younger.
const COPIES: u32 = 8;
const TWO_WEEKS: u32 = 14 * 86_400;
const MIB: u64 = 1 << 20;

/// A classic capture with its times moved on: other flows, other keys.
fn moved(capture: &[u8], by: u32) -> Vec<u8> {
    let mut moved = capture.to_vec();
    let word = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().unwrap());
    assert_eq!(word(0), 0xa1b2_c3d4, "little-endian, µs");
    let mut at = 24;
    while at < capture.len() {
        moved[at..at + 4].copy_from_slice(&(word(at) + by).to_le_bytes());
        at += 16 + word(at + 8) as usize;
    }
    moved
}

/// Bytes of the files below a folder, each file once however many names it has.
fn on_disk(dir: &Path) -> u64 {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match fs::metadata(entry.path()) {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => drop(files.insert(about.ino(), about.len())),
                // Gone between the two calls.
                Err(_) => {}
            }
        }
    }
    files.values().sum()
}

fn read(dir: &Path, data: &str, store: &str, captures: &[String]) -> Ran {
    let mut read = shadowtap();
    read.args(["read", "--store", store, "--policy", "pcaps/demo.policy.toml"]);
    read.arg("--config").arg(dir.join("config.toml")).arg("--data-dir").arg(dir.join(data));
    run(read.arg("--summary").arg(dir.join(format!("{data}.json"))).args(captures))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn count(data: &Path, sql: &str) -> u64 {
    rows(data, sql)[0][0].parse().unwrap()
}

const STORED: &str =
    "SELECT (SELECT count(*) FROM flow) + (SELECT count(*) FROM lookup) + (SELECT count(*) FROM minute)
                      + (SELECT count(*) FROM visibility) + (SELECT count(*) FROM candidate)
                      + (SELECT count(*) FROM device)";

#[test]
fn a_store_that_is_down_fills_no_disk_and_what_goes_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let office = fs::read(own("office-week.pcap")).unwrap();
    let captures: Vec<String> = (0..COPIES)
        .map(|copy| {
            let path = dir.path().join(format!("{copy}.pcap"));
            fs::write(&path, moved(&office, copy * TWO_WEEKS)).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    fs::write(
        dir.path().join("config.toml"),
        "[site]\ntime_zone = \"UTC\"\n[spool]\nmax_mb = 1\nmin_free_mb = 0\n",
    )
    .unwrap();

    // The same with a store that is there: what all of it would have been.
    read(dir.path(), "there", "sqlite", &captures).ok();
    let there = json(&dir.path().join("there.json"));
    assert_eq!(number(&there["losses"]["spool"]), 0);

    let spool = dir.path().join("down/spool");
    let ended = AtomicBool::new(false);
    let (down, most) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(on_disk(&spool));
                thread::sleep(Duration::from_millis(1));
            }
            most
        });
        let down = read(dir.path(), "down", "clickhouse://127.0.0.1:1/db", &captures);
        ended.store(true, Ordering::Relaxed);
        (down, watching.join().unwrap())
    });
    assert_eq!(down.code, 1, "{}", down.stderr);
    assert_eq!(down.stderr.matches("the spool is full (1 MiB").count(), 1, "{}", down.stderr);
    assert!(most > MIB / 4 && most <= MIB, "the spool took {most} bytes");

    let summary = json(&dir.path().join("down.json"));
    for same in ["packets", "bytes", "flows", "names", "ai_flows"] {
        assert_eq!(summary[same], there[same], "the capture is not affected: {same}");
    }
    let lost = number(&summary["losses"]["spool"]);
    assert!(lost > 500 && number(&summary["losses"]["unjudged"]) == 0, "{summary}");
    let findings = |data: &str| {
        let db = rusqlite::Connection::open(dir.path().join(data).join("findings.db")).unwrap();
        let sql = "SELECT count(*) FROM finding WHERE rule <> 'sensor-health' AND state <> 'watch'";
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(findings("down"), findings("there"), "no finding waits for the store");
    assert!(findings("there") > 3);

    // The store is back; a small capture brings the rest along.
    let last = [own("browser-tcp.pcap").to_str().unwrap().to_owned()];
    read(dir.path(), "down", "sqlite", &last).ok();
    let after = json(&dir.path().join("down.json"));
    assert_eq!(number(&after["losses"]["spool"]), 0, "what waited was not lost");
    let data = dir.path().join("down");
    let written = number(&summary["records"]) + number(&after["records"]);
    assert_eq!(count(&data, STORED) + lost, written, "stored and lost is what was written");
    assert_eq!(count(&data, "SELECT sum(packets) FROM minute_drop WHERE word = 'spool'"), lost);
    assert_eq!(fs::read_dir(spool.join("store")).unwrap().count(), 0);
    told_in_the_report(dir.path(), lost);
}

/// The weeks' reports together say what went, and the sensor's health says so, too.
fn told_in_the_report(dir: &Path, lost: u64) {
    let data = dir.join("down");
    let weeks = rows(&data, "SELECT DISTINCT strftime('%G-W%V', minute / 1000000, 'unixepoch') FROM minute_drop");
    let (mut told, mut health) = (0, 0);
    for week in weeks {
        let out = dir.join(format!("report-{}", week[0]));
        let mut report = shadowtap();
        report.args(["report", "--policy", "pcaps/demo.policy.toml", "--week", &week[0]]);
        report.arg("--config").arg(dir.join("config.toml")).arg("--data-dir").arg(&data).arg("--out").arg(&out);
        let said = run(&mut report).ok().stdout;
        let coverage = json(&out.join("report.json"))["coverage"].take();
        let words = coverage["lost_records"].as_array().unwrap();
        assert!(words.iter().all(|row| row["word"] == "spool"), "{words:?}");
        let here: u64 = words.iter().map(|row| number(&row["count"])).sum();
        assert!(said.contains("thrown away by a full spool") == (here > 0), "{said}");
        let page = fs::read_to_string(out.join("index.html")).unwrap();
        assert!(page.contains("records thrown away by a full spool") == (here > 0));
        told += here;
        assert_eq!(coverage["lost_packets"]["part"], 0, "records are no packets");
        let rows = coverage["health"].as_array().unwrap();
        health += rows.iter().filter(|row| row["observed"].as_str().unwrap().contains("lost between")).count();
    }
    assert_eq!(told, lost);
    assert!(health > 0);
}
