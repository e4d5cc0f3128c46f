//! Devices of which less can be named than before: AI services were in use, then something began to hide names, and
//! a day later fewer of the device's bytes carry one. It says what the sensor lost, and supposes nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rules::catalogue::Access;
use rules::policy::{FindingRule, Status, Subject};
use rules::usage::Use;
use sensor::record::{Evidence, VisibilityRecord};
use serde::{Deserialize, Serialize};

use super::Detail;
use super::cases::Timer;
use super::core::Core;
use super::flow::{Seen, due, group};
use super::life::Standing;
use super::memory::{key, parts};
use super::opening::{About, Opening};
use crate::time::{HOUR, MINUTE};

const DAY: i64 = 24 * HOUR;
/// How far back AI use counts as the device's habit, days.
const HABIT: i64 = 28;
/// Earlier days with AI use that make a habit.
const HABIT_DAYS: u64 = 2;
/// A class of hiding begins when it was not seen for so long.
const NEW_AFTER: i64 = 14 * DAY;
/// How long a beginning is watched.
const WATCHED: i64 = 7 * DAY;
/// The share that is taken for a device of which none is known, percent.
const UNKNOWN: u64 = 100;

/// What is remembered of one device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct DeviceDays {
    /// By day since 1970 on the site's calendar, the last four weeks.
    days: BTreeMap<i64, DeviceDay>,
    /// When each class of hiding was seen last, µs UTC.
    classes: BTreeMap<String, i64>,
    /// A beginning that is watched.
    begun: Option<Begun>,
    /// True while its finding is open.
    dark: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct DeviceDay {
    /// AI services were reached under their names.
    ai: bool,
    /// Bytes with a name.
    named: u64,
    /// All bytes.
    all: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    class: String,
    sensor: String,
    ip: IpAddr,
    at: i64,
    /// The day that is being added up began here: after the last AI use.
    since: i64,
    named: u64,
    all: u64,
    /// Percent; absent when unknown.
    before: Option<u64>,
    ai_days: u64,
}

impl DeviceDays {
    /// When it has to be looked at again.
    pub(super) fn next(&self) -> Option<i64> {
        self.begun.as_ref().map(|begun| begun.since.saturating_add(DAY))
    }

    fn begins(&mut self, record: &VisibilityRecord, today: i64) -> Option<Begun> {
        let mut begun = None;
        for (class, tally) in record.hidden.iter().filter(|(_, tally)| tally.bytes > 0) {
            let last = self.classes.get(class).copied();
            if last.is_none_or(|last| record.start.saturating_sub(last) > NEW_AFTER) {
                begun.get_or_insert_with(|| class.clone());
            }
            let seen = last.unwrap_or(i64::MIN).max(record.start);
            if tally.bytes > 0 {
                self.classes.insert(class.clone(), seen);
            }
        }
        let earlier = || self.days.range(today - HABIT..today).map(|(_, day)| day);
        let ai_days = earlier().filter(|day| day.ai).count() as u64;
        let add = |(named, all): (u64, u64), day: &DeviceDay| {
            (named.saturating_add(day.named), all.saturating_add(day.all))
        };
        let (named, all) = earlier().fold((0, 0), add);
        begun.filter(|_| ai_days >= HABIT_DAYS).map(|class| Begun {
            class,
            sensor: record.sensor.clone(),
            ip: record.client_ip,
            at: record.start,
            since: record.start,
            named: 0,
            all: 0,
            before: percent(named, all),
            ai_days,
        })
    }
}

