//! How re-judged findings take the place of those in the file.

use rules::policy::FindingRule;

use super::cases::Timer;
use super::core::Core;
use super::finding::uid_text;
use super::memory::key;
use super::note::OURSELVES;
use super::{Cases, Changes, Detail, Finding, Rejudged, State, review};

/// How the reason begins when a policy, and nobody, closed a finding.
const BY_POLICY: &str = "policy";

impl Core<'_> {
    /// Merges a fresh set into this one.
    pub(super) fn apply(&mut self, rejudged: Rejudged, at: i64) -> Changes {
        let mut changes = Changes::default();
        let since = rejudged.since.unwrap_or(i64::MAX);
        let fresh = *rejudged.cases;
        self.vanished(&fresh, since, at, &mut changes);
        let mut findings: Vec<(u64, Finding)> = fresh.findings.into_iter().map(|(uid, one)| (uid, *one)).collect();
        findings.sort_by(|(a, one), (b, other)| (one.detected_at, a).cmp(&(other.detected_at, b)));
        for (uid, finding) in findings {
            self.replace(uid, finding, since, at, &mut changes);
        }
        self.cases.memory.take_sums(fresh.memory, since);
        self.cases.memory.marks.put(review::POLICY, i64::MAX, self.judge.policy.version().to_owned());
        changes
    }

    /// Closes what is no finding any more. What hangs on other facts than
    /// flows or on what was usual before them, or is older than they are, stays.
    fn vanished(&mut self, fresh: &Cases, since: i64, at: i64, changes: &mut Changes) {
        let stays = |rule| {
            matches!(
                rule,
                FindingRule::SensorHealth
                    | FindingRule::GoingDark
                    | FindingRule::ReviewDue
                    | FindingRule::UploadAnomaly
            )
        };
        let gone = |uid: &u64| fresh.get(*uid).is_none_or(|finding| finding.state == State::Watch);
        let open = self.cases.findings.iter().filter(|(_, one)| {
            one.is_open() && !stays(one.rule) && one.last_seen >= since && one.detected_at >= since
        });
        let mut name = String::new();
        let mut part = |one: &Finding| match &one.detail {
            Detail::Limit { per, .. } => {
                key(&mut name, &[&one.site, &one.device, &one.service, per.as_str()]);
                self.cases.memory.lacks(&fresh.memory, &name)
            }
            _ => false,
        };
        let open = open.filter(|(_, one)| !part(one));
        let mut uids: Vec<u64> = open.map(|(uid, _)| *uid).filter(gone).collect();
        // Whoever stands for others closes after them.
        uids.sort_unstable_by_key(|uid| (self.cases.get(*uid).is_some_and(|one| one.alerted), *uid));
        let reason = format!("policy {}: no longer a finding", self.judge.policy.version());
        for uid in uids {
            self.close_itself(uid, at, &reason);
            changes.closed.push(uid_text(uid));
        }
    }

    fn replace(&mut self, uid: u64, fresh: Finding, since: i64, at: i64, changes: &mut Changes) {
        match self.cases.get(uid) {
            Some(old) if old.state != State::Watch => self.keep(uid, fresh, since, at, changes),
            _ if fresh.state == State::Watch => {
                self.cases.findings.insert(uid, Box::new(fresh));
                self.cases.dirty.insert(uid);
            }
            _ => {
                changes.opened.push(fresh.uid.clone());
                self.enter(uid, fresh, at);
            }
        }
    }

    /// A finding that nobody could know before: its clock begins now.
    fn enter(&mut self, uid: u64, mut fresh: Finding, at: i64) {
        let open = fresh.is_open();
        fresh.report_due_at = clock_from(&fresh, at);
        (fresh.missed_at, fresh.alerted, fresh.held, fresh.devices) = (None, false, false, 1);
        fresh.revision = 0;
        if open {
            fresh.state = State::Open;
        }
        self.cases.add(uid, fresh);
        self.cases.dirty.insert(uid);
        self.remember(uid, at, OURSELVES, "opened", None);
        if open {
            self.cases.done.opened.push(uid);
            let quiet = self.cases.get(uid).is_some_and(|finding| finding.rule == FindingRule::FirstSight);
            self.announce(uid, at, quiet);
        }
    }

    /// A finding that still is one: the judgement is the new one, what people did stays.
    fn keep(&mut self, uid: u64, fresh: Finding, since: i64, at: i64, changes: &mut Changes) {
        let Some(old) = self.cases.get(uid) else { return };
        let differs = (old.status, old.severity, &old.why) != (fresh.status, fresh.severity, &fresh.why);
        let again = old.state == State::Closed && fresh.is_open() && by_policy(old);
        let taken = old.rule == FindingRule::FirstSight && old.state == State::Acknowledged;
        let passed = old.is_open() && fresh.state == State::Closed && !taken;
        let whole = old.first_seen >= since;
        let text = format!("{}; before: {}", fresh.why, old.why);
        let (reason, due) = (fresh.closed_reason.clone(), clock_from(&fresh, at));
        if let Some(finding) = self.cases.change(uid) {
            judgement(finding, fresh, whole);
            if again {
                finding.state = State::Open;
                finding.occurrences += 1;
                (finding.closed_at, finding.closed_by, finding.closed_reason) = (None, None, None);
                (finding.acknowledged_at, finding.acknowledged_by, finding.missed_at) = (None, None, None);
            }
            if again || finding.report_due_at.is_none() {
                finding.report_due_at = due;
            }
        }
        let timer = self.cases.get(uid).and_then(|finding| finding.report_due_at).map(|due| (due, Timer::Due(uid)));
        self.cases.timers.extend(timer);
        if passed {
            self.close_itself(uid, at, reason.as_deref().unwrap_or("it has passed"));
        }
        match (again, differs) {
            (true, _) => {
                self.remember(uid, at, OURSELVES, "reopened", None);
                self.announce(uid, at, false);
                changes.opened.push(uid_text(uid));
            }
            (false, true) => {
                self.remember(uid, at, OURSELVES, "rejudged", Some(&text));
                self.changed(uid, at);
                changes.changed.push(uid_text(uid));
            }
            (false, false) => changes.kept += 1,
        }
    }
}

