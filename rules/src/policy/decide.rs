//! From a client and a service to a status, and to the sentence that says why.

use jiff::civil::Date;

use super::{
    Group, Policy, Rule, Status,
    table::{Ground, Verdict},
};
use crate::catalogue::{Plan, Service};

/// What a policy says about one service for one client on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The answer.
    pub status: Status,
    /// The client's group.
    pub group: Option<&'a Group>,
    /// The rule that decided; when an approval has run out, that rule; absent when no rule did.
    pub rule: Option<&'a Rule>,
    /// A sentence for people, without a full stop.
    pub why: String,
    /// How much an observed use matters, from 0 to 10.
    pub severity: u8,
}

pub(super) fn words<'a>(
    policy: &'a Policy,
    verdict: &Verdict,
    group: Option<&'a Group>,
    service: &Service,
    plan: Option<Plan>,
    on: Date,
) -> Decision<'a> {
    let rule = |index: u32| policy.rules.get(index as usize);
    let lapsed = verdict.lapsed.and_then(rule);
    let (mut why, cause) = match verdict.ground {
        Ground::Rule(index) => {
            let cause = rule(index);
            (cause.map(|rule| sentence(rule, group, service, plan, on)).unwrap_or_default(), cause)
        }
        Ground::Group => (group.map(|group| by_group(policy, group, service)).unwrap_or_default(), None),
        Ground::Nothing => match lapsed {
            Some(lapsed) => (lapse(lapsed, service), Some(lapsed)),
            None => (no_rule(policy, service), None),
        },
    };
    if let Some(lapsed) = lapsed.filter(|_| verdict.ground != Ground::Nothing) {
        why += &format!("; {} expired on {}", place(lapsed), day(lapsed.expires));
    }
    Decision { status: verdict.status, group, rule: cause, why, severity: verdict.severity }
}

/// `claude is prohibited for Finance by policy.toml:31 ("client data"), owner IT`
fn sentence(rule: &Rule, group: Option<&Group>, service: &Service, plan: Option<Plan>, on: Date) -> String {
    let mut text = format!("{} {}", service.id, rule.status.phrase());
    if let Some(group) = group.filter(|_| !rule.groups.is_empty()) {
        text += &format!(" for {}", group.name);
    }
    if let Some(tier) = group.and_then(|group| group.data_tier).filter(|_| !rule.data_tiers.is_empty()) {
        text += &format!(" for {tier} data");
    }
    if let Some(plan) = plan.filter(|_| !rule.plans.is_empty()) {
        text += &format!(" on the {plan} plan");
    }
    if let Some(hours) = &rule.hours {
        text += &format!(" ({})", hours.text());
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
    if rule.exception {
        text += &format!(", an exception until {}", day(rule.expires));
    }
    if rule.review_due(on) {
        text += &format!("; its review was due on {}", day(rule.review_by));
    }
    text
}

fn by_group(policy: &Policy, group: &Group, service: &Service) -> String {
    let (id, name, file, line) = (&service.id, &group.name, &policy.file, group.line);
    if group.personal {
        return format!("{id} is personal risk for {name} by {file}:{line}: its devices are personal or guests");
    }
    format!("{id} is prohibited for {name} by {file}:{line}: it may use only {}", group.may_use.join(", "))
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
