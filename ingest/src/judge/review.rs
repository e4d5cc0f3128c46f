//! Reviews of the policy that are due, and findings that a new policy has settled.

use rules::policy::{FindingRule, Review, ReviewState, Subject, mac};

use super::Detail;
use super::core::Core;
use super::flow::{due, rule_of};
use super::life::Standing;
use super::opening::{About, Opening};
use super::{Finding, policy_words};

/// Under which the day of the last look is kept.
pub(super) const MARK: &str = "reviewed";

/// Under which the version of the last round's policy is kept.
pub(super) const POLICY: &str = "policy";

/// An overdue review matters this much more than one that is due.
const OVERDUE: u8 = 2;

impl Core<'_> {
    /// Once a day of the site's clock: opens what is due, closes what is not any more.
    pub(super) fn reviews(&mut self) {
        let at = self.cases.now;
        let today = self.local.date(at);
        if at <= 0 || self.reviewed.is_some_and(|last| today <= last) {
            return;
        }
        self.reviewed = Some(today);
        self.cases.memory.marks.put(MARK, i64::MAX, today.to_string());
        self.cases.memory.forget(at);
        let reviews = self.judge.policy.reviews(today);
        let due: Vec<&Review> = reviews.iter().filter(|review| review.state != ReviewState::Current).collect();
        let named: Vec<u64> = due.iter().map(|review| about(review).uid()).collect();
        let open = |finding: &Finding| finding.rule == FindingRule::ReviewDue && finding.is_open();
        let mut gone: Vec<u64> = self.cases.findings.iter().filter(|(_, f)| open(f)).map(|(uid, _)| *uid).collect();
        gone.retain(|uid| !named.contains(uid));
        gone.sort_unstable();
        for uid in gone {
            self.close_itself(uid, at, "the policy no longer says that it is due");
        }
        for review in due {
            self.review(review, at);
        }
    }

    fn review(&mut self, review: &Review, at: i64) {
        let about = about(review);
        let overdue = review.state == ReviewState::Overdue;
        let policy = &self.judge.policy;
        let severity =
            policy.severity(FindingRule::ReviewDue).saturating_add(if overdue { OVERDUE } else { 0 }).min(10);
        let detail = Detail::Review {
            what: review.what.clone(),
            due: review.due.to_string(),
            line: review.line as u64,
            overdue,
        };
        let why = format!("{}:{}", policy.file(), review.line);
        let report_due_at = policy.deadline(FindingRule::ReviewDue).map(|within| due(at, within));
        match self.standing(about.uid(), at) {
            Standing::Fresh | Standing::Returning => {
                let opening =
                    Opening { severity, why, report_due_at, ..Opening::of(at, review.what.clone(), detail) };
                self.open(&about, opening);
            }
            Standing::Open => {
                if let Some(finding) = self.cases.change(about.uid()) {
                    (finding.detail, finding.severity) = (detail, finding.severity.max(severity));
                }
                self.changed(about.uid(), at);
            }
            Standing::Resting => {}
        }
    }

    /// Another policy than in the last round: open findings about what it approves, or calls personal, close.
    pub(super) fn policy_changed(&mut self, at: i64) {
        let version = self.judge.policy.version();
        let known = self.cases.memory.marks.get(POLICY);
        if known.is_some_and(|known| known == version) {
            return;
        }
        let first = known.is_none();
        self.cases.memory.marks.put(POLICY, i64::MAX, version.to_owned());
        if first && self.cases.findings.is_empty() {
            return;
        }
        self.reviewed = None;
        let mut settled: Vec<u64> =
            self.cases.findings.iter().filter(|(_, one)| one.is_open()).map(|(uid, _)| *uid).collect();
        // Whoever stands for others closes after them.
        settled.sort_unstable_by_key(|uid| (self.cases.get(*uid).is_some_and(|one| one.alerted), *uid));
        settled.retain(|uid| self.cases.get(*uid).is_some_and(|finding| self.settled(finding, at)));
        let reason = format!("policy: approved since {}", policy_words(&self.judge.policy));
        for uid in settled {
            self.close_itself(uid, at, &reason);
        }
    }

    /// True when the policy at hand is content with what a finding is about, at the hours at which it was seen.
    fn settled(&self, finding: &Finding, at: i64) -> bool {
        let contact = match (finding.rule, &finding.contact) {
            (FindingRule::UnapprovedUse | FindingRule::ProhibitedUse, Some(contact)) => contact,
            _ => return false,
        };
        let Some(service) = self.judge.catalogue.service(&finding.service) else { return false };
        let today = crate::time::datetime(at, &self.judge.time_zone).date();
        let subject = |seen| Subject {
            ip: contact.client_ip,
            vlan: contact.vlan,
            site: Some(&finding.site),
            device: Some(&finding.device),
            mac: contact.client_mac.as_deref().and_then(mac),
            at: Some(crate::time::datetime(seen, &self.judge.time_zone)),
        };
        let policy = &self.judge.policy;
        [finding.first_seen, finding.detected_at, finding.last_seen]
            .into_iter()
            .all(|seen| rule_of(policy.decide_for(&subject(seen), service, contact.plan, today).status).is_none())
    }
}

/// Reviews are about the policy, which all sites share.
fn about(review: &Review) -> About<'_> {
    About { rule: FindingRule::ReviewDue, site: "", device: "", service: &review.what }
}