impl Core<'_> {
    /// Named AI use: a day of the device's habit, and the end of its darkness.
    pub(super) fn history_of(&mut self, seen: &Seen<'_>) {
        let flow = seen.flow;
        let named = seen.usage >= Use::Visited && flow.evidence != Evidence::Ambiguous;
        // What private devices do is no habit that anybody could miss.
        if !named || flow.access == Access::Local || seen.status == Status::PersonalRisk {
            return;
        }
        let today = self.local.number(seen.flow.end);
        let mut name = std::mem::take(&mut self.buffer);
        key(&mut name, &[&flow.site, &flow.device]);
        let known = self.cases.memory.devices.get(&name);
        let quiet =
            |days: &DeviceDays| days.begun.is_none() && !days.dark && days.days.get(&today).is_some_and(|d| d.ai);
        if !known.is_some_and(quiet) {
            self.used(&name, today, seen);
        }
        self.buffer = name;
    }

    fn used(&mut self, name: &str, today: i64, seen: &Seen<'_>) {
        let days = self.cases.memory.devices.change(name, seen.at.saturating_add(HABIT * DAY));
        days.days.entry(today).or_default().ai = true;
        days.dark = false;
        if let Some(begun) = days.begun.as_mut().filter(|begun| begun.since < seen.at) {
            (begun.since, begun.named, begun.all) = (seen.at, 0, 0);
            let next = seen.at.saturating_add(DAY);
            self.cases.timers.insert((next, Timer::Dark(name.to_owned())));
        }
        // Whatever is remembered of the device: after four quiet weeks it is nothing.
        let about = About { service: "", ..seen.about(FindingRule::GoingDark) };
        self.close_itself(about.uid(), seen.at, "AI services can be named again");
    }

    /// Ten minutes of a device.
    pub(super) fn visibility(&mut self, record: &VisibilityRecord) {
        let at = record.start.saturating_add(10 * MINUTE);
        let today = self.local.number(record.start);
        let mut name = String::new();
        key(&mut name, &[&record.site, &record.device]);
        let days = self.cases.memory.devices.change(&name, at.saturating_add(HABIT * DAY));
        let begins = days.begins(record, today);
        if days.begun.is_none() && !days.dark {
            days.begun = begins;
        }
        let hidden = record.hidden.values().fold(0_u64, |sum, tally| sum.saturating_add(tally.bytes));
        let all = record.named.bytes.saturating_add(record.nameless.bytes).saturating_add(hidden);
        let day = days.days.entry(today).or_default();
        day.named = day.named.saturating_add(record.named.bytes);
        day.all = day.all.saturating_add(all);
        days.days = days.days.split_off(&(today - HABIT));
        if let Some(begun) = days.begun.as_mut().filter(|begun| record.start >= begun.since) {
            begun.named = begun.named.saturating_add(record.named.bytes);
            begun.all = begun.all.saturating_add(all);
        }
        if let Some(next) = days.next() {
            self.cases.timers.insert((next, Timer::Dark(name)));
        }
    }

    /// A day without AI use is over since names began to be hidden.
    pub(super) fn dark_at(&mut self, name: &str, at: i64) {
        let Some(days) =
            self.cases.memory.devices.get(name).filter(|days| days.next().is_some_and(|next| next <= at))
        else {
            return;
        };
        let Some(begun) = days.begun.clone() else { return };
        let after = percent(begun.named, begun.all);
        let fell = after.is_some_and(|after| after.saturating_mul(2) < begun.before.unwrap_or(UNKNOWN));
        let days = self.cases.memory.devices.change(name, at.saturating_add(HABIT * DAY));
        if fell || at.saturating_sub(begun.at) >= WATCHED {
            (days.begun, days.dark) = (None, fell);
        } else if let Some(watched) = &mut days.begun {
            (watched.since, watched.named, watched.all) = (at, 0, 0);
            self.cases.timers.insert((at.saturating_add(DAY), Timer::Dark(name.to_owned())));
        }
        if fell {
            self.dark(name, begun, after.unwrap_or_default(), at);
        }
    }

    fn dark(&mut self, name: &str, begun: Begun, after: u64, at: i64) {
        let mut ids = parts(name);
        let (site, device) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
        let subject = Subject { site: Some(site), device: Some(device), ..Subject::of(begun.ip) };
        let policy = self.judge.policy.clone();
        let about = About { rule: FindingRule::GoingDark, site, device, service: "" };
        let on = self.local.date(at);
        if policy.group_for(&subject).is_some_and(|group| group.personal) {
            return;
        }
        if policy.suppressed_device(&subject, on).is_some() || self.standing(about.uid(), at) == Standing::Open {
            return;
        }
        let hidden = super::measured::hidden_by(&begun.class).to_owned();
        let detail = Detail::Dark {
            class: begun.class,
            since: begun.at,
            before: begun.before,
            after,
            ai_days: begun.ai_days,
        };
        let opening = Opening {
            sensor: begun.sensor,
            severity: policy.severity(FindingRule::GoingDark),
            why: format!("names are hidden by {hidden}"),
            group: policy.group_for(&subject).map(group),
            report_due_at: policy.deadline(FindingRule::GoingDark).map(|within| due(at, within)),
            ..Opening::of(at, "hidden names".to_owned(), detail)
        };
        self.open(&about, opening);
    }
}

fn percent(part: u64, whole: u64) -> Option<u64> {
    part.saturating_mul(100).checked_div(whole)
}
