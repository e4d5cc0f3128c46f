//! The judge's core: facts and ticks in, changes to the working set out. It reads no clock and no file, so that the
//! same facts in the same order give the same findings, live, in a replay, and when they are judged again.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use sensor::record::Record;

use super::cases::Timer;
use super::{Cases, Judge};
use crate::time::{self, MINUTE};

/// A clock that is set does not leap farther ahead at a single word: a sensor may have been
/// switched off for months, and one wrong time must not wipe what is remembered.
const LEAP: i64 = 366 * 24 * time::HOUR;

/// No fact is later, µs UTC: the last second that a capture file's 32 bits can say, in February 2106.
const LAST: i64 = 4_294_967_295 * 1_000_000;

/// Under which an instant far ahead waits for another that bears it out.
const FAR: &str = "far";

/// The core at work on a working set.
pub(crate) struct Core<'a> {
    pub(super) judge: &'a Judge,
    pub(super) cases: &'a mut Cases,
    pub(super) local: Local<'a>,
    /// A buffer for keys, so that a record that changes nothing allocates nothing.
    pub(super) buffer: String,
    /// The day whose reviews were looked at.
    pub(super) reviewed: Option<Date>,
    /// True once the policy of this round was compared with that of the last one.
    pub(super) compared: bool,
}

/// What came of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    /// It is no flow record.
    Other,
    /// A flow that was judged.
    Flow,
    /// A flow to a service that this catalogue does not know.
    Unknown,
}

impl<'a> Core<'a> {
    pub(crate) fn new(judge: &'a Judge, cases: &'a mut Cases) -> Self {
        let reviewed = cases.memory.marks.get(super::review::MARK).and_then(|day| day.parse().ok());
        Self { judge, cases, local: Local::new(&judge.time_zone), buffer: String::new(), reviewed, compared: false }
    }

    /// Looks at one fact. What was due before it comes first.
    pub(crate) fn record(&mut self, record: &Record) -> Looked {
        let known = instant(record);
        // The end of a span lies ahead of the packets where the capture ended within it: it lets no time pass.
        if !self.plausible(known, !is_span(record)) {
            self.cases.done.strange += 1;
            return Looked::Other;
        }
        if !is_span(record) {
            self.pass(known);
        }
        match record {
            Record::Flow(flow) => return self.flow(flow),
            Record::Minute(minute) => self.minute(minute),
            Record::Visibility(visibility) => self.visibility(visibility),
            Record::Lookup(_) | Record::Candidate(_) | Record::Device(_) => {}
        }
        Looked::Other
    }

    /// Lets the time pass to `now`: deadlines, digests, silence, reviews. An instant that has passed already changes
    /// nothing, and neither does one that cannot be.
    pub(crate) fn tick(&mut self, now: i64) {
        if self.plausible(now, true) {
            self.pass(now);
        } else {
            self.cases.done.strange += 1;
        }
    }

    /// True when the clock may be there by now. A leap of more than a year is believed once a second instant, of
    /// another minute and the same day, follows it at once; a span can neither bear it out nor deny it.
    fn plausible(&mut self, at: i64, moves: bool) -> bool {
        if at > LAST {
            return false;
        }
        let leap = self.cases.now > 0 && at.saturating_sub(self.cases.now) > LEAP;
        let held = self.cases.memory.marks.get(FAR).and_then(|far| far.parse::<i64>().ok());
        if !moves || (!leap && held.is_none()) {
            return !leap;
        }
        let apart = held.map(|held| at.saturating_sub(held));
        let borne_out = leap && apart.is_some_and(|apart| (MINUTE + 1..=24 * time::HOUR).contains(&apart));
        if !leap || borne_out {
            self.cases.memory.marks.take(FAR);
        } else if apart.is_none_or(|apart| !(0..=MINUTE).contains(&apart)) {
            self.cases.memory.marks.put(FAR, i64::MAX, at.to_string());
        }
        !leap || borne_out
    }

    /// The clock, or the record's own time while the clock is not set.
    pub(super) fn now_or(&self, record: &Record) -> i64 {
        if self.cases.now > 0 { self.cases.now } else { instant(record) }
    }

    fn pass(&mut self, now: i64) {
        if !self.compared {
            self.compared = true;
            self.policy_changed(now.max(self.cases.now));
        }
        while let Some((at, _)) = self.cases.timers.first()
            && *at <= now
            && let Some((at, timer)) = self.cases.timers.pop_first()
        {
            self.cases.now = self.cases.now.max(at);
            self.fire(at, timer);
        }
        self.cases.now = self.cases.now.max(now);
        self.reviews();
    }

