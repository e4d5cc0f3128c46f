//! How much is told: once per site, not too often, and never silently less.

use rules::policy::FindingRule;

use super::cases::Timer;
use super::core::Core;
use super::finding::uid;
use super::memory::{Spent, key};
use super::note::{Action, Note};
use super::{Digest, Finding};
use crate::time::HOUR;

/// An upload that has doubled is worth an update from here on.
const WORTH_TELLING: u64 = 1_000_000;

/// Under which a digest counts deadlines that passed of findings without an event of their own.
pub(super) const MISSED: &str = "missed-deadline";

/// How an opening is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Alert,
    /// Under the finding that stands for the service at the site.
    Under(u64),
    Held,
    Quiet,
}

/// True when a finding can stand for its service at its site.
pub(super) fn leads(finding: &Finding) -> bool {
    finding.rule == FindingRule::UnapprovedUse && finding.alerted && finding.is_open()
}

/// Under which such a finding is entered.
pub(super) fn lead_key(site: &str, rule: FindingRule, service: &str) -> u64 {
    uid(site, rule.as_str(), "", service)
}

impl Core<'_> {
    /// Decides whether the opening of a finding is told, and tells it.
    pub(super) fn announce(&mut self, uid: u64, at: i64, quiet: bool) {
        let Some(finding) = self.cases.findings.get(&uid) else { return };
        let (site, rule, device) = (finding.site.clone(), finding.rule, finding.device.clone());
        let (severity, first) = (finding.severity, finding.occurrences == 1);
        let lead = lead_key(&site, rule, &finding.service);
        let verdict =
            if quiet { Verdict::Quiet } else { self.verdict(uid, lead, [&site, &device], rule, severity, at) };
        if let Some(finding) = self.cases.change(uid) {
            finding.alerted = verdict == Verdict::Alert;
            finding.held = verdict == Verdict::Held;
        }
        self.tell(uid, at, Action::Create);
        match verdict {
            Verdict::Alert if rule == FindingRule::UnapprovedUse => {
                self.cases.leads.insert(lead, uid);
            }
            Verdict::Under(lead) if first => {
                if let Some(lead) = self.cases.change(lead) {
                    lead.devices += 1;
                }
                self.changed(lead, at);
            }
            Verdict::Held => self.hold(&site, rule.as_str(), &device, severity, at),
            Verdict::Alert | Verdict::Under(_) | Verdict::Quiet => {}
        }
    }

    fn verdict(
        &mut self,
        uid: u64,
        lead: u64,
        [site, device]: [&str; 2],
        rule: FindingRule,
        severity: u8,
        at: i64,
    ) -> Verdict {
        let budget = *self.judge.policy.budget();
        if budget.first_per_site && rule == FindingRule::UnapprovedUse {
            let lead = self.cases.leads.get(&lead).copied().filter(|lead| *lead != uid);
            if let Some(lead) = lead.filter(|lead| self.cases.get(*lead).is_some_and(leads)) {
                return Verdict::Under(lead);
            }
        }
        let day = self.local.day(at);
        let hour = self.local.hour(at);
        let mut names = (String::new(), String::new());
        key(&mut names.0, &["device", site, device]);
        key(&mut names.1, &["rule", site, rule.as_str()]);
        let spent = |core: &Self, name: &str, since: i64| {
            core.cases.memory.spent.get(name).filter(|spent| spent.since == since).map_or(0, |spent| spent.alerts)
        };
        let over = (!device.is_empty() && spent(self, &names.0, day) >= budget.per_device_per_day)
            || spent(self, &names.1, hour) >= budget.per_rule_per_hour;
        if over && severity < budget.never_hold_from && rule != FindingRule::SensorHealth {
            return Verdict::Held;
        }
        for (name, since) in [(&names.0, day), (&names.1, hour)] {
            let spent = self.cases.memory.spent.change(name, since.saturating_add(48 * HOUR));
            if spent.since != since {
                *spent = Spent { since, alerts: 0 };
            }
            spent.alerts += 1;
        }
        Verdict::Alert
    }

    /// The finding that stood for its service at its site has closed: the oldest open one under it takes its place,
    /// and is told.
    pub(super) fn succeed(&mut self, closed: u64, at: i64) {
        let Some(old) = self.cases.get(closed).filter(|old| old.rule == FindingRule::UnapprovedUse) else { return };
        let lead = lead_key(&old.site, old.rule, &old.service);
        if self.cases.leads.get(&lead) != Some(&closed) {
            return;
        }
        let under = |one: &Finding| {
            one.is_open() && (one.rule, &one.site, &one.service) == (old.rule, &old.site, &old.service)
        };
        let open = self.cases.findings.iter().filter(|(_, one)| under(one));
        let mut heirs: Vec<(bool, i64, u64)> =
            open.map(|(uid, one)| (!one.alerted, one.detected_at, *uid)).collect();
        heirs.sort_unstable();
        let Some((quiet, _, heir)) = heirs.first().copied() else { return };
        if quiet {
            if let Some(finding) = self.cases.change(heir) {
                finding.devices = heirs.len() as u64;
            }
            self.announce(heir, at, false);
        } else {
            self.cases.leads.insert(lead, heir);
        }
    }

    /// A deadline passed of a finding that was not told: the hour's digest says so.
    pub(super) fn missed_quietly(&mut self, uid: u64, at: i64) {
        let Some(finding) = self.cases.get(uid) else { return };
        let (site, device, severity) = (finding.site.clone(), finding.device.clone(), finding.severity);
        self.hold(&site, MISSED, &device, severity, at);
    }

    fn hold(&mut self, site: &str, what: &str, device: &str, severity: u8, at: i64) {
        let from = self.local.hour(at);
        let held = self.cases.memory.held.change(site, i64::MAX);
        if held.names.is_empty() {
            held.digest =
                Digest { site: site.to_owned(), from, to: from.saturating_add(HOUR), ..Digest::default() };
        }
        *held.digest.held.entry(what.to_owned()).or_default() += 1;
        held.digest.severity = held.digest.severity.max(severity);
        if !held.names.iter().any(|name| name == device) {
            held.names.push(device.to_owned());
        }
        held.digest.devices = held.names.len() as u64;
        let timer = (held.digest.to, Timer::Digest(site.to_owned()));
        self.cases.timers.insert(timer);
    }

    /// The hour is over: says what was held back in it.
    pub(super) fn digest(&mut self, site: &str, _at: i64) {
        if let Some(held) = self.cases.memory.held.take(site)
            && !self.cases.silent
        {
            self.cases.notes.push(Note::Digest(held.digest));
        }
    }

    /// Tells at once that a finding weighs more than before; what was held back is weighed again.
    pub(super) fn louder(&mut self, uid: u64, at: i64) {
        match self.cases.get(uid).map(|finding| finding.alerted) {
            Some(true) => self.tell(uid, at, Action::Update),
            Some(false) => self.announce(uid, at, false),
            None => {}
        }
    }

    /// Tells a finding's change when it is material: not more often than the budget lets it.
    pub(super) fn changed(&mut self, uid: u64, at: i64) {
        let Some(finding) = self.cases.get(uid).filter(|finding| finding.is_open()) else { return };
        if finding.rule == FindingRule::FirstSight {
            self.sight_over(uid, at);
            return;
        }
        if !finding.alerted {
            return;
        }
        if !material(finding) {
            return;
        }
        let pause = i64::try_from(self.judge.policy.budget().update_after.as_micros()).unwrap_or(i64::MAX);
        let from = finding.told.at.saturating_add(pause);
        if at >= from {
            self.tell(uid, at, Action::Update);
        } else {
            self.cases.timers.insert((from, Timer::Update(uid)));
        }
    }
}

/// True when the next event would say something that the last one did not.
pub(super) fn material(finding: &Finding) -> bool {
    let told = &finding.told;
    finding.severity > told.severity
        || finding.devices >= told.devices.saturating_mul(2).max(2)
        || finding.upload_bytes >= told.upload_bytes.saturating_mul(2).max(WORTH_TELLING)
}
