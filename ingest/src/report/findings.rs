//! The week's findings and their clocks, read at the newest fact of the window: no wall clock.

use std::collections::BTreeMap;

use rules::policy::{FindingRule, Status};

use super::departments::Folding;
use super::finding_row::{self, Lane};
use super::judged::weightier;
use super::model::{Announced, FindingRow, ServiceFindings};
use crate::judge::{Clock, Finding};
use crate::time::{Window, utc};

/// Findings at one instant.
pub(super) struct Clocks<'a> {
    pub(super) findings: &'a [Finding],
    pub(super) window: Window,
    /// The newest fact.
    pub(super) at: i64,
    /// What people did later is not looked at, µs UTC.
    pub(super) until: i64,
}

impl Clocks<'_> {
    /// Open findings. A first sight says that there is something new and asks for nothing by itself.
    pub(super) fn open(&self) -> u64 {
        self.count(|finding| self.is_open(finding))
    }

    /// Open findings whose deadline was missed.
    pub(super) fn late(&self) -> u64 {
        self.count(|finding| self.is_open(finding) && self.clock(finding) == Clock::Missed)
    }

    /// Deadlines that fell into the window and were met, or missed; those that still run.
    pub(super) fn deadlines(&self, clock: Clock) -> u64 {
        let in_window = |finding: &Finding| finding.report_due_at.is_some_and(|due| self.window.contains(due));
        self.count(|finding| self.clock(finding) == clock && (clock == Clock::Running || in_window(finding)))
    }

    /// How the findings were told that opened in the window.
    pub(super) fn announced(&self) -> Announced {
        let opened = |finding: &Finding| self.window.contains(finding.detected_at);
        let sight = |finding: &&Finding| finding.rule == FindingRule::FirstSight && opened(finding);
        Announced {
            opened: self.count(opened),
            alerted: self.count(|finding| opened(finding) && finding.alerted),
            held: self.count(|finding| opened(finding) && finding.held),
            quiet: self.count(|finding| opened(finding) && !finding.alerted && !finding.held),
            first_sights: self.findings.iter().filter(sight).count() as u64,
        }
    }

    /// How a finding's deadline stands. An answer that came after the newest fact stops it all the same.
    pub(super) fn clock(&self, finding: &Finding) -> Clock {
        let answers = [finding.acknowledged_at, finding.closed_at].into_iter().flatten();
        let answered = answers.filter(|at| *at <= self.until).min();
        finding.clock(answered.map_or(self.at, |answered| answered.max(self.at)))
    }

    /// Findings that are open, or that something happened to in the window.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            let times =
                [Some(finding.detected_at), finding.report_due_at, finding.acknowledged_at, finding.closed_at];
            self.is_open(finding) || times.into_iter().flatten().any(|at| self.window.contains(at))
        })
    }

    /// One row per service, most severe status first.
    pub(super) fn by_service(&self) -> Vec<ServiceFindings> {
        let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        let about_services = |finding: &&Finding| finding.status.is_some() && asks(finding);
        for finding in self.shown().filter(about_services) {
            groups.entry(&finding.service).or_default().push(finding);
        }
        let mut table: Vec<(u8, ServiceFindings)> =
            groups.into_iter().map(|(service, findings)| self.service(service, &findings)).collect();
        table.sort_by(|(a_severity, a), (b_severity, b)| {
            b_severity.cmp(a_severity).then(b.open.cmp(&a.open)).then_with(|| a.service.cmp(&b.service))
        });
        table.into_iter().map(|(_, row)| row).collect()
    }

    /// One row per finding: by lane, in it the soonest deadline first.
    pub(super) fn table(&self, folding: &Folding) -> Vec<FindingRow> {
        let mut shown: Vec<(Lane, &Finding)> =
            self.shown().map(|finding| (Lane::of(finding, self.clock(finding)), finding)).collect();
        shown.sort_by_key(|(lane, finding)| {
            let due = finding.report_due_at.unwrap_or(i64::MAX);
            (*lane, due, finding.detected_at, &finding.uid)
        });
        shown.into_iter().map(|(lane, finding)| finding_row::row(finding, lane, self, folding)).collect()
    }

    fn service(&self, service: &str, findings: &[&Finding]) -> (u8, ServiceFindings) {
        let count = |of: &dyn Fn(&Finding) -> bool| findings.iter().filter(|finding| of(finding)).count() as u64;
        let running = findings.iter().filter(|finding| self.clock(finding) == Clock::Running);
        let status = findings.iter().filter_map(|finding| finding.status).fold(Status::Approved, weightier);
        let row = ServiceFindings {
            service: service.to_owned(),
            name: findings.first().map(|finding| finding.service_name.clone()).unwrap_or_default(),
            status: status.as_str().to_owned(),
            open: count(&|finding| self.is_open(finding)),
            late: count(&|finding| self.is_open(finding) && self.clock(finding) == Clock::Missed),
            new: count(&|finding| self.window.contains(finding.detected_at)),
            next_due: running.filter_map(|finding| finding.report_due_at).min().map(utc),
        };
        (status.severity(), row)
    }

    fn is_open(&self, finding: &Finding) -> bool {
        finding.closed_at.is_none_or(|closed| closed > self.until)
    }

    fn count(&self, of: impl Fn(&Finding) -> bool) -> u64 {
        self.findings.iter().filter(|finding| asks(finding) && of(finding)).count() as u64
    }
}

fn asks(finding: &Finding) -> bool {
    finding.rule != FindingRule::FirstSight
}
