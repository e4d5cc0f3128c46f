//! Bursts and drips: bytes against three norms, of which two must agree.

use super::{
    Settings,
    anomaly::{Anomaly, AnomalyKind, Reference, Scope},
    books::{Books, HISTORY_DAYS, Place},
    norm::{Margin, Norm, times},
    observation::Observation,
    peers::{BURSTS, NORM_DAYS, Peers, Span, week},
    series::Series,
};

/// A device with fewer days of use in eight weeks has no habit of its own.
const MIN_OWN_DAYS: usize = 5;
/// Before a drip: so many days of use, over so many days of the calendar.
const MIN_DRIP_DAYS: usize = 8;
const MIN_DRIP_SPAN: i32 = 14;

/// A drip has uploads on so many of seven days.
const DRIP_DAYS: usize = 5;

/// What "above" means, by scope: own, department, service.
const BURST: [Margin; 3] = [margin(200, 35), margin(225, 0), margin(225, 0)];
const DRIP: [Margin; 3] = [margin(200, 0), margin(175, 0), margin(175, 0)];

/// Without a history of its own a device is new, and what is new is often a little more.
const NEWCOMER: u64 = 130;

/// Where the third does not agree, a burst has to be clearer to two; percent of the limit.
const OUTVOTED: u64 = 120;

/// A device that has done nearly as much in the last weeks is not told again, whatever the others do; percent.
const SEEN_BEFORE: u64 = 175;

/// While a department takes up a service everybody's first days are unusual: a device's habits with other services
/// have no vote, and limits that come from all services of the others rise to so many percent.
const ROLLOUT: u64 = 500;

const fn margin(percent: u64, sigmas: u64) -> Margin {
    Margin { percent, sigmas }
}

/// The bytes of today, when they are too many.
pub(super) fn burst(
    books: &mut Books,
    peers: &mut Peers,
    settings: &Settings,
    place: Place,
    seen: &Observation<'_>,
) -> Option<Anomaly> {
    let series = books.get(place)?;
    let today = series.today()?;
    let low = today.bytes < settings.burst_floor || series.open.burst_limit.is_some_and(|l| today.bytes <= l);
    if low || today.over(AnomalyKind::Burst) {
        return None;
    }
    let norms = norms(books, peers, place, Span::Day, seen.local.day);
    let limit = limit(&norms, Span::Day);
    let series = books.get_mut(place)?;
    series.open.burst_limit = settled(&norms).then_some(limit);
    let stretch = series.stretch;
    if today.bytes <= limit {
        return None;
    }
    // The sentence tells of the minutes when they hold most of the day.
    let (since, bytes) = match stretch.bytes >= today.bytes / 5 * 4 {
        true => (stretch.since, stretch.bytes),
        false => (books.get(place)?.open.first, today.bytes),
    };
    Some(anomaly(AnomalyKind::Burst, bytes, since, seen.at, &norms, today.bytes))
}

/// The bytes of seven days, when they are too many.
pub(super) fn drip(
    books: &mut Books,
    peers: &mut Peers,
    settings: &Settings,
    place: Place,
    seen: &Observation<'_>,
) -> Option<Anomaly> {
    let day = seen.local.day;
    let series = books.get_mut(place)?;
    let today = series.today()?;
    if today.over(AnomalyKind::Burst) || today.over(AnomalyKind::Drip) {
        return None;
    }
    let before = match series.open.week {
        Some(week) => week,
        None => *series.open.week.insert(week(series, day.saturating_sub(6), &BURSTS).saturating_sub(today.bytes)),
    };
    let bytes = before.saturating_add(today.bytes);
    let low = bytes < settings.drip_floor || series.open.drip_limit.is_some_and(|limit| bytes <= limit);
    if low || !spread(series, day, bytes) {
        return None;
    }
    let norms = norms(books, peers, place, Span::Week, day);
    norms[0]?;
    let limit = limit(&norms, Span::Week);
    books.get_mut(place)?.open.drip_limit = settled(&norms).then_some(limit);
    let since = seen.at.saturating_sub(7 * 86_400_000_000);
    (bytes > limit).then(|| anomaly(AnomalyKind::Drip, bytes, since, seen.at, &norms, bytes))
}

/// Little by little: on several days, none of which alone sent most of it.
fn spread(series: &Series, day: i32, bytes: u64) -> bool {
    let days = series.days(day.saturating_sub(6), day.saturating_add(1));
    let quiet = days.iter().filter(|day| !day.over(AnomalyKind::Burst));
    let largest = quiet.clone().map(|day| day.bytes).max().unwrap_or(0);
    quiet.count() >= DRIP_DAYS && largest <= bytes / 5 * 2
}

