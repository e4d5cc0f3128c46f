//! Facts in, opinion out.
//!
//! The sensor leaves records in its spool; this crate takes them up. [`deliver`] is one round of work: [`batch`] folds
//! waiting segments and puts them into the [`store`], [`judge`] opens findings where the policy is not content, and
//! [`siem`] sends their events. [`report`] reads the store and the findings and writes the week. Facts and opinion are
//! two files, so that facts can be judged again under another policy (decision records 1 and 3).
//!
//! Nothing here sees a packet, and nothing here reads a clock into a result: times come from records.

pub mod batch;
pub mod db;
pub mod deliver;
pub mod discover;
pub mod files;
pub mod incident;
pub mod judge;
mod pause;
pub mod report;
pub mod secret;
mod segment;
pub mod siem;
pub mod store;
pub mod text;
pub mod time;
pub mod tls;

#[cfg(test)]
#[allow(dead_code, unreachable_pub, reason = "shared with the end-to-end tests, which use the rest")]
mod sample;
