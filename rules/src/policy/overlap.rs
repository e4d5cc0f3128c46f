//! Refusing policies that contradict themselves, so that no decision depends on the order of a file.

use std::ops::RangeInclusive;

use super::{Group, Rule, group};
use crate::fault::Fault;

/// Refuses groups that could both hold a client, and rules that could both decide. With `nested`, a network
/// may lie inside another group's.
pub(super) fn refuse(rules: &[Rule], groups: &[Group], nested: bool, file: &str) -> Result<(), Fault> {
    pairs(groups).try_for_each(|(a, b)| both_hold(a, b, nested, file))?;
    pairs(rules).try_for_each(|(a, b)| both_decide(a, b, file))
}

fn both_hold(a: &Group, b: &Group, nested: bool, file: &str) -> Result<(), Fault> {
    let refused =
        |text: String| Err(Fault { file: file.to_owned(), line: b.line, key: format!("groups.{}", b.id), text });
    let other = format!("of `groups.{}` at line {}", a.id, a.line);
    if let Some(device) = b.devices.iter().find(|id| a.devices.contains(id)) {
        return refused(format!(
            "device {device:?} is one {other} already: a client belongs to one group, so remove it from one of the two"
        ));
    }
    if a.closeness() != b.closeness() || a.closeness() == 0 || apart(a, b) {
        return Ok(());
    }
    let nets = a.subnets.iter().flat_map(|x| b.subnets.iter().map(move |y| (x, y)));
    let mut nets = nets.filter(|(x, y)| if nested { x == y } else { group::overlap(x, y) });
    match nets.next() {
        Some((x, y)) if x == y || nested => refused(format!(
            "{y} is a subnet {other} already: a client belongs to one group, so remove it from one of the two or add a key that tells them apart"
        )),
        Some((x, y)) => refused(format!(
            "{y} overlaps {x} {other}: a client belongs to one group, so split the networks or merge the groups"
        )),
        None if a.subnets.is_empty() => refused(format!(
            "the same clients would belong to `groups.{}` at line {}: a client belongs to one group, so add a key that tells the two apart",
            a.id, a.line
        )),
        None => Ok(()),
    }
}

/// True when two groups that ask for the same kinds of things share no site, no VLAN or no hardware address.
fn apart(a: &Group, b: &Group) -> bool {
    let share = |x: &RangeInclusive<u16>, y: &RangeInclusive<u16>| x.start() <= y.end() && y.start() <= x.end();
    let both = |one: usize, other: usize| one > 0 && other > 0;
    (both(a.sites.len(), b.sites.len()) && !a.sites.iter().any(|site| b.sites.contains(site)))
        || (both(a.vlans.len(), b.vlans.len()) && !a.vlans.iter().any(|x| b.vlans.iter().any(|y| share(x, y))))
        || (both(a.macs.len(), b.macs.len()) && !a.macs.iter().any(|x| b.macs.iter().any(|y| x.meets(y))))
}

/// Two rules of one specificity may not decide the same service for the same clients at the same time.
fn both_decide(a: &Rule, b: &Rule, file: &str) -> Result<(), Fault> {
    let hours = a.hours.as_ref().zip(b.hours.as_ref());
    let plans = a.plans.is_empty() || a.plans.iter().any(|plan| b.plans.contains(plan));
    if a.specificity() != b.specificity() || !plans || hours.is_some_and(|(a, b)| !a.meet(b)) {
        return Ok(());
    }
    let service = b.services.iter().find(|id| a.services.contains(id)).map(String::as_str);
    let category =
        b.categories.iter().find(|category| a.categories.contains(category)).map(|category| category.as_str());
    let (Some(what), Some(whom)) = (service.or(category), whom(a, b)) else {
        return Ok(());
    };
    let text = format!(
        "{what} for {whom} is decided by the rule at line {} already: remove {what} from one of the two",
        a.line
    );
    Err(Fault { file: file.to_owned(), line: b.line, key: "rule".to_owned(), text })
}

/// Whom two rules of one specificity are both for.
fn whom(a: &Rule, b: &Rule) -> Option<String> {
    if let Some(group) = b.groups.iter().find(|id| a.groups.contains(id)) {
        return Some(format!("group {group}"));
    }
    if let Some(tier) = b.data_tiers.iter().find(|tier| a.data_tiers.contains(tier)) {
        return Some(format!("{tier} data"));
    }
    (b.groups.is_empty() && b.data_tiers.is_empty()).then(|| "everyone".to_owned())
}

/// Each two entries once, the earlier one first.
fn pairs<T>(list: &[T]) -> impl Iterator<Item = (&T, &T)> {
    list.iter().enumerate().flat_map(|(index, b)| list.iter().take(index).map(move |a| (a, b)))
}
