//! The tour: what a newcomer runs first.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{json, own, run, shadowtap};

fn demo(pcaps: &Path, out: &Path) -> crate::support::Ran {
    run(shadowtap().arg("demo").arg("--pcaps").arg(pcaps).arg("--out").arg(out))
}

/// A copy of what the tour needs.
fn pcaps() -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["office-week.pcap", "demo.toml", "demo.policy.toml"] {
        fs::copy(own(name), copy.path().join(name)).unwrap();
    }
    copy
}

#[test]
fn ends_with_a_page_that_needs_no_network() {
    let out = TempDir::new().unwrap();
    let ran = demo(&own(""), &out.path().join("tour")).ok();
    let path = ran.stdout.lines().find_map(|line| line.strip_prefix("report: ")).unwrap();
    let page = fs::read_to_string(path).unwrap();
    for outside in ["src=\"http", "href=\"http", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for inside in ["DeepSeek", "Finance", "prefers-color-scheme", "2026-W46", "<svg"] {
        assert!(page.contains(inside), "{inside}");
    }
}

#[test]
fn tells_the_week_as_it_was() {
    let out = TempDir::new().unwrap();
    let tour = out.path().join("tour");
    demo(&own(""), &tour).ok();
    let report = json(&tour.join("report/report.json"));
    let row = |id: &str| report["services"].as_array().unwrap().iter().find(|row| row["service"] == id).cloned();
    for (id, status, turns, devices) in [
        ("chatgpt", "requires_approval", 18, 4),
        ("microsoft-copilot", "approved", 12, 2),
        ("claude", "in_review", 9, 2),
        ("deepseek", "prohibited", 5, 1),
        ("perplexity", "unreviewed", 5, 2),
        ("openai-api", "approved", 15, 1),
    ] {
        let row = row(id).unwrap();
        let told = (row["use"].as_str(), row["status"].as_str(), row["turns"].as_u64(), row["devices"].as_u64());
        assert_eq!(told, (Some("used"), Some(status), Some(turns), Some(devices)), "{id}");
    }
    assert_eq!(row("poe").unwrap()["use"], "visited");
    let deadlines =
        ["deadlines_met", "deadlines_missed", "deadlines_running"].map(|name| &report["totals"][name]["now"]);
    assert_eq!(deadlines, [0, 7, 1]);
    assert_eq!((&report["announced"]["alerted"], &report["announced"]["quiet"]), (&3.into(), &5.into()));
    let prohibited: Vec<_> =
        report["findings"].as_array().unwrap().iter().filter(|f| f["rule"] == "prohibited-use").collect();
    assert_eq!(prohibited.len(), 1, "{prohibited:?}");
}

#[test]
fn same_capture_same_bytes() {
    let out = TempDir::new().unwrap();
    let dirs = ["a", "b"].map(|name| out.path().join(name));
    for dir in &dirs {
        demo(&own(""), dir).ok();
    }
    let [a, b] = dirs.map(|dir| files(&dir.join("report")));
    assert!(a.len() > 5);
    assert_eq!(a, b);
}

#[test]
fn without_the_capture_it_fails() {
    let (pcaps, out) = (pcaps(), TempDir::new().unwrap());
    fs::remove_file(pcaps.path().join("office-week.pcap")).unwrap();
    let ran = demo(pcaps.path(), &out.path().join("tour"));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("office-week.pcap is missing"), "{}", ran.stderr);
}

#[test]
fn another_name_on_the_wire_changes_the_report() {
    let (pcaps, out) = (pcaps(), TempDir::new().unwrap());
    let capture = pcaps.path().join("office-week.pcap");
    let mut bytes = fs::read(&capture).unwrap();
    let (old, new) = (b"chat.deepseek.com", b"chat.deepsink.com");
    let mut changed = 0;
    for at in 0..bytes.len() - old.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
            changed += 1;
        }
    }
    assert!(changed > 0);
    fs::write(&capture, bytes).unwrap();
    demo(pcaps.path(), &out.path().join("tour")).ok();
    let report = json(&out.path().join("tour/report/report.json"));
    let used = |row: &serde_json::Value| row["service"] == "deepseek" && row["use"] == "used";
    assert!(!report["services"].as_array().unwrap().iter().any(used));
}

#[test]
fn leaves_other_folders_alone() {
    let out = TempDir::new().unwrap();
    fs::write(out.path().join("thesis.txt"), "years of work").unwrap();
    let ran = demo(&own(""), out.path());
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no folder of an earlier demo"), "{}", ran.stderr);
    assert!(out.path().join("thesis.txt").exists());
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}
