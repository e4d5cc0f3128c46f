//! End-to-end tests: the real binary on real captures.
//!
//! Captures of other projects and of the traffic lab are found through `SHADOWTAP_CORPUS`. Without it those tests say
//! that they skip; with `SHADOWTAP_CI=1` whatever a test needs must be there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is a test's failure message"
)]

mod bad_input;
mod candidates;
mod commands;
mod corpus;
mod demo;
mod derived;
mod devices;
#[cfg(feature = "live")]
mod discover;
mod docs;
mod doctor;
mod doubled;
mod findings;
mod halves;
#[cfg(feature = "live")]
mod health;
mod hidden;
mod init;
mod install;
mod lab;
#[cfg(feature = "live")]
mod latency;
mod live;
mod local_models;
mod losses;
mod malformed;
mod mirrors;
mod office;
mod own_captures;
mod privileges;
mod rings;
mod rule_files;
#[cfg(feature = "live")]
mod sensor_process;
mod shapes;
mod shared_address;
mod siem;
mod spool;
mod store;
mod support;
mod syslog;
mod visibility;
mod ways;
