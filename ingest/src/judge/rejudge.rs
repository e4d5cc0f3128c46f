//! Facts judged again under another policy or catalogue: a fresh working set, and how it takes the place of the old.

use std::borrow::Borrow;

use sensor::record::Record;

use super::core::{Core, Looked, instant};
use super::{Cases, Finding, FindingsDb, Judge, State};
use crate::db::DbError;

/// What the facts come to under a judge's policy and catalogue.
#[derive(Debug, Default)]
pub struct Rejudged {
    pub(super) cases: Box<Cases>,
    /// When the first of them was known, µs UTC; absent without any.
    pub since: Option<i64>,
    /// Facts that were looked at.
    pub facts: u64,
    /// Of these, flow records.
    pub flows: u64,
    /// Of these, records of services that the catalogue does not know.
    pub unknown: u64,
}

/// What re-judging changed in the findings file, by uid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Findings that are new.
    pub opened: Vec<String>,
    /// Findings that are none any more.
    pub closed: Vec<String>,
    /// Findings whose status, severity or reason is another one.
    pub changed: Vec<String>,
    /// Findings that stay as they were.
    pub kept: u64,
}

impl Rejudged {
    /// Its findings, oldest first.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut list: Vec<&Finding> =
            self.cases.sorted().into_values().filter(|finding| finding.state != State::Watch).collect();
        list.sort_by(|a, b| (a.detected_at, &a.uid).cmp(&(b.detected_at, &b.uid)));
        list
    }
}

impl Judge {
    /// Judges facts afresh: no database, no events. They have to come in the order of their emission (flow records:
    /// `emitted`, `flow_id`, `seq`), and none twice.
    pub fn rejudge<R, E>(&self, facts: impl IntoIterator<Item = Result<R, E>>) -> Result<Rejudged, E>
    where
        R: Borrow<Record>,
    {
        let mut rejudged = Rejudged::default();
        rejudged.cases.silent = true;
        let mut core = Core::new(self, &mut rejudged.cases);
        for fact in facts {
            let fact = fact?;
            rejudged.facts += 1;
            rejudged.since.get_or_insert_with(|| instant(fact.borrow()));
            match core.record(fact.borrow()) {
                Looked::Flow => rejudged.flows += 1,
                Looked::Unknown => {
                    rejudged.flows += 1;
                    rejudged.unknown += 1;
                }
                Looked::Other => {}
            }
        }
        Ok(rejudged)
    }
}

impl FindingsDb {
    /// Puts re-judged findings in the place of those in the file. Acknowledgements, closings and history of findings
    /// that still exist stay; those that vanished close; new ones open with a clock that begins at `at`, because
    /// nobody could know before. What is older than the facts stays as it is.
    pub fn apply(&mut self, rejudged: Rejudged, judge: &Judge, at: i64) -> Result<Changes, DbError> {
        self.round(judge, |core, _| Ok(core.apply(rejudged, at)))
    }
}
