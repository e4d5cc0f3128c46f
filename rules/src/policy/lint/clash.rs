//! An approval of a service and a prohibition of its category: which of the two holds, and is it meant?

use jiff::civil::Date;

use super::{Lints, reach};
use crate::{
    catalogue::Catalogue,
    policy::{Policy, Rule, Status, table},
};

pub(super) fn all(policy: &Policy, on: Date, catalogue: &Catalogue, lints: &mut Lints<'_>) {
    let standing = || policy.rules.iter().filter(|rule| !rule.expired(on));
    for approval in standing().filter(|rule| rule.status == Status::Approved && !rule.services.is_empty()) {
        for ban in standing().filter(|rule| rule.status == Status::Prohibited && !rule.categories.is_empty()) {
            let both = approval.services.iter().filter_map(|id| catalogue.service(id));
            let both: Vec<&str> =
                both.filter(|service| reach::covers(ban, service)).map(|service| service.id.as_str()).collect();
            if !both.is_empty() && meet(policy, approval, ban) {
                report(approval, ban, &both.join(", "), lints);
            }
        }
    }
}

/// True when somebody is held by both.
fn meet(policy: &Policy, a: &Rule, b: &Rule) -> bool {
    let slots = table::slots(b, &policy.groups);
    let keeps_out = |slot: &usize| {
        let group = slot.checked_sub(1).and_then(|index| policy.groups.get(index));
        a.groups.is_empty() && group.is_some_and(|group| a.services.iter().all(|id| group.keeps_out(id)))
    };
    table::slots(a, &policy.groups).iter().any(|slot| slots.contains(slot) && !keeps_out(slot))
}

fn report(approval: &Rule, ban: &Rule, services: &str, lints: &mut Lints<'_>) {
    let category = ban.categories.iter().map(|category| category.as_str()).collect::<Vec<_>>().join(", ");
    let narrow = |rule: &Rule| !rule.groups.is_empty() || !rule.data_tiers.is_empty();
    if narrow(ban) && !narrow(approval) {
        let whom = if ban.groups.is_empty() { "that data tier".to_owned() } else { ban.groups.join(", ") };
        lints.warning(
            ban.line,
            format!(
                "{category} is prohibited for {whom}, yet {services} stays approved by line {}: a rule that names a service outranks one for its category, so add a rule that names the service for them",
                approval.line
            ),
        );
    } else if !approval.exception {
        lints.note(
            approval.line,
            format!(
                "approves {services}, while line {} prohibits category {category}: if that is meant, write `exception = true` with an owner, a reason and a last day",
                ban.line
            ),
        );
    }
}
