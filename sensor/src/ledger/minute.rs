//! A minute that is over, as one worker counted it.

use super::{Counts, METHODS};
use crate::record::{MinuteRecord, Tally};

/// What a worker counted in a minute. Several workers' are added up before they are written.
#[derive(Debug, Clone)]
pub struct Minute {
    /// The record but for its counts.
    template: MinuteRecord,
    counts: Counts,
}

impl Minute {
    pub(super) fn new(template: MinuteRecord, counts: Counts) -> Self {
        Self { template, counts }
    }

    /// Start of the minute, µs.
    pub fn start(&self) -> i64 {
        self.template.minute
    }

    /// What was read.
    pub fn source(&self) -> &str {
        &self.template.source
    }

    /// Adds what another worker counted in the same minute.
    pub fn join(&mut self, other: &Self) {
        self.counts.join(&other.counts);
    }

    /// The record of the minute.
    pub fn record(self) -> MinuteRecord {
        let Self { template, counts } = self;
        let methods = METHODS.iter().map(|&(method, name)| (name.to_owned(), counts.method(method)));
        let not_flow = counts.not_flow.iter().map(|(what, tally)| (what.as_str().to_owned(), *tally));
        let malformed = counts.malformed.iter().map(|(&why, tally)| (why.to_owned(), *tally));
        MinuteRecord {
            frames: counts.frames,
            bytes: counts.bytes,
            methods: methods.filter(|(_, tally)| *tally != Tally::default()).collect(),
            not_flow: not_flow.collect(),
            malformed: malformed.collect(),
            drops: counts.drops.iter().map(|(&place, &n)| (place.to_owned(), n)).collect(),
            one_way_flows: counts.one_way_flows,
            late_flows: counts.late_flows,
            dns_questions: counts.dns_questions,
            tcp_bytes: counts.tcp.bytes,
            tcp_missing: counts.tcp.missing,
            tcp_reordered: counts.tcp.reordered,
            tcp_resent: counts.tcp.resent,
            duplicates: counts.duplicates,
            clock_steps: counts.clock_steps,
            broken: counts.broken(),
            ..template
        }
    }
}
