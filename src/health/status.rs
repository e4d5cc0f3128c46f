//! What the sensing side tells of itself once a second: one small file that is renamed into place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::totals::Totals;

/// The folder beside the spool's queues, and the file in it.
const FOLDER: &str = "status";
const FILE: &str = "sense.json";
/// What a reader takes of it: the numbers of one sensor have some kilobytes.
const LONGEST: u64 = 1 << 20;

/// The sensing side as it was at one instant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Version of the program.
    pub(crate) version: String,
    /// When it started, µs UTC.
    pub(crate) started: i64,
    /// When this was told, µs UTC.
    pub(crate) told: i64,
    /// The interfaces that it reads.
    pub(crate) interfaces: Vec<String>,
    /// Version of the catalogue in force.
    pub(crate) catalogue: String,
    /// When the last packet had come, by this machine's clock and to a second, µs UTC; absent before the first.
    pub(crate) last_packet: Option<i64>,
    /// Bytes of the disk that segments take which wait in the spool, each counted once.
    pub(crate) spool_bytes: u64,
    /// Bytes that the spool may take.
    pub(crate) spool_limit: u64,
    /// Everything since the start, as `--summary` has it at the end.
    pub(crate) totals: Totals,
}

/// The file's place below a spool.
pub(crate) fn place(spool: &Path) -> PathBuf {
    spool.join(FOLDER).join(FILE)
}

impl Status {
    /// Writes the file aside and renames it. It is not synced: after a crash it is old, and nobody wants it.
    pub(crate) fn write(&self, place: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let aside = place.with_extension("part");
        fs::write(&aside, text)?;
        fs::rename(&aside, place)
    }

    /// Reads the file; none where nothing was told yet.
    pub(crate) fn read(place: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(place) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
            Ok(about) if about.len() > LONGEST => return Err(io::Error::other("it is no status: too long")),
            Ok(_) => {}
        }
        Ok(Some(serde_json::from_slice(&fs::read(place)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("sense.json");
        assert!(Status::read(&place).unwrap().is_none());
        let mut status = Status { version: "1".to_owned(), told: 7, ..Status::default() };
        status.totals.methods.entry("sni".to_owned()).or_default().flows = 3;
        status.totals.tcp.sums.missing = 4;
        status.write(&place).unwrap();
        let read = Status::read(&place).unwrap().unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&status).unwrap());
        fs::write(&place, "{").unwrap();
        assert!(Status::read(&place).is_err());
    }
}
