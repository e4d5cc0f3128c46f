//! Keeps the spool within its limits: over them the oldest segment of the fullest queue goes, and is counted.
//!
//! Called at each seal, so it is cheap: nothing is listed. What waits is remembered, and because consumers take the
//! oldest first, a look at one name per queue tells what they have taken since.
//!
//! **Disk is counted once per file.** A segment that waits in two queues is one file with two names. The fullest queue is
//! the one whose segments add up to most. Its oldest segment is held by it alone, or both queues wait for the same
//! segments; then dropping one name frees nothing, makes the other queue the fullest, and its name goes next. So a queue
//! that is not behind loses nothing.
//!
//! **What is never thrown away:** the newest segment, which tells of the loss; a segment that a consumer has in hand;
//! anything of a queue that is being folded; and batches. A batch may be on the server in part already, and it is small:
//! the store folds one of at most [`BATCH_BYTES`](super::BATCH_BYTES) and no second one before that is in. Room for it is set aside.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::aside::Aside;
use super::limits::Limits;
use super::{Spool, SpoolError, io_error, sorted_segments};
use crate::ledger::{RECORD_WORDS, SPOOL, SPOOL_JUDGE};
use crate::record::Record;

/// A small file takes a whole block of the disk.
const BLOCK: u64 = 4096;
/// Names that go at one seal: the thread that seals also captures, and may not be away for long. One comes per second.
const MOST: usize = 500;

/// Records that were thrown away, by the drop words of [`crate::ledger`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thrown {
    /// Records that went.
    pub records: BTreeMap<&'static str, u64>,
    /// Losses told by `minute` records that went: they have to be told again, and were counted before.
    pub told: BTreeMap<&'static str, u64>,
}

impl Thrown {
    /// True when nothing went.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.told.is_empty()
    }
}

/// What waits in the spool, and how much may.
#[derive(Debug)]
pub(super) struct Keeper {
    limits: Limits,
    dir: PathBuf,
    queues: Vec<Waiting>,
    /// Every segment that a queue holds, oldest first.
    segments: VecDeque<Segment>,
    /// Number of the first of them; numbers only grow.
    first: u64,
    /// What they take of the disk.
    bytes: u64,
    aside: Aside,
    thrown: Thrown,
}

/// One queue's part of what waits.
#[derive(Debug)]
struct Waiting {
    dir: PathBuf,
    word: &'static str,
    /// No segment before this number waits here.
    oldest: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Segment {
    name: Box<str>,
    bytes: u64,
    /// Queues that hold it, one bit each.
    held: u8,
}

/// What became of a segment that was to go.
enum Fate {
    Gone,
    InHand,
}

impl Keeper {
    /// Looks once at what an earlier process left.
    pub(super) fn survey(spool: &Spool, limits: Limits) -> Result<Self, SpoolError> {
        let waiting = |(number, name): (usize, &String)| Waiting {
            dir: spool.dir.join(name),
            word: if number == 0 { SPOOL } else { SPOOL_JUDGE },
            oldest: 0,
            bytes: 0,
        };
        let queues: Vec<Waiting> = spool.queues.iter().enumerate().map(waiting).collect();
        let mut found: BTreeMap<Box<str>, (u64, u8)> = BTreeMap::new();
        for (number, queue) in queues.iter().enumerate() {
            for path in sorted_segments(&queue.dir)? {
                let bytes = fs::metadata(&path).map_err(io_error("look at", &path))?.len();
                found.entry(name(&path)).or_insert((bytes, 0)).1 |= bit(number);
            }
        }
        let aside =
            Aside::open(&spool.dir, limits.aside(), &queues.iter().map(|q| q.dir.as_path()).collect::<Vec<_>>())?;
        let mut keeper = Self {
            limits,
            dir: spool.dir.clone(),
            queues,
            segments: VecDeque::new(),
            first: 0,
            bytes: 0,
            aside,
            thrown: Thrown::default(),
        };
        for (name, (bytes, held)) in found {
            keeper.remember(name, bytes, held);
        }
        Ok(keeper)
    }

    /// A segment was linked into every queue.
    pub(super) fn added(&mut self, path: &Path, bytes: u64) {
        let all = (0..self.queues.len()).fold(0, |held, number| held | bit(number));
        self.remember(name(path), bytes, all);
    }

    /// What waits takes so many bytes of the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was thrown away since this was last asked.
    pub(super) fn thrown(&mut self) -> Thrown {
        std::mem::take(&mut self.thrown)
    }

    /// Throws away what is too much.
    pub(super) fn keep(&mut self) -> Result<(), SpoolError> {
        self.aside.keep(&mut self.thrown)?;
        for queue in 0..self.queues.len() {
            self.look(queue);
        }
        let about = statvfs(&self.dir).map_err(|e| io_error("look at", &self.dir)(e.into()))?;
        let free = about.f_bavail.saturating_mul(about.f_frsize);
        let target = self.bytes - self.limits.excess(self.bytes, free).min(self.bytes);
        let mut gone = 0;
        while self.bytes > target && gone < MOST && self.throw_one()? {
            gone += 1;
        }
        Ok(())
    }

