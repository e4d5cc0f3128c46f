//! The kinds of findings: what each is about, how much it matters, and how soon it is to be reported.

use std::time::Duration;

use super::{Decision, Policy, Status};
use crate::words::words;

words! {
    /// What a finding is about.
    pub enum FindingRule, "finding rule" {
        /// A tool that is in use and not approved.
        UnapprovedUse = "unapproved-use",
        /// A tool that is in use and prohibited.
        ProhibitedUse = "prohibited-use",
        /// A service that a site has not been seen with before.
        FirstSight = "first-sight",
        /// More was sent than a `[[limit]]` allows.
        UploadLimit = "upload-limit",
        /// Much more was sent than is usual.
        UploadAnomaly = "upload-anomaly",
        /// A device answers others with a model of its own.
        LocalModelServer = "local-model-server",
        /// Model weights were fetched.
        ModelDownload = "model-download",
        /// A device that used AI services hides its names now, and fewer of them can be told.
        GoingDark = "going-dark",
        /// The sensor loses packets, is silent, or has a wrong clock.
        SensorHealth = "sensor-health",
        /// A review of the policy is due.
        ReviewDue = "review-due",
    }
}

impl FindingRule {
    /// How much it matters, from 0 to 10, where neither a status nor the policy's `[severity]` says it.
    pub const fn severity(self) -> u8 {
        match self {
            Self::FirstSight | Self::ReviewDue => 2,
            Self::GoingDark => 3,
            Self::UnapprovedUse | Self::SensorHealth => 5,
            Self::UploadLimit | Self::UploadAnomaly => 7,
            Self::ProhibitedUse | Self::LocalModelServer | Self::ModelDownload => 8,
        }
    }

    /// True when it is the service's status that says how much it matters.
    pub const fn by_status(self) -> bool {
        matches!(self, Self::UnapprovedUse | Self::ProhibitedUse | Self::LocalModelServer | Self::ModelDownload)
    }
}

impl Policy {
    /// How much a finding matters where no decision is asked: `[severity]`, or the rule's own.
    pub fn severity(&self, rule: FindingRule) -> u8 {
        self.severity_set(rule).unwrap_or(rule.severity())
    }

    /// The same for a finding about a service: a deciding rule's own `severity`, then `[severity]`, then the
    /// status's, where the finding hangs on the status.
    pub fn severity_for(&self, decision: &Decision<'_>, rule: FindingRule) -> u8 {
        let own = decision.rule.and_then(|rule| rule.severity).filter(|_| rule.by_status());
        let by_status = rule.by_status().then_some(decision.severity);
        own.or_else(|| self.severity_set(rule)).or(by_status).unwrap_or(rule.severity())
    }

    fn severity_set(&self, rule: FindingRule) -> Option<u8> {
        self.severities.iter().find(|(key, _)| *key == rule).map(|(_, severity)| *severity)
    }

    /// Time from detection to report; `None` for what has no clock. A local model server and a model's download have
    /// that of their service's status.
    pub fn deadline(&self, rule: FindingRule) -> Option<Duration> {
        let deadlines = &self.deadlines;
        match rule {
            FindingRule::UnapprovedUse => Some(deadlines.unapproved_tool),
            FindingRule::ProhibitedUse | FindingRule::LocalModelServer | FindingRule::ModelDownload => {
                Some(deadlines.prohibited_tool)
            }
            FindingRule::UploadLimit | FindingRule::UploadAnomaly => Some(deadlines.suspected_data_upload),
            FindingRule::SensorHealth => Some(deadlines.sensor_health),
            FindingRule::GoingDark => deadlines.visibility_lost,
            FindingRule::FirstSight | FindingRule::ReviewDue => None,
        }
    }

    /// The same for one decision: where the finding hangs on the status, the deciding rule's `report_within`, or the
    /// time of that status.
    pub fn deadline_for(&self, decision: &Decision<'_>, rule: FindingRule) -> Option<Duration> {
        if !rule.by_status() {
            return self.deadline(rule);
        }
        let status = match decision.status {
            Status::Prohibited => self.deadlines.prohibited_tool,
            _ => self.deadlines.unapproved_tool,
        };
        Some(decision.rule.and_then(|rule| rule.report_within).unwrap_or(status))
    }
}
