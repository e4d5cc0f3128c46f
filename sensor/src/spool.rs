//! The spool: a directory that is the queue between sensor and delivery (decision record 2).
//!
//! Records are appended to a segment under `open/`. A sealed segment is written, synced and hard-linked into one folder
//! per queue; each consumer unlinks what it has delivered. There is no offset and no checkpoint: a crash repeats a
//! segment, and every consumer keeps what it has seen apart by the records' own keys.
//!
//! A consumer that stands still may not fill the disk: a writer with [`Limits`] throws the oldest segment of the fullest
//! queue away and counts what was in it (`keeper`).

mod aside;
mod keeper;
mod limits;
mod queue;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::record::Record;
use keeper::Keeper;
pub use keeper::Thrown;
pub use limits::{BATCH_BYTES, Limits};
pub use queue::{InHand, Queue};

/// A segment is sealed when it has grown to this size: small enough to fold in memory, large enough to be rare.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// The folder beside the queues of what a store can never take, and of lines that are no records.
pub const REJECTS: &str = "rejects";

/// What can go wrong with the spool: always the file system's word and the path.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    move |source| SpoolError::Io { action, path: path.to_path_buf(), source }
}

/// The spool directory with its queues.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
    queues: Vec<String>,
}

impl Spool {
    /// Opens the spool below `dir`, makes its folders, and seals what an earlier process left open: whole lines are
    /// kept, a last half line is cut off.
    pub fn open(dir: &Path, queues: &[&str]) -> Result<Self, SpoolError> {
        let spool = Self::beside(dir, queues)?;
        spool.recover()?;
        Ok(spool)
    }

    /// The same beside a process that may be writing: what it has open is its own.
    pub fn beside(dir: &Path, queues: &[&str]) -> Result<Self, SpoolError> {
        for folder in std::iter::once("open").chain(queues.iter().copied()) {
            let path = dir.join(folder);
            fs::create_dir_all(&path).map_err(io_error("create", &path))?;
        }
        Ok(Self { dir: dir.to_path_buf(), queues: queues.iter().map(|q| (*q).to_owned()).collect() })
    }

    /// The consumer's side of a queue.
    pub fn queue(&self, name: &str) -> Queue {
        Queue { dir: self.dir.join(name) }
    }

    /// The producer's side. `prefix` orders the segments of successive writers: the start time, for example.
    pub fn writer(&self, prefix: u64) -> SegmentWriter {
        SegmentWriter {
            spool: self.clone(),
            prefix,
            count: 0,
            lost: 0,
            gathered: Vec::new(),
            records: 0,
            open: None,
            segment_bytes: SEGMENT_BYTES,
            keeper: None,
        }
    }

    /// The same, and the spool keeps within `limits` whatever the consumers do.
    ///
    /// # Errors
    /// A queue that cannot be listed: what waits in it is looked at once, here.
    pub fn limited_writer(&self, prefix: u64, limits: Limits) -> Result<SegmentWriter, SpoolError> {
        let keeper = Some(Keeper::survey(self, limits)?);
        Ok(SegmentWriter { segment_bytes: limits.segment_bytes(), keeper, ..self.writer(prefix) })
    }

    fn recover(&self) -> Result<(), SpoolError> {
        for path in sorted_segments(&self.dir.join("open"))? {
            let bytes = fs::read(&path).map_err(io_error("read", &path))?;
            let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
            let file = OpenOptions::new().write(true).open(&path).map_err(io_error("open", &path))?;
            file.set_len(whole as u64).map_err(io_error("cut", &path))?;
            self.publish(&path, &file)?;
        }
        Ok(())
    }

    /// Makes a finished segment visible to every queue, then removes the name under `open/`.
    fn publish(&self, path: &Path, file: &File) -> Result<(), SpoolError> {
        file.sync_all().map_err(io_error("sync", path))?;
        let name = path.file_name().unwrap_or_default();
        for queue in &self.queues {
            let folder = self.dir.join(queue);
            let target = folder.join(name);
            match fs::hard_link(path, &target) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(io_error("link", &target)(e)),
                _ => sync_dir(&folder)?,
            }
        }
        fs::remove_file(path).map_err(io_error("remove", path))
    }
}

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// Appends records to the open segment. What cannot be written is cut off again and waits in memory, as much as a segment
/// holds, so that a disk that is full for a while loses nothing; beyond that records are lost and counted. What cannot be
/// sealed is tried again at the next seal.
#[derive(Debug)]
pub struct SegmentWriter {
    spool: Spool,
    prefix: u64,
    count: u32,
    lost: u64,
    /// Whole records that are in no file yet, and how many.
    gathered: Vec<u8>,
    records: u64,
    open: Option<OpenSegment>,
    segment_bytes: u64,
    /// Throws away what is too much; none where nobody asked for limits.
    keeper: Option<Keeper>,
}

