//! Opinion on new facts: which use needs a finding, and since when its clock runs.

mod db;
mod finding;
mod ledger;
mod words;

use std::sync::Arc;

use jiff::tz::TimeZone;
use rules::catalogue::{Catalogue, Service};
use rules::policy::{self, Decision, FindingRule, Policy, Status, Subject};
use rules::usage::Use;
use sensor::record::{FlowRecord, Record};

pub use db::{FINDINGS_FILE, FindingsDb, Waiting};
pub use finding::{Finding, State};
pub use words::{evidence_words, next_steps, observed, rule_name, sentence};

use crate::db::DbError;
use crate::siem;
use crate::time;

/// Judges the flow records of one segment after another.
#[derive(Debug, Clone)]
pub struct Judge {
    /// What an AI service is.
    pub catalogue: Arc<Catalogue>,
    /// Who may use it.
    pub policy: Arc<Policy>,
    /// The site's time zone: an approval ends at the site's midnight.
    pub time_zone: TimeZone,
    /// Addresses of the SIEM sinks that get an event for each new finding.
    pub sinks: Vec<String>,
}

/// What one segment changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Flow records that were looked at.
    pub flows: u64,
    /// Of these, records of services that this catalogue does not know: the sensor's may be newer.
    pub unknown: u64,
    /// Findings that opened, by uid, in the order of detection.
    pub opened: Vec<String>,
}

impl Judge {
    /// Judges the records of one segment in one transaction: findings and their outgoing events stand together or
    /// not at all, and a repeated segment changes nothing.
    pub fn segment(&self, findings: &mut FindingsDb, records: &[Record]) -> Result<Judged, DbError> {
        findings.transaction(|ledger| {
            let mut judged = Judged::default();
            for record in records {
                let Record::Flow(flow) = record else { continue };
                judged.flows += 1;
                let Some(service) = self.catalogue.service(&flow.service) else {
                    judged.unknown += 1;
                    continue;
                };
                let Some(case) = self.case(flow, service) else { continue };
                if ledger.add(&case)? {
                    judged.opened.push(case.uid);
                }
            }
            for uid in &judged.opened {
                let Some(finding) = ledger.finding(uid)? else { continue };
                let event =
                    siem::routed(siem::ecs_event(&finding), self.policy.route(Some(&finding.site))).to_string();
                for sink in &self.sinks {
                    ledger.enqueue(uid, sink, &event)?;
                }
            }
            Ok(judged)
        })
    }

    /// The finding that a flow record belongs to; none when the policy is content with the service.
    fn case<'a>(&'a self, flow: &'a FlowRecord, service: &'a Service) -> Option<Case<'a>> {
        let on = time::date(flow.end, &self.time_zone);
        let subject = Subject {
            ip: flow.client_ip,
            vlan: flow.vlan,
            site: Some(&flow.site),
            device: Some(&flow.device),
            mac: flow.client_mac.as_deref().and_then(policy::mac),
            at: Some(time::datetime(flow.end, &self.time_zone)),
        };
        let decision = self.policy.decide_for(&subject, service, flow.plan, on);
        let rule = rule_of(decision.status)?;
        if self.policy.suppressed(&subject, service, on).is_some() {
            return None;
        }
        let used = crate::store::judge(flow) == Use::Used;
        let deadline = i64::try_from(self.policy.deadline_for(&decision, rule).as_micros()).unwrap_or(i64::MAX);
        Some(Case {
            uid: finding::uid(&flow.site, rule, &flow.device, &flow.service),
            rule,
            flow,
            service,
            decision,
            used,
            report_due_at: flow.end.saturating_add(deadline),
            policy: policy_words(&self.policy),
        })
    }
}

/// One flow record and what the policy says about it.
pub(crate) struct Case<'a> {
    pub(crate) uid: String,
    pub(crate) rule: FindingRule,
    pub(crate) flow: &'a FlowRecord,
    pub(crate) service: &'a Service,
    pub(crate) decision: Decision<'a>,
    pub(crate) used: bool,
    pub(crate) report_due_at: i64,
    pub(crate) policy: String,
}

/// The finding that a status gives rise to when the service is used.
fn rule_of(status: Status) -> Option<FindingRule> {
    match status {
        Status::Unreviewed | Status::RequiresApproval | Status::InReview => Some(FindingRule::UnapprovedUse),
        Status::Prohibited => Some(FindingRule::ProhibitedUse),
        Status::Approved | Status::PersonalRisk => None,
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
