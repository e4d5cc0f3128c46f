//! What is usual among the others: device-days and 7-day sums of a department or of a service, without the device
//! that is compared. Computed when first asked for on a day, from the days before it.

use std::collections::BTreeMap;

use super::{
    anomaly::{AnomalyKind, Scope},
    books::{Books, HISTORY_DAYS, Place},
    names::{Department, Device, Service},
    norm::{Margin, Norm, times},
    series::Series,
};

/// Days that tell what is usual.
pub(super) const NORM_DAYS: i32 = 28;
/// Fewer other devices, or fewer of their days or weeks, are no norm.
const MIN_DEVICES: u32 = 3;
const MIN_DAYS: u32 = 20;
const MIN_WEEKS: u32 = 10;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    Day,
    Week,
}

impl Span {
    /// A device's sums that end before today, as a measure for others: without its excesses.
    fn sample(self, series: &Series, today: i32) -> Vec<u64> {
        match self {
            Self::Day => {
                let days = series.days(today.saturating_sub(NORM_DAYS), today);
                days.iter()
                    .filter(|day| !EXCESSES.iter().any(|kind| day.over(*kind)))
                    .map(|day| day.bytes)
                    .collect()
            }
            Self::Week => (0..NORM_DAYS / 7)
                .map(|nth| week(series, today.saturating_sub(nth * 7 + 7), &EXCESSES))
                .filter(|bytes| *bytes > 0)
                .collect(),
        }
    }

    fn least(self) -> u32 {
        match self {
            Self::Day => MIN_DAYS,
            Self::Week => MIN_WEEKS,
        }
    }
}

/// A device's own weeks are without its bursts, which were told; its drips are a habit that it may learn.
pub(super) const BURSTS: [AnomalyKind; 1] = [AnomalyKind::Burst];
/// Days and weeks of others are without both: one drip is no norm for a department.
const EXCESSES: [AnomalyKind; 2] = [AnomalyKind::Burst, AnomalyKind::Drip];

/// Bytes of seven days without those on which one of these kinds was exceeded.
pub(super) fn week(series: &Series, from: i32, without: &[AnomalyKind]) -> u64 {
    let days = series.days(from, from.saturating_add(7));
    let quiet = days.iter().filter(|day| !without.iter().any(|kind| day.over(*kind)));
    quiet.fold(0, |sum, day| sum.saturating_add(day.bytes))
}

/// All devices of a department or, without one, of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: i32,
    department: Option<Department>,
    service: Service,
}

impl Key {
    fn of(scope: Scope, place: Place, day: i32) -> Option<Self> {
        let department = match scope {
            Scope::Own => return None,
            Scope::Department => Some(place.department?),
            Scope::Service => None,
        };
        Some(Self { day, department, service: place.service })
    }

    fn series(self, books: &Books) -> impl Iterator<Item = (Device, &Series)> {
        let of = move |series: &Series| self.department.is_none() || series.department == self.department;
        books
            .of(self.service)
            .iter()
            .filter(move |(_, series)| of(series))
            .map(|(device, series)| (*device, series))
    }
}

/// The largest values of a sample, enough to find its p99 when one device is left out.
#[derive(Debug, Default)]
struct Pool {
    top: Vec<(u64, Device)>,
    days: u32,
    devices: u32,
}

/// How many devices show a pattern.
#[derive(Debug, Default)]
struct Habits {
    /// Device-days in all, and with a turn in each hour.
    days: u32,
    hours: [u32; 24],
    /// Devices in all, and with a day of programs.
    devices: u32,
    programs: u32,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    pools: BTreeMap<(Key, Span), Pool>,
    habits: BTreeMap<Key, Habits>,
}