    fn remember(&mut self, name: Box<str>, bytes: u64, held: u8) {
        let bytes = bytes.max(1).next_multiple_of(BLOCK);
        self.bytes += bytes;
        for (_, queue) in self.queues.iter_mut().enumerate().filter(|(number, _)| held & bit(*number) != 0) {
            queue.bytes += bytes;
        }
        self.segments.push_back(Segment { name, bytes, held });
    }

    /// Forgets what the consumer of a queue has taken. It takes the oldest first: the first that is there ends the look.
    fn look(&mut self, queue: usize) {
        while let Some((number, path)) = self.waiting(queue, 0) {
            if path.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                self.release(queue, number);
            } else {
                break;
            }
        }
    }

    /// Number and path of a queue's oldest segment from a number on.
    fn waiting(&mut self, queue: usize, from: u64) -> Option<(u64, PathBuf)> {
        let oldest = self.queues.get(queue)?.oldest.max(self.first);
        let skip = usize::try_from(oldest.max(from) - self.first).ok()?;
        let held = |segment: &Segment| segment.held & bit(queue) != 0;
        let found = self.segments.iter().enumerate().skip(skip).find(|(_, segment)| held(segment));
        let waiting = self.queues.get_mut(queue)?;
        let Some((at, segment)) = found else {
            if from <= oldest {
                waiting.oldest = self.first + self.segments.len() as u64;
            }
            return None;
        };
        let number = self.first + at as u64;
        if from <= oldest {
            waiting.oldest = number;
        }
        Some((number, waiting.dir.join(&*segment.name)))
    }

    /// A queue no longer holds a segment.
    fn release(&mut self, queue: usize, number: u64) {
        let at = usize::try_from(number.saturating_sub(self.first)).ok();
        let (Some(segment), Some(waiting)) =
            (at.and_then(|at| self.segments.get_mut(at)), self.queues.get_mut(queue))
        else {
            return;
        };
        segment.held &= !bit(queue);
        waiting.bytes -= segment.bytes;
        if segment.held == 0 {
            self.bytes -= segment.bytes;
        }
        while self.segments.front().is_some_and(|segment| segment.held == 0) {
            self.segments.pop_front();
            self.first += 1;
        }
    }

    /// Drops the oldest segment of the fullest queue that may go; false when none may.
    fn throw_one(&mut self) -> Result<bool, SpoolError> {
        let fullest =
            self.queues.iter().enumerate().max_by_key(|(number, queue)| (queue.bytes, usize::MAX - number));
        let Some((queue, waiting)) = fullest else { return Ok(false) };
        let folder = File::open(&waiting.dir).map_err(io_error("open", &waiting.dir))?;
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(e)) => return Err(io_error("lock", &waiting.dir)(e)),
        }
        let newest = self.first + (self.segments.len() as u64).saturating_sub(1);
        let mut from = 0;
        while let Some((number, path)) = self.waiting(queue, from).filter(|(number, _)| *number < newest) {
            match self.throw(queue, &path)? {
                Fate::InHand => from = number + 1,
                Fate::Gone => {
                    self.release(queue, number);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Counts what a queue loses with a segment, and takes its name away.
    fn throw(&mut self, queue: usize, path: &Path) -> Result<Fate, SpoolError> {
        let file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Fate::Gone),
            other => other.map_err(io_error("open", path))?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Fate::InHand),
            Err(TryLockError::Error(e)) => return Err(io_error("lock", path)(e)),
        }
        let (records, told) = count(&file).map_err(io_error("read", path))?;
        match fs::remove_file(path) {
            // Its consumer was faster.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Fate::Gone),
            other => other.map_err(io_error("remove", path))?,
        }
        let word = self.queues.get(queue).map_or(SPOOL, |queue| queue.word);
        *self.thrown.records.entry(word).or_default() += records;
        // The first queue's consumer keeps the ledger: what it never got, it has to be told again.
        for (word, lost) in told.into_iter().filter(|_| queue == 0) {
            *self.thrown.told.entry(word).or_default() += lost;
        }
        Ok(Fate::Gone)
    }
}

/// Records of a segment, and the losses behind the sensor that its `minute` records tell of.
fn count(file: &File) -> io::Result<(u64, BTreeMap<&'static str, u64>)> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut records, mut told) = (0, BTreeMap::new());
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        records += 1;
        if line.starts_with(MINUTE)
            && let Ok(Record::Minute(minute)) = serde_json::from_slice(&line)
        {
            for word in RECORD_WORDS {
                if let Some(lost) = minute.drops.get(word) {
                    *told.entry(word).or_default() += lost;
                }
            }
        }
        line.clear();
    }
    Ok((records, told))
}

/// How the line of a `minute` record begins.
const MINUTE: &[u8] = b"{\"record\":\"minute\"";

fn bit(queue: usize) -> u8 {
    1_u8.checked_shl(u32::try_from(queue).unwrap_or(u32::MAX)).unwrap_or(0)
}

fn name(path: &Path) -> Box<str> {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default().into()
}
