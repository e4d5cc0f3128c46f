//! The week's findings and their clocks, read at the newest fact of the window: no wall clock.

use std::collections::BTreeMap;

use rules::policy::Status;

use super::departments::Folding;
use super::judged::weightier;
use super::model::{FindingRow, ServiceFindings};
use crate::judge::{Finding, State, next_steps, observed, sentence};
use crate::time::{Window, utc};

/// Findings at one instant.
pub(super) struct Clocks<'a> {
    pub(super) findings: &'a [Finding],
    pub(super) at: i64,
}

impl Clocks<'_> {
    /// Open findings.
    pub(super) fn open(&self) -> u64 {
        self.until().filter(|finding| finding.is_open()).count() as u64
    }

    /// Open findings whose report was due.
    pub(super) fn late(&self) -> u64 {
        self.until().filter(|finding| clock(finding, self.at) == RUN_OUT).count() as u64
    }

    fn until(&self) -> impl Iterator<Item = &Finding> {
        // The report has a place for findings about services that have a clock; the others are listed by the CLI.
        self.findings.iter().filter(|finding| {
            finding.detected_at <= self.at && finding.status.is_some() && finding.report_due_at.is_some()
        })
    }

    /// Findings that are open, or that the window brought.
    fn shown(&self, window: Window) -> impl Iterator<Item = &Finding> {
        self.until().filter(move |finding| finding.is_open() || window.contains(finding.detected_at))
    }

    /// One row per service, most severe status first.
    pub(super) fn by_service(&self, window: Window) -> Vec<ServiceFindings> {
        let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in self.shown(window) {
            groups.entry(&finding.service).or_default().push(finding);
        }
        let mut table: Vec<(u8, ServiceFindings)> =
            groups.into_iter().map(|(service, findings)| self.service(service, &findings, window)).collect();
        table.sort_by(|(a_severity, a), (b_severity, b)| {
            b_severity.cmp(a_severity).then(b.open.cmp(&a.open)).then_with(|| a.service.cmp(&b.service))
        });
        table.into_iter().map(|(_, row)| row).collect()
    }

    fn service(&self, service: &str, findings: &[&Finding], window: Window) -> (u8, ServiceFindings) {
        let count = |of: &dyn Fn(&Finding) -> bool| findings.iter().filter(|finding| of(finding)).count() as u64;
        let running = findings.iter().filter(|finding| clock(finding, self.at) == RUNNING);
        let status = findings.iter().filter_map(|finding| finding.status).fold(Status::Approved, weightier);
        let row = ServiceFindings {
            service: service.to_owned(),
            name: findings.first().map(|finding| finding.service_name.clone()).unwrap_or_default(),
            status: status.as_str().to_owned(),
            open: count(&|finding| finding.is_open()),
            late: count(&|finding| clock(finding, self.at) == RUN_OUT),
            new: count(&|finding| window.contains(finding.detected_at)),
            next_due: running.filter_map(|finding| finding.report_due_at).min().map(utc),
        };
        (status.severity(), row)
    }

    /// One row per finding, soonest clock first.
    pub(super) fn table(&self, window: Window, folding: &Folding) -> Vec<FindingRow> {
        let mut shown: Vec<&Finding> = self.shown(window).collect();
        shown.sort_by_key(|finding| (finding.report_due_at, &finding.uid));
        shown.into_iter().map(|finding| row(finding, self.at, window, folding)).collect()
    }
}

const RUN_OUT: &str = "run out";
const RUNNING: &str = "running";

fn clock(finding: &Finding, at: i64) -> &'static str {
    match finding.state {
        State::Closed => "stopped",
        _ if finding.report_due_at.is_some_and(|due| due < at) => RUN_OUT,
        _ => RUNNING,
    }
}

fn row(finding: &Finding, at: i64, window: Window, folding: &Folding) -> FindingRow {
    let department = finding.group_name.as_deref().and_then(|name| folding.label(name));
    // The report shows a department as it may be shown everywhere in it; the SIEM's event names the group.
    let worded = Finding { group_name: department.map(str::to_owned), ..finding.clone() };
    FindingRow {
        uid: finding.uid.clone(),
        rule: finding.rule.as_str().to_owned(),
        device: finding.device.clone(),
        department: department.unwrap_or_default().to_owned(),
        service: finding.service.clone(),
        name: finding.service_name.clone(),
        status: finding.status.map(|status| status.as_str()).unwrap_or_default().to_owned(),
        severity: finding.severity,
        state: finding.state.as_str().to_owned(),
        clock: clock(finding, at).to_owned(),
        detected_at: utc(finding.detected_at),
        report_due_at: finding.report_due_at.map(utc).unwrap_or_default(),
        new: window.contains(finding.detected_at),
        turns: finding.turns,
        bytes_up: finding.bytes_up,
        observed: observed(&worded),
        explanation: sentence(&worded),
        next_steps: next_steps(finding).to_vec(),
    }
}
