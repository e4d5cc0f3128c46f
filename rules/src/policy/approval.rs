//! The approval life of a tool: seen, submitted, in review, decided; who, when and why.
//!
//! It records how a status came about and decides nothing: the rules do. [`lint`](super::Policy::lint) says
//! where the two disagree.

use jiff::civil::Date;

use super::Status;
use crate::words::words;

words! {
    /// One stage in the approval life of a tool, in order.
    pub enum Stage, "step" {
        /// The sensor or somebody noticed the tool.
        Seen = "seen",
        /// Somebody asked for it.
        Submitted = "submitted",
        /// Somebody is assessing it.
        InReview = "in_review",
        /// There is an answer. A later step begins the next review.
        Decided = "decided",
    }
}

/// One row of the audit: one step of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// File that holds it.
    pub file: String,
    /// Line of the step in it.
    pub line: usize,
    /// Service id.
    pub service: String,
    /// Group ids that it is about; empty: everyone.
    pub groups: Vec<String>,
    /// What happened.
    pub stage: Stage,
    /// When.
    pub on: Date,
    /// Who did it.
    pub who: String,
    /// Why, or what was found.
    pub why: String,
    /// The answer of a `decided` step, and of no other.
    pub status: Option<Status>,
}

impl Stage {
    /// True when a tool may go from this stage to the next one. Steps may be left out, but not undone; a
    /// decided tool may be submitted or reviewed again.
    pub(super) fn leads_to(self, next: Stage) -> bool {
        next > self || (self == Stage::Decided && next != Stage::Seen)
    }
}

impl Step {
    /// True when a rule may say this while the tool is at this step.
    pub(super) fn agrees(&self, status: Status) -> bool {
        match (self.stage, self.status) {
            (Stage::Decided, decided) => decided == Some(status),
            (Stage::InReview, _) => status == Status::InReview,
            (Stage::Seen | Stage::Submitted, _) => status != Status::Approved,
        }
    }
}
