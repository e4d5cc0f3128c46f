//! The life of a finding: it opens, is taken on or missed, closes, and may come back.

use super::act::Act;
use super::cases::{Timer, device_key};
use super::core::Core;
use super::finding::Told;
use super::note::{Action, HistoryNote, Note, OURSELVES};
use super::opening::{About, Opening, fill};
use super::{Finding, State, tell};

/// How a finding stands towards a condition that is seen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has never been open.
    Fresh,
    /// It is.
    Open,
    /// It was closed on this very day of the site's clock: the condition is counted, no more.
    Resting,
    /// It was closed on an earlier day.
    Returning,
}

impl Core<'_> {
    pub(super) fn standing(&mut self, uid: u64, at: i64) -> Standing {
        let Some(finding) = self.cases.get(uid) else { return Standing::Fresh };
        match (finding.state, finding.closed_at) {
            (State::Watch, _) => Standing::Fresh,
            (State::Open | State::Acknowledged, _) => Standing::Open,
            (State::Closed, None) => Standing::Returning,
            (State::Closed, Some(closed)) => {
                let returning = self.local.date(closed) < self.local.date(at);
                if returning { Standing::Returning } else { Standing::Resting }
            }
        }
    }

    /// Opens a finding, for the first time or again, and decides whether that is told.
    pub(super) fn open(&mut self, about: &About<'_>, opening: Opening) {
        let (uid, at, quiet) = (about.uid(), opening.at, opening.quiet);
        let device = device_key(about.site, about.device);
        let known = self.cases.per_device.get(&device).copied().unwrap_or_default();
        let policy = self.judge.policy_words();
        let first = {
            let finding = self.cases.findings.entry(uid).or_insert_with(|| Box::new(about.watched()));
            let first = finding.state == State::Watch;
            finding.earlier = known.saturating_sub(u64::from(!first));
            fill(finding, opening, policy);
            first
        };
        self.cases.dirty.insert(uid);
        if first {
            *self.cases.per_device.entry(device).or_default() += 1;
        }
        self.remember(uid, at, OURSELVES, if first { "opened" } else { "reopened" }, None);
        if first { &mut self.cases.done.opened } else { &mut self.cases.done.reopened }.push(uid);
        self.announce(uid, at, quiet);
        let due = self.cases.get(uid).and_then(|finding| finding.report_due_at);
        self.cases.timers.extend(due.map(|due| (due, Timer::Due(uid))));
    }

    /// Somebody takes a finding on.
    pub(crate) fn acknowledge(&mut self, uid: u64, act: &Act<'_>) {
        self.miss_before(uid, act.at);
        let Some(finding) = self.cases.change(uid).filter(|finding| finding.state == State::Open) else { return };
        finding.state = State::Acknowledged;
        finding.acknowledged_at = Some(act.at);
        finding.acknowledged_by = Some(act.who.to_owned());
        self.remember(uid, act.at, act.who, "acknowledged", Some(act.text));
        self.tell(uid, act.at, Action::Update);
    }

    /// Somebody closes a finding, or it closes by itself.
    pub(crate) fn close(&mut self, uid: u64, act: &Act<'_>) {
        self.miss_before(uid, act.at);
        let Some(finding) = self.cases.change(uid).filter(|finding| finding.is_open()) else { return };
        finding.state = State::Closed;
        finding.closed_at = Some(act.at);
        finding.closed_by = Some(act.who.to_owned());
        finding.closed_reason = Some(act.text.to_owned());
        self.remember(uid, act.at, act.who, "closed", Some(act.text));
        self.cases.done.closed.push(uid);
        self.tell(uid, act.at, Action::Close);
        self.succeed(uid, act.at);
    }

    /// A finding closes because what it was about has passed.
    pub(super) fn close_itself(&mut self, uid: u64, at: i64, reason: &str) {
        if self.cases.get(uid).is_some_and(Finding::is_open) {
            self.close(uid, &Act { who: OURSELVES, text: reason, at });
        }
    }

    /// The deadline has passed and nobody took it on.
    pub(super) fn miss(&mut self, uid: u64, at: i64) {
        let running = |finding: &Finding| {
            finding.state == State::Open && finding.missed_at.is_none() && finding.report_due_at == Some(at)
        };
        if !self.cases.get(uid).is_some_and(running) {
            return;
        }
        if let Some(finding) = self.cases.change(uid) {
            finding.missed_at = Some(at);
        }
        self.remember(uid, at, OURSELVES, "missed", Some("the deadline passed without acknowledgement"));
        self.cases.done.missed.push(uid);
        self.tell(uid, at, Action::Update);
        if !self.cases.get(uid).is_some_and(|finding| finding.alerted) {
            self.missed_quietly(uid, at);
        }
    }

    fn miss_before(&mut self, uid: u64, at: i64) {
        if let Some(due) = self.cases.get(uid).and_then(|finding| finding.report_due_at).filter(|due| *due <= at) {
            self.miss(uid, due);
        }
    }

    /// A change of a finding: counted in its revision, and told if its opening was.
    pub(super) fn tell(&mut self, uid: u64, at: i64, action: Action) {
        let Some(finding) = self.cases.change(uid) else { return };
        finding.revision += 1;
        finding.told = Told {
            at,
            devices: finding.devices,
            severity: finding.severity,
            upload_bytes: finding.upload_bytes,
            status: finding.status,
        };
        if finding.alerted && !self.cases.silent {
            let finding = self.cases.get(uid).map(tell::snapshot);
            self.cases.notes.extend(finding.map(|finding| Note::Finding { at, action, finding }));
        }
    }

    /// Writes a row of history; without a text, the finding's reason.
    pub(super) fn remember(&mut self, uid: u64, at: i64, who: &str, what: &'static str, text: Option<&str>) {
        if self.cases.silent {
            return;
        }
        let why = self.cases.get(uid).map(|finding| finding.why.as_str()).unwrap_or_default();
        let text = text.unwrap_or(why).to_owned();
        self.cases.history.push(HistoryNote { uid, at, who: who.to_owned(), what, text });
    }
}