/// The new judgement in an old finding; `whole`: the facts hold all that the finding counted.
fn judgement(old: &mut Finding, fresh: Finding, whole: bool) {
    old.status = fresh.status;
    old.severity = fresh.severity;
    old.why = fresh.why;
    (old.group_id, old.group_name) = (fresh.group_id, fresh.group_name);
    (old.service_name, old.vendor, old.category) = (fresh.service_name, fresh.vendor, fresh.category);
    (old.policy, old.catalogue) = (fresh.policy, fresh.catalogue);
    old.detail = fresh.detail;
    if whole {
        (old.contact, old.sensor, old.earlier) = (fresh.contact, fresh.sensor, fresh.earlier);
        (old.count, old.turns) = (fresh.count, fresh.turns);
        (old.bytes_up, old.bytes_down, old.upload_bytes) = (fresh.bytes_up, fresh.bytes_down, fresh.upload_bytes);
        (old.first_seen, old.last_seen) = (fresh.first_seen, fresh.last_seen);
        // A fresh look knows of no closing by hand, and so of no return.
        if old.occurrences <= fresh.occurrences {
            old.detected_at = fresh.detected_at;
        }
    }
}

/// The same time to report, counted from now.
fn clock_from(fresh: &Finding, at: i64) -> Option<i64> {
    fresh.report_due_at.map(|due| at.saturating_add(due.saturating_sub(fresh.detected_at)))
}

fn by_policy(finding: &Finding) -> bool {
    finding.closed_by.as_deref() == Some(OURSELVES)
        && finding.closed_reason.as_ref().is_some_and(|reason| reason.starts_with(BY_POLICY))
}
