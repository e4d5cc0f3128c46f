//! The sensor's health: packets lost, silence, a clock that is not to be trusted, records lost on their way.

use std::collections::{BTreeMap, VecDeque};

use rules::policy::FindingRule;
use sensor::ledger::{SPOOL, SPOOL_JUDGE, SPOOL_REJECTS};
use sensor::record::MinuteRecord;
use serde::{Deserialize, Serialize};

use super::Detail;
use super::cases::Timer;
use super::core::Core;
use super::flow::due;
use super::life::Standing;
use super::memory::{key, parts};
use super::mirror::Mirrored;
use super::note::OURSELVES;
use super::opening::{About, Opening};
use crate::text::{counted, number, percent};
use crate::time::{MINUTE, span, utc};

/// The time over which losses are added up, and after which a sensor without trouble is well again.
pub(super) const SPAN: i64 = 10 * MINUTE;
/// One frame in so many may be lost.
const LOSS_ONE_IN: u64 = 100;
/// A live sensor that sees no frame for so long is silent.
const SILENT: i64 = 15 * MINUTE;
/// How a live capture's source begins; files end without being silent.
const LIVE: &str = "live";
/// A source of its own after the clock was set back.
const REBASED: char = '#';
/// Places of the sensor itself, what is lost there and how; the others are on the way to it.
const OWN_PLACES: [(&str, &str, &str); 6] = [
    (SPOOL, "record", "never stored"),
    (SPOOL_JUDGE, "record", "never judged"),
    (SPOOL_REJECTS, "line", "that lay aside thrown away"),
    ("queue", "frame", "without room in a queue"),
    ("restart", "frame", "while the sensor was killed and started again"),
    ("table", "frame", "without room in the flow table"),
];
/// Counts captures, not packets.
const FILE: &str = "file";
/// Silence weighs more than the rest: nothing at all is seen.
const SILENCE: u8 = 1;

/// What is remembered of one sensor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SensorState {
    source: String,
    /// First minute of this source, and the newest.
    began: i64,
    last: i64,
    /// The last ten minutes: start, frames, lost.
    window: VecDeque<(i64, u64, u64)>,
    /// What TCP tells of the same time.
    #[serde(default)]
    mirrored: Mirrored,
    /// End of the last minute with frames.
    frames_until: i64,
    /// When each kind of trouble began, and when it was seen last.
    trouble: BTreeMap<String, (i64, i64)>,
}

/// Trouble seen now.
struct Trouble {
    what: &'static str,
    frames: u64,
    amount: u64,
    why: String,
}

impl SensorState {
    /// When a live sensor counts as silent.
    pub(super) fn next(&self) -> Option<i64> {
        let silent = self.trouble.contains_key("silence");
        (self.source.starts_with(LIVE) && self.frames_until > 0 && !silent)
            .then(|| self.frames_until.saturating_add(SILENT))
    }

    /// Takes in a minute and says what is wrong with it.
    fn take(&mut self, record: &MinuteRecord) -> Vec<Trouble> {
        let mut found = Vec::new();
        if record.source != self.source {
            let rebased = record.source.contains(REBASED);
            (self.source, self.began) = (record.source.clone(), record.minute);
            self.window.clear();
            self.mirrored = Mirrored::default();
            if rebased {
                found.push(clock(record, 1, "the capture's clock was set back"));
            }
        } else if record.minute < self.last {
            found.push(clock(record, 1, "its minutes step back"));
        }
        if let Some(stray) = record.malformed.get("time").filter(|tally| tally.frames > 0) {
            found.push(clock(record, stray.frames, "frames carry times that cannot be"));
        }
        self.last = record.minute;
        found.extend(spool(record));
        let on_the_way = |place: &str| place != FILE && OWN_PLACES.iter().all(|(own, _, _)| *own != place);
        let lost = record.drops.iter().filter(|(place, _)| on_the_way(place));
        let lost = lost.fold(0_u64, |sum, (_, lost)| sum.saturating_add(*lost));
        self.window.push_back((record.minute, record.frames, lost));
        self.window.retain(|(minute, _, _)| *minute > record.minute.saturating_sub(SPAN));
        found.extend(self.loss());
        let known = self.is_known();
        found.extend(self.mirrored.take(record).filter(|_| known).map(|(amount, why)| Trouble {
            what: "mirror",
            frames: record.frames,
            amount,
            why,
        }));
        found
    }

    /// Ten minutes of this source have passed.
    fn is_known(&self) -> bool {
        self.last.saturating_sub(self.began) >= SPAN - MINUTE
    }

    /// More than one frame in a hundred, once ten minutes are known.
    fn loss(&self) -> Option<Trouble> {
        let add = |(frames, lost): (u64, u64), (_, f, l): &(i64, u64, u64)| {
            (frames.saturating_add(*f), lost.saturating_add(*l))
        };
        let (frames, lost) = self.window.iter().fold((0, 0), add);
        let all = frames.saturating_add(lost);
        (self.is_known() && lost.saturating_mul(LOSS_ONE_IN) > all).then(|| Trouble {
            what: "loss",
            frames,
            amount: lost,
            why: format!("{} of {} frames lost in ten minutes ({})", number(lost), number(all), percent(lost, all)),
        })
    }
}

