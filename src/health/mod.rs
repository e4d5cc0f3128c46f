//! Whether the sensor is well, for monitoring and for people.
//!
//! | file | noun |
//! |---|---|
//! | `status` | what the sensing side tells once a second, as a file below the spool |
//! | `telling` | who writes it, with the line on the terminal and the words of each hour |
//! | `parts` | what the parts of delivery have done |
//! | `queues` | what waits in the spool, and since when |
//! | `verdict` | well or not, and why |
//! | `metrics`, `exposition` | all numbers; the text form of Prometheus |
//! | `watch` | who looks at both sides and answers |
//! | `server` | a small HTTP server for both, on the loopback interface |
//! | `block` | `[health]` of the configuration |
//!
//! The two sides share nothing but the file, so they may be two processes: the sensing one writes below the spool and
//! opens no socket, the other one reads it and answers.

mod block;
#[cfg(feature = "live")]
mod exposition;
#[cfg(feature = "live")]
mod metrics;
#[cfg(feature = "live")]
mod parts;
#[cfg(feature = "live")]
mod queues;
#[cfg(feature = "live")]
mod server;
#[cfg(feature = "live")]
mod status;
#[cfg(feature = "live")]
mod telling;
#[cfg(feature = "live")]
mod verdict;
#[cfg(feature = "live")]
mod watch;

pub(crate) use block::{HealthBlock, HealthChoice};
#[cfg(feature = "live")]
pub(crate) use parts::{Part, Parts};
#[cfg(feature = "live")]
pub(crate) use status::Account;
#[cfg(feature = "live")]
pub(crate) use telling::{Progress, Telling};

#[cfg(feature = "live")]
pub(crate) use watch::Health;
