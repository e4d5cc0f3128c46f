//! The naive decision: every group and every rule is looked at, each time.

use jiff::civil::{Date, DateTime};
use rules::{
    catalogue::{Plan, Service},
    policy::Status,
};

use super::model::{Client, Group, HOURS, Model, Rule};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) severity: u8,
    pub(crate) rule: Option<usize>,
    pub(crate) group: Option<usize>,
}

pub(crate) fn decide(model: &Model, client: &Client, service: &Service, plan: Option<Plan>, on: Date) -> Answer {
    let group = group(model, client);
    let own = group.map(|index| &model.groups[index]);
    let floor = own.and_then(|group| match group {
        _ if group.personal => Some(Status::PersonalRisk),
        _ if group.may_use.is_empty() || group.may_use.contains(&service.id.as_str()) => None,
        _ => Some(Status::Prohibited),
    });
    let mut rules: Vec<(usize, &Rule)> = model
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| {
            let about = rule.services.contains(&service.id.as_str()) || rule.categories.contains(&service.category);
            let names = group.is_some_and(|index| rule.groups.contains(&index));
            let tier = own.and_then(|group| group.tier).is_some_and(|tier| rule.tiers.contains(&tier));
            let everyone = rule.groups.is_empty() && rule.tiers.is_empty();
            let whom = names || (floor.is_none() && (tier || everyone));
            let plan = rule.plans.is_empty() || plan.is_some_and(|plan| rule.plans.contains(&plan));
            about && whom && plan && rule.hours.is_none_or(|hours| client.at.is_some_and(|at| inside(hours, at)))
        })
        .collect();
    rules.sort_by_key(|(_, rule)| std::cmp::Reverse(order(rule)));
    let answer = |status: Status, severity: Option<u8>, rule: Option<usize>| Answer {
        status,
        severity: severity.unwrap_or(status.severity()),
        rule,
        group,
    };
    let lapsed = rules.first().filter(|(_, rule)| rule.expires.is_some_and(|last| on > last));
    let standing = rules.iter().find(|(_, rule)| rule.expires.is_none_or(|last| on <= last));
    match (standing, floor) {
        (Some((index, rule)), _) if lapsed.is_none() || rule.status != Status::Approved => {
            answer(rule.status, rule.severity, Some(*index))
        }
        (_, Some(floor)) => answer(floor, None, None),
        (_, None) => answer(Status::Unreviewed, None, lapsed.map(|(index, _)| *index)),
    }
}

fn group(model: &Model, client: &Client) -> Option<usize> {
    let named = |group: &Group| client.device.as_ref().is_some_and(|id| group.devices.contains(id));
    if let Some(index) = model.groups.iter().position(named) {
        return Some(index);
    }
    let held = model.groups.iter().enumerate().filter_map(|(index, group)| Some((hold(group, client)?, index)));
    held.max().map(|(_, index)| index)
}

/// How closely a group holds a client: what it asks for, then the length of the network.
fn hold(group: &Group, client: &Client) -> Option<([bool; 5], u8)> {
    let ip = client.ip.to_canonical();
    let length = group.subnets.iter().filter(|net| net.contains(&ip)).map(|net| net.prefix_len()).max();
    let vlan = client.vlan.is_some_and(|vlan| group.vlans.contains(&vlan));
    let site = client.site.as_ref().is_some_and(|site| group.sites.contains(site));
    let mac = client.mac.is_some_and(|mac| group.macs.iter().any(|start| begins(start, mac)));
    let fits = (group.subnets.is_empty() || length.is_some())
        && (group.vlans.is_empty() || vlan)
        && (group.sites.is_empty() || site)
        && (group.macs.is_empty() || mac);
    (fits && asks(group).contains(&true)).then(|| (asks(group), length.unwrap_or(0)))
}

fn asks(group: &Group) -> [bool; 5] {
    let made_up = group.macs.contains(&Vec::new());
    let vendor = !group.macs.is_empty() && !made_up;
    [vendor, !group.vlans.is_empty(), !group.subnets.is_empty(), made_up, !group.sites.is_empty()]
}

fn begins(start: &[u8], mac: [u8; 6]) -> bool {
    if start.is_empty() { mac[0] & 2 == 2 } else { mac.starts_with(start) }
}

fn inside(hours: usize, at: DateTime) -> bool {
    let day = at.weekday().to_monday_zero_offset() as u16;
    HOURS[hours].1(day, at.hour() as u16 * 60 + at.minute() as u16)
}

fn order(rule: &Rule) -> (bool, bool, u8, bool) {
    let whom = if !rule.groups.is_empty() { 2 } else { u8::from(!rule.tiers.is_empty()) };
    (!rule.services.is_empty(), !rule.plans.is_empty(), whom, rule.hours.is_some())
}

/// True when the policy has to be refused.
pub(crate) fn ties(model: &Model) -> bool {
    let groups = &model.groups;
    let rules = &model.rules;
    (0..groups.len()).any(|b| (0..b).any(|a| groups_tie(&groups[a], &groups[b], model.nested)))
        || (0..rules.len()).any(|b| (0..b).any(|a| rules_tie(&rules[a], &rules[b])))
}

fn groups_tie(a: &Group, b: &Group, nested: bool) -> bool {
    if a.devices.iter().any(|id| b.devices.contains(id)) {
        return true;
    }
    let both = |x: &ipnet::IpNet, y: &ipnet::IpNet| if nested { x == y } else { x.contains(y) || y.contains(x) };
    let macs = |x: &Vec<u8>, y: &Vec<u8>| match (x.as_slice(), y.as_slice()) {
        ([], []) => true,
        ([], start) | (start, []) => start[0] & 2 == 2,
        (x, y) => x.starts_with(y) || y.starts_with(x),
    };
    asks(a) == asks(b)
        && asks(a).contains(&true)
        && meet(&a.subnets, &b.subnets, both)
        && meet(&a.vlans, &b.vlans, |x, y| x == y)
        && meet(&a.sites, &b.sites, |x, y| x == y)
        && meet(&a.macs, &b.macs, macs)
}

fn meet<T>(a: &[T], b: &[T], both: impl Fn(&T, &T) -> bool) -> bool {
    (a.is_empty() && b.is_empty()) || a.iter().any(|x| b.iter().any(|y| both(x, y)))
}

fn rules_tie(a: &Rule, b: &Rule) -> bool {
    let same = |x: usize, y: usize| {
        (0..7).any(|day| (0..48).any(|half| HOURS[x].1(day, half * 30) && HOURS[y].1(day, half * 30)))
    };
    order(a) == order(b)
        && (a.services.iter().any(|id| b.services.contains(id))
            || a.categories.iter().any(|category| b.categories.contains(category)))
        && meet(&a.groups, &b.groups, |x, y| x == y)
        && meet(&a.tiers, &b.tiers, |x, y| x == y)
        && meet(&a.plans, &b.plans, |x, y| x == y)
        && a.hours.zip(b.hours).is_none_or(|(x, y)| same(x, y))
}