#[derive(Debug)]
struct OpenSegment {
    path: PathBuf,
    file: File,
    /// Bytes of whole records in the file.
    written: u64,
}

impl SegmentWriter {
    /// Appends one record; seals the segment when it is full. One that cannot be sealed takes as much again and no more.
    pub fn append(&mut self, record: &Record) -> Result<(), SpoolError> {
        if self.gathered.len() as u64 >= self.segment_bytes {
            self.seal().inspect_err(|_| self.lost += 1)?;
        }
        let length = self.gathered.len();
        if let Err(error) = serde_json::to_writer(&mut self.gathered, record) {
            self.gathered.truncate(length);
            self.lost += 1;
            return Err(io_error("encode a record for", &self.spool.dir)(error.into()));
        }
        self.gathered.push(b'\n');
        self.records += 1;
        let written = self.open.as_ref().map_or(0, |segment| segment.written);
        if written + self.gathered.len() as u64 >= self.segment_bytes {
            return self.seal();
        }
        if self.gathered.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Seals the open segment, if there is one, so that the queues can see it; then throws away what is too much.
    pub fn seal(&mut self) -> Result<(), SpoolError> {
        let sealed = self.publish();
        let kept = self.keeper.as_mut().map_or(Ok(()), Keeper::keep);
        sealed.and(kept)
    }

    fn publish(&mut self) -> Result<(), SpoolError> {
        let flushed = self.flush();
        let Some(segment) = self.open.take_if(|segment| segment.written > 0) else { return flushed };
        if let Err(error) = self.spool.publish(&segment.path, &segment.file) {
            self.open = Some(segment);
            return Err(error);
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.added(&segment.path, segment.written);
        }
        match flushed {
            // The segment had been full for long: what waited for it gets the next one.
            Ok(()) if !self.gathered.is_empty() => self.publish(),
            flushed => flushed,
        }
    }

    /// Counts what is in no file as lost: the end has come.
    pub fn give_up(&mut self) {
        self.gathered.clear();
        self.lost += std::mem::take(&mut self.records);
    }

    /// What was thrown away since this was last asked.
    pub fn thrown(&mut self) -> Thrown {
        self.keeper.as_mut().map(Keeper::thrown).unwrap_or_default()
    }

    /// Bytes that waiting segments take of the disk, as of the last seal; 0 without limits.
    pub fn waiting(&self) -> u64 {
        self.keeper.as_ref().map_or(0, Keeper::bytes)
    }

    /// Segments sealed so far.
    pub fn sealed(&self) -> u32 {
        self.count - u32::from(self.open.is_some())
    }

    /// Records that could not be written.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn begin(&mut self) -> Result<OpenSegment, SpoolError> {
        let path = self.spool.dir.join("open").join(format!("{:016x}-{:010}.ndjson", self.prefix, self.count));
        let file = File::create(&path).map_err(io_error("create", &path))?;
        self.count += 1;
        Ok(OpenSegment { path, file, written: 0 })
    }

    /// Writes what was gathered, whole or not at all.
    fn flush(&mut self) -> Result<(), SpoolError> {
        let full = self.open.as_ref().is_some_and(|segment| segment.written >= 2 * self.segment_bytes);
        if self.gathered.is_empty() || full {
            return Ok(());
        }
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => self.begin()?,
        };
        let result = match segment.file.write_all(&self.gathered) {
            Ok(()) => {
                segment.written += self.gathered.len() as u64;
                self.gathered.clear();
                self.records = 0;
                Ok(())
            }
            Err(error) => {
                let cut = segment.file.set_len(segment.written);
                let back = cut.and_then(|()| segment.file.seek(SeekFrom::Start(segment.written)));
                back.map_err(io_error("cut", &segment.path))?;
                Err(io_error("write", &segment.path)(error))
            }
        };
        self.open = Some(segment);
        result
    }
}

/// Syncs a folder, so that a name made or removed in it survives a power cut.
fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(io_error("sync", dir))
}

fn sorted_segments(dir: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    with_extension(dir, "ndjson")
}

/// The files of a folder with one extension, by name.
fn with_extension(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, SpoolError> {
    let entries = fs::read_dir(dir).map_err(io_error("list", dir))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error("list", dir))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
