//! The incident report that an AI policy asks for, filled in as far as a wire sensor can: who, what, when, how sure,
//! by which line of the policy. What only people know stays a line to fill in. It accuses nobody.
//!
//! | file | noun |
//! |---|---|
//! | `model` | the form, whose field names are the JSON (docs/incident.md) |
//! | `fill` | a form out of a finding |
//! | `words`, `measure` | what it says and asks for each kind of finding; its numbers |
//! | `card` | what the store knows of the service at the site |
//! | `markdown`, `page`, `escape` | the form for people, safe against names off the wire |

mod card;
mod escape;
mod fill;
mod markdown;
mod measure;
mod model;
mod page;
mod words;

pub use card::{Seen, seen_at};
pub use escape::escape;
pub use fill::Context;
pub use model::{
    Affected, Evidence, Form, Host, IncidentType, Informed, Measurement, Moment, Observed, PolicyLine, Question,
    Recurrence, Reference, Times, Vetting,
};

/// Marks the form's JSON; the number changes when a field changes its meaning or goes.
pub const FORMAT: &str = "shadowtap-incident/1";

#[cfg(test)]
mod tests;