/// What was lost in the sensor's own places.
fn spool(record: &MinuteRecord) -> Option<Trouble> {
    let lost = |(place, what, how)| {
        let lost = record.drops.get(place).copied().filter(|lost| *lost > 0)?;
        Some((lost, format!("{} {how}", counted(lost, what))))
    };
    let (lost, words): (Vec<u64>, Vec<String>) = OWN_PLACES.into_iter().filter_map(lost).unzip();
    let amount = lost.into_iter().fold(0_u64, u64::saturating_add);
    let why = format!("{}: lost between sensor and store", words.join(", "));
    (amount > 0).then_some(Trouble { what: "spool", frames: record.frames, amount, why })
}

fn clock(record: &MinuteRecord, amount: u64, why: &str) -> Trouble {
    Trouble { what: "clock", frames: record.frames, amount, why: format!("{why}, at {}", utc(record.minute)) }
}

impl Core<'_> {
    pub(super) fn minute(&mut self, record: &MinuteRecord) {
        let at = record.minute.saturating_add(MINUTE);
        let mut name = String::new();
        key(&mut name, &[&record.site, &record.sensor]);
        let state = self.cases.memory.sensors.change(&name, i64::MAX);
        let found = state.take(record);
        if record.frames > 0 {
            state.frames_until = state.frames_until.max(at);
            if let Some((_, seen)) = state.trouble.get_mut("silence").filter(|(began, seen)| seen == began) {
                *seen = at;
            }
        }
        for trouble in &found {
            state.trouble.entry(trouble.what.to_owned()).or_insert((at, at)).1 = at;
        }
        let well: Vec<String> = state.well(at);
        let next = state.next();
        let since: Vec<i64> =
            found.iter().map(|one| state.trouble.get(one.what).map_or(at, |(began, _)| *began)).collect();
        for what in well {
            self.sensor_well(&record.site, &record.sensor, &what, at);
        }
        for (trouble, since) in found.into_iter().zip(since) {
            self.trouble(&record.site, &record.sensor, trouble, since, at);
        }
        if let Some(next) = next {
            self.cases.timers.insert((next, Timer::Sensor(name)));
        }
    }

    /// A live sensor may have been silent for too long.
    pub(super) fn sensor_at(&mut self, name: &str, at: i64) {
        let due = self.cases.memory.sensors.get(name).and_then(SensorState::next);
        if due.is_none_or(|due| due > at) {
            return;
        }
        let state = self.cases.memory.sensors.change(name, i64::MAX);
        let since = state.frames_until;
        // Seen last when it began: the first frames afterwards set the time from which it is well.
        state.trouble.insert("silence".to_owned(), (at, at));
        let mut ids = parts(name);
        let (site, sensor) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
        let why = format!("no frame since {}, for {}", utc(since), span(SILENT));
        let minutes = at.saturating_sub(since).div_euclid(MINUTE).unsigned_abs();
        self.trouble(site, sensor, Trouble { what: "silence", frames: 0, amount: minutes, why }, since, at);
    }

    fn trouble(&mut self, site: &str, sensor: &str, trouble: Trouble, since: i64, at: i64) {
        let about = About { rule: FindingRule::SensorHealth, site, device: sensor, service: trouble.what };
        let uid = about.uid();
        let detail =
            Detail::Health { what: trouble.what.to_owned(), frames: trouble.frames, amount: trouble.amount, since };
        if self.cases.get(uid).is_some_and(super::Finding::is_open) {
            if let Some(finding) = self.cases.change(uid) {
                (finding.detail, finding.why, finding.last_seen) = (detail, trouble.why, at.max(finding.last_seen));
            }
            return;
        }
        if self.put_to_rest(uid, since, at) {
            return;
        }
        let policy = &self.judge.policy;
        let louder = if trouble.what == "silence" { SILENCE } else { 0 };
        let opening = Opening {
            sensor: sensor.to_owned(),
            severity: policy.severity(FindingRule::SensorHealth).saturating_add(louder).min(10),
            why: trouble.why,
            report_due_at: policy.deadline(FindingRule::SensorHealth).map(|within| due(at, within)),
            ..Opening::of(at, format!("sensor {}", trouble.what), detail)
        };
        self.open(&about, opening);
    }

    /// True when a person closed it today and the trouble has lasted since before that.
    fn put_to_rest(&mut self, uid: u64, since: i64, at: i64) -> bool {
        let by_hand = |finding: &&super::Finding| finding.closed_by.as_deref() != Some(OURSELVES);
        let closed = self.cases.get(uid).filter(by_hand).and_then(|finding| finding.closed_at);
        closed.is_some_and(|closed| since <= closed) && self.standing(uid, at) == Standing::Resting
    }

    fn sensor_well(&mut self, site: &str, sensor: &str, what: &str, at: i64) {
        let about = About { rule: FindingRule::SensorHealth, site, device: sensor, service: what };
        self.close_itself(about.uid(), at, "no trouble for ten minutes");
    }
}

impl SensorState {
    /// The kinds of trouble that have passed, which are forgotten.
    fn well(&mut self, at: i64) -> Vec<String> {
        let silent = |what: &str, (began, seen): &(i64, i64)| what == "silence" && began == seen;
        let past = |what: &str, times: &(i64, i64)| !silent(what, times) && at.saturating_sub(times.1) >= SPAN;
        let well: Vec<String> =
            self.trouble.iter().filter(|(what, times)| past(what, times)).map(|(what, _)| what.clone()).collect();
        for what in &well {
            self.trouble.remove(what);
        }
        well
    }
}
