//! The consumer's side: what waits, and what it has in hand.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{SpoolError, io_error, sorted_segments};

/// One consumer's folder of sealed segments.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(super) dir: PathBuf,
}

/// A segment that a consumer has in hand: the sensor does not throw it away meanwhile.
#[derive(Debug)]
pub struct InHand(#[allow(dead_code, reason = "held for its lock")] File);

impl Queue {
    /// The folder; a consumer may keep its batches in it under another extension than `ndjson`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waiting segments, oldest first.
    pub fn segments(&self) -> Result<Vec<PathBuf>, SpoolError> {
        sorted_segments(&self.dir)
    }

    /// Takes one segment in hand, from reading it until [`done`](Self::done). None when it is gone.
    pub fn take(&self, segment: &Path) -> Result<Option<InHand>, SpoolError> {
        let file = match File::open(segment) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io_error("open", segment))?,
        };
        file.lock_shared().map_err(io_error("lock", segment))?;
        // It may have been thrown away while this waited for the lock.
        let there = segment.try_exists().map_err(io_error("look at", segment))?;
        Ok(there.then_some(InHand(file)))
    }

    /// Holds the whole queue for a moment: while the answer lives, the sensor throws nothing of it away. For short local
    /// work alone, because the spool may grow meanwhile.
    pub fn hold(&self) -> Result<InHand, SpoolError> {
        let folder = File::open(&self.dir).map_err(io_error("open", &self.dir))?;
        folder.lock().map_err(io_error("lock", &self.dir))?;
        Ok(InHand(folder))
    }

    /// Forgets a delivered segment; one that is gone already is no error.
    pub fn done(&self, segment: &Path) -> Result<(), SpoolError> {
        match fs::remove_file(segment) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error("remove", segment)(e)),
            _ => Ok(()),
        }
    }
}
