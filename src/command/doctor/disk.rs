//! Room for the data: what is free, and what waits in the spool.

use std::fs;
use std::path::Path;

use ingest::judge::FINDINGS_FILE;
use ingest::store::STORE_FILE;
use ingest::text::{bytes, counted};
use rustix::fs::statvfs;

use super::check::{Check, Id};
use super::system::quoted;
use crate::config::Setup;

pub(super) const DISK: Id = Id("disk");
pub(super) const SPOOL: Id = Id("spool");

/// A spool fuller than this share waits for something that is down: a part that is well leaves a second's worth.
const WAITING_ONE_IN: u64 = 10;

/// Both checks.
pub(super) fn checks(setup: &Setup, config: Option<&Path>) -> Vec<Check> {
    vec![disk(setup, config), spool(setup, config)]
}

/// What is free where the data are, or will be.
fn disk(setup: &Setup, config: Option<&Path>) -> Check {
    let dir = &setup.data_dir;
    let Some(there) = dir.ancestors().find(|dir| dir.is_dir()) else {
        return DISK.unknown(format!("{} has no folder above it", dir.display()));
    };
    let free = match statvfs(there) {
        Ok(about) => about.f_bavail.saturating_mul(about.f_frsize),
        Err(e) => return DISK.unknown(format!("{}: {e}", there.display())),
    };
    let size = |name: &str| fs::metadata(dir.join(name)).map_or(0, |meta| meta.len());
    let spooled = Held::of(&dir.join("spool")).bytes;
    let limits = setup.spool;
    let seen = format!(
        "{}: {} free; store {}, findings {}, spool {} of at most {}",
        there.display(),
        bytes(free),
        bytes(size(STORE_FILE)),
        bytes(size(FINDINGS_FILE)),
        bytes(spooled),
        bytes(limits.max_bytes)
    );
    let mib = |bytes: u64| bytes >> 20;
    if free < limits.min_free {
        let seen = format!("{seen}; less than spool.min_free_mb = {}", mib(limits.min_free));
        return DISK.fail(seen, "sudo du -xh --max-depth=2 / | sort -h | tail -20");
    }
    let room = free - limits.min_free + spooled;
    match room < limits.max_bytes {
        true => {
            let seen = format!("{seen}; an outage would end at {} MiB", mib(room));
            DISK.warn(seen, smaller(config, mib(room).max(1)))
        }
        false => DISK.ok(seen),
    }
}

fn smaller(config: Option<&Path>, mib: u64) -> String {
    match config {
        Some(path) => format!("sudoedit {}  # [spool] max_mb = {mib}", quoted(path.display())),
        None => format!("shadowtap init  # then in its file: [spool] max_mb = {mib}"),
    }
}

/// What waits, and what lies aside.
fn spool(setup: &Setup, config: Option<&Path>) -> Check {
    let dir = setup.data_dir.join("spool");
    if !dir.is_dir() {
        return match fs::metadata(&dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => SPOOL.unknown(format!("{}: {e}", dir.display())),
            _ => SPOOL.ok("nothing waits: there is none yet"),
        };
    }
    let (held, aside) = (Held::of(&dir), Held::of(&dir.join("rejects")));
    let waiting = held.bytes.saturating_sub(aside.bytes);
    let seen = format!(
        "{} in {} wait, {} aside; {} at most",
        bytes(waiting),
        counted(held.files - aside.files.min(held.files), "file"),
        counted(aside.files, "file"),
        bytes(setup.spool.max_bytes)
    );
    let mut place = format!(" --data-dir {}", quoted(setup.data_dir.display()));
    if let Some(path) = config {
        place.push_str(&format!(" --config {}", quoted(path.display())));
    }
    if waiting > setup.spool.max_bytes / WAITING_ONE_IN {
        let seen = format!("{seen}: the store or the findings cannot be written, or nobody delivers");
        return SPOOL.warn(seen, format!("shadowtap siem status{place} && pgrep -a shadowtap"));
    }
    match aside.files {
        0 => SPOOL.ok(seen),
        _ => SPOOL.warn(seen, format!("shadowtap spool rejects{place}")),
    }
}

/// Files below a folder.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    files: u64,
    bytes: u64,
}

impl Held {
    /// Queues share their files by hard links: each counts once, by its name.
    fn of(dir: &Path) -> Self {
        let mut all = std::collections::BTreeMap::new();
        gather(dir, &mut all);
        Self { files: all.len() as u64, bytes: all.values().sum() }
    }
}

fn gather(dir: &Path, all: &mut std::collections::BTreeMap<u64, u64>) {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(meta) if meta.is_dir() => gather(&entry.path(), all),
            Ok(meta) => drop(all.insert(meta.ino(), meta.len())),
            Err(_) => {}
        }
    }
}
