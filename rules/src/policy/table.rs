//! From a service and a group to the rule that decides, compiled once.
//!
//! For each service that a rule names and for each category there is one row per group, which lists the
//! rules for it, the most specific first. A decision hashes the service's id once and then walks a row,
//! usually of one or two rules, comparing bits, minutes and dates: no string is compared and nothing is
//! allocated. Rows take (services named + categories) × (groups + 1) lists.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime};

use super::{Group, Hours, Rule, Status, hours};
use crate::catalogue::{Category, Plan};

/// The compiled rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    services: HashMap<String, u32>,
    lines: Vec<Line>,
    by_service: Vec<Vec<u32>>,
    by_category: Vec<Vec<u32>>,
    floors: Vec<Floor>,
}

/// What is left of a rule once its row is found.
#[derive(Debug, Clone)]
struct Line {
    status: Status,
    severity: u8,
    plans: u8,
    hours: Option<Hours>,
    expires: Option<Date>,
    names_group: bool,
}

/// What a group says by itself where no rule names it.
#[derive(Debug, Clone)]
enum Floor {
    None,
    Personal,
    /// Prohibited but for these services, by number.
    Only(Vec<u32>),
}

/// One use, in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) group: Option<u16>,
    pub(super) service: Option<u32>,
    pub(super) category: Category,
    pub(super) plan: Option<Plan>,
    /// Minute of the week, where the moment is known.
    pub(super) minute: Option<u16>,
    pub(super) on: Date,
}

/// The answer, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) severity: u8,
    pub(super) ground: Ground,
    /// The most specific rule, when it has run out.
    pub(super) lapsed: Option<u32>,
}

/// What an answer stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    Rule(u32),
    Group,
    Nothing,
}

impl Table {
    pub(super) fn over(rules: &[Rule], groups: &[Group]) -> Table {
        let mut table = Table::default();
        let named = rules.iter().flat_map(|rule| &rule.services).chain(groups.iter().flat_map(|g| &g.may_use));
        for id in named {
            let next = table.services.len() as u32;
            table.services.entry(id.clone()).or_insert(next);
        }
        table.floors = groups.iter().map(|group| table.floor(group)).collect();
        table.lines = rules.iter().map(Line::of).collect();
        let width = groups.len() + 1;
        table.by_service = vec![Vec::new(); table.services.len() * width];
        table.by_category = vec![Vec::new(); Category::ALL.len() * width];
        let mut order: Vec<(u32, &Rule)> = (0..).zip(rules).collect();
        order.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.specificity()));
        for (index, rule) in order {
            for slot in slots(rule, groups) {
                for id in rule.services.iter().filter_map(|id| table.services.get(id)) {
                    push(&mut table.by_service, *id as usize * width + slot, index);
                }
                for category in &rule.categories {
                    push(&mut table.by_category, *category as usize * width + slot, index);
                }
            }
        }
        table
    }

    fn floor(&self, group: &Group) -> Floor {
        match (group.personal, group.may_use.is_empty()) {
            (true, _) => Floor::Personal,
            (false, true) => Floor::None,
            (false, false) => Floor::Only(group.may_use.iter().filter_map(|id| self.number(id)).collect()),
        }
    }

    /// The number of a service that the policy names.
    pub(super) fn number(&self, id: &str) -> Option<u32> {
        self.services.get(id).copied()
    }

    pub(super) fn judge(&self, usage: &Usage) -> Verdict {
        let floor = self.floor_of(usage);
        let mut lapsed = None;
        for index in self.row(*usage) {
            let Some(line) = self.lines.get(index as usize) else { continue };
            if !line.fits(usage) || (floor.is_some() && !line.names_group) {
                continue;
            }
            if line.expires.is_some_and(|last| usage.on > last) {
                lapsed.get_or_insert(index);
                continue;
            }
            // Behind a rule that has run out a wider rule may forbid or ask, but not approve: somebody
            // wanted this tool to be looked at again.
            if lapsed.is_some() && line.status == Status::Approved {
                break;
            }
            let (status, severity) = (line.status, line.severity);
            return Verdict { status, severity, ground: Ground::Rule(index), lapsed };
        }
        let (status, ground) = match floor {
            Some(status) => (status, Ground::Group),
            None => (Status::Unreviewed, Ground::Nothing),
        };
        Verdict { status, severity: status.severity(), ground, lapsed }
    }

    /// Rules for a use, the most specific first: a rule that names the service outranks one for its category.
    pub(super) fn row(&self, usage: Usage) -> impl Iterator<Item = u32> {
        let width = self.floors.len() + 1;
        let slot = usage.group.map_or(0, |group| usize::from(group) + 1);
        let service = usage.service.and_then(|id| self.by_service.get(id as usize * width + slot));
        let category = self.by_category.get(usage.category as usize * width + slot);
        service.into_iter().chain(category).flatten().copied()
    }

    fn floor_of(&self, usage: &Usage) -> Option<Status> {
        match self.floors.get(usize::from(usage.group?))? {
            Floor::None => None,
            Floor::Personal => Some(Status::PersonalRisk),
            Floor::Only(services) if usage.service.is_some_and(|id| services.contains(&id)) => None,
            Floor::Only(_) => Some(Status::Prohibited),
        }
    }
}

impl Line {
    fn of(rule: &Rule) -> Line {
        Line {
            status: rule.status,
            severity: rule.severity.unwrap_or(rule.status.severity()),
            plans: rule.plans.iter().map(|plan| bit(*plan)).sum(),
            hours: rule.hours.clone(),
            expires: rule.expires,
            names_group: !rule.groups.is_empty(),
        }
    }

    fn fits(&self, usage: &Usage) -> bool {
        (self.plans == 0 || usage.plan.is_some_and(|plan| self.plans & bit(plan) != 0))
            && self.hours.as_ref().is_none_or(|hours| usage.minute.is_some_and(|minute| hours.at(minute)))
    }
}

impl Usage {
    pub(super) fn minute(at: Option<DateTime>) -> Option<u16> {
        at.map(hours::minute)
    }
}

/// The slots of a row that a rule is for: 0 is whoever belongs to no group, then the groups in order.
pub(super) fn slots(rule: &Rule, groups: &[Group]) -> Vec<usize> {
    let tier = |group: &Group| group.data_tier.is_some_and(|tier| rule.data_tiers.contains(&tier));
    let everyone = rule.groups.is_empty() && rule.data_tiers.is_empty();
    let named = |group: &Group| everyone || tier(group) || rule.groups.contains(&group.id);
    let groups = groups.iter().enumerate().filter(|(_, group)| named(group)).map(|(index, _)| index + 1);
    everyone.then_some(0).into_iter().chain(groups).collect()
}

fn push(rows: &mut [Vec<u32>], at: usize, rule: u32) {
    if let Some(row) = rows.get_mut(at) {
        row.push(rule);
    }
}

fn bit(plan: Plan) -> u8 {
    1 << plan as u8
}
