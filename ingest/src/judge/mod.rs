//! Opinion on facts: what needs a finding, since when its clock runs, and what is told about it.
//!
//! | file | noun |
//! |---|---|
//! | `finding`, `detail` | a finding and what it stands on |
//! | `core`, `cases`, `memory` | the pure core, its findings, what it remembers beside them |
//! | `flow`, `first`, `uploads`, `unusual`, `local`, `models`, `dark`, `health`, `review` | the rules |
//! | `life`, `opening`, `budget`, `note`, `tell`, `activity` | opening and closing, how much is told, and the events |
//! | `volume` | what is usual, and where it is kept |
//! | `db`, `book`, `ledger`, `sweep`, `act`, `rejudge`, `apply`, `facts` | the findings file, what people do to it, judging again |
//! | `words`, `measured`, `steps` | what a finding says to people |

mod act;
mod activity;
mod apply;
mod book;
mod budget;
mod cases;
mod core;
mod dark;
mod db;
mod detail;
mod find_error;
mod finding;
mod first;
mod flow;
mod health;
mod ledger;
mod life;
mod local;
mod measured;
mod memory;
mod mirror;
mod models;
mod note;
mod opening;
mod preview;
mod rejudge;
mod review;
mod steps;
mod sweep;
mod tell;
mod unusual;
mod uploads;
mod volume;
mod words;

use std::sync::Arc;

use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::{FindingRule, Policy};
use sensor::record::Record;

pub(crate) use self::core::order;
pub use act::Act;
pub(crate) use activity::LEFT_OUT;
pub(crate) use cases::Cases;
pub use db::{FINDINGS_FILE, Filter, FindingsDb, HistoryRow};
pub(crate) use db::{connect, newest};
pub use detail::{CLIENTS_SHOWN, Contact, Detail};
pub use find_error::FindError;
pub use finding::{Clock, Finding, State};
pub(crate) use ledger::ACTIVITY;
pub(crate) use mirror::MISSING_ONE_IN;
pub use note::{Action, Digest};
pub use rejudge::{Changes, Rejudged};
pub use words::{digest_sentence, evidence_words, next_steps, observed, rule_name, sentence};

use self::core::{Core, Looked};
use crate::db::DbError;

/// Under which the newest instant is kept.
const NOW: &str = "now";
/// Under which the rounds are counted.
const ROUND: &str = "round";

/// The rules of judging, and who is told.
#[derive(Debug, Clone)]
pub struct Judge {
    /// What an AI service is.
    pub catalogue: Arc<Catalogue>,
    /// Who may use it.
    pub policy: Arc<Policy>,
    /// The site's time zone: days of the policy, of limits and of the budget.
    pub time_zone: TimeZone,
    /// The SIEM sinks that get an event for each change that is told.
    pub sinks: Vec<Listener>,
}

/// A sink as the judge knows it: who is told what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The sink's name.
    pub name: String,
    /// True: each record of a flow to an AI service as well.
    pub activity: bool,
}

/// What one round changed. Findings by uid, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Flow records that were looked at.
    pub flows: u64,
    /// Of these, records of services that this catalogue does not know: the sensor's may be newer.
    pub unknown: u64,
    /// Records that were counted already.
    pub known: u64,
    /// Facts, and readings of the clock, whose time is implausibly far ahead: they were not judged.
    pub strange: u64,
    /// Sums that the baselines of uploads had no room for, or whose day cannot be.
    pub unmeasured: u64,
    /// Findings that opened for the first time; a site's first sight of a service stands apart.
    pub opened: Vec<String>,
    /// First sights of a service at a site: worth knowing, and nobody's fault.
    pub first_sights: Vec<String>,
    /// Findings that opened again.
    pub reopened: Vec<String>,
    /// Findings that closed by themselves.
    pub closed: Vec<String>,
    /// Findings whose deadline passed without anybody taking them on.
    pub missed: Vec<String>,
}

