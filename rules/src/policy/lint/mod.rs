//! What is wrong with a policy that holds: rules that never decide, dates that have passed, words without an
//! owner. What contradicts itself is refused when the file is read and never gets here.

mod clash;
mod life;
mod reach;

use jiff::civil::Date;

use super::{Policy, Rule, Status};
use crate::{catalogue::Catalogue, words::words};

words! {
    /// How much a lint matters.
    pub enum LintLevel, "level" {
        /// May be meant; worth a look.
        Note = "note",
        /// Something does not hold as it reads, or is due.
        Warning = "warning",
    }
}

/// One thing that the author of a policy should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Name of the file.
    pub file: String,
    /// Line in it.
    pub line: usize,
    /// How much it matters.
    pub level: LintLevel,
    /// What it is and how to mend it.
    pub text: String,
}

impl std::fmt::Display for Lint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}: {}: {}", self.file, self.line, self.level, self.text)
    }
}

impl Policy {
    /// Everything that a reader of this policy should see on a day, in the order of the file.
    pub fn lint(&self, on: Date, catalogue: &Catalogue) -> Vec<Lint> {
        let mut lints = Lints { file: &self.file, list: Vec::new() };
        for (index, rule) in self.rules.iter().enumerate() {
            words_of(rule, catalogue, &mut lints);
            if rule.expired(on) {
                let day = rule.expires.map(|day| day.to_string()).unwrap_or_default();
                lints.warning(
                    rule.line,
                    format!("the rule for {} expired on {day}: decide again or remove it", rule.what()),
                );
            } else {
                reach::rule(self, index, rule, on, catalogue, &mut lints);
            }
        }
        clash::all(self, on, catalogue, &mut lints);
        groups(self, on, catalogue, &mut lints);
        life::all(self, on, catalogue, &mut lints);
        let mut list = lints.list;
        list.sort_by(|a, b| (a.file != self.file, a.line, &a.text).cmp(&(b.file != self.file, b.line, &b.text)));
        list
    }
}

/// The lints of one file while they are collected.
struct Lints<'p> {
    file: &'p str,
    list: Vec<Lint>,
}

impl Lints<'_> {
    fn note(&mut self, line: usize, text: String) {
        self.list.push(Lint { file: self.file.to_owned(), line, level: LintLevel::Note, text });
    }

    fn warning(&mut self, line: usize, text: String) {
        self.list.push(Lint { file: self.file.to_owned(), line, level: LintLevel::Warning, text });
    }
}

/// What a rule leaves unsaid, and names that the catalogue at hand does not know.
fn words_of(rule: &Rule, catalogue: &Catalogue, lints: &mut Lints<'_>) {
    if rule.status == Status::Approved {
        for (key, missing) in [("owner", rule.owner.is_none()), ("reason", rule.reason.is_none())] {
            if missing {
                lints.warning(
                    rule.line,
                    format!("{} is approved without `{key}`: write who answers and why", rule.what()),
                );
            }
        }
    }
    for id in rule.services.iter().filter(|id| catalogue.service(id).is_none()) {
        lints.warning(rule.line, format!("this catalogue has no service {id:?}: the rule never decides it"));
    }
    for category in &rule.categories {
        if !catalogue.services().iter().any(|service| service.category == *category) {
            lints.note(rule.line, format!("this catalogue has no service of category {category}"));
        }
    }
}

fn groups(policy: &Policy, on: Date, catalogue: &Catalogue, lints: &mut Lints<'_>) {
    for (index, group) in (0..).zip(&policy.groups) {
        let tier = |rule: &Rule| group.data_tier.is_some_and(|tier| rule.data_tiers.contains(&tier));
        let named = policy.rules.iter().any(|rule| rule.groups.contains(&group.id) || tier(rule));
        if !named && !group.personal && group.may_use.is_empty() {
            lints
                .note(group.line, format!("no rule names group {}: only rules for everyone hold for it", group.id));
        }
        for service in group.may_use.iter().filter_map(|id| catalogue.service(id)) {
            let status = policy.verdict(Some(index), service, None, None, on).status;
            if status != Status::Approved {
                lints.note(
                    group.line,
                    format!("{} may use {}, but no rule approves it: it is {status}", group.id, service.id),
                );
            }
        }
    }
}
