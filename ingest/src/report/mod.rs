//! The weekly report: facts of the store and findings, judged by today's policy, as one plain model and three forms.
//!
//! Opinion is computed here, from the roll-up and the policy, so that a week can be judged again. No clock is read and
//! nothing depends on hash order: same facts, policy, catalogue and binary give the same bytes.

mod access;
mod actions;
mod build;
mod chart;
mod coverage;
mod csv;
mod departments;
mod due;
mod finding_row;
mod findings;
mod html;
mod judged;
mod measured;
mod method;
pub mod model;
mod summary;
mod tables;
mod trend;
mod week;
mod write;

pub use build::{ReportContext, ReportError, latest_week};
pub use model::Report;
pub use summary::summary_text;
pub use week::{Week, WeekError};
pub use write::ReportPaths;
