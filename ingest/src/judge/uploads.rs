//! Uploads over a fixed limit.

use rules::policy::{FindingRule, Limit, Per};
use rules::usage::Use;
use sensor::record::Evidence;

use super::Detail;
use super::core::Core;
use super::flow::{Seen, due};
use super::life::Standing;
use super::memory::{Span, key};
use super::opening::Opening;
use crate::text::bytes;
use crate::time::HOUR;

/// What is remembered of a span after it began: longer than the longest one.
const KEPT: i64 = 15 * 24 * HOUR;

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
        let mut opened = false;
        for &per in Per::ALL {
            let fits = |limit: &&Limit| limit.per == per && limit.fits(group, seen.service);
            if policy.limits().iter().any(|limit| fits(&limit)) {
                let (sum, since, passed) = self.add_to_span(seen, per);
                let over = |limit: &&Limit| fits(limit) && sum > limit.bytes;
                if let Some(limit) = policy.limits().iter().filter(over).max_by_key(|limit| limit.bytes) {
                    opened |= self.over(seen, limit, [sum, passed], since);
                }
            }
        }
        opened
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

    /// The span is over the limit: opens the finding once per span, and keeps its amount up to date.
    fn over(&mut self, seen: &Seen<'_>, limit: &Limit, [sum, passed]: [u64; 2], since: i64) -> bool {
        let about = seen.about(FindingRule::UploadLimit);
        let uid = about.uid();
        let fresh = passed < limit.bytes;
        if fresh {
            let mut name = std::mem::take(&mut self.buffer);
            key(&mut name, &[about.site, about.device, about.service, limit.per.as_str()]);
            self.cases.memory.uploads.change(&name, since.saturating_add(KEPT)).passed = limit.bytes;
            self.buffer = name;
        }
        let standing = self.standing(uid, seen.at);
        let opens = fresh && matches!(standing, Standing::Fresh | Standing::Returning);
        let detail = self.limit_detail(uid, limit, (sum, since), fresh && !opens);
        self.count(&about, uid, seen);
        if opens {
            let opening = self.limit_opening(seen, limit, detail);
            self.open(&about, opening);
            self.escalate(seen);
        } else if let Some(finding) = self.cases.change(uid).filter(|finding| finding.is_open()) {
            finding.detail = detail;
            self.changed(uid, seen.at);
        }
        opens
    }

    fn limit_detail(&self, uid: u64, limit: &Limit, (sum, since): (u64, i64), again: bool) -> Detail {
        let before = match self.cases.get(uid).filter(|finding| finding.is_open()).map(|finding| &finding.detail) {
            Some(Detail::Limit { episodes, .. }) => *episodes,
            _ => 1,
        };
        Detail::Limit {
            limit: limit.bytes,
            bytes: sum,
            per: limit.per,
            since,
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
