//! Uploads over a fixed limit.

use std::cmp::Reverse;
use std::time::Duration;

use rules::policy::{FindingRule, Limit, Per};
use rules::usage::Use;
use sensor::record::Evidence;

use super::cases::Timer;
use super::core::Core;
use super::flow::{Seen, due};
use super::life::Standing;
use super::memory::{Span, key};
use super::opening::{About, Opening};
use super::{Detail, State};
use crate::text::bytes;
use crate::time::HOUR;

/// What is remembered of a span after it began: longer than the longest one.
const KEPT: i64 = 15 * 24 * HOUR;

/// A limit that its running span is over.
struct Over<'a> {
    limit: &'a Limit,
    /// Sent in the span.
    sum: u64,
    /// When it began.
    since: i64,
    /// True while the finding has not told of it.
    fresh: bool,
}

impl Core<'_> {
    /// Adds what a record sent to the running spans; true when it opened a finding.
    pub(super) fn uploads(&mut self, seen: &Seen<'_>) -> bool {
        let flow = seen.flow;
        if flow.upload_bytes == 0 || seen.usage == Use::Nothing || flow.evidence == Evidence::Ambiguous {
            return false;
        }
        let policy = self.judge.policy.clone();
        if policy.limits().is_empty() {
            return false;
        }
        let group = policy.group_for(&seen.subject);
        let mut over = Vec::new();
        for &per in Per::ALL {
            let fits = |limit: &&Limit| limit.per == per && limit.fits(group, seen.service, seen.status);
            let mut limits = policy.limits().iter().filter(fits).peekable();
            if limits.peek().is_some() {
                let (sum, since, passed) = self.add_to_span(seen, per);
                let passes = limits.filter(|limit| sum > limit.bytes);
                over.extend(passes.map(|limit| Over { limit, sum, since, fresh: limit.bytes > passed }));
            }
        }
        !over.is_empty() && self.over(seen, &over)
    }

    /// The sum of the running span, when it began, and the greatest limit that was passed in it before.
    fn add_to_span(&mut self, seen: &Seen<'_>, per: Per) -> (u64, i64, u64) {
        let flow = seen.flow;
        let since = self.span_start(flow.end, per);
        let mut name = std::mem::take(&mut self.buffer);
        key(&mut name, &[&flow.site, &flow.device, &flow.service, per.as_str()]);
        let span = self.cases.memory.uploads.change(&name, since.saturating_add(KEPT));
        self.buffer = name;
        // A record of the span before, told late, is none of this one.
        if span.since < since {
            *span = Span { since, ..Span::default() };
        }
        if span.since == since {
            span.bytes = span.bytes.saturating_add(flow.upload_bytes);
        }
        (span.bytes, span.since, span.passed)
    }

    fn span_start(&mut self, at: i64, per: Per) -> i64 {
        match per {
            Per::Hour => self.local.hour(at),
            Per::Day => self.local.day(at),
            Per::Week => self.local.week(at),
        }
    }

    /// Spans are over their limits: opens the finding once per span, and keeps its amount up to date. The record is
    /// counted once, however many limits it is over.
    fn over(&mut self, seen: &Seen<'_>, over: &[Over<'_>]) -> bool {
        let about = seen.about(FindingRule::UploadLimit);
        let uid = about.uid();
        let standing = self.standing(uid, seen.at);
        self.count(&about, uid, seen);
        match standing {
            // What is passed on the day of a closing is looked at on the next one.
            Standing::Resting => false,
            Standing::Open => {
                self.mark_passed(&about, over);
                if let Some(worst) = over.iter().max_by_key(|over| self.weight(over.limit)) {
                    self.limit_again(uid, seen, worst, over.iter().any(|over| over.fresh));
                }
                false
            }
            Standing::Fresh | Standing::Returning => {
                let fresh = over.iter().filter(|over| over.fresh);
                let Some(worst) = fresh.max_by_key(|over| self.weight(over.limit)) else { return false };
                self.mark_passed(&about, over);
                let detail = self.limit_detail(uid, worst, false);
                let opening = self.limit_opening(seen, worst.limit, detail);
                self.open(&about, opening);
                self.escalate(seen);
                true
            }
        }
    }

    /// Remembers which limits were told of, so that each span is one episode.
    fn mark_passed(&mut self, about: &About<'_>, over: &[Over<'_>]) {
        let mut name = std::mem::take(&mut self.buffer);
        for over in over.iter().filter(|over| over.fresh) {
            key(&mut name, &[about.site, about.device, about.service, over.limit.per.as_str()]);
            let span = self.cases.memory.uploads.change(&name, over.since.saturating_add(KEPT));
            span.passed = span.passed.max(over.limit.bytes);
        }
        self.buffer = name;
    }

    /// How much a limit matters: its severity, then the sooner report, then the greater amount.
    fn weight(&self, limit: &Limit) -> (u8, Reverse<Duration>, u64) {
        let policy = &self.judge.policy;
        let severity = limit.severity.unwrap_or_else(|| policy.severity(FindingRule::UploadLimit));
        let within = limit.report_within.or_else(|| policy.deadline(FindingRule::UploadLimit));
        (severity, Reverse(within.unwrap_or(Duration::MAX)), limit.bytes)
    }

    /// The weight of the limit that an open finding cites; absent when the policy no longer has it.
    fn cited(&self, uid: u64) -> Option<(u8, Reverse<Duration>, u64)> {
        let Detail::Limit { limit: allowed, per: span, .. } = &self.cases.get(uid)?.detail else { return None };
        let limit = self.judge.policy.limits().iter().find(|one| one.bytes == *allowed && one.per == *span)?;
        Some(self.weight(limit))
    }

    /// More while the finding is open: a limit that weighs as much as the cited one, or more, takes its place, and a
    /// greater severity or a sooner report is told at once.
    fn limit_again(&mut self, uid: u64, seen: &Seen<'_>, worst: &Over<'_>, again: bool) {
        if self.cited(uid).is_some_and(|cited| cited > self.weight(worst.limit)) {
            self.changed(uid, seen.at);
            return;
        }
        let detail = self.limit_detail(uid, worst, again);
        let opening = self.limit_opening(seen, worst.limit, detail);
        let Some(finding) = self.cases.change(uid) else { return };
        (finding.detail, finding.why) = (opening.detail, opening.why);
        let mut louder = opening.severity > finding.severity;
        finding.severity = finding.severity.max(opening.severity);
        let runs = finding.state == State::Open && finding.missed_at.is_none();
        let sooner = opening.report_due_at.filter(|due| runs && finding.report_due_at.is_none_or(|old| *due < old));
        if let Some(due) = sooner {
            finding.report_due_at = Some(due);
            self.cases.timers.insert((due, Timer::Due(uid)));
            louder = true;
        }
        if louder {
            self.louder(uid, seen.at);
        } else {
            self.changed(uid, seen.at);
        }
    }

    fn limit_detail(&self, uid: u64, over: &Over<'_>, again: bool) -> Detail {
        let limit = over.limit;
        let before = match self.cases.get(uid).filter(|finding| finding.is_open()).map(|finding| &finding.detail) {
            Some(Detail::Limit { episodes, .. }) => *episodes,
            _ => 1,
        };
        Detail::Limit {
            limit: limit.bytes,
            bytes: over.sum,
            per: limit.per,
            since: over.since,
            owner: limit.owner.clone(),
            episodes: before + u64::from(again),
        }
    }

    fn limit_opening(&self, seen: &Seen<'_>, limit: &Limit, detail: Detail) -> Opening {
        let opening = self.opening(seen, FindingRule::UploadLimit, detail);
        let (file, line, reason) = (self.judge.policy.file(), limit.line, &limit.reason);
        Opening {
            severity: limit.severity.unwrap_or(opening.severity),
            why: format!(
                "{file}:{line} allows {} per {} (\"{reason}\"); {}",
                bytes(limit.bytes),
                limit.per,
                opening.why
            ),
            report_due_at: limit.report_within.map_or(opening.report_due_at, |within| Some(due(seen.at, within))),
            ..opening
        }
    }
}
