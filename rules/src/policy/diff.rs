//! What a new policy changes: each service and group whose status is another one.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    Policy, Status,
    hours::moment,
    table::{Ground, Verdict},
};
use crate::catalogue::{Catalogue, Plan, Service};

/// One service that a group finds with another status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Service id.
    pub service: String,
    /// Group id; absent: clients in no group.
    pub group: Option<String>,
    /// The licence at which it changes, where it does so for one alone.
    pub plan: Option<Plan>,
    /// The first moment of the week at which it changes, such as `Mon 08:00`, where it does so at some hours
    /// alone.
    pub at: Option<String>,
    /// Before.
    pub from: Status,
    /// After.
    pub to: Status,
    /// Line of the rule or group that decided before.
    pub old_line: Option<usize>,
    /// Line of the rule or group that decides now.
    pub new_line: Option<usize>,
}

/// Every service of a catalogue and every group of either policy, compared on one day, sorted by service and
/// group. Groups are the same when their ids are; a group that only one of the two has is compared with what
/// the other says of clients in no group.
pub fn diff(old: &Policy, new: &Policy, catalogue: &Catalogue, on: Date) -> Vec<Change> {
    let ids: BTreeSet<&str> = old.groups.iter().chain(&new.groups).map(|group| group.id.as_str()).collect();
    let cases = cases(old, new);
    let mut changes = Vec::new();
    for service in catalogue.services() {
        for id in std::iter::once(None).chain(ids.iter().copied().map(Some)) {
            changes.extend(change([old, new], service, id, &cases, on));
        }
    }
    changes
}

/// A plan and a minute of the week at which the two could differ.
type Case = (Option<Plan>, Option<u16>);

/// The plain case first, then each plan, then each moment at which an hour begins or ends.
fn cases(old: &Policy, new: &Policy) -> Vec<Case> {
    let rules = || old.rules.iter().chain(&new.rules);
    let plans: BTreeSet<Plan> = rules().flat_map(|rule| rule.plans.iter().copied()).collect();
    let minutes: BTreeSet<u16> = rules().flat_map(|rule| &rule.hours).flat_map(|hours| hours.edges()).collect();
    let plans = || std::iter::once(None).chain(plans.iter().copied().map(Some));
    let minutes = std::iter::once(None).chain(minutes.iter().copied().map(Some));
    minutes.flat_map(|minute| plans().map(move |plan| (plan, minute))).collect()
}

fn change(policies: [&Policy; 2], service: &Service, id: Option<&str>, cases: &[Case], on: Date) -> Option<Change> {
    let slots = policies.map(|policy| slot(policy, id));
    cases.iter().find_map(|&(plan, minute)| {
        let [old, new] = policies;
        let [old_slot, new_slot] = slots;
        let before = old.verdict(old_slot, service, plan, minute, on);
        let after = new.verdict(new_slot, service, plan, minute, on);
        (before.status != after.status).then(|| Change {
            service: service.id.clone(),
            group: id.map(str::to_owned),
            plan,
            at: minute.map(moment),
            from: before.status,
            to: after.status,
            old_line: line(old, old_slot, &before),
            new_line: line(new, new_slot, &after),
        })
    })
}

fn slot(policy: &Policy, id: Option<&str>) -> Option<u16> {
    let index = policy.groups.iter().position(|group| Some(group.id.as_str()) == id)?;
    u16::try_from(index).ok()
}

fn line(policy: &Policy, group: Option<u16>, verdict: &Verdict) -> Option<usize> {
    let rule = |index: u32| policy.rules.get(index as usize).map(|rule| rule.line);
    match verdict.ground {
        Ground::Rule(index) => rule(index),
        Ground::Group => policy.groups.get(usize::from(group?)).map(|group| group.line),
        Ground::Nothing => verdict.lapsed.and_then(rule),
    }
}
