//! Tables about findings and their clocks.

use serde::Serialize;

/// The findings of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceFindings {
    /// Service id.
    pub service: String,
    /// Service name.
    pub name: String,
    /// Policy status at detection; the one that matters most.
    pub status: String,
    /// Open findings: one per device.
    pub open: u64,
    /// Of these, findings whose report time has passed.
    pub late: u64,
    /// Findings detected in the window.
    pub new: u64,
    /// The next report time that has not passed, RFC 3339 UTC; absent when there is none.
    pub next_due: Option<String>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingRow {
    /// Stable id.
    pub uid: String,
    /// Rule id.
    pub rule: String,
    /// Device id.
    pub device: String,
    /// Department, folded like everywhere in the report; empty when none may be shown.
    pub department: String,
    /// Service id.
    pub service: String,
    /// Service name.
    pub name: String,
    /// Policy status at detection.
    pub status: String,
    /// 0 to 10.
    pub severity: u8,
    /// `open` or `closed`.
    pub state: String,
    /// `running`, `run out` or `stopped`, at the report's newest fact.
    pub clock: String,
    /// RFC 3339 UTC.
    pub detected_at: String,
    /// RFC 3339 UTC.
    pub report_due_at: String,
    /// True when it was detected in the window.
    pub new: bool,
    /// Exchanges so far.
    pub turns: u64,
    /// Payload bytes from the client so far.
    pub bytes_up: u64,
    /// What was seen and what the policy says, in words.
    pub observed: String,
    /// The same with its clock, as the SIEM has it.
    pub explanation: String,
    /// What to do next.
    pub next_steps: Vec<String>,
}
