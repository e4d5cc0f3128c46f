//! What is to be looked at again, and when: after six months at the latest it is due, after twelve overdue.

use jiff::{ToSpan, civil::Date};

use super::Policy;
use crate::words::words;

/// Months after which a policy is due for review.
const DUE_MONTHS: i32 = 6;

/// Months between due and overdue.
const GRACE_MONTHS: i32 = 6;

words! {
    /// How a review stands on a day.
    pub enum ReviewState, "review state" {
        /// Its day has not come.
        Current = "current",
        /// Its day has come.
        Due = "due",
        /// Its day was six months ago or more.
        Overdue = "overdue",
    }
}

/// One thing to look at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Line in the policy file.
    pub line: usize,
    /// What it is: the policy as a whole, or what a rule is about.
    pub what: String,
    /// The day by which it should be done.
    pub due: Date,
    /// How it stands.
    pub state: ReviewState,
}

impl Policy {
    /// All reviews that have a day, the earliest first: the policy's own, six months after `reviewed`, and
    /// each rule's `review_by`. A rule that has expired needs no review.
    pub fn reviews(&self, on: Date) -> Vec<Review> {
        let whole = self
            .reviewed
            .map(|reviewed| (self.head_line, "the policy as a whole".to_owned(), later(reviewed, DUE_MONTHS)));
        let rules = self.rules.iter().filter(|rule| !rule.expired(on));
        let rules = rules.filter_map(|rule| Some((rule.line, rule.what(), rule.review_by?)));
        let mut reviews: Vec<Review> = whole
            .into_iter()
            .chain(rules)
            .map(|(line, what, due)| Review { line, what, due, state: state(due, on) })
            .collect();
        reviews.sort_by_key(|review| (review.due, review.line));
        reviews
    }
}

fn state(due: Date, on: Date) -> ReviewState {
    if on < due {
        ReviewState::Current
    } else if on < later(due, GRACE_MONTHS) {
        ReviewState::Due
    } else {
        ReviewState::Overdue
    }
}

fn later(day: Date, months: i32) -> Date {
    day.saturating_add(months.months())
}
