//! What the store knows of a service at a site: the numbers with which its assessment starts.

use std::collections::BTreeSet;

use rules::usage::Use;

use crate::store::{Store, StoreError};
use crate::time::Window;

/// A service at a site, as far back as facts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// First sight, µs UTC; absent when it was never used or visited.
    pub first_seen: Option<i64>,
    /// Devices that used or visited it.
    pub devices: u64,
    /// Payload bytes sent.
    pub bytes_up: u64,
    /// Payload bytes received.
    pub bytes_down: u64,
}

/// Adds up what a site did with a service; an empty site name means all of them.
pub fn seen_at(store: &dyn Store, site: &str, service: &str) -> Result<Seen, StoreError> {
    let mut seen = Seen::default();
    let mut devices = BTreeSet::new();
    for row in store.usage(site, Window { from: i64::MIN, to: i64::MAX })? {
        if row.service != service || row.usage == Use::Nothing {
            continue;
        }
        seen.first_seen = Some(seen.first_seen.map_or(row.first_seen, |first| first.min(row.first_seen)));
        seen.bytes_up = seen.bytes_up.saturating_add(row.bytes_up);
        seen.bytes_down = seen.bytes_down.saturating_add(row.bytes_down);
        devices.insert((row.site, row.device));
    }
    seen.devices = devices.len() as u64;
    Ok(seen)
}
