//! What a finding is about, and what it is opened with.

use rules::catalogue::Category;
use rules::policy::{FindingRule, Status};

use super::finding::{Told, uid, uid_text};
use super::{Contact, Detail, Finding, State};

/// Whom and what a finding is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) rule: FindingRule,
    pub(super) site: &'a str,
    pub(super) device: &'a str,
    pub(super) service: &'a str,
}

impl About<'_> {
    pub(super) fn uid(&self) -> u64 {
        uid(self.site, self.rule.as_str(), self.device, self.service)
    }

    /// A contact that is no finding yet.
    pub(super) fn watched(&self) -> Finding {
        Finding {
            uid: uid_text(self.uid()),
            site: self.site.to_owned(),
            sensor: String::new(),
            rule: self.rule,
            device: self.device.to_owned(),
            service: self.service.to_owned(),
            state: State::Watch,
            status: None,
            severity: 0,
            why: String::new(),
            group_id: None,
            group_name: None,
            service_name: String::new(),
            vendor: String::new(),
            category: None,
            contact: None,
            detail: Detail::None,
            earlier: 0,
            count: 0,
            turns: 0,
            bytes_up: 0,
            bytes_down: 0,
            upload_bytes: 0,
            first_seen: i64::MAX,
            last_seen: i64::MIN,
            detected_at: 0,
            report_due_at: None,
            acknowledged_at: None,
            acknowledged_by: None,
            closed_at: None,
            closed_by: None,
            closed_reason: None,
            missed_at: None,
            occurrences: 0,
            revision: 0,
            alerted: false,
            held: false,
            devices: 1,
            policy: String::new(),
            catalogue: String::new(),
            told: Told::default(),
        }
    }
}

/// What a finding is opened with.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) at: i64,
    pub(super) sensor: String,
    pub(super) status: Option<Status>,
    pub(super) severity: u8,
    pub(super) why: String,
    pub(super) group: Option<(String, String)>,
    pub(super) service_name: String,
    pub(super) vendor: String,
    pub(super) category: Option<Category>,
    pub(super) contact: Option<Contact>,
    pub(super) detail: Detail,
    pub(super) report_due_at: Option<i64>,
    pub(super) catalogue: String,
    /// True when no event of its own is to go out.
    pub(super) quiet: bool,
}

impl Opening {
    /// A finding that no flow shows.
    pub(super) fn of(at: i64, service_name: String, detail: Detail) -> Self {
        Self {
            at,
            sensor: String::new(),
            status: None,
            severity: 0,
            why: String::new(),
            group: None,
            service_name,
            vendor: String::new(),
            category: None,
            contact: None,
            detail,
            report_due_at: None,
            catalogue: String::new(),
            quiet: false,
        }
    }
}

pub(super) fn fill(finding: &mut Finding, opening: Opening, policy: String) {
    (finding.group_id, finding.group_name) = opening.group.unzip();
    finding.state = State::Open;
    finding.sensor = opening.sensor;
    finding.status = opening.status;
    finding.severity = opening.severity;
    finding.why = opening.why;
    finding.service_name = opening.service_name;
    finding.vendor = opening.vendor;
    finding.category = opening.category;
    finding.contact = opening.contact;
    finding.detail = opening.detail;
    finding.detected_at = opening.at;
    finding.report_due_at = opening.report_due_at;
    finding.catalogue = opening.catalogue;
    finding.policy = policy;
    finding.first_seen = finding.first_seen.min(opening.at);
    finding.last_seen = finding.last_seen.max(opening.at);
    finding.occurrences += 1;
    finding.count = finding.count.max(u64::from(finding.contact.is_some()));
    finding.devices = 1;
    (finding.acknowledged_at, finding.acknowledged_by) = (None, None);
    (finding.closed_at, finding.closed_by, finding.closed_reason) = (None, None, None);
    finding.missed_at = None;
}
