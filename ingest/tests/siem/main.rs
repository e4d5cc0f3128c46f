//! Events to real syslog receivers, rsyslog and syslog-ng, and to receivers that misbehave.
//!
//! rsyslogd is the one that is installed; syslog-ng and rsyslog's TLS driver come from `fetch.sh` in this folder. What is
//! not there is skipped with a message; with `SHADOWTAP_CI=1` it has to be there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a panic is the failure message")]

#[allow(dead_code, unreachable_pub, reason = "shared with the unit tests, which use the rest")]
#[path = "../../src/sample.rs"]
mod sample;

mod events;
mod findings;
mod outage;
mod receiver;
mod refusals;
mod silence;
mod together;
mod ways;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ingest::deliver::{DeliverConfig, Deliverer};
use ingest::siem::SinkTarget;
use sample::*;
use sensor::record::Record;

/// Delivery of these records to these sinks, each segment a slice.
fn deliverer(dir: &Path, sinks: Vec<SinkTarget>, records: &[Record]) -> Deliverer {
    let config = DeliverConfig {
        data_dir: dir.to_path_buf(),
        spool: spool(dir, &[records]),
        catalogue: catalogue(),
        policy: policy(),
        sinks,
        time_zone: berlin(),
    };
    Deliverer::open(config).unwrap()
}

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if let Some(answer) = ready() {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain for {what}");
}
