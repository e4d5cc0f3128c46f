//! The working set: every finding and what the judge remembers beside them, in memory. No database is behind it, so
//! that a million stored facts can be judged again fast; [`super::book`] reads it from the findings file and writes
//! back what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::memory::Memory;
use super::note::{HistoryNote, Note};
use super::volume::Volume;
use super::{Finding, State};

/// Findings and side state, with what has changed since they were read or written.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    /// The newest instant that was looked at, µs UTC: packet time, or the clock's where a round was told it.
    pub(crate) now: i64,
    /// True while facts are judged again: nothing is told and no history is written.
    pub(crate) silent: bool,
    pub(crate) findings: HashMap<u64, Box<Finding>>,
    pub(crate) dirty: BTreeSet<u64>,
    /// What waits for an instant.
    pub(crate) timers: BTreeSet<(i64, Timer)>,
    /// Findings past `watch` per site and device.
    pub(crate) per_device: HashMap<u64, u64>,
    /// The finding that stands for a service at a site, by the uid that it would have without a device.
    pub(crate) leads: HashMap<u64, u64>,
    pub(crate) memory: Memory,
    pub(crate) volume: Volume,
    pub(crate) notes: Vec<Note>,
    pub(crate) history: Vec<HistoryNote>,
    /// What this round did.
    pub(crate) done: Done,
}

/// What is to be looked at when its instant comes. What no longer holds by then is passed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A report is due.
    Due(u64),
    /// An update that came too soon after the last one may go.
    Update(u64),
    /// An hour of a site's budget ends.
    Digest(String),
    /// A sensor may be silent, or well again.
    Sensor(String),
    /// A day of hidden names is over.
    Dark(String),
}

/// What one round did, by uid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Done {
    pub(crate) opened: Vec<u64>,
    pub(crate) reopened: Vec<u64>,
    pub(crate) closed: Vec<u64>,
    pub(crate) missed: Vec<u64>,
    /// Facts and ticks whose time cannot be.
    pub(crate) strange: u64,
}

impl Cases {
    /// A finding; its contact may be no finding yet.
    pub(crate) fn get(&self, uid: u64) -> Option<&Finding> {
        self.findings.get(&uid).map(Box::as_ref)
    }

    /// The same to be changed.
    pub(crate) fn change(&mut self, uid: u64) -> Option<&mut Finding> {
        let finding = self.findings.get_mut(&uid)?;
        self.dirty.insert(uid);
        Some(finding)
    }

    /// Takes in a finding that was read, or made: its timers and what is counted over all of them.
    pub(crate) fn add(&mut self, uid: u64, finding: Finding) {
        if finding.state != State::Watch {
            *self.per_device.entry(device_key(&finding.site, &finding.device)).or_default() += 1;
            self.clock(uid, &finding);
            self.lead(uid, &finding);
            // An update that waits for its time: looked at with the next tick.
            if finding.alerted && finding.is_open() && super::budget::material(&finding) {
                self.timers.insert((finding.told.at, Timer::Update(uid)));
            }
        }
        self.findings.insert(uid, Box::new(finding));
    }

    /// Sets the timer of a finding's deadline.
    pub(crate) fn clock(&mut self, uid: u64, finding: &Finding) {
        if let Some(due) =
            finding.report_due_at.filter(|_| finding.state == State::Open && finding.missed_at.is_none())
        {
            self.timers.insert((due, Timer::Due(uid)));
        }
    }

    /// Enters the finding as the one that stands for its service at its site, when it is.
    pub(crate) fn lead(&mut self, uid: u64, finding: &Finding) {
        if !super::budget::leads(finding) {
            return;
        }
        let key = super::budget::lead_key(&finding.site, finding.rule, &finding.service);
        let older = self.leads.get(&key).and_then(|other| self.findings.get(other));
        let first = |a: &Finding, b: &Finding| (a.detected_at, &a.uid) < (b.detected_at, &b.uid);
        if older.is_none_or(|older| !older.is_open() || first(finding, older)) {
            self.leads.insert(key, uid);
        }
    }

    /// Watched contacts and findings in a stable order.
    pub(crate) fn sorted(&self) -> BTreeMap<u64, &Finding> {
        self.findings.iter().map(|(uid, finding)| (*uid, finding.as_ref())).collect()
    }
}

/// A device of a site as a number.
pub(crate) fn device_key(site: &str, device: &str) -> u64 {
    super::finding::uid(site, "", device, "")
}
