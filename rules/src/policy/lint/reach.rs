//! Rules that never decide, because a more specific rule or a group answers first for everything they cover.
//!
//! A rule covers another when it asks for no plan or hour that the other leaves out, and never runs out. Two
//! rules that cover a third one only together are not found.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::Lints;
use crate::{
    catalogue::{Catalogue, Service},
    policy::{Policy, Rule, table},
};

/// Lines and groups that answer before a rule.
#[derive(Default)]
struct Before {
    lines: BTreeSet<usize>,
    groups: BTreeSet<String>,
}

pub(super) fn rule(
    policy: &Policy,
    index: usize,
    rule: &Rule,
    on: Date,
    catalogue: &Catalogue,
    lints: &mut Lints<'_>,
) {
    let (mut before, mut covered) = (Before::default(), false);
    let slots = table::slots(rule, &policy.groups);
    for service in catalogue.services().iter().filter(|service| covers(rule, service)) {
        for slot in &slots {
            covered = true;
            if decides(policy, index, rule, service, *slot, on, &mut before) {
                return;
            }
        }
    }
    if covered {
        lints.warning(rule.line, text(rule, &before));
    } else if slots.is_empty() {
        let tiers: Vec<_> = rule.data_tiers.iter().map(|tier| tier.as_str()).collect();
        lints.warning(rule.line, format!("never decides: no group has the data tier {}", tiers.join(", ")));
    }
}

pub(super) fn covers(rule: &Rule, service: &Service) -> bool {
    rule.services.contains(&service.id) || rule.categories.contains(&service.category)
}

/// True when the rule can decide this service for this slot; else notes who answers before it.
fn decides(
    policy: &Policy,
    index: usize,
    rule: &Rule,
    service: &Service,
    slot: usize,
    on: Date,
    before: &mut Before,
) -> bool {
    let group = slot.checked_sub(1).and_then(|index| policy.groups.get(index));
    if let Some(group) = group.filter(|group| rule.groups.is_empty() && group.keeps_out(&service.id)) {
        before.groups.insert(group.id.clone());
        return false;
    }
    let number = slot.checked_sub(1).and_then(|index| u16::try_from(index).ok());
    let earlier = policy.row(number, service, on).take_while(|other| *other != index);
    let cover = earlier.filter_map(|other| policy.rules.get(other)).find(|other| hides(other, rule));
    if let Some(other) = cover {
        before.lines.insert(other.line);
    }
    cover.is_none()
}

fn hides(a: &Rule, b: &Rule) -> bool {
    let plans = a.plans.is_empty() || (!b.plans.is_empty() && b.plans.iter().all(|plan| a.plans.contains(plan)));
    let hours = match (&a.hours, &b.hours) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a.cover(b),
    };
    a.expires.is_none() && plans && hours
}

/// `... those of line 3, line 8, group guest itself`
fn text(rule: &Rule, before: &Before) -> String {
    let lines: Vec<_> = before.lines.iter().map(|line| format!("line {line}")).collect();
    let groups: Vec<_> = before.groups.iter().map(|group| format!("group {group} itself")).collect();
    let first = [lines, groups].concat().join(", ");
    format!(
        "the rule for {} never decides: more specific words come first for all it covers, those of {first}",
        rule.what()
    )
}
