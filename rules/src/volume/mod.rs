//! Unusual uploads, each with the numbers that make it unusual.
//!
//! A pure engine: times are arguments, nothing is read or written, and the same observations give the same
//! anomalies. What is compared with what stands in `docs/uploads.md`; the short form:
//!
//! | file | noun |
//! |---|---|
//! | `observation`, `anomaly`, `cell` | what comes in, what goes out, what a store keeps |
//! | `names`, `books`, `series` | sums by day of each device and service, bounded |
//! | `norm`, `peers` | what is usual for the device, its department and the service |
//! | `upload`, `pattern` | bursts and drips; new hours and new access |
//!
//! # Episodes
//!
//! A device, a service and a kind make one anomaly per episode. An episode lasts until so many days have passed
//! without another excess: [`AnomalyKind::quiet_days`]. Excesses in between prolong it and say nothing.

mod anomaly;
mod books;
mod cell;
mod names;
mod norm;
mod observation;
mod pattern;
mod peers;
mod series;
mod upload;

#[cfg(test)]
mod tests;

pub use anomaly::{Anomaly, AnomalyKind, Reference, Scope};
pub use books::{HISTORY_DAYS, MAX_SERIES};
pub use cell::Cell;
pub use names::{MAX_DEVICES, MAX_NAMES};
pub use observation::{LocalTime, Observation};

use books::{Books, Place};
use cell::Pending;
use names::Names;
use peers::Peers;
use series::Sum;

/// A day so far ahead of all others is a wrong clock. Believed, it would drop all history.
const MAX_LEAP_DAYS: i32 = 366;

/// What an organisation may set. The other constants are part of the rules: they were measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of one day and service under which no upload is a burst. Default 10 MB.
    pub burst_floor: u64,
    /// Bytes of seven days and one service under which no upload is a drip. Default 12 MB.
    pub drip_floor: u64,
    /// Days since a site's first observation during which anomalies are marked as learning. Default 7.
    pub learning_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { burst_floor: 10_000_000, drip_floor: 12_000_000, learning_days: 7 }
    }
}

/// What each device, department and service usually uploads, and the episodes that run.
///
/// Bounded: [`MAX_SERIES`] pairs of device and service, [`HISTORY_DAYS`] days each, at most 1.3 kB a pair, and
/// [`MAX_DEVICES`] devices with 2 kB each.
#[derive(Debug)]
pub struct Baselines {
    settings: Settings,
    names: Names,
    books: Books,
    peers: Peers,
    pending: Pending,
    today: Option<i32>,
    refused: u64,
}

impl Baselines {
    /// Baselines that know nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            names: Names::default(),
            books: Books::default(),
            peers: Peers::default(),
            pending: Pending::default(),
            today: None,
            refused: 0,
        }
    }

    /// Counts one increment, and says what it makes unusual. Observations come roughly in the order of time; one
    /// of a day before the newest of its device is counted and not judged.
    pub fn observe(&mut self, seen: &Observation<'_>) -> Vec<Anomaly> {
        let sum = Sum::of(seen);
        let Some(place) = self.enter(seen.site, seen.device, seen.department, seen.service, seen.local) else {
            return Vec::new();
        };
        let current = self.books.add(place, seen.local, &sum);
        let stretch = self.books.stretch(place, &sum);
        self.pending.add(place, seen.local, &sum, stretch);
        if current { self.judge(place, seen) } else { Vec::new() }
    }

    /// One hour of history; raises nothing. Cells come in the order of their hours, and before the first
    /// observation. Several cells of one hour add up.
    pub fn restore(&mut self, cell: &Cell) {
        let department = cell.department.as_deref();
        let Some(place) = self.enter(&cell.site, &cell.device, department, &cell.service, cell.local) else {
            return;
        };
        self.books.add(place, cell.local, &Sum::from(cell));
        self.books.resume(place, cell);
    }

    /// The hourly sums that grew since the last call, as increments: a store adds them to what it has of the same
    /// key, as [`Cell::add`] does. With all of them restored, a restart changes no later anomaly.
    pub fn changed(&mut self) -> Vec<Cell> {
        self.pending.take(&self.names)
    }

    /// Observations and cells that were not counted because a limit was reached or their day was absurd.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Hourly sums that were dropped because nobody asked for [`changed`](Self::changed).
    pub fn unsaved(&self) -> u64 {
        self.pending.dropped()
    }

    fn enter(
        &mut self,
        site: &str,
        device: &str,
        department: Option<&str>,
        service: &str,
        local: LocalTime,
    ) -> Option<Place> {
        let place = self.place(site, device, department, service, local);
        self.refused += u64::from(place.is_none());
        place
    }

    fn place(
        &mut self,
        site: &str,
        device: &str,
        department: Option<&str>,
        service: &str,
        local: LocalTime,
    ) -> Option<Place> {
        if self.today.is_none_or(|today| local.day > today) {
            self.advance(local.day)?;
        }
        let device = self.names.device(site, device, local.day)?;
        let service = self.names.service(service)?;
        let department = department.and_then(|id| self.names.department(id));
        self.books.open(Place { device, service, department })
    }

    /// A new day: what is too old goes, and with it the names of devices that nothing is left of.
    fn advance(&mut self, day: i32) -> Option<()> {
        if self.today.is_some_and(|today| day.saturating_sub(today) > MAX_LEAP_DAYS) {
            return None;
        }
        self.today = Some(day);
        let books = &mut self.books;
        books.drop_before(day.saturating_sub(HISTORY_DAYS));
        self.names.keep(|device| books.knows(device));
        self.peers.drop_before(day.saturating_sub(1));
        Some(())
    }

    fn judge(&mut self, place: Place, seen: &Observation<'_>) -> Vec<Anomaly> {
        let mut found = Vec::new();
        let kinds = [
            upload::burst(&mut self.books, &mut self.peers, &self.settings, place, seen),
            upload::drip(&mut self.books, &mut self.peers, &self.settings, place, seen),
            pattern::new_hours(&mut self.books, &mut self.peers, place, seen),
            pattern::new_access(&mut self.books, &mut self.peers, place, seen),
        ];
        for excess in kinds.into_iter().flatten() {
            let marks = self.books.mark(place, seen.local.day, excess.kind);
            self.pending.mark(place, seen, marks);
            if marks.begins {
                let learning = self.names.learning(seen.site, seen.local.day, self.settings.learning_days);
                found.push(Anomaly { learning, ..excess });
            }
        }
        found
    }
}
