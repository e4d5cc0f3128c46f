//! Names that are in no catalogue: what their flows did, hour by hour and domain by domain. Facts only;
//! `rules::candidates` scores them.
//!
//! Flows are added up by host, and hosts by domain once an hour, so that the public suffix list is asked once per host.
//! A record names a domain and no device, and is written only where there is a sign of a conversation.

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use rules::candidates;

use super::naming::Core;
use super::span::Span;
use crate::flow::tag::Origin;
use crate::flow::watch::Told;
use crate::flow::{Flow, State};
use crate::record::CandidateRecord;

/// µs in a span.
pub(super) const LENGTH: i64 = 3_600_000_000;
/// Hosts that are counted in one hour. An office of 5,000 reaches some ten thousand.
const MAX_HOSTS: usize = 1 << 15;
/// Devices that are told apart per host and hour, and in a record: more say nothing more.
const MAX_DEVICES: usize = 1_024;

/// The open hour.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) span: Span,
    hosts: HashMap<String, Sum, RandomState>,
    /// Flows for whose host there was no room.
    pub(super) overflow: u64,
}

/// What was seen of a host, or of a domain.
#[derive(Debug, Default)]
struct Sum {
    devices: HashSet<IpAddr, RandomState>,
    told: Told,
    program: u64,
}

/// What a watched flow did since it was last asked.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    host: String,
    client: IpAddr,
    program: bool,
    told: Told,
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self { span: Span::new(LENGTH), hosts: HashMap::default(), overflow: 0 }
    }

    /// Counts what a flow did.
    fn add(&mut self, host: &str, client: IpAddr, program: bool, told: Told) {
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(host) {
            self.overflow += 1;
            return;
        }
        let sum = self.hosts.entry_ref(host).or_default();
        sum.told = sum.told.plus(told);
        sum.program += if program { told.flows } else { 0 };
        if sum.devices.len() < MAX_DEVICES {
            sum.devices.insert(client);
        }
    }

    /// Ends the hour with what the live flows did (in any order).
    pub(super) fn close(&mut self, mut steps: Vec<Step>) -> Option<Ended> {
        // The order decides who finds room.
        steps.sort_unstable();
        for Step { host, client, program, told } in steps {
            self.add(&host, client, program, told);
        }
        let start = self.span.close(!self.hosts.is_empty())?;
        Some(Ended { start, hosts: self.hosts.drain().collect() })
    }
}

/// An hour that is over, as one worker counted it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) start: i64,
    hosts: BTreeMap<String, Sum>,
}

impl Ended {
    /// Adds what another worker counted in the same hour.
    pub(super) fn join(&mut self, other: Self) {
        for (host, sum) in other.hosts {
            let mine = self.hosts.entry(host).or_default();
            mine.told = mine.told.plus(sum.told);
            mine.program += sum.program;
            let room = MAX_DEVICES.saturating_sub(mine.devices.len());
            mine.devices.extend(sum.devices.into_iter().take(room));
        }
    }

    /// The records of the hour, by domain.
    pub(super) fn records(self, origin: &Origin, source: &str) -> Vec<CandidateRecord> {
        let mut domains: BTreeMap<&str, Vec<(&str, &Sum)>> = BTreeMap::new();
        for (host, sum) in &self.hosts {
            if let Some(domain) = candidates::domain(host) {
                domains.entry(domain).or_default().push((host, sum));
            }
        }
        domains
            .into_iter()
            .filter_map(|(domain, hosts)| record(domain, &hosts, self.start, origin, source))
            .collect()
    }
}

/// `None` where nothing looks like a conversation: a written answer, a program's exchange, or a name of the field.
fn record(
    domain: &str,
    hosts: &[(&str, &Sum)],
    start: i64,
    origin: &Origin,
    source: &str,
) -> Option<CandidateRecord> {
    let told = hosts.iter().fold(Told::default(), |told, (_, sum)| told.plus(sum.told));
    let program: u64 = hosts.iter().map(|(_, sum)| sum.program).sum();
    let hint = || hosts.iter().any(|(host, _)| candidates::hint(host) > 0);
    let sign = told.streaming > 0 || told.turns > 0 && (program > 0 || hint());
    // Of equals the first by name.
    let (host, _) = hosts.iter().max_by(|a, b| a.1.told.turns.cmp(&b.1.told.turns).then_with(|| b.0.cmp(a.0)))?;
    let devices: HashSet<_, RandomState> = hosts.iter().flat_map(|(_, sum)| &sum.devices).collect();
    sign.then(|| CandidateRecord {
        sensor: origin.sensor.clone(),
        site: origin.site.clone(),
        source: source.to_owned(),
        start,
        domain: domain.to_owned(),
        host: (*host).to_owned(),
        // Which of too many were kept is chance where several workers counted them.
        devices: devices.len().min(MAX_DEVICES) as u64,
        flows: told.flows,
        streaming_flows: told.streaming,
        program_flows: program,
        turns: told.turns,
        upload_bytes: told.upload,
        bytes_down: told.down,
    })
}

impl Core {
    /// The watch on a flow is over.
    pub(super) fn unwatch(&mut self, flow: &mut Flow) {
        let (client, down) = (flow.client_end().0, flow.sides.of(flow.client.other()).payload);
        if let State::Watched(watch) = &mut flow.state {
            watch.settle();
            let told = watch.tell(down);
            self.candidates.add(&watch.host, client, watch.program, told);
            flow.state = State::Decided;
        }
    }
}

/// What a watched flow did since it was last asked; `None` for other flows, and when that is nothing.
pub(super) fn step(flow: &mut Flow) -> Option<Step> {
    let (client, down) = (flow.client_end().0, flow.sides.of(flow.client.other()).payload);
    let State::Watched(watch) = &mut flow.state else { return None };
    let told = watch.tell(down);
    let step = || Step { host: watch.host.clone(), client, program: watch.program, told };
    (told != Told::default()).then(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hosts of a domain, each with devices of its own from `hosts`; counted by so many workers.
    fn devices(hosts: [std::ops::Range<u32>; 2], workers: u32) -> u64 {
        let told = Told { flows: 1, streaming: 1, ..Told::default() };
        let part = |index: u32| {
            let mut candidates = Candidates::new();
            for (host, clients) in ["a.chat.test", "b.chat.test"].into_iter().zip(hosts.clone()) {
                for client in clients.filter(|client| client % workers == index) {
                    candidates.add(host, client.to_be_bytes().into(), false, told);
                }
            }
            candidates.close(Vec::new()).unwrap()
        };
        let mut ended = part(0);
        (1..workers).for_each(|index| ended.join(part(index)));
        let origin = Origin { sensor: "s".into(), site: "o".into(), catalogue: String::new() };
        let [record] = &ended.records(&origin, "x")[..] else { panic!("one domain") };
        record.devices
    }

    #[test]
    fn several_workers_count_as_many_devices_as_one_also_where_there_are_too_many() {
        for (hosts, wanted) in
            [([0..300, 200..600], 600), ([0..1_500, 1_000..2_500], 1_024), ([0..900, 700..1_600], 1_024)]
        {
            assert_eq!([1, 2, 5].map(|workers| devices(hosts.clone(), workers)), [wanted; 3]);
        }
    }
}
