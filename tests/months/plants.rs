//! What is planted, from clear to subtle. Frozen before any constant of `rules::volume` was tuned.
//!
//! "Usual" is the larger of the device's own largest day (or 7 days) and the 99th percentile of its department's
//! device-days (or 7-day sums) on the service, over all 12 weeks without plants.
//!
//! | kind | plants | range, even on a logarithmic scale |
//! |---|---|---|
//! | burst | 40 | one day, 1-30 min, 3 to 40 times the usual day, at least 10 MB |
//! | drip | 24 | 7-12 days, all hours or the working hours, 2.5 to 10 times the usual 7 days, at least 15 MB in 7 days |
//! | newcomer | 20 | a burst by a device in its first five days (10), or by a device new to the service (10): 3 to 40 times the usual day, at least 10 MB |
//! | new-hours | 24 | one night, 1-3 hours between 21 and 5 h, 6 to 60 turns |
//! | new-access | 24 | a browser's service by a program, 1-5 days, 20 to 600 turns a day |
//!
//! No plant lies in the first two weeks (drips and patterns: three or four), each has a device of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::day::{Fact, MINUTE, fact, moment};
use crate::draw::Draw;
use crate::office::{DEPARTMENTS, DEVICES, Device, newcomers};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Burst,
    Drip,
    Newcomer,
    NewHours,
    NewAccess,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Burst, Kind::Drip, Kind::Newcomer, Kind::NewHours, Kind::NewAccess];

    pub(crate) fn name(self) -> &'static str {
        ["burst", "drip", "newcomer", "new-hours", "new-access"][self as usize]
    }

    fn count(self) -> usize {
        [40, 24, 20, 24, 24][self as usize]
    }
}

/// One planted thing.
pub(crate) struct Plant {
    pub(crate) kind: Kind,
    pub(crate) device: usize,
    pub(crate) service: usize,
    /// How far from usual: bytes as a multiple, else turns.
    pub(crate) clearness: f64,
    pub(crate) facts: Vec<Fact>,
}

/// Day sums of what is not planted.
pub(crate) struct Usual {
    days: BTreeMap<(usize, usize), BTreeMap<usize, u64>>,
    programs: BTreeSet<(usize, usize)>,
    nights: BTreeSet<usize>,
}

impl Usual {
    pub(crate) fn of<'a>(facts: impl Iterator<Item = &'a Fact>) -> Self {
        let mut usual = Self { days: BTreeMap::new(), programs: BTreeSet::new(), nights: BTreeSet::new() };
        for fact in facts {
            let day = (fact.day() - crate::office::FIRST_DAY) as usize;
            *usual.days.entry((fact.device, fact.service)).or_default().entry(day).or_default() +=
                fact.upload_bytes;
            if fact.programmatic && fact.turns > 3 {
                usual.programs.insert((fact.device, fact.service));
            }
            if (fact.hour() >= 20 || fact.hour() < 6) && fact.turns > 0 {
                usual.nights.insert(fact.device);
            }
        }
        usual
    }

    /// Days of use before a day.
    fn before(&self, device: usize, service: usize, day: usize) -> usize {
        self.days.get(&(device, service)).map_or(0, |days| days.range(..day).count())
    }

    /// Sums over windows of so many days; those with nothing do not count.
    fn sums(&self, device: usize, service: usize, length: usize) -> Vec<u64> {
        let Some(days) = self.days.get(&(device, service)) else { return Vec::new() };
        days.keys().map(|day| days.range(*day..day + length).map(|(_, bytes)| bytes).sum()).collect()
    }

    fn p99(&self, devices: &[Device], service: usize, length: usize, department: Option<usize>) -> u64 {
        let of = |at: &usize| department.is_none_or(|d| devices[*at].department == d);
        let mut all: Vec<_> = (0..DEVICES).filter(of).flat_map(|at| self.sums(at, service, length)).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0)
    }

    fn usual(&self, devices: &[Device], device: usize, service: usize, length: usize) -> f64 {
        let own = self.sums(device, service, length).into_iter().max().unwrap_or(0);
        own.max(self.p99(devices, service, length, Some(devices[device].department))) as f64
    }

    /// Share of a department's users of a service that are programs.
    fn programs(&self, devices: &[Device], service: usize, department: usize) -> f64 {
        let users = self.days.keys().filter(|(at, s)| *s == service && devices[*at].department == department);
        let (all, programs) = users
            .fold((0, 0), |(all, programs), key| (all + 1, programs + usize::from(self.programs.contains(key))));
        f64::from(programs as u32) / f64::from(all.max(1))
    }
}

