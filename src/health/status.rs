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
    /// The boot of the machine, and the numbers of the interfaces in it: counters begin anew with either.
    pub(crate) boot: String,
    /// Packets that the interfaces had received when the sensor began; absent where that is not known, or a filter takes a part
    /// of them alone.
    pub(crate) received: Option<u64>,
    /// What they had received some seconds before this was told: all of it was seen. The kernel joins frames before it
    /// shows them (GRO), so that over a long time far more is received than seen, and nothing is lost.
    #[serde(default)]
    pub(crate) lately: Option<u64>,
    /// Frames of minutes that are written.
    pub(crate) written: u64,
    /// Packets that passed before this start, and that no written minute tells of yet.
    #[serde(default)]
    pub(crate) owed: u64,
    /// The end was asked for: what passes from then on is nobody's loss.
    pub(crate) ended: bool,
}

impl Account {
    /// The account of a sensor that begins on interfaces which have received so many packets.
    pub(crate) fn begin(interfaces: &[String], received: Option<u64>) -> Self {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let mut boot = read(Path::new("/proc/sys/kernel/random/boot_id"));
        if !boot.is_empty() {
            for name in interfaces {
                boot.push(' ');
                boot.push_str(&read(&Path::new("/sys/class/net").join(name).join("ifindex")));
            }
        }
        Self { boot, received, ..Self::default() }
    }
}

impl Status {
    /// Packets that no minute tells of, when `next` begins behind this one: those that this one saw and did not come to
    /// write, those that passed since, and what this one should have told itself. What it told as lost is none of them.
    pub(crate) fn untold(&self, next: &Account, interfaces: &[String]) -> u64 {
        self.account.owed + self.passed(next, interfaces)
    }

    fn passed(&self, next: &Account, interfaces: &[String]) -> u64 {
        let Account { boot, received, lately, written, ended, .. } = &self.account;
        let same = !ended && !boot.is_empty() && *boot == next.boot && self.interfaces == interfaces;
        let (Some(before), Some(now)) = (received, next.received.filter(|_| same)) else { return 0 };
        let lost = self.totals.losses.ring + self.totals.losses.queue;
        let all = now.saturating_sub(*before).saturating_sub(*written).saturating_sub(lost);
        let since = |lately: u64| now.saturating_sub(lately) + self.totals.packets.saturating_sub(*written);
        lately.map_or(all, |lately| all.min(since(lately)))
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
    fn what_passed_unseen_is_what_no_minute_tells() {
        let names = ["eth1".to_owned()];
        let account = |received| Account { boot: "b".to_owned(), received, ..Account::default() };
        let mut before = Status {
            interfaces: names.to_vec(),
            account: Account { written: 600, ..account(Some(1_000)) },
            ..Status::default()
        };
        before.totals.losses.ring = 50;
        assert_eq!(before.untold(&account(Some(2_000)), &names), 350);
        assert_eq!(before.untold(&account(Some(1_100)), &names), 0, "written twice is no loss");
        assert_eq!(before.untold(&account(None), &names), 0, "not known");
        assert_eq!(before.untold(&account(Some(2_000)), &["eth2".to_owned()]), 0);
        assert_eq!(before.untold(&Account { boot: "c".to_owned(), ..account(Some(2_000)) }, &names), 0);
        before.account.owed = 70;
        assert_eq!(
            before.untold(&account(Some(2_000)), &names),
            350 + 70,
            "killed before it told of an earlier kill"
        );
        assert_eq!(before.untold(&account(None), &names), 70);
        before.account.owed = 0;
        before.account.ended = true;
        assert_eq!(before.untold(&account(Some(2_000)), &names), 0, "it was told to end");
    }

    /// Of a million packets the kernel made 300,000 frames: 1,000 are in the open minute, and 500 packets passed since.
    #[test]
    fn what_the_kernel_joined_is_no_loss() {
        let account = |received| Account { boot: "b".to_owned(), received, ..Account::default() };
        let lately = Some(1_000_000);
        let mut before =
            Status { account: Account { written: 299_000, lately, ..account(Some(0)) }, ..Status::default() };
        before.totals.packets = 300_000;
        assert_eq!(before.untold(&account(Some(1_000_500)), &[]), 1_500);
    }

    #[test]
    fn an_interface_that_is_made_again_counts_anew() {
        let of = |names: &[&str]| {
            Account::begin(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), None).boot
        };
        assert!(of(&["lo"]).starts_with(&of(&[])) && of(&["lo"]) != of(&["lo", "lo"]));
        assert_ne!(of(&["lo"]), of(&["no-such-if0"]), "the number tells which it is");
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
