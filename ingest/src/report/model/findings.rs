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
    /// Open findings.
    pub open: u64,
    /// Of these, findings whose deadline was missed.
    pub late: u64,
    /// Findings detected in the window.
    pub new: u64,
    /// The next deadline that still runs, RFC 3339 UTC; absent when there is none.
    pub next_due: Option<String>,
}

/// How the findings that opened in the window were told. First sights of a service stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Announced {
    /// Findings that opened, or opened again.
    pub opened: u64,
    /// Of these, told by an event of their own.
    pub alerted: u64,
    /// Held back by the caps of the policy's budget; a digest counted them.
    pub held: u64,
    /// Opened quietly beside a finding that was told.
    pub quiet: u64,
    /// First sights of a service at a site, told or not.
    pub first_sights: u64,
}

/// What a device is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceName {
    /// Device id.
    pub device: String,
    /// Its name in the list of devices (`site.assets`), else what it told last in DHCP, mDNS or LLMNR.
    pub name: String,
    /// Who answers for it by that list; empty where nobody is known.
    pub owner: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingRow {
    /// Stable id.
    pub uid: String,
    /// Rule id.
    pub rule: String,
    /// The rule in words.
    pub title: String,
    /// `missed`, `due`, `answered`, `open` (no deadline, nobody has taken it on) or `noted` (a first sight).
    pub lane: String,
    /// Device id; the server for a local model; the sensor for its health; empty where no device is concerned.
    pub device: String,
    /// Department, folded like everywhere in the report; empty when none may be shown.
    pub department: String,
    /// Service id; what is wrong or to be reviewed where no service is concerned.
    pub service: String,
    /// Service name; may be empty.
    pub name: String,
    /// Policy status at detection; empty where no service was judged.
    pub status: String,
    /// 0 to 10.
    pub severity: u8,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// `none`, `running`, `met` or `missed`, at the report's newest fact; one that was answered, at the answer.
    pub clock: String,
    /// RFC 3339 UTC.
    pub detected_at: String,
    /// RFC 3339 UTC; absent when there is no deadline.
    pub report_due_at: Option<String>,
    /// When somebody took it on, RFC 3339 UTC; absent when nobody has.
    pub acknowledged_at: Option<String>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When it was closed, RFC 3339 UTC; absent while it is open.
    pub closed_at: Option<String>,
    /// By whom; `shadowtap` where it closed by itself.
    pub closed_by: Option<String>,
    /// Why.
    pub closed_reason: Option<String>,
    /// True when it was detected in the window.
    pub new: bool,
    /// How often it opened: 1 for the first time.
    pub occurrences: u64,
    /// Devices of the site, where the finding stands for all of them; else 1.
    pub devices: u64,
    /// `alerted`, `held` (by the budget) or `quiet`.
    pub told: String,
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
