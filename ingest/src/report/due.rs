//! What the policy itself asks for: reviews that fall due, suppressions that have expired.

use jiff::ToSpan;
use jiff::civil::Date;
use rules::policy::{Policy, ReviewState, Suppression};

use super::model::{ExceptionRow, ReviewRow};

/// How far ahead the report looks, days.
const AHEAD: i64 = 30;

/// Reviews that are due on a day or will be within 30 days, the earliest first.
pub(super) fn reviews(policy: &Policy, on: Date) -> Vec<ReviewRow> {
    let near = |due: Date| due <= on.saturating_add(AHEAD.days());
    let all = policy.reviews(on).into_iter();
    all.filter(|review| review.state != ReviewState::Current || near(review.due))
        .map(|review| ReviewRow {
            what: review.what,
            state: review.state.as_str().to_owned(),
            due: review.due.to_string(),
            line: review.line as u64,
        })
        .collect()
}

/// Suppressions that have expired on a day or will within 30 days, the earliest first.
pub(super) fn exceptions(policy: &Policy, on: Date) -> Vec<ExceptionRow> {
    let near = |one: &&Suppression| one.expires <= on.saturating_add(AHEAD.days());
    let mut near: Vec<&Suppression> = policy.suppressions().iter().filter(near).collect();
    near.sort_by_key(|one| (one.expires, one.line));
    near.into_iter()
        .map(|one| ExceptionRow {
            what: what(one),
            state: if one.expired(on) { "expired" } else { "current" }.to_owned(),
            expires: one.expires.to_string(),
            owner: one.owner.clone(),
            reason: one.reason.clone(),
            line: one.line as u64,
        })
        .collect()
}

/// What a suppression holds back: services, groups, and how many devices.
fn what(one: &Suppression) -> String {
    let list = |words: &[String], all: &str| if words.is_empty() { all.to_owned() } else { words.join(", ") };
    let mut parts = vec![list(&one.services, "all services")];
    if !one.groups.is_empty() {
        parts.push(format!("in {}", one.groups.join(", ")));
    }
    if !one.devices.is_empty() {
        parts.push(format!("on {}", crate::text::counted(one.devices.len() as u64, "device")));
    }
    parts.join(" ")
}
