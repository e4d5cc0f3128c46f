//! One flow record: what it shows, what the policy says of it, and the findings that it belongs to.

use jiff::civil::{Date, DateTime};
use rules::catalogue::{Access, Service};
use rules::policy::{self, FindingRule, Group, Status, Subject};
use rules::usage::Use;
use sensor::record::FlowRecord;

use super::core::{Core, Looked};
use super::life::Standing;
use super::opening::{About, Opening};
use super::{Contact, Detail};

/// A prohibited tool and an upload over its limit together.
const BOTH: u8 = 9;

/// A flow record with all that was looked up about it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) flow: &'a FlowRecord,
    pub(super) service: &'a Service,
    pub(super) subject: Subject<'a>,
    /// When the fact was known, µs UTC.
    pub(super) at: i64,
    /// The day on the site's clock on which it ended.
    pub(super) on: Date,
    pub(super) status: Status,
    pub(super) severity: u8,
    pub(super) usage: Use,
}

impl Seen<'_> {
    pub(super) fn about(&self, rule: FindingRule) -> About<'_> {
        About { rule, site: &self.flow.site, device: &self.flow.device, service: &self.flow.service }
    }
}

impl Core<'_> {
    pub(super) fn flow(&mut self, flow: &FlowRecord) -> Looked {
        let judge = self.judge;
        let Some(service) = judge.catalogue.service(&flow.service) else { return Looked::Unknown };
        let moment = self.local.datetime(flow.end);
        let seen = self.seen(flow, service, moment);
        let suppressed = judge.policy.suppressed(&seen.subject, service, seen.on).is_some();
        self.history_of(&seen);
        self.activity(&seen);
        let unusual = self.observe(&seen);
        let opened = !suppressed && (self.rules(&seen) | self.unusual(&seen, unusual));
        self.first_sight(&seen, opened);
        Looked::Flow
    }

    /// Counts a flow in the baselines alone. What is unusual in it is nobody's finding.
    pub(super) fn learn(&mut self, flow: &FlowRecord) {
        let Some(service) = self.judge.catalogue.service(&flow.service) else { return };
        let moment = self.local.datetime(flow.end);
        let seen = self.seen(flow, service, moment);
        self.observe(&seen);
    }

    fn seen<'f>(&self, flow: &'f FlowRecord, service: &'f Service, moment: DateTime) -> Seen<'f> {
        let policy = &self.judge.policy;
        let subject = Subject {
            ip: flow.client_ip,
            vlan: flow.vlan,
            site: Some(&flow.site),
            device: Some(&flow.device),
            mac: flow.client_mac.as_deref().and_then(policy::mac),
            at: Some(moment),
        };
        let (client, number) = (policy.client_number(&subject), policy.service_number(service));
        let (status, severity) = policy.status_of(client, number, flow.plan, subject.at, moment.date());
        Seen {
            flow,
            service,
            subject,
            at: flow.emitted.max(flow.end),
            on: moment.date(),
            status,
            severity,
            usage: crate::store::judge(flow),
        }
    }

    /// Every rule that a policy can hold against a flow; true when one of them opened a finding.
    fn rules(&mut self, seen: &Seen<'_>) -> bool {
        if seen.flow.access == Access::Local {
            return self.local_server(seen);
        }
        let fetched = self.model_download(seen);
        let used = self.use_of(seen);
        let sent = self.uploads(seen);
        fetched || used || sent
    }

    /// Unapproved and prohibited use.
    fn use_of(&mut self, seen: &Seen<'_>) -> bool {
        let Some(rule) = rule_of(seen.status) else { return false };
        let about = seen.about(rule);
        let uid = about.uid();
        self.count(&about, uid, seen);
        if seen.usage != Use::Used {
            return false;
        }
        match self.standing(uid, seen.at) {
            Standing::Fresh | Standing::Returning => {
                let opening = self.opening(seen, rule, Detail::None);
                self.open(&about, opening);
                self.escalate(seen);
                true
            }
            Standing::Open => {
                self.raise(uid, seen, rule);
                self.changed(uid, seen.at);
                false
            }
            Standing::Resting => false,
        }
    }

    /// Adds a record to its case, made on first contact.
    pub(super) fn count(&mut self, about: &About<'_>, uid: u64, seen: &Seen<'_>) {
        let flow = seen.flow;
        let finding = self.cases.findings.entry(uid).or_insert_with(|| Box::new(about.watched()));
        finding.count += u64::from(flow.seq == 0);
        finding.turns = finding.turns.saturating_add(flow.turns);
        finding.bytes_up = finding.bytes_up.saturating_add(flow.bytes_up);
        finding.bytes_down = finding.bytes_down.saturating_add(flow.bytes_down);
        finding.upload_bytes = finding.upload_bytes.saturating_add(flow.upload_bytes);
        finding.first_seen = finding.first_seen.min(flow.start.min(flow.end));
        finding.last_seen = finding.last_seen.max(flow.end);
        self.cases.dirty.insert(uid);
    }

    /// A use that weighs more than those before raises status, severity and reason.
    fn raise(&mut self, uid: u64, seen: &Seen<'_>, rule: FindingRule) {
        let Some(finding) = self.cases.get(uid) else { return };
        if Some(seen.status) == finding.status || seen.severity <= finding.severity {
            return;
        }
        let decision = self.judge.policy.decide_for(&seen.subject, seen.service, seen.flow.plan, seen.on);
        let severity = self.judge.policy.severity_for(&decision, rule);
        if let Some(finding) = self.cases.change(uid).filter(|finding| severity > finding.severity) {
            (finding.status, finding.severity, finding.why) = (Some(decision.status), severity, decision.why);
        }
    }

    /// Prohibited use and an upload over its limit weigh more together than each of them.
    pub(super) fn escalate(&mut self, seen: &Seen<'_>) {
        let pair = [FindingRule::ProhibitedUse, FindingRule::UploadLimit].map(|rule| seen.about(rule).uid());
        let open = |core: &Self, uid| core.cases.get(uid).is_some_and(super::Finding::is_open);
        if !pair.iter().all(|uid| open(self, *uid)) {
            return;
        }
        for uid in pair {
            if let Some(finding) = self.cases.change(uid).filter(|finding| finding.severity < BOTH) {
                finding.severity = BOTH;
                self.louder(uid, seen.at);
            }
        }
    }

    /// What a finding about this flow is opened with.
    pub(super) fn opening(&self, seen: &Seen<'_>, rule: FindingRule, detail: Detail) -> Opening {
        let policy = &self.judge.policy;
        let decision = policy.decide_for(&seen.subject, seen.service, seen.flow.plan, seen.on);
        let deadline = policy.deadline_for(&decision, rule);
        Opening {
            at: seen.at,
            sensor: seen.flow.sensor.clone(),
            status: Some(decision.status),
            severity: policy.severity_for(&decision, rule),
            group: decision.group.map(group),
            why: decision.why,
            service_name: seen.service.name.clone(),
            vendor: seen.service.vendor.clone(),
            category: Some(seen.service.category),
            contact: Some(Contact::of(seen.flow)),
            detail,
            report_due_at: deadline.map(|deadline| due(seen.at, deadline)),
            catalogue: seen.flow.catalogue.clone(),
            quiet: false,
        }
    }
}

/// The finding that a status gives rise to when the service is used.
pub(super) fn rule_of(status: Status) -> Option<FindingRule> {
    match status {
        Status::Unreviewed | Status::RequiresApproval | Status::InReview => Some(FindingRule::UnapprovedUse),
        Status::Prohibited => Some(FindingRule::ProhibitedUse),
        Status::Approved | Status::PersonalRisk => None,
    }
}

/// Id and label of a group.
pub(super) fn group(group: &Group) -> (String, String) {
    (group.id.clone(), group.name.clone())
}

/// A deadline counted from an instant.
pub(super) fn due(at: i64, deadline: std::time::Duration) -> i64 {
    at.saturating_add(i64::try_from(deadline.as_micros()).unwrap_or(i64::MAX))
}
