//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file operation that failed, with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}")]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl FileError {
    /// The error of one action on one path.
    pub(crate) fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_path_buf(), source }
    }
}

/// Extension of a file that is still being written; a reader passes it by, the next start removes it.
pub(crate) const ASIDE: &str = "part";

/// Writes a file aside, syncs it and gives it its name: after a crash the old content or the new one stands there. The
/// name aside is always the same, so that what a crash left is written over: for folders of our own.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), FileError> {
    write_by_way_of(&path.with_extension(ASIDE), path, parts)
}

/// The same in a folder that holds other people's files: the name aside is nobody else's (`NAME.PID.part`).
pub fn write_whole_among_others(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.{ASIDE}", std::process::id()));
    write_by_way_of(Path::new(&aside), path, &[content])
}

fn write_by_way_of(aside: &Path, path: &Path, parts: &[&[u8]]) -> Result<(), FileError> {
    let mut file = File::create(aside).map_err(FileError::of("create", aside))?;
    for part in parts {
        file.write_all(part).map_err(FileError::of("write", aside))?;
    }
    file.sync_all().map_err(FileError::of("sync", aside))?;
    fs::rename(aside, path).map_err(FileError::of("rename into place", path))?;
    sync_folder(path)
}

/// What is read of a file of the spool at most: four times what the largest batch has.
const LONGEST: u64 = 128 << 20;

/// Reads a file of the spool. Whoever broke into the process that writes it may leave there what is no file, or what would
/// fill the memory: neither is read.
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>, FileError> {
    let read = || {
        let mut bytes = Vec::new();
        if fs::symlink_metadata(path)?.is_file() {
            File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 <= LONGEST {
                return Ok(bytes);
            }
        }
        Err(io::Error::other("no sensor wrote this: move it out of the spool"))
    };
    read().map_err(FileError::of("read", path))
}

/// Removes a file; one that is gone already is no error.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Syncs the folder of a file, so that a name made in it survives a power cut.
fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|d| d.sync_all()).map_err(FileError::of("sync", folder))
}