impl Peers {
    /// The norm of the others; `None` while there are too few.
    pub(super) fn norm(
        &mut self,
        books: &Books,
        scope: Scope,
        place: Place,
        span: Span,
        day: i32,
        margin: Margin,
    ) -> Option<Norm> {
        let key = Key::of(scope, place, day)?;
        let pool = self.pools.entry((key, span)).or_insert_with(|| pool(books, key, span));
        let own = books.get(place).map_or(0, |series| span.sample(series, day).len());
        let days = pool.days.saturating_sub(u32::try_from(own).unwrap_or(u32::MAX));
        let devices = pool.devices.saturating_sub(u32::from(own > 0));
        if devices < MIN_DEVICES || days < span.least() {
            return None;
        }
        let mut others = pool.top.iter().filter(|(_, device)| *device != place.device);
        let (p99, _) = match span {
            // A drip that nobody was told of yet would be the norm of a small department: one more device is left out.
            Span::Week if days < 100 => {
                let (_, largest) = others.next()?;
                *others.find(|(_, device)| device != largest)?
            }
            _ => *others.nth(usize::try_from(days / 100).ok()?)?,
        };
        let all_services = place.service == Service::ALL;
        Some(Norm { p99, limit: times(p99, margin.percent), days, devices, all_services })
    }

    /// Device-days of the others, and those with a turn in an hour.
    pub(super) fn hours(
        &mut self,
        books: &Books,
        scope: Scope,
        place: Place,
        day: i32,
        hour: u8,
    ) -> Option<(u32, u32, u32)> {
        let key = Key::of(scope, place, day)?;
        let habits = self.habits.entry(key).or_insert_with(|| habits(books, key));
        let own =
            books.get(place).map(|series| series.days(day.saturating_sub(NORM_DAYS), day)).unwrap_or_default();
        let own_days = u32::try_from(own.len()).unwrap_or(0);
        let own_hits = own.iter().filter(|day| day.hours() & 1 << hour != 0).count();
        let hits = habits.hours.get(usize::from(hour))?.saturating_sub(u32::try_from(own_hits).unwrap_or(0));
        let days = habits.days.saturating_sub(own_days);
        let devices = habits.devices.saturating_sub(u32::from(own_days > 0));
        (devices >= MIN_DEVICES && days >= MIN_DAYS).then_some((hits, days, devices))
    }

    /// Others that use the service, and those of them with programs.
    pub(super) fn programs(&mut self, books: &Books, scope: Scope, place: Place, day: i32) -> Option<(u32, u32)> {
        let key = Key::of(scope, place, day)?;
        let habits = self.habits.entry(key).or_insert_with(|| habits(books, key));
        let own =
            books.get(place).map(|series| series.days(day.saturating_sub(NORM_DAYS), day)).unwrap_or_default();
        let devices = habits.devices.saturating_sub(u32::from(!own.is_empty()));
        let programs = habits.programs.saturating_sub(u32::from(own.iter().any(|day| day.program())));
        (devices >= MIN_DEVICES).then_some((programs, devices))
    }

    /// Forgets what was computed for days before a number.
    pub(super) fn drop_before(&mut self, day: i32) {
        self.pools.retain(|(key, _), _| key.day >= day);
        self.habits.retain(|key, _| key.day >= day);
    }
}

fn pool(books: &Books, key: Key, span: Span) -> Pool {
    let mut pool = Pool::default();
    for (device, series) in key.series(books) {
        let sample = span.sample(series, key.day);
        pool.devices += u32::from(!sample.is_empty());
        pool.top.extend(sample.into_iter().map(|bytes| (bytes, device)));
    }
    pool.days = u32::try_from(pool.top.len()).unwrap_or(u32::MAX);
    pool.top.sort_unstable_by(|a, b| b.cmp(a));
    // One hundredth, and as many as one device can have.
    pool.top.truncate(pool.top.len() / 100 + 1 + 2 * HISTORY_DAYS as usize);
    pool.top.shrink_to_fit();
    pool
}

fn habits(books: &Books, key: Key) -> Habits {
    let mut habits = Habits::default();
    for (_, series) in key.series(books) {
        let days = series.days(key.day.saturating_sub(NORM_DAYS), key.day);
        habits.devices += u32::from(!days.is_empty());
        habits.programs += u32::from(days.iter().any(|day| day.program()));
        for day in days {
            habits.days += 1;
            for (hour, hits) in habits.hours.iter_mut().enumerate() {
                *hits += day.hours() >> hour & 1;
            }
        }
    }
    habits
}
