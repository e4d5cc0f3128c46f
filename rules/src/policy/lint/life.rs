//! Dates and audit rows: reviews, suppressions, approvals that the rules contradict, routes that lead nowhere.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Lint, LintLevel, Lints};
use crate::{
    catalogue::Catalogue,
    policy::{Policy, ReviewState, Step},
};

pub(super) fn all(policy: &Policy, on: Date, catalogue: &Catalogue, lints: &mut Lints<'_>) {
    reviews(policy, on, lints);
    for one in policy.suppressions.iter().filter(|one| one.expired(on)) {
        lints.warning(one.line, format!("this suppression expired on {}: decide again or remove it", one.expires));
    }
    routes(policy, lints);
    approvals(policy, on, catalogue, lints);
}

fn reviews(policy: &Policy, on: Date, lints: &mut Lints<'_>) {
    if policy.reviewed.is_none() && !policy.rules.is_empty() {
        lints.note(policy.head_line, "nobody has reviewed this policy: write `reviewed` under [policy]".to_owned());
    }
    for review in policy.reviews(on) {
        let text = format!("the review of {} was due on {}", review.what, review.due);
        match review.state {
            ReviewState::Current => {}
            ReviewState::Due => lints.note(review.line, text),
            ReviewState::Overdue => lints.warning(review.line, format!("{text} and is overdue")),
        }
    }
}

fn routes(policy: &Policy, lints: &mut Lints<'_>) {
    for (site, own) in &policy.routes.sites {
        let route = policy.route(Some(site));
        for (key, missing) in [("security", route.security.is_none()), ("risk_owner", route.risk_owner.is_none())] {
            if missing {
                lints.warning(
                    own.line,
                    format!("findings at {site} have no `{key}`: write it here or under [routes]"),
                );
            }
        }
    }
}

/// The last step of each tool has to agree with what the rules say of it.
fn approvals(policy: &Policy, on: Date, catalogue: &Catalogue, lints: &mut Lints<'_>) {
    let mut last: BTreeMap<(&str, &[String]), &Step> = BTreeMap::new();
    for step in &policy.approvals {
        if step.on > on {
            lints.list.push(lint(
                step,
                LintLevel::Warning,
                format!("the step lies ahead: {} is after {on}", step.on),
            ));
        }
        let newest = last.entry((&step.service, &step.groups)).or_insert(step);
        if step.on >= newest.on {
            *newest = step;
        }
    }
    for step in last.values() {
        let slots = (0_u16..).zip(&policy.groups).filter(|(_, group)| step.groups.contains(&group.id));
        let slots: Vec<Option<u16>> = slots.map(|(index, _)| Some(index)).collect();
        let slots = if step.groups.is_empty() { vec![None] } else { slots };
        let Some(service) = catalogue.service(&step.service) else { continue };
        let mut answers = slots.iter().map(|group| policy.verdict(*group, service, None, None, on).status);
        if let Some(status) = answers.find(|status| !step.agrees(*status)) {
            let decided = step.status.map(|status| format!(" as {status}")).unwrap_or_default();
            let text = format!(
                "{} was last {}{decided} on {}, but the rules say {status}: write the next step or mend the rule",
                step.service, step.stage, step.on
            );
            lints.list.push(lint(step, LintLevel::Warning, text));
        }
    }
}

fn lint(step: &Step, level: LintLevel, text: String) -> Lint {
    Lint { file: step.file.clone(), line: step.line, level, text }
}
