//! The ClickHouse store on the real engine: libchdb behind its HTTP interface, or the server that
//! `SHADOWTAP_TEST_CLICKHOUSE` names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure message")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod command;
mod ddl;
mod facts;
mod faults;
mod findings;
mod grafana;
mod kills;
mod parity;
mod proxy;
mod readback;
mod refusals;
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the crate, which use the rest")]
#[path = "../../../../ingest/src/sample.rs"]
mod sample;
mod schema;
mod server;
mod sizing;
mod soak;
mod ten_million;
mod tls;
