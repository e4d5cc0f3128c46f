//! Names from DNS, and names that a hello hides: frames in, names and records out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is a test's failure message"
)]

mod bench;
mod dns;
mod hidden;
mod interleaved;
mod parameters;
#[allow(dead_code, reason = "shared with tests that use the rest")]
#[path = "../wire/quic.rs"]
mod quic;
#[path = "../random/mod.rs"]
mod random;
mod sights;
mod wire;
