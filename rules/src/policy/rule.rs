//! One rule of a policy.

use jiff::civil::Date;

use crate::{
    catalogue::{Category, Service},
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

/// One `[[rule]]`: services or categories, for everyone or for groups, with a status and its reasons.
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
    /// Group ids; empty for everyone.
    pub groups: Vec<String>,
    /// What the rule says.
    pub status: Status,
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

    pub(super) fn names(&self, service: &Service) -> bool {
        self.services.contains(&service.id) || self.categories.contains(&service.category)
    }

    pub(super) fn holds_for(&self, group: Option<&str>) -> bool {
        self.groups.is_empty() || group.is_some_and(|group| self.groups.iter().any(|id| id == group))
    }

    /// Service and group > service > category and group > category.
    pub(super) fn specificity(&self) -> u8 {
        2 * u8::from(!self.services.is_empty()) + u8::from(!self.groups.is_empty())
    }
}