    fn fire(&mut self, at: i64, timer: Timer) {
        match timer {
            Timer::Due(uid) => self.miss(uid, at),
            Timer::Update(uid) => self.changed(uid, at),
            Timer::Digest(site) => self.digest(&site, at),
            Timer::Sensor(sensor) => self.sensor_at(&sensor, at),
            Timer::Dark(device) => self.dark_at(&device, at),
        }
    }
}

/// When a fact was known: the order in which facts are judged.
pub(crate) fn instant(record: &Record) -> i64 {
    match record {
        // Records of earlier versions do not say when they were written.
        Record::Flow(flow) => flow.emitted.max(flow.end),
        Record::Lookup(lookup) => lookup.ts,
        Record::Minute(minute) => minute.minute.saturating_add(MINUTE),
        Record::Visibility(visibility) => visibility.start.saturating_add(10 * MINUTE),
        Record::Candidate(candidate) => candidate.start.saturating_add(time::HOUR),
        Record::Device(device) => device.last_seen,
    }
}

/// True for sums over a span, which may have been cut short: their instant is the span's end, not when they were known.
fn is_span(record: &Record) -> bool {
    matches!(record, Record::Visibility(_) | Record::Candidate(_))
}

/// The order of facts that are known at the same instant: the one in which they are judged again.
pub(crate) fn order(record: &Record) -> (i64, u8, &str, u64) {
    let (kind, id, seq) = match record {
        Record::Flow(flow) => (0, flow.flow_id.as_str(), u64::from(flow.seq)),
        Record::Lookup(lookup) => (1, lookup.lookup_id.as_str(), 0),
        Record::Visibility(visibility) => (2, visibility.device.as_str(), 0),
        Record::Minute(minute) => (3, minute.source.as_str(), 0),
        Record::Candidate(candidate) => (4, candidate.domain.as_str(), 0),
        Record::Device(device) => (5, device.device.as_str(), 0),
    };
    (instant(record), kind, id, seq)
}

/// The site's clock, with the offset of the last quarter of an hour at hand.
pub(super) struct Local<'a> {
    zone: &'a TimeZone,
    quarter: i64,
    offset: Offset,
    days: [(Date, i64); 4],
}

impl<'a> Local<'a> {
    fn new(zone: &'a TimeZone) -> Self {
        Self { zone, quarter: i64::MIN, offset: Offset::UTC, days: [(Date::ZERO, 0); 4] }
    }

    /// The moment on the site's clock.
    pub(super) fn datetime(&mut self, us: i64) -> DateTime {
        self.offset(us).to_datetime(time::timestamp(us))
    }

    /// The day on the site's clock.
    pub(super) fn date(&mut self, us: i64) -> Date {
        self.datetime(us).date()
    }

    /// The day on the site's calendar as a number: days since 1970.
    pub(super) fn number(&mut self, us: i64) -> i64 {
        let offset = i64::from(self.offset(us).seconds()).saturating_mul(1_000_000);
        us.saturating_add(offset).div_euclid(24 * time::HOUR)
    }

    /// Start of the hour on the site's clock, µs UTC.
    pub(super) fn hour(&mut self, us: i64) -> i64 {
        time::hour_start_at(us, self.offset(us))
    }

    /// The site's midnight before a moment, µs UTC.
    pub(super) fn day(&mut self, us: i64) -> i64 {
        let day = self.date(us);
        self.midnight(day)
    }

    /// The midnight of the site's Monday before a moment, µs UTC.
    pub(super) fn week(&mut self, us: i64) -> i64 {
        let day = self.date(us);
        let back = i64::from(day.weekday().to_monday_zero_offset());
        self.midnight(day.saturating_sub(back.days()))
    }

    /// The site's midnight at which a day begins, µs UTC; remembered, because days change seldom.
    pub(super) fn midnight(&mut self, day: Date) -> i64 {
        if let Some((_, at)) = self.days.iter().find(|(known, _)| *known == day) {
            return *at;
        }
        let instant = self.zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight())).compatible();
        let at = instant.map_or(0, |instant| instant.as_microsecond());
        self.days.rotate_right(1);
        if let Some(slot) = self.days.first_mut() {
            *slot = (day, at);
        }
        at
    }

    fn offset(&mut self, us: i64) -> Offset {
        let quarter = us.div_euclid(15 * MINUTE);
        if quarter != self.quarter {
            (self.quarter, self.offset) = (quarter, self.zone.to_offset(time::timestamp(us)));
        }
        self.offset
    }
}
