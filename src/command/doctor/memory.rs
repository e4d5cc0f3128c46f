//! Memory and the capture ring, against what they may take.

use std::path::{Path, PathBuf};

use ingest::text::bytes;
use sensor::flow::table::MAX_FLOWS;
use sensor::worker::WorkerConfig;

use super::check::{Check, Id};
use super::interface::Port;
use super::system::{field, number, quoted, read, run_with};

pub(super) const MEMORY: Id = Id("memory");
const RING: Id = Id("ring");

/// Of docs/operations.md#memory, bytes: what flows take at most with the default `max_flows` (map, AI service, further
/// names, holes) ...
const FLOWS: u64 = 4_284_000_000;
/// ... and all lists whose limits cannot be configured.
const LISTS: u64 = 2_288_000_000;
/// An idle worker with catalogue and policy: with less nothing works.
const IDLE: u64 = 256 << 20;
/// The ring that `run` asks for.
const RING_BYTES: u64 = 64 << 20;
/// What the ring should bridge at line rate: a second process on the core, a slow disk.
const BRIDGE_MS: u64 = 200;
/// `run --ring` takes no more, MiB.
const RING_MOST: u64 = 1024;

/// Memory that is there against the most that a flood can fill.
pub(super) fn memory(worker: &WorkerConfig, editable: Option<&Path>) -> Check {
    let available = read("/proc/meminfo").and_then(|info| field(&info, "MemAvailable"));
    let kib = available.and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    let Some(available) = kib.map(|kib| kib << 10) else { return MEMORY.unknown("/proc/meminfo cannot be read") };
    let limit = cgroup_limit();
    let room = limit.map_or(available, |limit| limit.min(available));
    let most = at_most(worker);
    let of_group = limit.map_or_else(String::new, |limit| format!(", the control group allows {}", bytes(limit)));
    let seen = format!(
        "{} available{of_group}; {} flows and all lists of a worker take {} at most",
        bytes(available),
        worker.max_flows,
        bytes(most)
    );
    let mend = match editable {
        Some(path) => {
            format!("sudoedit {}  # [sensor] max_flows = 100000, max_reassembly_mb = 32", quoted(path.display()))
        }
        None => {
            "shadowtap init  # then in its file: [sensor] max_flows = 100000, max_reassembly_mb = 32".to_owned()
        }
    };
    match room {
        room if room < IDLE + RING_BYTES => MEMORY.fail(seen, mend),
        room if room < most => MEMORY.warn(seen, mend),
        _ => MEMORY.ok(seen),
    }
}

/// What one worker takes when somebody fills every list, and the ring.
fn at_most(worker: &WorkerConfig) -> u64 {
    let flows = FLOWS / MAX_FLOWS as u64 * worker.max_flows as u64;
    // Buffers double, so that up to half of them is empty.
    flows + LISTS + 2 * worker.max_held as u64 + RING_BYTES
}

/// The smallest limit on this process's way up the control groups, version 2 or 1.
fn cgroup_limit() -> Option<u64> {
    let groups = read("/proc/self/cgroup")?;
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let leaf = PathBuf::from(root).join(path.trim_start_matches('/'));
        let up = leaf.ancestors().take_while(|dir| dir.starts_with(root));
        limits.extend(up.filter_map(|dir| number::<u64>(dir.join(file))));
    }
    // Version 1 writes "no limit" as the largest number of whole pages.
    limits.into_iter().filter(|&limit| limit < 1 << 60).min()
}

/// How long the capture ring holds out at line rate.
pub(super) fn ring(port: &Port, config: Option<&Path>) -> Check {
    let Some(speed) = port.speed() else {
        let seen = format!("{}: {} MiB; the speed of the port is not known", port.name(), RING_BYTES >> 20);
        return RING.unknown(seen);
    };
    // Mbit/s are bits per µs.
    let holds = |mib: u64| (mib << 20) * 8 / speed / 1000;
    let seen =
        format!("{}: {} MiB hold {} ms at {speed} Mbit/s", port.name(), RING_BYTES >> 20, holds(RING_BYTES >> 20));
    if holds(RING_BYTES >> 20) >= BRIDGE_MS {
        return RING.ok(seen);
    }
    let enough = (0..).map(|doublings| (RING_BYTES >> 20) << doublings);
    let enough =
        enough.take_while(|&mib| mib <= RING_MOST).find(|&mib| holds(mib) >= BRIDGE_MS).unwrap_or(RING_MOST);
    RING.warn(seen, run_with(&port.word(), &format!("--ring {enough}"), config))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rules::catalogue::Catalogue;

    use super::*;

    /// The page on operations adds up what a worker takes at most.
    #[test]
    fn the_most_that_a_worker_takes_is_what_the_page_says() {
        let page = include_str!("../../../docs/operations.md");
        let said = page.split("Together ").nth(1).and_then(|rest| rest.split(" GB").next()).unwrap();
        let of_page: f64 = said.parse().unwrap();
        let worker = WorkerConfig::new(Arc::new(Catalogue::builtin()));
        let here = (at_most(&worker) - RING_BYTES) as f64 / 1e9;
        assert!((here - of_page).abs() < 0.1, "{here} GB here, {of_page} GB on the page");
        let fewer = WorkerConfig { max_flows: 100_000, max_held: 32 << 20, ..worker };
        assert!(at_most(&fewer) < 3_000_000_000, "{}", at_most(&fewer));
    }
}
