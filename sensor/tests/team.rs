//! Several workers give what one gives: the same records and the same sums, for every capture, whole or broken.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is the failure message")]

#[path = "ledger/captures.rs"]
mod captures;
mod random;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use captures::{Taken, below, broken, office, read, repository};
use random::Random;
use rules::catalogue::Catalogue;
use sensor::output::Output;
use sensor::record::Record;
use sensor::team::Workers;
use sensor::worker::{Summary, WorkerConfig};

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));

#[derive(Default)]
struct Lines(Vec<String>);

impl Output for Lines {
    fn record(&mut self, record: Record) {
        self.0.push(serde_json::to_string(&record).unwrap());
    }
}

/// The records of some frames, sorted, and the sums.
fn work(frames: &[Taken], workers: u32) -> (Vec<String>, Summary) {
    let (mut workers, mut out) = (Workers::new(&WorkerConfig::new(CATALOGUE.clone()), workers), Lines::default());
    workers.set_source("x", &mut out);
    frames.iter().for_each(|taken| workers.frame(&taken.frame(), &mut out));
    workers.finish(&mut out);
    out.0.sort();
    (out.0, workers.summary())
}

/// Asserts that any number of workers gives the same; says how many records that are.
fn same(frames: &[Taken], what: &str) -> usize {
    let (one, sums) = work(frames, 1);
    for workers in [2, 4] {
        let (several, summary) = work(frames, workers);
        let missing: Vec<_> = one.iter().filter(|line| !several.contains(line)).collect();
        let added: Vec<_> = several.iter().filter(|line| !one.contains(line)).collect();
        assert!(one == several, "{what}, {workers} workers\nmissing {missing:#?}\nadded {added:#?}");
        assert_eq!(summary.counts, sums.counts, "{what}, {workers} workers");
        assert_eq!((summary.named, summary.ai_flows), (sums.named, sums.ai_flows), "{what}");
        assert_eq!(summary.canaries, sums.canaries, "{what}");
    }
    one.len()
}

fn all(folder: &Path) -> (usize, usize) {
    let captures: Vec<PathBuf> = below(folder);
    let records = captures.iter().map(|path| same(&read(path), &path.display().to_string())).sum();
    (captures.len(), records)
}

#[test]
fn own_captures() {
    let (captures, records) = all(&repository());
    assert!(captures >= 8 && records > 500, "{captures} captures, {records} records");
}

#[test]
fn broken_captures() {
    let mut random = Random(7);
    for path in below(&repository()) {
        let frames = read(&path);
        same(&broken(&frames, &mut random), &format!("{} broken", path.display()));
    }
}

/// An office of several hundred clients, with its devices, its DNS and its days.
#[test]
fn a_large_capture() {
    assert!(same(&office(60_000), "office") > 1_000);
}

#[test]
fn the_corpus() {
    let Some(corpus) = std::env::var_os("SHADOWTAP_CORPUS").map(PathBuf::from) else {
        assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "SHADOWTAP_CORPUS is not set");
        eprintln!("skipped: SHADOWTAP_CORPUS names no folder of captures");
        return;
    };
    let (captures, _) = all(&corpus);
    assert!(captures >= 80, "{captures} captures");
}
