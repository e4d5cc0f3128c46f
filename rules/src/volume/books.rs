//! All series, bounded.

use std::collections::BTreeMap;

use super::{
    anomaly::AnomalyKind,
    cell::{BEGAN, Cell},
    names::{Department, Device, Service},
    observation::LocalTime,
    series::{Series, Stretch, Sum, mark},
};

/// Pairs of device and service followed at once: 5,000 devices with ten services each. Beyond it new pairs are not
/// followed. With 56 days of 16 bytes and 250 bytes beside them a pair takes at most 1.3 kB, all of them 65 MB.
pub const MAX_SERIES: usize = 50_000;

/// Days of history. Four weeks tell the p99, eight the 7-day sums before a drip and the hours of the day.
pub const HISTORY_DAYS: i32 = 56;

/// How long a use of a service counts as new.
const NEW_DAYS: i32 = 14;

/// So many others of a department that begin in the same days are a rollout.
const ROLLOUT_DEVICES: usize = 3;

/// Which device, which service, and where the device belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) service: Service,
    pub(super) department: Option<Department>,
}

impl Place {
    /// The device with all services together.
    pub(super) fn all(self) -> Self {
        Self { service: Service::ALL, ..self }
    }
}

/// What an excess leaves behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    pub(super) bits: u8,
    /// True when an episode begins.
    pub(super) begins: bool,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    /// By service; the first holds all services together.
    services: Vec<BTreeMap<Device, Series>>,
    count: usize,
}

impl Books {
    /// Makes sure that there are series to add to.
    pub(super) fn open(&mut self, place: Place) -> Option<Place> {
        if let Some(series) = self.get_mut(place) {
            if series.department == place.department {
                return Some(place);
            }
        } else if self.count >= MAX_SERIES {
            return None;
        } else {
            self.count += 1;
        }
        let at = usize::from(place.service.0);
        if self.services.len() <= at {
            self.services.resize_with(at + 1, BTreeMap::new);
        }
        for place in [place, place.all()] {
            let series = self.services.get_mut(usize::from(place.service.0))?.entry(place.device).or_default();
            series.department = place.department;
        }
        Some(place)
    }

    /// Adds to the series of the service and of all services; false when the device has a newer day already.
    pub(super) fn add(&mut self, place: Place, local: LocalTime, sum: &Sum) -> bool {
        let mut add = |place, by_hour| self.get_mut(place).is_some_and(|series| series.add(local, sum, by_hour));
        add(place, false) & add(place.all(), true)
    }

    /// Counts a record to its stretch.
    pub(super) fn stretch(&mut self, place: Place, sum: &Sum) -> Stretch {
        self.get_mut(place).map_or_else(Stretch::default, |series| series.stretch(sum))
    }

    pub(super) fn get(&self, place: Place) -> Option<&Series> {
        self.of(place.service).get(&place.device)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Series> {
        self.services.get_mut(usize::from(place.service.0))?.get_mut(&place.device)
    }

    /// All devices of a service, in a fixed order.
    pub(super) fn of(&self, service: Service) -> &BTreeMap<Device, Series> {
        static NONE: BTreeMap<Device, Series> = BTreeMap::new();
        self.services.get(usize::from(service.0)).unwrap_or(&NONE)
    }

    pub(super) fn knows(&self, device: Device) -> bool {
        self.of(Service::ALL).contains_key(&device)
    }

    /// Writes down an excess, and tells whether an episode begins with it.
    pub(super) fn mark(&mut self, place: Place, day: i32, kind: AnomalyKind) -> Marked {
        let place = if kind == AnomalyKind::NewHours { place.all() } else { place };
        let Some(series) = self.get_mut(place) else { return Marked { bits: 0, begins: false } };
        let recent = series.days(day.saturating_sub(kind.quiet_days()), day);
        let begins = !recent.iter().any(|day| day.over(kind));
        let bits = mark(kind) | if begins && kind == AnomalyKind::Burst { BEGAN } else { 0 };
        series.mark(day, bits);
        Marked { bits, begins }
    }

    /// Takes up what a cell knows beyond its sums.
    pub(super) fn resume(&mut self, place: Place, cell: &Cell) {
        let hours = mark(AnomalyKind::NewHours);
        let parts = [(place, cell.marks & !hours), (place.all(), cell.marks & hours)];
        for (place, marks) in parts.into_iter().filter(|(_, marks)| *marks != 0) {
            if let Some(series) = self.get_mut(place) {
                series.mark(cell.local.day, marks);
            }
        }
        if let Some(series) = self.get_mut(place).filter(|series| cell.stretch_last >= series.stretch.last) {
            series.stretch =
                Stretch { since: cell.stretch_since, last: cell.stretch_last, bytes: cell.stretch_bytes };
        }
    }

    /// True while a department takes up a service: the device is new to it, and so are others beside it. Without
    /// a department the whole office counts as one.
    pub(super) fn rollout(&self, place: Place, today: i32) -> bool {
        let new = |series: &Series| series.oldest().is_some_and(|day| today.saturating_sub(day) < NEW_DAYS);
        let others = self.of(place.service).iter().filter(|(device, series)| {
            **device != place.device && series.department == place.department && new(series)
        });
        self.get(place).is_some_and(new) && others.take(ROLLOUT_DEVICES).count() == ROLLOUT_DEVICES
    }

    /// Drops the days before a number, and the series that are empty then.
    pub(super) fn drop_before(&mut self, day: i32) {
        for series in &mut self.services {
            series.retain(|_, series| series.keep_from(day));
        }
        self.count = self.services.iter().skip(1).map(BTreeMap::len).sum();
    }
}
