//! A ClientHello is found however it is cut and in whatever order its parts arrive: over TCP, over TLS records, behind a
//! plain-text start, beside garbage, and over QUIC; a request head as well. Frames go through a worker, as those of a
//! capture do.
//!
//! Chance has a seed, which a failure prints with its case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

mod random;
mod wire;

mod orders {
    mod again;
    mod garbage;
    mod http;
    mod later;
    mod midstream;
    mod mixed;
    mod quic;
    mod quic_lies;
    mod quic_paths;
    mod records;
    mod snaplen;
    mod tcp;
    mod tcp_sizes;
    mod vectors;
}
