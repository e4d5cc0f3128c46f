//! What a store keeps, so that a restart loses nothing.

use std::collections::BTreeMap;

use super::{
    books::{MAX_SERIES, Marked, Place},
    names::{Department, Device, Names, Service},
    observation::{LocalTime, Observation},
    series::{Stretch, Sum},
};

/// Hourly sums that wait to be saved: each pair of device and service once. Who never saves loses the oldest and
/// nothing else.
const MAX_PENDING: usize = MAX_SERIES;

/// The day began an episode of a burst.
pub(super) const BEGAN: u8 = 1 << 4;

/// One hour of one device on one service, browser and programs apart. Key: site, device, service, `programmatic`
/// and `local`. [`Baselines::changed`](super::Baselines::changed) gives increments; [`add`](Self::add) says how
/// they become one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Name of the site.
    pub site: String,
    /// Device id.
    pub device: String,
    /// Id of the device's group, as last seen.
    pub department: Option<String>,
    /// Id of the service.
    pub service: String,
    /// True for the part that programs sent.
    pub programmatic: bool,
    /// Day and hour on the site's clock.
    pub local: LocalTime,
    /// First record, µs UTC. From a plain roll-up: the start of the hour will do.
    pub first: i64,
    /// Last record, µs UTC.
    pub last: i64,
    /// Content bytes; adds up.
    pub upload_bytes: u64,
    /// Turns; add up.
    pub turns: u64,
    /// Bit per kind of anomaly that exceeded what is usual (in the order of `AnomalyKind::ALL`), and bit 4 where an
    /// episode of a burst began. Bits add up. 0 from a plain roll-up: an episode that runs may be told once more.
    pub marks: u8,
    /// The latest uploads without a pause of ten minutes: first and last record (µs UTC) and bytes. The latest
    /// stands. 0 from a plain roll-up: a sentence may then give the day's bytes instead of the minutes'.
    pub stretch_since: i64,
    /// See `stretch_since`.
    pub stretch_last: i64,
    /// See `stretch_since`.
    pub stretch_bytes: u64,
}

impl Cell {
    /// Adds a later increment of the same key.
    pub fn add(&mut self, later: &Cell) {
        self.department.clone_from(&later.department);
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.upload_bytes = self.upload_bytes.saturating_add(later.upload_bytes);
        self.turns = self.turns.saturating_add(later.turns);
        self.marks |= later.marks;
        (self.stretch_since, self.stretch_last, self.stretch_bytes) =
            (later.stretch_since, later.stretch_last, later.stretch_bytes);
    }
}

/// Ordered by time first, as a store restores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    local: LocalTime,
    device: Device,
    service: Service,
    programmatic: bool,
}

#[derive(Debug)]
struct Growth {
    department: Option<Department>,
    first: i64,
    last: i64,
    bytes: u64,
    turns: u64,
    marks: u8,
    stretch: Stretch,
}

/// Growth since the last save.
#[derive(Debug, Default)]
pub(super) struct Pending {
    cells: BTreeMap<Key, Growth>,
    dropped: u64,
}

impl Pending {
    pub(super) fn add(&mut self, place: Place, local: LocalTime, sum: &Sum, stretch: Stretch) {
        let key = key(place, local, sum.programmatic);
        let cell = self.cells.entry(key).or_insert(Growth {
            department: place.department,
            first: sum.first,
            last: sum.last,
            bytes: 0,
            turns: 0,
            marks: 0,
            stretch,
        });
        cell.department = place.department;
        cell.first = cell.first.min(sum.first);
        cell.last = cell.last.max(sum.last);
        cell.bytes = cell.bytes.saturating_add(sum.bytes);
        cell.turns = cell.turns.saturating_add(sum.turns);
        cell.stretch = stretch;
        if self.cells.len() > MAX_PENDING {
            self.cells.pop_first();
            self.dropped += 1;
        }
    }

    pub(super) fn mark(&mut self, place: Place, seen: &Observation<'_>, marked: Marked) {
        if let Some(cell) = self.cells.get_mut(&key(place, seen.local, seen.programmatic)) {
            cell.marks |= marked.bits;
        }
    }

    pub(super) fn take(&mut self, names: &Names) -> Vec<Cell> {
        std::mem::take(&mut self.cells).into_iter().filter_map(|(key, growth)| cell(names, key, growth)).collect()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn key(place: Place, local: LocalTime, programmatic: bool) -> Key {
    Key { local, device: place.device, service: place.service, programmatic }
}

/// `None` for a device that is forgotten: what it sent is older than the history.
fn cell(names: &Names, key: Key, growth: Growth) -> Option<Cell> {
    let (site, device) = names.of_device(key.device)?;
    Some(Cell {
        site: site.to_owned(),
        device: device.to_owned(),
        department: growth.department.and_then(|d| names.of_department(d)).map(str::to_owned),
        service: names.of_service(key.service)?.to_owned(),
        programmatic: key.programmatic,
        local: key.local,
        first: growth.first,
        last: growth.last,
        upload_bytes: growth.bytes,
        turns: growth.turns,
        marks: growth.marks,
        stretch_since: growth.stretch.since,
        stretch_last: growth.stretch.last,
        stretch_bytes: growth.stretch.bytes,
    })
}
