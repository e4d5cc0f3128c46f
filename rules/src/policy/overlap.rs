//! Refusing policies that contradict themselves, so that no decision depends on the order of a file.

use super::{group, group::Group, rule::Rule};
use crate::fault::Fault;

pub(super) fn refuse(rules: &[Rule], groups: &[Group], file: &str) -> Result<(), Fault> {
    pairs(groups).try_for_each(|(a, b)| subnets(a, b, file))?;
    pairs(rules).try_for_each(|(a, b)| both_decide(a, b, file))
}

fn subnets(a: &Group, b: &Group, file: &str) -> Result<(), Fault> {
    for x in &a.subnets {
        let Some(y) = b.subnets.iter().find(|y| group::overlap(x, y)) else {
            continue;
        };
        let text = format!(
            "{y} overlaps {x} of `groups.{}` at line {}: a client belongs to one group, so split the networks or merge the groups",
            a.id, a.line
        );
        return Err(Fault { file: file.to_owned(), line: b.line, key: format!("groups.{}", b.id), text });
    }
    Ok(())
}

/// Two rules of one specificity may not decide the same service for the same clients.
fn both_decide(a: &Rule, b: &Rule, file: &str) -> Result<(), Fault> {
    if a.specificity() != b.specificity() {
        return Ok(());
    }
    let service = b.services.iter().find(|id| a.services.contains(id)).map(String::as_str);
    let category =
        b.categories.iter().find(|category| a.categories.contains(category)).map(|category| category.as_str());
    let Some(what) = service.or(category) else {
        return Ok(());
    };
    let whom = match b.groups.iter().find(|id| a.groups.contains(id)) {
        Some(group) => format!("group {group}"),
        None if b.groups.is_empty() => "everyone".to_owned(),
        None => return Ok(()),
    };
    let text = format!(
        "{what} for {whom} is decided by the rule at line {} already: remove {what} from one of the two",
        a.line
    );
    Err(Fault { file: file.to_owned(), line: b.line, key: "rule".to_owned(), text })
}

/// Each two entries once, the earlier one first.
fn pairs<T>(list: &[T]) -> impl Iterator<Item = (&T, &T)> {
    list.iter().enumerate().flat_map(|(index, b)| list.iter().take(index).map(move |a| (a, b)))
}
