//! From a service and a client's group to a status, and to the sentence that says why.

use jiff::civil::Date;

use super::{Group, Policy, Rule, Status};
use crate::catalogue::Service;

/// What a policy says about one service for one client on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The answer.
    pub status: Status,
    /// The client's group.
    pub group: Option<&'a Group>,
    /// The rule that decided; when an approval has run out, that rule; absent when no rule names the service.
    pub rule: Option<&'a Rule>,
    /// A sentence for people, without a full stop.
    pub why: String,
    /// How much an observed use matters, from 0 to 10.
    pub severity: u8,
}

pub(super) fn decide<'a>(
    policy: &'a Policy,
    group: Option<&'a Group>,
    service: &Service,
    on: Date,
) -> Decision<'a> {
    let mut rules: Vec<&Rule> = policy
        .rules
        .iter()
        .filter(|rule| rule.names(service) && rule.holds_for(group.map(|group| group.id.as_str())))
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.specificity()));
    let lapsed = rules.first().copied().filter(|rule| rule.expired(on));
    let standing = rules.iter().copied().find(|rule| !rule.expired(on));
    match (lapsed, standing) {
        (None, Some(rule)) => decided(rule, group, service, on),
        // Behind a rule that has run out a wider rule may forbid or ask, but not approve: somebody wanted
        // this tool to be looked at again.
        (Some(lapsed), Some(rule)) if rule.status != Status::Approved => {
            let mut decision = decided(rule, group, service, on);
            decision.why += &format!("; {} expired on {}", place(lapsed), day(lapsed.expires));
            decision
        }
        (Some(lapsed), _) => unreviewed(group, Some(lapsed), lapse(lapsed, service)),
        (None, None) => unreviewed(group, None, no_rule(policy, service)),
    }
}

fn decided<'a>(rule: &'a Rule, group: Option<&'a Group>, service: &Service, on: Date) -> Decision<'a> {
    let severity = rule.severity.unwrap_or(rule.status.severity());
    Decision { status: rule.status, group, rule: Some(rule), why: sentence(rule, group, service, on), severity }
}

fn unreviewed<'a>(group: Option<&'a Group>, rule: Option<&'a Rule>, why: String) -> Decision<'a> {
    let status = Status::Unreviewed;
    Decision { status, group, rule, why, severity: status.severity() }
}

/// `claude is prohibited for Finance by policy.toml:31 ("client data"), owner IT`
fn sentence(rule: &Rule, group: Option<&Group>, service: &Service, on: Date) -> String {
    let mut text = format!("{} {}", service.id, rule.status.phrase());
    if let Some(group) = group.filter(|_| !rule.groups.is_empty()) {
        text += &format!(" for {}", group.name);
    }
    text += &format!(" by {}", place(rule));
    if !rule.categories.is_empty() {
        text += &format!(" as {}", service.category);
    }
    if let Some(reason) = &rule.reason {
        text += &format!(" (\"{reason}\")");
    }
    if let Some(owner) = &rule.owner {
        text += &format!(", owner {owner}");
    }
    if rule.review_due(on) {
        text += &format!("; its review was due on {}", day(rule.review_by));
    }
    text
}

fn lapse(rule: &Rule, service: &Service) -> String {
    let was = match rule.status {
        Status::Approved => "the approval",
        _ => "the rule",
    };
    let owner = rule.owner.as_ref().map(|owner| format!(", owner {owner}")).unwrap_or_default();
    format!("{} is unreviewed: {was} at {} expired on {}{owner}", service.id, place(rule), day(rule.expires))
}

fn no_rule(policy: &Policy, service: &Service) -> String {
    if policy.file.is_empty() {
        return format!("{} is unreviewed: no policy is loaded", service.id);
    }
    format!(
        "{} is unreviewed: no rule in {} names it or its category {}",
        service.id, policy.file, service.category
    )
}

fn place(rule: &Rule) -> String {
    format!("{}:{}", rule.file, rule.line)
}

fn day(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}
