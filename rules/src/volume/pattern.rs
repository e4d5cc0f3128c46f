//! New hours and new access: habits, not bytes. Low severity.

use super::{
    anomaly::{Anomaly, AnomalyKind, Reference, Scope},
    books::{Books, HISTORY_DAYS, Place},
    observation::Observation,
    peers::Peers,
    series::{PROGRAM_BYTES, PROGRAM_TURNS, Series, Tally},
};

/// A device used on fewer days has no hours of its own.
const MIN_OWN_DAYS: usize = 15;
/// An hour with turns on any day of eight weeks is nothing new. With turns on so many days, nor is the hour before it,
/// nor are the three after it: a long day is overtime.
const USUAL_DAYS: usize = 2;
/// What counts at new hours: less is a question before sleep.
const HOURS_TURNS: u64 = 6;
const HOURS_BYTES: u64 = 5_000_000;
/// Others agree that an hour is unusual while fewer than so many of 1,000 of their days have a turn in it.
const HOUR_SHARE: u64 = 10;
/// So many days with a browser make a browser's service.
const MIN_BROWSER_DAYS: usize = 5;
/// Others agree that a program is unusual while fewer than so many of 1,000 devices run one.
const PROGRAM_SHARE: u64 = 200;

/// Turns at hours at which the device was not used in eight weeks.
pub(super) fn new_hours(
    books: &mut Books,
    peers: &mut Peers,
    place: Place,
    seen: &Observation<'_>,
) -> Option<Anomaly> {
    let (day, hour) = (seen.local.day, seen.local.hour % 24);
    let all = place.all();
    let series = books.get_mut(all)?;
    let usual = match series.open.usual_hours {
        Some(usual) => usual,
        None => *series.open.usual_hours.insert(usual_hours(series, day)),
    };
    if usual & 1 << hour != 0 || series.today()?.over(AnomalyKind::NewHours) {
        return None;
    }
    let tally = new_tally(series, usual);
    if tally.turns < HOURS_TURNS && tally.bytes < HOURS_BYTES {
        return None;
    }
    let days = series.days(day.saturating_sub(HISTORY_DAYS), day);
    let own = (days.iter().filter(|day| day.hours() & 1 << hour != 0).count(), days.len());
    let own = reference(Scope::Own, Some((own.0, own.1, 1)), u64::MAX);
    let mut others = |scope, place| {
        let found = peers.hours(books, scope, place, day, hour);
        let found = found.map(|(hits, days, devices)| (hits as usize, days as usize, devices));
        reference(scope, found, HOUR_SHARE)
    };
    let references = [own, others(Scope::Department, all), others(Scope::Service, place)];
    let score = tally.turns * 10 / HOURS_TURNS;
    pattern(AnomalyKind::NewHours, tally, seen.at, references, score)
}

/// Hours that are nothing new, a bit each; all of them while the device is too new.
fn usual_hours(series: &Series, today: i32) -> u32 {
    let days = series.days(today.saturating_sub(HISTORY_DAYS), today);
    if days.len() < MIN_OWN_DAYS {
        return u32::MAX;
    }
    let known = |hour: u32| days.iter().filter(|day| day.hours() >> hour & 1 == 1).count() >= USUAL_DAYS;
    let near = |hour: u32| (0..=4).fold(0, |near, step| near | 1 << ((hour + 23 + step) % 24));
    let seen = days.iter().fold(0, |seen, day| seen | day.hours());
    (0..24).filter(|hour| known(*hour)).fold(seen, |usual, hour| usual | near(hour))
}

fn new_tally(series: &Series, usual: u32) -> Tally {
    let mut sum = Tally::default();
    let hours = series.open.hours.iter().flat_map(|hours| hours.iter().enumerate());
    for (_, tally) in hours.filter(|(hour, _)| usual >> hour & 1 == 0) {
        sum.first = match (sum.first, tally.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        sum.turns = sum.turns.saturating_add(tally.turns);
        sum.bytes = sum.bytes.saturating_add(tally.bytes);
    }
    sum
}

/// A program on a service that the device used with a browser alone.
pub(super) fn new_access(
    books: &mut Books,
    peers: &mut Peers,
    place: Place,
    seen: &Observation<'_>,
) -> Option<Anomaly> {
    let series = seen.programmatic.then(|| books.get(place)).flatten()?;
    let today = series.today()?;
    if !today.program() || today.over(AnomalyKind::NewAccess) {
        return None;
    }
    let day = seen.local.day;
    let days = series.days(day.saturating_sub(HISTORY_DAYS), day);
    let browser = days.iter().filter(|day| day.browser()).count();
    if browser < MIN_BROWSER_DAYS || days.iter().any(|day| day.program()) {
        return None;
    }
    let tally = series.open.programs;
    let own = reference(Scope::Own, Some((0, days.len(), 1)), u64::MAX);
    let mut others = |scope| {
        let found = peers.programs(books, scope, place, day);
        reference(
            scope,
            found.map(|(programs, devices)| (programs as usize, devices as usize, devices)),
            PROGRAM_SHARE,
        )
    };
    let references = [own, others(Scope::Department), others(Scope::Service)];
    let score = (tally.turns * 10 / PROGRAM_TURNS).max(tally.bytes.saturating_mul(10) / PROGRAM_BYTES);
    pattern(AnomalyKind::NewAccess, tally, seen.at, references, score)
}

/// A share of days or devices as a reference; it agrees while the share is under the limit.
fn reference(scope: Scope, found: Option<(usize, usize, u32)>, limit: u64) -> Reference {
    let share = found.map(|(hits, all, _)| (hits * 1_000 / all.max(1)) as u64);
    Reference {
        scope,
        all_services: false,
        p99: share,
        limit: share.map(|_| limit),
        days: found.map_or(0, |(_, all, _)| u32::try_from(all).unwrap_or(u32::MAX)),
        devices: found.map_or(0, |(_, _, devices)| devices),
        agrees: share.is_some_and(|share| share < limit),
    }
}

fn pattern(kind: AnomalyKind, tally: Tally, at: i64, references: [Reference; 3], score: u64) -> Option<Anomaly> {
    let agree = references.iter().filter(|reference| reference.agrees).count();
    (agree >= 2).then(|| Anomaly {
        kind,
        bytes: tally.bytes,
        turns: tally.turns,
        since: tally.first.unwrap_or(at),
        until: at,
        references,
        score: u32::try_from(score).unwrap_or(u32::MAX),
        learning: false,
    })
}