/// Own, department, service. Where too little is known of the service, all services together serve.
fn norms(books: &Books, peers: &mut Peers, place: Place, span: Span, day: i32) -> [Option<Norm>; 3] {
    let margins = match span {
        Span::Day => &BURST,
        Span::Week => &DRIP,
    };
    let rollout = books.rollout(place, day);
    let mut at = |place, scope, margin| match scope {
        Scope::Own => own(books.get(place)?, span, day, margin),
        _ => peers.norm(books, scope, place, span, day, margin),
    };
    let mut of = |scope, margin| {
        at(place, scope, margin).or_else(|| {
            let all = at(place.all(), scope, margin)?;
            let limit = if rollout { times(all.limit, ROLLOUT) } else { all.limit };
            (!rollout || scope != Scope::Own).then_some(Norm { all_services: true, limit, ..all })
        })
    };
    let [own, department, service] = *margins;
    let norms = [of(Scope::Own, own), of(Scope::Department, department), of(Scope::Service, service)];
    // Somebody has to know the service before a device stands out of a rollout.
    let known = norms.iter().flatten().any(|norm| !norm.all_services);
    if rollout && !known { [None; 3] } else { norms }
}

fn own(series: &Series, span: Span, today: i32, margin: Margin) -> Option<Norm> {
    let sample = match span {
        Span::Day => own_days(series, today)?,
        Span::Week => own_weeks(series, today)?,
    };
    Norm::of_own(sample, margin)
}

/// The days of four weeks, or of eight when those are few. Days on which a burst began are no measure.
fn own_days(series: &Series, today: i32) -> Option<Vec<u64>> {
    [NORM_DAYS, HISTORY_DAYS]
        .into_iter()
        .map(|reach| {
            let days = series.days(today.saturating_sub(reach), today);
            days.iter().filter(|day| !day.began()).map(|day| day.bytes).collect::<Vec<_>>()
        })
        .find(|sample| sample.len() >= MIN_OWN_DAYS)
}

/// Every seven days that end before those of the drip begin.
fn own_weeks(series: &Series, today: i32) -> Option<Vec<u64>> {
    let before = today.saturating_sub(6);
    let history = series.days(today.saturating_sub(HISTORY_DAYS), before);
    let oldest = history.first()?.day;
    if history.len() < MIN_DRIP_DAYS || before.saturating_sub(oldest) < MIN_DRIP_SPAN {
        return None;
    }
    let weeks = (oldest..=before.saturating_sub(7)).map(|from| week(series, from, &BURSTS));
    Some(weeks.filter(|bytes| *bytes > 0).collect())
}

/// What has to be exceeded so that two agree. A device that has done as much before is not told again, whatever
/// the others do.
fn limit(norms: &[Option<Norm>; 3], span: Span) -> u64 {
    let mut limits: Vec<u64> = norms.iter().flatten().map(|norm| norm.limit).collect();
    limits.sort_unstable();
    let (second, third) = (limits.get(1).copied().unwrap_or(u64::MAX), limits.get(2).copied().unwrap_or(u64::MAX));
    match (norms[0], span) {
        (None, _) => times(second, NEWCOMER),
        (Some(own), Span::Day) => times(second, OUTVOTED).min(third).max(times(own.p99, SEEN_BEFORE)),
        (Some(own), Span::Week) => second.max(times(own.p99, SEEN_BEFORE)),
    }
}

/// True when the limit stands for the day. Whether a rollout is under way may still change within it.
fn settled(norms: &[Option<Norm>; 3]) -> bool {
    norms.iter().all(|norm| norm.is_some_and(|norm| !norm.all_services))
}

/// `value` is compared; `bytes` are those between `since` and `until`.
fn anomaly(
    kind: AnomalyKind,
    bytes: u64,
    since: i64,
    until: i64,
    norms: &[Option<Norm>; 3],
    value: u64,
) -> Anomaly {
    let reference = |scope, norm: Option<Norm>| Reference {
        scope,
        all_services: norm.is_some_and(|norm| norm.all_services),
        p99: norm.map(|norm| norm.p99),
        limit: norm.map(|norm| norm.limit),
        days: norm.map_or(0, |norm| norm.days),
        devices: norm.map_or(0, |norm| norm.devices),
        agrees: norm.is_some_and(|norm| value > norm.limit),
    };
    let [own, department, service] = *norms;
    let references =
        [reference(Scope::Own, own), reference(Scope::Department, department), reference(Scope::Service, service)];
    let mut ratios: Vec<u64> = references
        .iter()
        .filter(|reference| reference.agrees)
        .map(|reference| value.saturating_mul(10) / reference.p99.unwrap_or(0).max(1))
        .collect();
    ratios.sort_unstable_by(|a, b| b.cmp(a));
    let score = ratios.get(1).map_or(0, |tenths| u32::try_from(*tenths).unwrap_or(u32::MAX));
    Anomaly { kind, bytes, turns: 0, since, until, references, score, learning: false }
}
