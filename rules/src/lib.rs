//! What is an AI service, who may use it, and when contact counts as use.
//!
//! The sensor states facts and the store holds opinion; this crate is the rule book of both and does no
//! input or output beyond reading its own files. The parts do not know each other's answers:
//!
//! - [`catalogue`]: host name to service, role and strength. A fact, the same for every customer.
//! - [`policy`]: service and client to status, owner and reason. One organisation's opinion, dated.
//! - [`usage`]: role, strength, turns and bytes to nothing, visited, shared or used.
//! - [`behaviour`]: what a flow was for, and what kind of client made it.
//! - [`volume`]: uploads and habits to what is unusual, with the numbers that make it so.

pub mod behaviour;
pub mod catalogue;
mod digest;
pub mod fault;
mod file;
pub mod policy;
pub mod usage;
pub mod volume;
mod words;
