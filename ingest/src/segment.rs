//! Reading a segment or batch: whole records go on, a line that is none is set aside instead of blocking the queue.

use std::fs;
use std::path::Path;

use sensor::record::Record;
use sensor::spool::REJECTS;

use crate::files::{FileError, read_whole, write_whole};

/// Extension of the lines of a segment that were no records.
const REJECTED: &str = "rejected";

/// What a segment held.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// Its records, in order.
    pub(crate) records: Vec<Record>,
    /// Lines that were no record; they are kept in the spool's folder `rejects`.
    pub(crate) rejected: u64,
    /// The bytes of the whole file.
    pub(crate) bytes: Vec<u8>,
}

/// Reads a file of records.
pub(crate) fn read(path: &Path) -> Result<Segment, FileError> {
    let bytes = read_whole(path)?;
    let mut segment = Segment::default();
    let mut rejected: Vec<&[u8]> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(record) => segment.records.push(record),
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) => rejected.push(line),
        }
    }
    if !rejected.is_empty() {
        segment.rejected = rejected.len() as u64;
        let queue = path.parent().unwrap_or(Path::new("."));
        let folder = queue.parent().unwrap_or(queue).join(REJECTS);
        fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
        let aside = folder.join(path.file_name().unwrap_or_default());
        write_whole(&aside.with_extension(REJECTED), &rejected)?;
    }
    segment.bytes = bytes;
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_set_aside_and_the_others_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("judge/a.ndjson");
        fs::create_dir(dir.path().join("judge")).unwrap();
        let minute = serde_json::to_string(&Record::Minute(Box::default())).unwrap();
        fs::write(&path, format!("{minute}\nnot json\n{minute}\n")).unwrap();
        let segment = read(&path).unwrap();
        assert_eq!((segment.records.len(), segment.rejected), (2, 1));
        assert_eq!(fs::read_to_string(dir.path().join("rejects/a.rejected")).unwrap(), "not json\n");
    }

    #[test]
    fn what_no_sensor_writes_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("secret"), "{}\n").unwrap();
        std::os::unix::fs::symlink(path("secret"), path("link.ndjson")).unwrap();
        fs::create_dir(path("folder.ndjson")).unwrap();
        // A hole takes no room on the disk, and all of it in memory.
        fs::File::create(path("hole.ndjson")).unwrap().set_len(1 << 42).unwrap();
        for name in ["link.ndjson", "folder.ndjson", "hole.ndjson"] {
            let error = read(&path(name)).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("move it out of the spool"), "{error}");
        }
    }
}
