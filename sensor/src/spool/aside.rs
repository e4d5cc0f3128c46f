//! What lies aside for people: batches that a store can never take and lines that are no records. It has an eighth of
//! the spool's room; the oldest goes first, and its lines are counted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::keeper::Thrown;
use super::{REJECTS, SpoolError, io_error, with_extension};
use crate::ledger::SPOOL_REJECTS;

/// Extension of lines that are no records.
const REJECTED: &str = "rejected";
/// Extensions of files whose lines are counted; a `.reason` goes with its batch.
const COUNTED: [&str; 2] = ["batch", REJECTED];
/// More files than this are nobody's reading.
const MAX_FILES: usize = 4096;
/// A folder that changed so recently may change again within the same tick of its clock.
const FRESH: Duration = Duration::from_secs(2);

/// The folder, and how much may lie in it.
#[derive(Debug)]
pub(super) struct Aside {
    dir: PathBuf,
    max_bytes: u64,
    /// When the folder changed before it was listed last.
    seen: Option<SystemTime>,
}

/// The files of one batch.
#[derive(Debug)]
struct Pile {
    files: Vec<PathBuf>,
    bytes: u64,
    oldest: SystemTime,
}

impl Aside {
    /// Takes over what earlier versions left in the queues' own folders.
    pub(super) fn open(spool: &Path, max_bytes: u64, queues: &[&Path]) -> Result<Self, SpoolError> {
        let dir = spool.join(REJECTS);
        for queue in queues {
            for path in with_extension(queue, REJECTED)? {
                fs::create_dir_all(&dir).map_err(io_error("create", &dir))?;
                fs::rename(&path, dir.join(path.file_name().unwrap_or_default()))
                    .map_err(io_error("set aside", &path))?;
            }
        }
        Ok(Self { dir, max_bytes, seen: None })
    }

    /// Removes the oldest until the rest fits. The folder is listed when it has changed.
    pub(super) fn keep(&mut self, thrown: &mut Thrown) -> Result<(), SpoolError> {
        let changed = match fs::metadata(&self.dir).and_then(|about| about.modified()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(io_error("look at", &self.dir))?,
        };
        if self.seen == Some(changed) {
            return Ok(());
        }
        let mut piles: Vec<Pile> = self.piles()?.into_values().collect();
        piles.sort_by(|a, b| a.oldest.cmp(&b.oldest).then_with(|| a.files.cmp(&b.files)));
        let mut bytes: u64 = piles.iter().map(|pile| pile.bytes).sum();
        let mut files: usize = piles.iter().map(|pile| pile.files.len()).sum();
        for pile in piles {
            if bytes <= self.max_bytes && files <= MAX_FILES {
                break;
            }
            bytes -= pile.bytes;
            files -= pile.files.len();
            let lines = pile.remove()?;
            if lines > 0 {
                *thrown.records.entry(SPOOL_REJECTS).or_default() += lines;
            }
        }
        let settled = changed.elapsed().is_ok_and(|age| age >= FRESH);
        self.seen = settled.then_some(changed);
        Ok(())
    }

    fn piles(&self) -> Result<BTreeMap<PathBuf, Pile>, SpoolError> {
        let mut piles: BTreeMap<PathBuf, Pile> = BTreeMap::new();
        for entry in fs::read_dir(&self.dir).map_err(io_error("list", &self.dir))? {
            let path = entry.map_err(io_error("list", &self.dir))?.path();
            // `spool replay` may have taken it back meanwhile.
            let Ok(about) = fs::metadata(&path) else { continue };
            let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let pile = piles.entry(path.with_extension("")).or_insert_with(|| Pile {
                files: Vec::new(),
                bytes: 0,
                oldest: written,
            });
            pile.bytes += about.len();
            pile.oldest = pile.oldest.min(written);
            pile.files.push(path);
        }
        Ok(piles)
    }
}

impl Pile {
    /// Removes the files and gives the lines that went.
    fn remove(&self) -> Result<u64, SpoolError> {
        let mut lines = 0;
        for path in &self.files {
            let counted = path.extension().is_some_and(|e| COUNTED.iter().any(|counted| e == *counted));
            let bytes = if counted { fs::read(path).unwrap_or_default() } else { Vec::new() };
            match fs::remove_file(path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(io_error("remove", path)(e)),
                Ok(()) => lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64,
            }
        }
        Ok(lines)
    }
}
