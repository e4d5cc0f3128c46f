//! The days of one device on one service.

use super::{
    anomaly::AnomalyKind,
    cell::{BEGAN, Cell},
    names::Department,
    observation::{LocalTime, Observation},
};

/// Turns or bytes of one day that make a program a habit. An update check or a script tried once stays below.
pub(super) const PROGRAM_TURNS: u64 = 8;
pub(super) const PROGRAM_BYTES: u64 = 1_000_000;

/// Uploads closer together than this are one stretch; µs. A large file goes out as one record a minute.
const STRETCH_GAP: i64 = 10 * 60_000_000;

/// Records under this many bytes are typing and belong to no stretch.
const STRETCH_MIN: u64 = crate::usage::UPLOAD_MIN;

/// What an observation or an hour adds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) bytes: u64,
    pub(super) turns: u64,
    pub(super) programmatic: bool,
}

impl Sum {
    pub(super) fn of(seen: &Observation<'_>) -> Self {
        Self {
            first: seen.at,
            last: seen.at,
            bytes: seen.upload_bytes,
            turns: seen.turns,
            programmatic: seen.programmatic,
        }
    }
}

impl From<&Cell> for Sum {
    fn from(cell: &Cell) -> Self {
        Self {
            first: cell.first,
            last: cell.last,
            bytes: cell.upload_bytes,
            turns: cell.turns,
            programmatic: cell.programmatic,
        }
    }
}

/// Records that follow each other closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stretch {
    pub(super) since: i64,
    pub(super) last: i64,
    pub(super) bytes: u64,
}

/// A day with use; 16 bytes, because there are millions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) day: i32,
    /// Bits 0-23: an hour with a turn. Then [`BROWSER`], [`PROGRAM`], and the marks of a cell.
    bits: u32,
    pub(super) bytes: u64,
}

const BROWSER: u32 = 1 << 24;
const PROGRAM: u32 = 1 << 25;
const MARKS: u32 = 26;

impl Day {
    pub(super) fn hours(self) -> u32 {
        self.bits & 0xFF_FFFF
    }

    pub(super) fn browser(self) -> bool {
        self.bits & BROWSER != 0
    }

    pub(super) fn program(self) -> bool {
        self.bits & PROGRAM != 0
    }

    /// True on a day on which this kind exceeded what is usual.
    pub(super) fn over(self, kind: AnomalyKind) -> bool {
        self.bits >> MARKS & u32::from(mark(kind)) != 0
    }

    /// True on the day on which a burst began: it is no measure of what is usual. Further days of the same
    /// episode are, so that a new habit is learnt.
    pub(super) fn began(self) -> bool {
        self.bits >> MARKS & u32::from(BEGAN) != 0
    }
}

/// The bit of a kind in the marks of a cell.
pub(super) fn mark(kind: AnomalyKind) -> u8 {
    1 << (kind as u8)
}

/// Turns and bytes of one hour, or of the programs of a day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) first: Option<i64>,
    pub(super) turns: u64,
    pub(super) bytes: u64,
}

impl Tally {
    pub(super) fn add(&mut self, sum: &Sum) {
        self.first = Some(self.first.map_or(sum.first, |first| first.min(sum.first)));
        self.turns = self.turns.saturating_add(sum.turns);
        self.bytes = self.bytes.saturating_add(sum.bytes);
    }
}

/// What is known of the newest day alone, and what was computed for it once.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// First record of the day, µs UTC.
    pub(super) first: i64,
    pub(super) programs: Tally,
    /// By hour; only where all services stand together.
    pub(super) hours: Option<Box<[Tally; 24]>>,
    /// Bytes above which a burst begins, and a drip.
    pub(super) burst_limit: Option<u64>,
    pub(super) drip_limit: Option<u64>,
    /// Bytes of the six days before, as drips count them.
    pub(super) week: Option<u64>,
    /// Hours that are nothing new.
    pub(super) usual_hours: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) department: Option<Department>,
    days: Vec<Day>,
    pub(super) open: Open,
    pub(super) stretch: Stretch,
}

impl Series {
    /// Adds to a day; false when it is not the newest.
    pub(super) fn add(&mut self, local: LocalTime, sum: &Sum, by_hour: bool) -> bool {
        if self.newest() < Some(local.day) {
            let hours = by_hour.then(Box::default);
            self.open = Open { first: sum.first, hours, ..Open::default() };
            self.days.push(Day { day: local.day, bits: 0, bytes: 0 });
        }
        let current = self.newest() == Some(local.day);
        if current {
            self.open.first = self.open.first.min(sum.first);
            if sum.programmatic {
                self.open.programs.add(sum);
            }
            let hour = usize::from(local.hour);
            if let Some(tally) = self.open.hours.as_mut().and_then(|hours| hours.get_mut(hour)) {
                tally.add(sum);
            }
        }
        let programs = self.open.programs;
        let day = self.day_mut(local.day);
        day.bytes = day.bytes.saturating_add(sum.bytes);
        if sum.turns > 0 {
            day.bits |= 1 << (local.hour % 24);
            day.bits |= if sum.programmatic { 0 } else { BROWSER };
        }
        if current && (programs.turns >= PROGRAM_TURNS || programs.bytes >= PROGRAM_BYTES) {
            day.bits |= PROGRAM;
        }
        current
    }

    /// Counts a record to the stretch that it continues, or begins a new one.
    pub(super) fn stretch(&mut self, sum: &Sum) -> Stretch {
        if sum.bytes >= STRETCH_MIN {
            let stretch = &mut self.stretch;
            if stretch.bytes == 0 || sum.first.saturating_sub(stretch.last) > STRETCH_GAP {
                *stretch = Stretch { since: sum.first, last: sum.last, bytes: 0 };
            }
            stretch.last = stretch.last.max(sum.last);
            stretch.bytes = stretch.bytes.saturating_add(sum.bytes);
        }
        self.stretch
    }

    pub(super) fn mark(&mut self, day: i32, marks: u8) {
        self.day_mut(day).bits |= u32::from(marks) << MARKS;
    }

    /// The day of a number, made where it is missing.
    fn day_mut(&mut self, day: i32) -> &mut Day {
        let at = self.days.partition_point(|known| known.day < day);
        if self.days.get(at).is_none_or(|known| known.day != day) {
            self.days.insert(at, Day { day, bits: 0, bytes: 0 });
        }
        &mut self.days[at]
    }

    /// Days with use from the first number to before the second.
    pub(super) fn days(&self, from: i32, before: i32) -> &[Day] {
        let (from, before) = (
            self.days.partition_point(|known| known.day < from),
            self.days.partition_point(|known| known.day < before),
        );
        self.days.get(from..before).unwrap_or_default()
    }

    pub(super) fn newest(&self) -> Option<i32> {
        self.days.last().map(|day| day.day)
    }

    pub(super) fn oldest(&self) -> Option<i32> {
        self.days.first().map(|day| day.day)
    }

    pub(super) fn today(&self) -> Option<Day> {
        self.days.last().copied()
    }

    /// Drops days before a number; true while something is left.
    pub(super) fn keep_from(&mut self, day: i32) -> bool {
        let old = self.days.partition_point(|known| known.day < day);
        self.days.drain(..old);
        !self.days.is_empty()
    }
}
