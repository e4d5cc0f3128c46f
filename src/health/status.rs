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
    /// What tells a later start how much passed unseen.
    pub(crate) account: Account,
    /// Everything since the start, as `--summary` has it at the end.
    pub(crate) totals: Totals,
}

/// What the interfaces received, and what of it is in minutes that are written. After an end that nobody asked for the
/// difference is what the next start has to tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The boot of the machine: counters begin anew with it.
    pub(crate) boot: String,
    /// Packets that the interfaces had received when the sensor began, but for those of earlier that no minute told of yet;
    /// absent where that is not known, or a filter takes a part of them alone.
    pub(crate) since: Option<u64>,
    /// Packets of which minutes tell that are written: as seen, or as lost at the sensor.
    pub(crate) written: u64,
    /// The end was asked for: what passes from then on is nobody's loss.
    pub(crate) ended: bool,
}

impl Account {
    /// The account of a sensor that begins on interfaces which have received so many packets.
    pub(crate) fn begin(received: Option<u64>) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { boot: boot.trim().to_owned(), since: received, ..Self::default() }
    }

    /// Takes over what `before` owes: packets that no minute tells of, since they passed between the two, or `before` did
    /// not come to write them. Answers how many.
    pub(crate) fn take_over(&mut self, before: &Self) -> u64 {
        let same = !before.ended && !before.boot.is_empty() && before.boot == self.boot;
        let (Some(since), Some(now)) = (before.since, self.since.filter(|_| same)) else { return 0 };
        let untold = now.saturating_sub(since).saturating_sub(before.written);
        // Until a minute has told of them they are owed: this one may be killed as well.
        self.since = Some(now - untold);
        untold
    }
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
    fn what_passed_unseen_is_owed_until_a_minute_tells_of_it() {
        let account = |since| Account { boot: "b".to_owned(), since, ..Account::default() };
        let before = Account { written: 650, ..account(Some(1_000)) };
        let mut now = account(Some(2_000));
        assert_eq!((now.take_over(&before), now.since), (350, Some(1_650)));
        let mut killed_again = account(Some(2_100));
        assert_eq!(killed_again.take_over(&now), 450, "of what it saw itself, too");
        let written = Account { written: 450, ..now };
        assert_eq!(account(Some(2_100)).take_over(&written), 0);
        for none in [account(Some(1_100)), account(None), Account { boot: "c".to_owned(), ..account(Some(9_000)) }]
        {
            assert_eq!(none.clone().take_over(&before), 0, "{none:?}");
        }
        assert_eq!(account(Some(2_000)).take_over(&Account { ended: true, ..before }), 0, "it was told to end");
    }

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
