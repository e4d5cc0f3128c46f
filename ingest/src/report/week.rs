//! ISO weeks on the site's clock, as exact spans of UTC.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;

use crate::time::{Window, date};

/// An ISO 8601 week, `2026-W46`: Monday to Sunday, the year of its Thursday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week {
    year: i16,
    week: i8,
}

/// Text that is no ISO week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no ISO week: write year and week, such as 2026-W46")]
pub struct WeekError {
    /// The text.
    pub text: String,
}

impl Week {
    /// The week in which an instant lies on the site's clock.
    pub fn of(us: i64, zone: &TimeZone) -> Self {
        Self::of_day(date(us, zone))
    }

    /// The week `count` weeks before this one.
    pub fn back(self, count: u8) -> Self {
        self.monday().checked_sub(i32::from(count).weeks()).map_or(self, Self::of_day)
    }

    /// From Monday's midnight to the next Monday's midnight on the site's clock: 168 hours, or 167 or 169 when the
    /// clocks change.
    pub fn window(self, zone: &TimeZone) -> Window {
        let monday = self.monday();
        let next = monday.checked_add(1.weeks()).unwrap_or(monday);
        Window { from: midnight(monday, zone), to: midnight(next, zone) }
    }

    fn of_day(day: Date) -> Self {
        let iso = day.iso_week_date();
        Self { year: iso.year(), week: iso.week() }
    }

    fn monday(self) -> Date {
        ISOWeekDate::new(self.year, self.week, Weekday::Monday).map_or(Date::ZERO, ISOWeekDate::date)
    }
}

/// The first instant of a day; zones whose clocks change at midnight have days that begin later.
fn midnight(day: Date, zone: &TimeZone) -> i64 {
    day.to_zoned(zone.clone()).map_or(0, |start| start.timestamp().as_microsecond())
}

impl fmt::Display for Week {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-W{:02}", self.year, self.week)
    }
}

impl FromStr for Week {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, WeekError> {
        let read = || {
            let (year, week) = text.split_once("-W")?;
            let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
            if !digits(year, 4) || !digits(week, 2) {
                return None;
            }
            let iso = ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday).ok()?;
            // A day before the year 1 has no place in a report, and the week before it must exist.
            (iso.year() > 1).then_some(Self { year: iso.year(), week: iso.week() })
        };
        read().ok_or_else(|| WeekError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR, utc};

    fn span(week: &str, zone: &str) -> (String, String, i64) {
        let window = week.parse::<Week>().unwrap().window(&TimeZone::get(zone).unwrap());
        (utc(window.from), utc(window.to), (window.to - window.from) / HOUR)
    }

    #[test]
    fn a_week_is_168_hours_from_monday_midnight_on_the_sites_clock() {
        let expected = ("2026-11-08T23:00:00Z".to_owned(), "2026-11-15T23:00:00Z".to_owned(), 168);
        assert_eq!(span("2026-W46", "Europe/Berlin"), expected);
        assert_eq!(span("2026-W46", "UTC").0, "2026-11-09T00:00:00Z");
        assert_eq!(span("2026-W46", "Asia/Kolkata").0, "2026-11-08T18:30:00Z");
    }

    #[test]
    fn the_weeks_in_which_clocks_change_have_167_and_169_hours() {
        assert_eq!(span("2026-W13", "Europe/Berlin").2, 167);
        assert_eq!(span("2026-W43", "Europe/Berlin").2, 169);
        assert_eq!(span("2026-W10", "America/New_York").2, 167);
        assert_eq!(span("2026-W44", "America/New_York").2, 169);
        assert_eq!(span("2026-W13", "UTC").2, 168);
    }

    #[test]
    fn weeks_meet_without_gap_or_overlap_over_a_year() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut week: Week = "2027-W01".parse().unwrap();
        for _ in 0..60 {
            let before = week.back(1);
            assert_eq!(before.window(&zone).to, week.window(&zone).from);
            assert!(before < week);
            week = before;
        }
    }

    #[test]
    fn instants_belong_to_the_week_on_the_sites_clock() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let late = "2026-11-15T23:30:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
        assert_eq!(Week::of(late, &berlin).to_string(), "2026-W47");
        assert_eq!(Week::of(late, &TimeZone::UTC).to_string(), "2026-W46");
    }

    #[test]
    fn only_weeks_that_exist_are_read() {
        assert_eq!("2026-W53".parse::<Week>().unwrap().to_string(), "2026-W53");
        for text in ["", "2026-46", "2026-W00", "2025-W53", "2026-W54", "2026-W4", "-W46", "+026-W46", "0001-W01"] {
            assert!(text.parse::<Week>().is_err(), "{text}");
        }
    }
}
