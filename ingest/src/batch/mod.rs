//! Batches: waiting segments folded into one file, delivered as one transaction (decision record 3).
//!
//! A batch is named by its first and last segment. It is written aside, synced and renamed before its segments are
//! unlinked, so at every instant each record is in a segment, in a batch, or in both; what a batch's name covers is
//! dropped at the next start, and a batch that was inserted before a crash is recognised by its token.
//!
//! While a batch waits for a store that is away nothing is folded: an outage ends in few large batches, and at most one
//! batch was ever tried and not confirmed. A batch that the store can never take goes to [`rejects`].

pub mod rejects;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sensor::spool::{Queue, SpoolError};
use sha2::{Digest, Sha256};

use crate::files::{ASIDE, FileError, read_whole, remove, write_whole};
use crate::segment;
use crate::store::{Inserted, Store, StoreError};

/// A batch ends at this many records: one INSERT that a column store likes, and a transaction of a second here.
pub const BATCH_RECORDS: usize = 100_000;
/// And at this many bytes, because a batch is folded in memory, and the spool keeps room for one.
pub const BATCH_BYTES: usize = sensor::spool::BATCH_BYTES as usize;

/// This much is worth a batch before the store's patience is at its end: some 20,000 records.
const ENOUGH_BYTES: u64 = 16 << 20;

const EXTENSION: &str = "batch";
/// Between the names of the first and the last segment.
const TO: &str = "_";

/// Why waiting segments could not be delivered to the store.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The queue's folder could not be listed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A segment or batch could not be read, written or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store refused the batch.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Batches delivered.
    pub batches: u64,
    /// Records that were new, and records that the store had already.
    pub records: Inserted,
    /// Lines that were no records.
    pub rejected: u64,
    /// Batches that the store can never take: they lie in the spool's `rejects` folder with the reason.
    pub set_aside: u64,
}

/// Folds everything that waits and delivers it. After an error all undelivered records still wait.
pub fn deliver(queue: &Queue, store: &mut dyn Store) -> Result<Folded, BatchError> {
    recover(queue)?;
    let mut folded = Folded::default();
    loop {
        let waiting = batches(queue.dir())?;
        if waiting.is_empty() && (is_gathering(queue, store.patience())? || !fold(queue)?) {
            return Ok(folded);
        }
        for path in waiting {
            insert(&path, store, &mut folded)?;
        }
    }
}

/// True while what waits is neither old enough nor enough for a batch.
fn is_gathering(queue: &Queue, patience: Duration) -> Result<bool, BatchError> {
    if patience.is_zero() {
        return Ok(false);
    }
    let mut bytes = 0;
    for segment in queue.segments()? {
        let about = fs::metadata(&segment).map_err(FileError::of("look at", &segment))?;
        // A clock that was set back makes a segment old at once: late is worse than small.
        let age = about.modified().ok().and_then(|at| at.elapsed().ok());
        bytes += about.len();
        if age.is_none_or(|age| age >= patience) || bytes >= ENOUGH_BYTES {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Finishes what a crash left: half-written batches go, and so do segments that a batch's name covers.
fn recover(queue: &Queue) -> Result<(), BatchError> {
    for path in with_extension(queue.dir(), ASIDE)? {
        remove(&path)?;
    }
    // What a batch covers is no loss when the spool is full.
    let _held = queue.hold()?;
    let covered: Vec<Span> = batches(queue.dir())?.iter().filter_map(|path| Span::of_batch(path)).collect();
    for segment in queue.segments()? {
        if covered.iter().any(|span| span.covers(&segment)) {
            remove(&segment)?;
        }
    }
    Ok(())
}

/// Folds the oldest waiting segments of one writer into one batch. Segments of two writers never share a batch: only
/// within one writer does every name between the first and the last belong to the batch. False when nothing waits.
fn fold(queue: &Queue) -> Result<bool, BatchError> {
    // Nothing that is in the batch may be thrown away, and counted, as a segment.
    let _held = queue.hold()?;
    let segments = queue.segments()?;
    let Some(first) = segments.first() else { return Ok(false) };
    let mut parts = Vec::new();
    let (mut records, mut bytes) = (0, 0);
    for segment in segments.iter().take_while(|s| writer(s) == writer(first)) {
        let part = read_whole(segment)?;
        let lines = part.iter().filter(|byte| **byte == b'\n').count();
        if !parts.is_empty() && (records + lines > BATCH_RECORDS || bytes + part.len() > BATCH_BYTES) {
            break;
        }
        records += lines;
        bytes += part.len();
        parts.push(part);
    }
    let Some(last) = parts.len().checked_sub(1).and_then(|at| segments.get(at)) else { return Ok(false) };
    let path = queue.dir().join(format!("{}{TO}{}.{EXTENSION}", stem(first), stem(last)));
    write_whole(&path, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    for segment in segments.iter().take(parts.len()) {
        remove(segment)?;
    }
    Ok(true)
}

/// One batch, one transaction, then the file goes.
fn insert(path: &Path, store: &mut dyn Store, folded: &mut Folded) -> Result<(), BatchError> {
    let batch = segment::read(path)?;
    let inserted = match store.insert(&token(path, &batch.bytes), &batch.records) {
        Err(error) if error.poison() => {
            if !rejects::halve(path, &batch)? {
                rejects::set_aside(path, &error.to_string())?;
                folded.set_aside += 1;
            }
            return Ok(());
        }
        other => other?,
    };
    remove(path)?;
    folded.batches += 1;
    folded.records.new += inserted.new;
    folded.records.known += inserted.known;
    folded.rejected += batch.rejected;
    Ok(())
}

/// The batch's name and a digest of its content: a spool that was emptied by hand may use a name a second time.
fn token(path: &Path, bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{digest}", stem(path))
}

/// The segments between two names of one writer.
struct Span {
    first: String,
    last: String,
}

impl Span {
    fn of_batch(path: &Path) -> Option<Self> {
        let (first, last) = stem(path).split_once(TO)?;
        Some(Self { first: first.to_owned(), last: last.to_owned() })
    }

    fn covers(&self, segment: &Path) -> bool {
        let name = stem(segment);
        self.first.as_str() <= name && name <= self.last.as_str()
    }
}

/// The part of a segment's name that its writer chose: `<writer>-<count>.ndjson`.
fn writer(segment: &Path) -> &str {
    let name = stem(segment);
    name.rsplit_once('-').map_or(name, |(writer, _)| writer)
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|name| name.to_str()).unwrap_or_default()
}

fn batches(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    with_extension(dir, EXTENSION)
}

fn with_extension(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::of("list", dir))? {
        let path = entry.map_err(FileError::of("list", dir))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
