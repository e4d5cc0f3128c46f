//! One finding as a row, and the lane that it stands in.

use rules::policy::FindingRule;

use super::departments::Folding;
use super::findings::Clocks;
use super::model::FindingRow;
use crate::judge::{Clock, Detail, Finding, State, next_steps, observed, rule_name, sentence};
use crate::time::utc;

/// What a reader has to do with a finding, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Its deadline passed before anybody answered.
    Missed,
    /// Its clock runs.
    Due,
    /// It has no deadline, and nobody has taken it on.
    Open,
    /// Somebody took it on in time, or it is closed.
    Answered,
    /// The first sight of a service.
    Noted,
}

impl Lane {
    pub(super) fn of(finding: &Finding, clock: Clock) -> Self {
        match clock {
            _ if finding.rule == FindingRule::FirstSight => Self::Noted,
            Clock::Missed => Self::Missed,
            Clock::Running => Self::Due,
            Clock::Met => Self::Answered,
            Clock::None if finding.state == State::Open => Self::Open,
            Clock::None => Self::Answered,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Due => "due",
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Noted => "noted",
        }
    }
}

/// The finding with its department as it may be shown everywhere in the report; the SIEM's event names the group.
pub(super) fn folded(finding: &Finding, folding: &Folding) -> Finding {
    let shown = finding.group_name.as_deref().and_then(|name| folding.label(name));
    let mut worded = Finding { group_name: shown.map(str::to_owned), ..finding.clone() };
    if let (Some(group), Detail::Anomaly { references, .. }) = (&finding.group_name, &mut worded.detail) {
        rename(references, group, shown);
    }
    worded
}

/// What is usual in the department stands second and begins with its name.
fn rename(references: &mut [String], group: &str, shown: Option<&str>) {
    let Some(second) = references.get_mut(1) else { return };
    if let Some(rest) = second.strip_prefix(group) {
        *second = format!("{}{rest}", shown.unwrap_or("department"));
    }
}

/// One finding as a row.
pub(super) fn row(finding: &Finding, lane: Lane, clocks: &Clocks<'_>, folding: &Folding) -> FindingRow {
    let worded = folded(finding, folding);
    FindingRow {
        uid: finding.uid.clone(),
        rule: finding.rule.as_str().to_owned(),
        title: rule_name(finding.rule).to_owned(),
        lane: lane.as_str().to_owned(),
        device: finding.device.clone(),
        service: finding.service.clone(),
        name: finding.service_name.clone(),
        status: finding.status.map(|status| status.as_str()).unwrap_or_default().to_owned(),
        severity: finding.severity,
        state: finding.state.as_str().to_owned(),
        clock: clocks.clock(finding).as_str().to_owned(),
        detected_at: utc(finding.detected_at),
        report_due_at: finding.report_due_at.map(utc),
        acknowledged_at: finding.acknowledged_at.map(utc),
        acknowledged_by: finding.acknowledged_by.clone(),
        closed_at: finding.closed_at.map(utc),
        closed_by: finding.closed_by.clone(),
        closed_reason: finding.closed_reason.clone(),
        new: clocks.window.contains(finding.detected_at),
        occurrences: finding.occurrences,
        devices: finding.devices,
        told: told(finding).to_owned(),
        turns: finding.turns,
        bytes_up: finding.bytes_up,
        observed: observed(&worded),
        explanation: sentence(&worded),
        next_steps: next_steps(finding).to_vec(),
        department: worded.group_name.unwrap_or_default(),
    }
}

fn told(finding: &Finding) -> &'static str {
    match (finding.alerted, finding.held) {
        (true, _) => "alerted",
        (false, true) => "held",
        (false, false) => "quiet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_that_may_not_be_shown_is_not_named_beside_its_numbers_either() {
        for (shown, words) in [(None, "department p99 22 MB"), (Some("other"), "other p99 22 MB")] {
            let mut references = ["own 4-week p99 9 MB", "Board p99 22 MB", "Board p99 30 MB"].map(str::to_owned);
            rename(&mut references, "Board", shown);
            assert_eq!(references, ["own 4-week p99 9 MB", words, "Board p99 30 MB"]);
        }
    }
}
