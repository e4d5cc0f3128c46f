//! The first sight of a service at a site.

use rules::policy::{FindingRule, Status};
use rules::usage::Use;

use super::cases::Timer;
use super::core::Core;
use super::flow::Seen;
use super::opening::{About, Opening};
use super::{Detail, Finding, State};
use crate::time::HOUR;

/// How long a first sight stays open.
const STANDS: i64 = 7 * 24 * HOUR;

/// Under which the day is kept on which the timers were set last.
const MARK: &str = "sights";

impl Core<'_> {
    /// Opens the site's first sight of a service, whatever its status; it is told where nothing else was.
    pub(super) fn first_sight(&mut self, seen: &Seen<'_>, opened: bool) {
        self.sights_of_the_day(seen.at);
        // Private use is nobody's business.
        if seen.usage < Use::Shared || seen.status == Status::PersonalRisk {
            return;
        }
        let flow = seen.flow;
        let about = About { device: "", ..seen.about(FindingRule::FirstSight) };
        let uid = about.uid();
        if self.cases.get(uid).is_some() {
            return;
        }
        self.count(&about, uid, seen);
        let detail = Detail::FirstSight { device: flow.device.clone(), shared: seen.usage == Use::Shared };
        let opening = self.opening(seen, FindingRule::FirstSight, detail);
        self.open(&about, Opening { quiet: opened, ..opening });
        self.cases.timers.insert((seen.at.saturating_add(STANDS), Timer::Update(uid)));
    }

    /// A first sight says that there is something new; after a week it is not new any more. Whoever has taken it on
    /// closes it.
    pub(super) fn sight_over(&mut self, uid: u64, at: i64) {
        let over = |one: &Finding| one.state == State::Open && at >= one.detected_at.saturating_add(STANDS);
        if self.cases.get(uid).is_some_and(over) {
            self.close_itself(uid, at, "informational: nothing is due");
        }
    }

    /// Sets the timers of open first sights once a day: those of before a restart are gone.
    fn sights_of_the_day(&mut self, at: i64) {
        let today = self.local.number(at);
        let marks = &mut self.cases.memory.marks;
        if marks.get(MARK).and_then(|day| day.parse::<i64>().ok()).is_some_and(|day| day >= today) {
            return;
        }
        marks.put(MARK, i64::MAX, today.to_string());
        let sights = self.cases.findings.iter().filter(|(_, one)| one.rule == FindingRule::FirstSight);
        let open = sights.filter(|(_, one)| one.state == State::Open);
        let timers = open.map(|(uid, one)| (one.detected_at.saturating_add(STANDS), Timer::Update(*uid)));
        self.cases.timers.extend(timers);
    }
}
