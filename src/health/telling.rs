//! Tells once a second how the sensing side is: the status file, the line on the terminal, and each hour a sentence for
//! whoever keeps logs.

use std::fs;
use std::path::{Path, PathBuf};

use ingest::text::{bytes, counted, number, percent};
use ingest::time::HOUR;

use super::status::{self, Account, Status};
use crate::exit::Failure;
use crate::terminal;
use crate::time;
use crate::totals::Totals;

/// Who tells.
pub(crate) struct Telling {
    place: PathBuf,
    /// What was told last.
    last: Status,
    hour: Hour,
    /// The file could not be written, and that was said.
    failed: bool,
}

impl Telling {
    /// Makes the file's folder below the spool; says how many packets passed since the sensor before was killed, and are
    /// in no minute.
    pub(crate) fn start(
        spool: &Path,
        interfaces: Vec<String>,
        mut account: Account,
    ) -> Result<(Self, u64), Failure> {
        let (place, now) = (status::place(spool), time::now());
        if let Some(folder) = place.parent() {
            let cannot = |e| Failure::Failed(format!("cannot create {}: {e}", folder.display()));
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        // What cannot be read is another version's.
        let before = Status::read(&place).ok().flatten();
        let before = before.filter(|before| before.interfaces == interfaces);
        let untold = before.map_or(0, |before| account.take_over(&before.account));
        let last = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: now,
            told: now,
            interfaces,
            account,
            ..Status::default()
        };
        Ok((Self { place, hour: Hour { since: now, totals: Totals::default() }, last, failed: false }, untold))
    }

    /// The end that was asked for.
    pub(crate) fn end(mut self) {
        self.last.account.ended = true;
        // A start that finds the older one counts too much, and that is said as a loss: nothing is hidden.
        let _ = self.last.write(&self.place);
        terminal::end_status();
    }

    /// Tells the totals as they are now; how many frames are in minutes that are sealed; what waits in the spool and how
    /// much may, bytes.
    pub(crate) fn tell(&mut self, totals: Totals, catalogue: &str, written: u64, waiting: (u64, u64)) {
        let now = Status {
            told: time::now(),
            last_packet: match totals.packets > self.last.totals.packets {
                true => Some(time::now()),
                false => self.last.last_packet,
            },
            catalogue: catalogue.to_owned(),
            spool_bytes: waiting.0,
            spool_limit: waiting.1,
            totals,
            version: self.last.version.clone(),
            interfaces: self.last.interfaces.clone(),
            started: self.last.started,
            account: Account { written, ..self.last.account.clone() },
        };
        let written = now.write(&self.place);
        if let Err(error) = &written
            && !self.failed
        {
            let place = self.place.display();
            terminal::warning(&format!("cannot write {place}, health will look stale: {error}"));
        }
        self.failed = written.is_err();
        if terminal::has_status() {
            terminal::status(line(&self.last, &now));
        } else if let Some(words) = self.hour.over(&now) {
            terminal::note(&words);
        }
        self.last = now;
    }
}

/// One line for people: what came since the instant before, and what there is in all.
fn line(before: &Status, now: &Status) -> String {
    let span = u128::from(now.told.abs_diff(before.told).max(1));
    let rate = |count: u64| u64::try_from(u128::from(count) * 1_000_000 / span).unwrap_or(u64::MAX);
    let packets = rate(now.totals.packets.saturating_sub(before.totals.packets));
    let bits = rate(now.totals.bytes.saturating_sub(before.totals.bytes).saturating_mul(8));
    let (named, of) = now.totals.named_bytes();
    format!(
        "{} packets/s  {}.{} Mbit/s  {} flows, {} AI  {} named  {} lost  {} in the spool",
        number(packets),
        number(bits / 1_000_000),
        bits % 1_000_000 / 100_000,
        number(now.totals.flows),
        number(now.totals.ai_flows),
        percent(named, of),
        number(now.totals.lost()),
        bytes(now.spool_bytes),
    )
}

/// The totals as they were when the hour began.
struct Hour {
    since: i64,
    totals: Totals,
}

impl Hour {
    /// The hour's sentence once it is over, and the next one begins.
    fn over(&mut self, now: &Status) -> Option<String> {
        // A clock that was set back begins a new hour: a span below zero tells nothing.
        let span = now.told.saturating_sub(self.since);
        if (0..HOUR).contains(&span) {
            return None;
        }
        let totals = std::mem::replace(&mut self.totals, now.totals.clone());
        self.since = now.told;
        (span >= 0).then(|| sentence(&totals, now))
    }
}

fn sentence(before: &Totals, now: &Status) -> String {
    let since = |of: &dyn Fn(&Totals) -> u64| of(&now.totals).saturating_sub(of(before));
    let named = percent(since(&|totals| totals.named_bytes().0), since(&|totals| totals.named_bytes().1));
    format!(
        "last hour: {}, {}, {}, {} to AI services, {named} of the traffic named, {} lost; {} wait in the spool",
        counted(since(&|totals| totals.packets), "packet"),
        bytes(since(&|totals| totals.bytes)),
        counted(since(&|totals| totals.flows), "flow"),
        number(since(&|totals| totals.ai_flows)),
        number(since(&Totals::lost)),
        bytes(now.spool_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(told: i64, packets: u64, bytes: u64) -> Status {
        let mut status = Status { told, ..Status::default() };
        (status.totals.packets, status.totals.bytes) = (packets, bytes);
        for (method, bytes) in [("sni", 300), ("none", 100), ("resolver", 5_000)] {
            status.totals.methods.entry(method.to_owned()).or_default().bytes = bytes;
        }
        status
    }

    #[test]
    fn the_line_tells_rates_and_totals() {
        let line = line(&status(0, 100, 1_000), &status(2_000_000, 3_100, 1_001_000));
        assert!(line.starts_with("1,500 packets/s  4.0 Mbit/s  0 flows, 0 AI  75"), "{line}");
    }

    #[test]
    fn each_hour_has_its_sentence() {
        let mut hour = Hour { since: 0, totals: Totals::default() };
        assert_eq!(hour.over(&status(HOUR - 1, 5, 50)), None);
        let first = hour.over(&status(HOUR, 10, 100)).unwrap();
        assert!(first.starts_with("last hour: 10 packets, "), "{first}");
        assert_eq!(hour.over(&status(HOUR + 1, 12, 100)), None);
        let second = hour.over(&status(2 * HOUR, 11, 100)).unwrap();
        assert!(second.starts_with("last hour: 1 packet, "), "{second}");
        assert_eq!(hour.over(&status(HOUR, 20, 100)), None, "the clock was set back");
        assert_eq!(hour.over(&status(2 * HOUR - 1, 20, 100)), None);
        assert!(hour.over(&status(2 * HOUR, 21, 100)).unwrap().starts_with("last hour: 1 packet, "));
    }
}
