//! Twelve weeks of an office with planted uploads: how many `rules::volume` finds, and how often it is wrong.
//!
//! `draw`, `office`, `day`, `plants` and `months` were written and frozen before the constants of the engine were
//! tuned; `months` pins their output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is a test's failure message"
)]

mod day;
mod draw;
mod engine;
mod months;
mod office;
mod page;
mod plants;
mod restart;
mod rivals;
mod score;
