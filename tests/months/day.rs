//! What one device sends on one day when nothing is planted.
//!
//! | what | bytes | turns |
//! |---|---|---|
//! | opening a page | 20-60 kB | 0 |
//! | a turn of a chat | 6 kB, spread 0.7 (2-20 kB) | 1 |
//! | a document | by department: 200 kB-2.5 MB, spread 0.9-1.1; one in fifty five times as large; at most 60 MB | 0-1 |
//! | an agent loop | 3 MB, spread 0.9, over 3-10 records | 10-60 |

use crate::draw::Draw;
use crate::office::{Device, FIRST_DAY, Habit};

pub(crate) const MINUTE: i64 = 60_000_000;

/// What a flow record says, as far as volumes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact {
    /// µs UTC; the office's clock is UTC.
    pub(crate) at: i64,
    pub(crate) device: usize,
    pub(crate) service: usize,
    pub(crate) upload_bytes: u64,
    pub(crate) programmatic: bool,
    pub(crate) turns: u64,
}

impl Fact {
    /// Days since 1970-01-01.
    pub(crate) fn day(&self) -> i32 {
        self.at.div_euclid(1_440 * MINUTE) as i32
    }

    pub(crate) fn hour(&self) -> u8 {
        (self.at.rem_euclid(1_440 * MINUTE) / (60 * MINUTE)) as u8
    }
}

/// µs UTC of a minute of a day of the office.
pub(crate) fn moment(day: usize, minute: f64) -> i64 {
    let start = i64::from(FIRST_DAY + day as i32) * 1_440 * MINUTE;
    start + (minute.clamp(0.0, 1_439.9) * MINUTE as f64) as i64
}

/// The facts of one device and day, in no order.
pub(crate) fn facts(seed: u64, at: usize, device: &Device, day: usize, out: &mut Vec<Fact>) {
    let mut draw = Draw::of(seed, &[3, at as u64, day as u64]);
    let weekend = day % 7 >= 5 && day >= device.from && draw.chance(device.weekends);
    if !device.works(day) && !weekend {
        return;
    }
    let evening = draw.chance(device.evenings);
    for habit in device.habits.iter().filter(|h| day >= h.from) {
        if draw.chance(if weekend { habit.rate / 3.0 } else { habit.rate }) {
            let mut hours = hours(device, day, evening);
            use_of(&mut draw, at, habit, &mut |draw| moment(day, hours(draw)), out);
        }
        // A program that checks for updates, a script that somebody tried once.
        if draw.chance(0.003) {
            let (turns, each) = (draw.whole(1, 3), draw.whole(1_000, 9_000));
            let at_ = moment(day, draw.even(480.0, 1_080.0));
            let bytes = turns * each;
            out.push(fact(at_, at, habit.service, bytes, true, turns));
        }
        // A question from a telephone's pocket, at any hour.
        if draw.chance(0.001) {
            out.push(fact(moment(day, draw.even(0.0, 1_440.0)), at, habit.service, 8_000, false, 1));
        }
    }
}

/// Draws minutes of the day.
fn hours(device: &Device, day: usize, evening: bool) -> impl FnMut(&mut Draw) -> f64 {
    let begin = match (device.shifts, day / 7 % 2) {
        (false, _) => device.morning,
        (true, 0) => 6.0,
        (true, _) => 13.8,
    };
    move |draw| {
        if evening && draw.chance(0.3) {
            return draw.even(18.0 * 60.0, 21.0 * 60.0);
        }
        let minute = draw.even(begin * 60.0, (begin + 8.2) * 60.0);
        // Lunch, for most.
        if (735.0..780.0).contains(&minute) && draw.chance(0.8) { minute - 60.0 } else { minute }
    }
}

fn use_of(draw: &mut Draw, at: usize, habit: &Habit, when: &mut dyn FnMut(&mut Draw) -> i64, out: &mut Vec<Fact>) {
    let service = habit.service;
    let mut turns = draw.skewed(habit.turns, 0.7).ceil() as u64;
    if habit.loops > 0.0 {
        for _ in 0..draw.skewed(habit.loops, 0.6).round().min(40.0) as u64 {
            let start = when(draw);
            agent_loop(draw, at, service, start, out);
        }
        // Those who program type less.
        turns /= 3;
    }
    while turns > 0 {
        let now = turns.min(draw.whole(1, 5));
        let bytes: f64 = (0..now).map(|_| draw.skewed(6e3, 0.7)).sum();
        let page = if draw.chance(0.4) { draw.even(20e3, 60e3) } else { 0.0 };
        let moment = when(draw);
        out.push(fact(moment, at, service, (bytes + page) as u64, service == 7, now));
        turns -= now;
    }
    if draw.chance(habit.documents) {
        for _ in 0..draw.whole(1, 4) {
            let (median, spread) = habit.document;
            let large = if draw.chance(0.02) { 5.0 } else { 1.0 };
            let bytes = (draw.skewed(median, spread) * large).min(60e6) as u64;
            let turns = draw.whole(0, 1);
            let moment = when(draw);
            out.push(fact(moment, at, service, bytes, false, turns));
        }
    }
}

fn agent_loop(draw: &mut Draw, at: usize, service: usize, start: i64, out: &mut Vec<Fact>) {
    let (records, turns) = (draw.whole(3, 10), draw.whole(10, 60));
    let bytes = draw.skewed(3e6, 0.9) as u64;
    for nth in 0..records {
        let share = |whole: u64| whole / records + u64::from(nth < whole % records);
        out.push(fact(start + nth as i64 * MINUTE, at, service, share(bytes), true, share(turns)));
    }
}

pub(crate) fn fact(at: i64, device: usize, service: usize, bytes: u64, programmatic: bool, turns: u64) -> Fact {
    Fact { at, device, service, upload_bytes: bytes, programmatic, turns }
}
