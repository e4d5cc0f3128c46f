//! Downloads of model weights.

use rules::behaviour::Behaviour;
use rules::catalogue::Role;
use rules::policy::FindingRule;
use sensor::record::Evidence;

use super::Detail;
use super::core::Core;
use super::flow::{Seen, rule_of};
use super::life::Standing;
use super::memory::{Span, key};
use crate::time::HOUR;

/// What is remembered of a day after it began.
const KEPT: i64 = 48 * HOUR;

impl Core<'_> {
    /// Adds what a record fetched from a model registry to its day; true when that opened a finding.
    pub(super) fn model_download(&mut self, seen: &Seen<'_>) -> bool {
        let flow = seen.flow;
        let registry = flow.role == Role::ModelRegistry
            || (flow.role == Role::Download && flow.behaviour == Behaviour::ModelDownload);
        if !registry || flow.evidence == Evidence::Ambiguous || rule_of(seen.status).is_none() {
            return false;
        }
        let since = self.local.day(flow.end);
        let mut name = std::mem::take(&mut self.buffer);
        key(&mut name, &[&flow.site, &flow.device, &flow.service]);
        let span = self.cases.memory.downloads.change(&name, since.saturating_add(KEPT));
        self.buffer = name;
        if span.since < since {
            *span = Span { since, ..Span::default() };
        }
        // A record of the day before, told late, is none of this one: it counts in the finding, no more.
        let fetched = if span.since == since {
            span.bytes = span.bytes.saturating_add(flow.bytes_down);
            span.bytes
        } else {
            0
        };
        self.fetched(seen, fetched, since)
    }

    fn fetched(&mut self, seen: &Seen<'_>, fetched: u64, since: i64) -> bool {
        let about = seen.about(FindingRule::ModelDownload);
        let uid = about.uid();
        self.count(&about, uid, seen);
        let limit = self.judge.policy.download_bytes();
        if fetched <= limit {
            return false;
        }
        let detail = Detail::Download { bytes: fetched, limit, host: seen.flow.host.clone(), since };
        match self.standing(uid, seen.at) {
            Standing::Fresh | Standing::Returning => {
                let opening = self.opening(seen, FindingRule::ModelDownload, detail);
                self.open(&about, opening);
                true
            }
            Standing::Open => {
                if let Some(finding) = self.cases.change(uid) {
                    finding.detail = detail;
                }
                false
            }
            Standing::Resting => false,
        }
    }
}
