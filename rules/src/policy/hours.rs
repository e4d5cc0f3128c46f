//! Hours of the week, such as `Mon-Fri 08:00-18:00`.

use jiff::civil::DateTime;

use crate::{fault::Fault, file::Word};

const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Spans of a week in the site's own time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    text: String,
    /// From and before, in minutes since Monday 00:00; sorted, apart from each other, none empty.
    spans: Vec<(u16, u16)>,
}

impl Hours {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when a moment lies inside.
    pub fn hold(&self, at: DateTime) -> bool {
        self.at(minute(at))
    }

    pub(super) fn at(&self, minute: u16) -> bool {
        self.end(minute).is_some()
    }

    /// Minutes from this one to the end of the span around it, which may lie in the next week.
    pub(super) fn left(&self, minute: u16) -> Option<u16> {
        match self.end(minute)? {
            WEEK => Some(WEEK - minute + self.end(0).filter(|end| *end < WEEK).unwrap_or(0)),
            end => Some(end - minute),
        }
    }

    fn end(&self, minute: u16) -> Option<u16> {
        self.spans.iter().find(|(from, before)| (*from..*before).contains(&minute)).map(|(_, before)| *before)
    }

    /// True when a moment lies inside both.
    pub(super) fn meet(&self, other: &Hours) -> bool {
        self.spans.iter().any(|(from, before)| other.spans.iter().any(|(f, b)| from < b && f < before))
    }

    /// True when no moment of the other lies outside this one.
    pub(super) fn cover(&self, other: &Hours) -> bool {
        other.spans.iter().all(|(f, b)| self.spans.iter().any(|(from, before)| from <= f && b <= before))
    }

    /// The minutes at which something changes.
    pub(super) fn edges(&self) -> impl Iterator<Item = u16> {
        self.spans.iter().flat_map(|(from, before)| [*from, before % WEEK])
    }

    pub(super) fn read(word: &Word) -> Result<Hours, Fault> {
        let spans = word.text.split(',').map(|part| span(part.trim())).collect::<Option<Vec<_>>>();
        spans.map(|spans| Hours { text: word.text.clone(), spans: joined(spans.concat()) }).ok_or_else(|| {
            word.at.fault(format!(
                "{:?} are no hours: write days and times, such as \"Mon-Fri 08:00-18:00\" or \"Mon-Thu 08:00-18:00, Fri 08:00-15:00\"",
                word.text
            ))
        })
    }
}

/// Minutes since Monday 00:00.
pub(super) fn minute(at: DateTime) -> u16 {
    let of = |number: i8| u16::from(number.unsigned_abs());
    of(at.weekday().to_monday_zero_offset()) * DAY + of(at.hour()) * 60 + of(at.minute())
}

/// `Tue 18:00` for a minute of the week.
pub(super) fn moment(minute: u16) -> String {
    let day = DAYS.get(usize::from(minute / DAY) % DAYS.len()).unwrap_or(&"");
    format!("{day} {:02}:{:02}", minute % DAY / 60, minute % 60)
}

/// `Mon-Fri 08:00-18:00`, `Sat 09:00-12:00` or `22:00-06:00`. A span that ends before it begins runs into
/// the next day.
fn span(part: &str) -> Option<Vec<(u16, u16)>> {
    let (days, times) = part.split_once(' ').unwrap_or(("Mon-Sun", part));
    let (from, before) = times.trim().split_once('-')?;
    let (from, before) = (time(from)?, time(before)?);
    if from == before || from == DAY {
        return None;
    }
    let length = if before > from { before - from } else { DAY - from + before };
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (first, last) = (day(first)?, day(last)?);
    let count = (last + 7 - first) % 7 + 1;
    Some((0..count).flat_map(|step| cut((first + step) % 7 * DAY + from, length)).collect())
}

/// The part behind Sunday's midnight belongs to the beginning of the week.
fn cut(from: u16, length: u16) -> Vec<(u16, u16)> {
    match from + length {
        before if before <= WEEK => vec![(from, before)],
        before => vec![(from, WEEK), (0, before - WEEK)],
    }
}

fn joined(mut spans: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    spans.sort_unstable();
    let mut whole: Vec<(u16, u16)> = Vec::new();
    for (from, before) in spans {
        match whole.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(before),
            _ => whole.push((from, before)),
        }
    }
    whole
}

fn day(text: &str) -> Option<u16> {
    DAYS.iter().position(|day| *day == text).and_then(|index| u16::try_from(index).ok())
}

/// Minutes since midnight, from 00:00 to 24:00.
fn time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| two)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    Some(hours * 60 + minutes).filter(|time| minutes < 60 && *time <= DAY)
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn hours(text: &str) -> Hours {
        Hours {
            text: text.into(),
            spans: joined(text.split(',').flat_map(|part| span(part.trim()).unwrap()).collect()),
        }
    }

    #[test]
    fn a_working_week() {
        let office = hours("Mon-Thu 08:00-18:00, Fri 08:00-15:00");
        // 2026-11-20 is a Friday.
        assert!(
            office.hold(datetime(2026, 11, 20, 8, 0, 0, 0)) && office.hold(datetime(2026, 11, 20, 14, 59, 59, 0))
        );
        assert!(
            !office.hold(datetime(2026, 11, 20, 15, 0, 0, 0)) && !office.hold(datetime(2026, 11, 21, 9, 0, 0, 0))
        );
    }

    #[test]
    fn a_night_runs_into_the_next_day_and_the_next_week() {
        let night = hours("Sun 22:00-06:00");
        assert_eq!(night.spans, [(0, 360), (6 * DAY + 1320, WEEK)]);
        assert_eq!(hours("22:00-06:00").spans.len(), 8);
        assert_eq!(hours("Sat-Sun 00:00-24:00").spans, [(5 * DAY, WEEK)]);
        assert_eq!(hours("Fri-Mon 10:00-11:00").spans.len(), 4);
        assert_eq!(moment(DAY + 18 * 60), "Tue 18:00");
    }

    #[test]
    fn spans_meet_and_cover() {
        let (office, night) = (hours("Mon-Fri 08:00-18:00"), hours("Mon-Fri 18:00-08:00"));
        assert!(!office.meet(&night) && office.meet(&hours("Wed 17:59-19:00")));
        assert!(office.cover(&hours("Wed 09:00-10:00")) && !office.cover(&night));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Mon",
            "Mon 8:00-18:00",
            "Mon 08:00",
            "Mo 08:00-18:00",
            "Mon 08:00-08:00",
            "08:60-09:00",
            "08:00-24:01",
            "24:00-01:00",
        ] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