/// The plants of a seed, by kind.
pub(crate) fn plants(seed: u64, devices: &[Device], usual: &Usual) -> Vec<Plant> {
    let fresh: Vec<_> = newcomers(seed).into_iter().skip(12).collect();
    let mut taken: BTreeSet<usize> = newcomers(seed).into_iter().map(|(at, _)| at).collect();
    let mut plants: Vec<Plant> = Vec::new();
    for kind in Kind::ALL {
        let mut draw = Draw::of(seed, &[4, kind as u64]);
        let mut found = 0;
        while found < kind.count() {
            let first = (kind == Kind::Newcomer).then(|| fresh.get(found)).flatten();
            let at = first.map_or_else(|| draw.whole(0, 199) as usize, |(at, _)| *at);
            if first.is_none() && taken.contains(&at) {
                continue;
            }
            let service = match (kind, first) {
                (Kind::Newcomer, None) => [0, 1, 2, 3, 5, 10][draw.whole(0, 5) as usize],
                _ => {
                    let habits = &devices[at].habits;
                    habits[draw.whole(0, habits.len() as u64 - 1) as usize].service
                }
            };
            let mut site = Site { usual, devices, at, service, draw: &mut draw };
            let plant = match (kind, first) {
                (Kind::Burst, _) => site.burst(),
                (Kind::Drip, _) => site.drip(),
                (Kind::Newcomer, Some((_, from))) => site.new_device(*from),
                (Kind::Newcomer, None) => site.new_service(),
                (Kind::NewHours, _) => site.new_hours(),
                (Kind::NewAccess, _) => site.new_access(),
            };
            if let Some((clearness, facts)) = plant {
                plants.push(Plant { kind, device: at, service, clearness, facts });
                taken.insert(at);
                found += 1;
            }
        }
    }
    plants
}

/// Where something might be planted. Each kind answers `None` where it does not fit.
struct Site<'a> {
    usual: &'a Usual,
    devices: &'a [Device],
    at: usize,
    service: usize,
    draw: &'a mut Draw,
}

/// Nobody uploads more than that in a plant; bytes.
const MOST: f64 = 3e9;

type Planted = Option<(f64, Vec<Fact>)>;

