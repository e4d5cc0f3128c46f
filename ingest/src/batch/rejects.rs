//! Batches that a store can never take: kept beside the queues with the reason, until somebody brings them back.

use std::fs;
use std::path::{Path, PathBuf};

use super::{EXTENSION, stem, with_extension};
use crate::files::{FileError, remove, write_whole};
use crate::segment::Segment;

/// The folder beside the spool's queues. The sensor bounds it, oldest first.
pub const FOLDER: &str = sensor::spool::REJECTS;
/// Extension of the file that says why.
const REASON: &str = "reason";

/// A batch that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its file.
    pub path: PathBuf,
    /// What the store said.
    pub reason: String,
}

/// A batch of more records is halved when the store refuses it: one bad record shall not take 100,000 with it. Smaller,
/// and a store that refuses everything would be asked a hundred thousand times.
const SMALLEST: usize = 1000;
/// Behind the names of the segments: which half of a batch this is. Greater than a digit, so that the name of a half
/// covers the same segments as the name of the whole.
const HALF: &str = "~";

/// Makes two batches of one that is large enough for it, and says whether it did. A half has a token of its own; what of
/// it came in with the whole is known by its keys.
pub(super) fn halve(batch: &Path, segment: &Segment) -> Result<bool, FileError> {
    if segment.records.len() <= SMALLEST {
        return Ok(false);
    }
    let lines: Vec<&[u8]> = segment.bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (front, back) = lines.split_at(lines.len() / 2);
    for (number, half) in [front, back].into_iter().enumerate() {
        write_whole(&batch.with_file_name(format!("{}{HALF}{number}.{EXTENSION}", stem(batch))), half)?;
    }
    remove(batch)?;
    Ok(true)
}

/// Moves a batch out of its queue. The reason is written first: a batch that lies here always has one.
pub(super) fn set_aside(batch: &Path, reason: &str) -> Result<(), FileError> {
    let queue = batch.parent().unwrap_or(Path::new("."));
    let folder = queue.parent().unwrap_or(queue).join(FOLDER);
    fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
    let aside = folder.join(batch.file_name().unwrap_or_default());
    write_whole(&aside.with_extension(REASON), &[reason.as_bytes(), b"\n"])?;
    fs::rename(batch, &aside).map_err(FileError::of("set aside", batch))
}

/// The batches that lie aside in a spool, oldest first.
///
/// # Errors
/// A folder or a reason that cannot be read.
pub fn list(spool: &Path) -> Result<Vec<Reject>, FileError> {
    let folder = spool.join(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let reject = |path: PathBuf| Reject {
        reason: fs::read_to_string(path.with_extension(REASON)).unwrap_or_default().trim_end().to_owned(),
        path,
    };
    Ok(with_extension(&folder, EXTENSION)?.into_iter().map(reject).collect())
}

/// Puts a batch back into its queue under its old name, so that what of it is in the store already stays single.
///
/// # Errors
/// A file that cannot be moved.
pub fn replay(spool: &Path, queue: &str, reject: &Reject) -> Result<(), FileError> {
    let back = spool.join(queue).join(reject.path.file_name().unwrap_or_default());
    fs::rename(&reject.path, &back).map_err(FileError::of("bring back", &reject.path))?;
    remove(&reject.path.with_extension(REASON))
}
