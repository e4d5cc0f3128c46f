//! Times of records (µs since the Unix epoch, UTC) as windows, local days and words.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// One hour in µs.
pub const HOUR: i64 = 3_600_000_000;
/// One minute in µs.
pub const MINUTE: i64 = 60_000_000;

/// A half-open span of time: `from` is inside, `to` is not. µs UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// First instant inside.
    pub from: i64,
    /// First instant outside.
    pub to: i64,
}

impl Window {
    /// True when the instant lies inside.
    pub fn contains(&self, us: i64) -> bool {
        self.from <= us && us < self.to
    }
}

/// The instant, or the nearest one that can be written as a date.
pub fn timestamp(us: i64) -> Timestamp {
    let nearest = if us < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(us).unwrap_or(nearest)
}

/// RFC 3339 in UTC, cut to whole seconds: `2026-11-16T08:00:00Z`.
pub fn utc(us: i64) -> String {
    let seconds = us.div_euclid(1_000_000);
    timestamp(seconds.saturating_mul(1_000_000)).to_string()
}

/// Day and minute on the site's clock: `2026-11-16 09:00`.
pub fn local(us: i64, zone: &TimeZone) -> String {
    timestamp(us).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The day on the site's clock.
pub fn date(us: i64, zone: &TimeZone) -> Date {
    timestamp(us).to_zoned(zone.clone()).date()
}

/// The moment on the site's clock.
pub fn datetime(us: i64, zone: &TimeZone) -> DateTime {
    timestamp(us).to_zoned(zone.clone()).datetime()
}

/// Start of the hour on the site's clock, so that a week in a half-hour zone is a whole number of roll-up rows.
pub fn hour_start(us: i64, zone: &TimeZone) -> i64 {
    hour_start_at(us, zone.to_offset(timestamp(us)))
}

/// The same for a clock whose offset at that moment is known.
pub(crate) fn hour_start_at(us: i64, offset: Offset) -> i64 {
    let offset = i64::from(offset.seconds()).saturating_mul(1_000_000);
    us.saturating_sub(us.saturating_add(offset).rem_euclid(HOUR))
}

/// A length of time in the largest unit that holds it exactly: `4 h`, `15 min`, `90 s`.
pub fn span(us: i64) -> String {
    let seconds = SignedDuration::from_micros(us).as_secs();
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_follow_the_sites_clock() {
        let india = TimeZone::get("Asia/Kolkata").unwrap();
        let noon: Timestamp = "2026-11-16T12:10:00Z".parse().unwrap();
        assert_eq!(utc(hour_start(noon.as_microsecond(), &india)), "2026-11-16T11:30:00Z");
        assert_eq!(utc(hour_start(noon.as_microsecond(), &TimeZone::UTC)), "2026-11-16T12:00:00Z");
    }

    #[test]
    fn absurd_times_are_written_without_a_panic() {
        for us in [i64::MIN, i64::MAX, 0, -1] {
            assert!(!utc(us).is_empty());
            let _ = hour_start(us, &TimeZone::UTC);
            assert!(!local(us, &TimeZone::UTC).is_empty());
        }
    }

    #[test]
    fn spans_use_the_largest_whole_unit() {
        assert_eq!([span(4 * HOUR), span(15 * MINUTE), span(90_000_000)], ["4 h", "15 min", "90 s"]);
    }
}
