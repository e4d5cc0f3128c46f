//! One rule of a policy.

use std::time::Duration;

use jiff::civil::Date;

use super::{DataTier, Hours};
use crate::{
    catalogue::{Category, Plan},
    words::words,
};

words! {
    /// What an organisation says about a tool.
    pub enum Status, "status" {
        /// Assessed, and free to use.
        Approved = "approved",
        /// May be used after asking, not before.
        RequiresApproval = "requires_approval",
        /// Not to be used.
        Prohibited = "prohibited",
        /// Private use outside the policy's scope: shown apart, never as a breach.
        PersonalRisk = "personal_risk",
        /// Being assessed now.
        InReview = "in_review",
        /// Nobody has said anything yet. The default; never the same as approved.
        Unreviewed = "unreviewed",
    }
}

impl Status {
    /// The part of a sentence behind the service's name.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Status::Approved => "is approved",
            Status::RequiresApproval => "requires approval",
            Status::Prohibited => "is prohibited",
            Status::PersonalRisk => "is personal risk",
            Status::InReview => "is in review",
            Status::Unreviewed => "is unreviewed",
        }
    }

    /// How much an observed use matters, from 0 to 10, where a rule does not say it.
    pub const fn severity(self) -> u8 {
        match self {
            Status::Approved => 0,
            Status::PersonalRisk => 1,
            Status::InReview => 3,
            Status::Unreviewed => 5,
            Status::RequiresApproval => 6,
            Status::Prohibited => 8,
        }
    }
}

/// One `[[rule]]`: services or categories, for everyone or for some, with a status and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name of the policy file.
    pub file: String,
    /// Line of the rule in it.
    pub line: usize,
    /// Service ids; empty when the rule names categories.
    pub services: Vec<String>,
    /// Categories; empty when the rule names services.
    pub categories: Vec<Category>,
    /// Licences that the host's name told; empty: any, and where it told none.
    pub plans: Vec<Plan>,
    /// Group ids; empty: see `data_tiers`.
    pub groups: Vec<String>,
    /// Data tiers of groups; empty together with `groups`: everyone.
    pub data_tiers: Vec<DataTier>,
    /// When it holds; absent: always.
    pub hours: Option<Hours>,
    /// What the rule says.
    pub status: Status,
    /// A decision against the rule, which has an owner, a reason and a last day.
    pub exception: bool,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why, in words that may be shown to the people concerned.
    pub reason: Option<String>,
    /// When it should be looked at again. The rule holds on after that day.
    pub review_by: Option<Date>,
    /// Its last day. After it the rule no longer decides.
    pub expires: Option<Date>,
    /// How much an observed use matters, from 0 to 10; absent: by status.
    pub severity: Option<u8>,
    /// Time from detection to report; absent: the policy's own.
    pub report_within: Option<Duration>,
}

impl Rule {
    /// True after the rule's last day.
    pub fn expired(&self, on: Date) -> bool {
        self.expires.is_some_and(|last| on > last)
    }

    /// True when the day of review has passed.
    pub fn review_due(&self, on: Date) -> bool {
        self.review_by.is_some_and(|day| on > day)
    }

    /// What the rule is about, for people: `claude, gemini` or `category chat`.
    pub fn what(&self) -> String {
        let categories = self.categories.iter().map(|category| format!("category {category}"));
        self.services.iter().cloned().chain(categories).collect::<Vec<_>>().join(", ")
    }

    /// Which of two rules for the same use decides: the higher one. What comes before whom, whom before when:
    /// service > category, then a plan, then group > data tier > everyone, then hours.
    pub(super) fn specificity(&self) -> u8 {
        let whom = match (self.groups.is_empty(), self.data_tiers.is_empty()) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        let (service, plan) = (!self.services.is_empty(), !self.plans.is_empty());
        16 * u8::from(service) + 8 * u8::from(plan) + 2 * whom + u8::from(self.hours.is_some())
    }
}