impl Site<'_> {
    fn device(&self) -> &Device {
        &self.devices[self.at]
    }

    fn day(&mut self, from: usize) -> usize {
        self.draw.whole(from as u64, 81) as usize
    }

    fn burst(&mut self) -> Planted {
        let day = self.day(14);
        // Most on a working day.
        let off = !self.device().works(day) && !self.draw.chance(0.15);
        if off || self.usual.before(self.at, self.service, day) < 8 {
            return None;
        }
        let usual = self.usual.usual(self.devices, self.at, self.service, 1);
        self.upload(day, usual)
    }

    fn new_device(&mut self, from: usize) -> Planted {
        let nth = self.draw.whole(0, 2) as usize;
        let day = (from..from + 5).filter(|day| self.device().works(*day)).nth(nth);
        let usual = self.usual.usual(self.devices, self.at, self.service, 1);
        let service = self.usual.p99(self.devices, self.service, 1, None) as f64;
        // A newcomer must do it at once; where he is away, on his first day all the same.
        self.upload(day.unwrap_or(from), usual.max(service)).or_else(|| self.upload(from, 20e6))
    }

    fn new_service(&mut self) -> Planted {
        let day = self.day(21);
        let before: usize =
            self.device().habits.iter().map(|h| self.usual.before(self.at, h.service, day)).max().unwrap_or(0);
        let knows = self.device().habits.iter().any(|h| h.service == self.service);
        if knows || before < 15 || !self.device().works(day) {
            return None;
        }
        let own = self.device().habits.iter().map(|h| self.usual.usual(self.devices, self.at, h.service, 1));
        let service = self.usual.p99(self.devices, self.service, 1, None) as f64;
        let usual = own.fold(service, f64::max);
        let (clearness, mut facts) = self.upload(day, usual)?;
        for nth in 0..4 {
            let minute = 470.0 + f64::from(nth) * 3.0;
            facts.push(fact(moment(day, minute), self.at, self.service, 9_000, false, 1));
        }
        Some((clearness, facts))
    }

    fn upload(&mut self, day: usize, usual: f64) -> Planted {
        let clearness = self.draw.ratio(3.0, 40.0);
        let bytes = (usual * clearness).max(10e6);
        let (minutes, start) = (self.draw.whole(1, 30), moment(day, self.draw.even(500.0, 1_140.0)));
        let facts = (0..minutes).map(|nth| {
            let share = bytes / minutes as f64;
            fact(start + nth as i64 * MINUTE, self.at, self.service, share as u64 + 1, false, u64::from(nth == 0))
        });
        (bytes <= MOST).then(|| (clearness, facts.collect()))
    }

    fn drip(&mut self) -> Planted {
        let (day, length, clearness) =
            (self.day(28).min(72), self.draw.whole(7, 12) as usize, self.draw.ratio(2.5, 10.0));
        let usual = self.usual.usual(self.devices, self.at, self.service, 7);
        let week = (usual * clearness).max(15e6);
        if week > MOST || self.usual.before(self.at, self.service, day) < 12 || day + length > 84 {
            return None;
        }
        let (from, before) = if self.draw.chance(0.5) { (0.0, 1_430.0) } else { (480.0, 1_020.0) };
        let mut facts = Vec::new();
        for day in day..day + length {
            let bytes = week / 7.0 * self.draw.even(0.7, 1.3);
            let pieces = self.draw.whole(6, 20);
            for _ in 0..pieces {
                let at = moment(day, self.draw.even(from, before));
                facts.push(fact(at, self.at, self.service, (bytes / pieces as f64) as u64 + 1, false, 0));
            }
        }
        Some((clearness, facts))
    }

    fn new_hours(&mut self) -> Planted {
        let day = self.day(24);
        let days = self.usual.before(self.at, self.service, day);
        if self.usual.nights.contains(&self.at) || self.device().shifts || days < 15 {
            return None;
        }
        let turns = self.draw.ratio(6.0, 60.0) as u64;
        let (hour, length) =
            ([21, 22, 23, 0, 1, 2, 3][self.draw.whole(0, 6) as usize] as f64 * 60.0, self.draw.whole(1, 3));
        let facts = (0..turns).map(|_| {
            let minute = hour + self.draw.even(0.0, length as f64 * 60.0).min(1_439.0 - hour);
            let bytes = self.draw.skewed(12e3, 0.7) as u64;
            fact(moment(day, minute), self.at, self.service, bytes, false, 1)
        });
        Some((turns as f64, facts.collect()))
    }

    fn new_access(&mut self) -> Planted {
        let (day, length) = (self.day(24).min(76), self.draw.whole(1, 5) as usize);
        let department = self.device().department;
        if DEPARTMENTS[department].name == "engineering"
            || self.usual.programs.contains(&(self.at, self.service))
            || self.usual.programs(self.devices, self.service, department) > 0.1
            || self.usual.before(self.at, self.service, day) < 12
        {
            return None;
        }
        let (turns, each) = (self.draw.ratio(20.0, 600.0), self.draw.ratio(5e3, 60e3));
        let mut facts = Vec::new();
        for day in day..day + length {
            let start = self.draw.even(480.0, 900.0);
            let mut left = turns as u64;
            while left > 0 {
                let now = left.min(20);
                let bytes = self.draw.skewed(each, 0.3) * now as f64;
                let at = moment(day, start + (turns as u64 - left) as f64 * 0.4);
                facts.push(fact(at, self.at, self.service, bytes as u64, true, now));
                left -= now;
            }
        }
        Some((turns, facts))
    }
}