impl Judge {
    /// Judges the records of one segment in one transaction: findings and their outgoing events stand together or
    /// not at all, and a repeated segment changes nothing.
    pub fn segment(&self, findings: &mut FindingsDb, records: &[Record]) -> Result<Judged, DbError> {
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_by(|a, b| core::order(a).cmp(&core::order(b)));
        findings.round(self, |core, ledger| {
            let mut judged = Judged::default();
            for record in sorted {
                let fresh = match mark(record) {
                    Some((key, seq)) => ledger.mark(&key, seq, core.now_or(record))?,
                    None => true,
                };
                if !fresh {
                    judged.known += 1;
                    judged.flows += u64::from(matches!(record, Record::Flow(_)));
                    continue;
                }
                match core.record(record) {
                    Looked::Flow => judged.flows += 1,
                    Looked::Unknown => {
                        judged.flows += 1;
                        judged.unknown += 1;
                    }
                    Looked::Other => {}
                }
            }
            judged.take(core);
            Ok(judged)
        })
    }

    /// Learns what is usual from the flows of one segment, and judges nothing: no finding, no event, no clock. A repeated
    /// segment changes nothing, and what was learnt from is not judged later.
    pub fn learn(&self, findings: &mut FindingsDb, records: &[Record]) -> Result<(), DbError> {
        findings.round(self, |core, ledger| {
            for record in records {
                let (Record::Flow(flow), Some((key, seq))) = (record, mark(record)) else { continue };
                if ledger.mark(&key, seq, core.now_or(record))? {
                    core.learn(flow);
                }
            }
            Ok(())
        })
    }

    /// Lets the time pass: deadlines, digests, silent sensors, reviews. `now` in µs UTC; an instant that the facts
    /// have passed already changes nothing.
    pub fn tick(&self, findings: &mut FindingsDb, now: i64) -> Result<Judged, DbError> {
        findings.round(self, |core, ledger| {
            core.tick(now);
            core.sweep(ledger)?;
            let mut judged = Judged::default();
            judged.take(core);
            Ok(judged)
        })
    }

    /// Judges by another policy from now on: open findings about what is approved now close at the next tick.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// Name and version of the policy.
    pub(crate) fn policy_words(&self) -> String {
        policy_words(&self.policy)
    }
}

impl Judged {
    fn take(&mut self, core: &mut Core<'_>) {
        let done = std::mem::take(&mut core.cases.done);
        self.strange = done.strange;
        self.unmeasured = core.cases.volume.unmeasured();
        let texts = |uids: Vec<u64>| uids.into_iter().map(finding::uid_text).collect();
        let sight = |uid: &u64| core.cases.get(*uid).is_some_and(|one| one.rule == FindingRule::FirstSight);
        let (sights, opened) = done.opened.into_iter().partition(sight);
        self.first_sights = texts(sights);
        self.opened = texts(opened);
        self.reopened = texts(done.reopened);
        self.closed = texts(done.closed);
        self.missed = texts(done.missed);
    }
}

/// By what a repeated record is known; nothing where a repetition does no harm.
fn mark(record: &Record) -> Option<(String, i64)> {
    match record {
        Record::Flow(flow) => Some((flow.flow_id.clone(), i64::from(flow.seq))),
        Record::Minute(minute) => Some((format!("minute {} {}", minute.sensor, minute.source), minute.minute)),
        Record::Visibility(one) => {
            Some((format!("visibility {} {} {}", one.sensor, one.source, one.device), one.start))
        }
        Record::Lookup(_) | Record::Candidate(_) | Record::Device(_) => None,
    }
}

/// Name and version; the empty policy has one word for both.
pub(crate) fn policy_words(policy: &Policy) -> String {
    match (policy.name(), policy.version()) {
        (name, version) if name == version => name.to_owned(),
        (name, version) => format!("{name} {version}"),
    }
}

#[cfg(test)]
mod tests;
