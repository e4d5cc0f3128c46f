//! Inventory without opinion: which AI services the waiting facts tell of, by how many devices. It reads the queue that
//! the judge reads, in its place, and opens nothing.

use std::collections::{BTreeMap, HashSet};

use rules::behaviour::ClientKind;
use rules::catalogue::Role;
use sensor::record::{FlowRecord, Record};
use sensor::spool::Queue;

use crate::deliver::{Failure, Lock};
use crate::segment;

/// Devices of a service that are told apart: a /16 of clients, as everywhere.
const MAX_DEVICES: usize = 65_536;

/// The services seen so far, by id. It has no more of them than the catalogue.
#[derive(Debug, Clone, Default)]
pub struct Inventory(BTreeMap<String, Seen>);

/// What was seen of one service.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Start of its first flow, µs UTC.
    pub first: i64,
    /// What that flow's host does for the service: a page that is opened is another thing than a counter in it.
    pub role: Role,
    /// What kind of software that flow's client was, as far as it was known by then.
    pub client: ClientKind,
    /// Ids of the devices that reached it.
    devices: HashSet<String>,
    /// Flows that began.
    pub flows: u64,
    /// Payload bytes from the clients.
    pub bytes_up: u64,
    /// Payload bytes to them.
    pub bytes_down: u64,
}

/// Facts to the inventory.
pub struct Discovering {
    queue: Queue,
    lock: Lock,
}

/// What one round found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovered {
    /// Segments looked at.
    pub segments: u64,
    /// Ids of the services that were not seen before, in the order of their first flows.
    pub services: Vec<String>,
}

impl Discovering {
    pub(crate) fn new(queue: Queue, lock: Lock) -> Self {
        Self { queue, lock }
    }

    /// Takes each waiting segment into the inventory and unlinks it.
    pub fn round(&mut self, inventory: &mut Inventory) -> Result<Discovered, Failure> {
        let _turn = self.lock.turn()?;
        let mut discovered = Discovered::default();
        for path in self.queue.segments()? {
            // None: the spool was full, and the sensor has counted it.
            let Some(_in_hand) = self.queue.take(&path)? else { continue };
            let segment = segment::read(&path)?;
            self.queue.done(&path)?;
            discovered.segments += 1;
            discovered.services.extend(inventory.take(&segment.records));
        }
        Ok(discovered)
    }
}

impl Inventory {
    /// Adds records and gives the services that are new.
    fn take(&mut self, records: &[Record]) -> Vec<String> {
        let mut new: Vec<String> = Vec::new();
        for record in records {
            let Record::Flow(flow) = record else { continue };
            match self.0.get_mut(&flow.service) {
                Some(seen) => seen.add(flow),
                None => {
                    self.0.insert(flow.service.clone(), Seen::new(flow));
                    new.push(flow.service.clone());
                }
            }
        }
        new.sort_by_key(|service| self.0.get(service).map(|seen| seen.first));
        new
    }

    /// What was seen of a service.
    pub fn get(&self, service: &str) -> Option<&Seen> {
        self.0.get(service)
    }

    /// All services by id, those with the most devices first.
    pub fn services(&self) -> Vec<(&str, &Seen)> {
        let mut services: Vec<_> = self.0.iter().map(|(service, seen)| (service.as_str(), seen)).collect();
        services.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.devices.len(), seen.flows)));
        services
    }
}

impl Seen {
    fn new(flow: &FlowRecord) -> Self {
        let mut seen = Self {
            first: flow.start,
            role: flow.role,
            client: flow.client,
            devices: HashSet::new(),
            flows: 0,
            bytes_up: 0,
            bytes_down: 0,
        };
        seen.add(flow);
        seen
    }

    fn add(&mut self, flow: &FlowRecord) {
        if self.devices.len() < MAX_DEVICES && !self.devices.contains(&flow.device) {
            self.devices.insert(flow.device.clone());
        }
        self.first = self.first.min(flow.start);
        if self.client == ClientKind::Unknown {
            self.client = flow.client;
        }
        // The first record of a flow is numbered 0.
        self.flows += u64::from(flow.seq == 0);
        self.bytes_up = self.bytes_up.saturating_add(flow.bytes_up);
        self.bytes_down = self.bytes_down.saturating_add(flow.bytes_down);
    }

    /// Devices that reached it; at most 65,536 are told apart.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }
}

#[cfg(test)]
mod tests {
    use sensor::spool::Spool;

    use super::*;
    use crate::deliver::JUDGE_QUEUE;
    use crate::sample;

    fn records() -> Vec<Record> {
        let first = sample::flow("10.0.0.1", "chatgpt", 20);
        let more = FlowRecord { seq: 1, bytes_up: 7, ..first.clone() };
        let earlier = sample::flow("10.0.0.2", "chatgpt", 10);
        let claude = sample::flow("10.0.0.1", "claude", 5);
        let flows = [first, more, earlier, claude].map(|flow| Record::Flow(Box::new(flow)));
        flows.into_iter().chain([Record::Minute(Box::new(sample::minute(0)))]).collect()
    }

    #[test]
    fn devices_flows_and_bytes_are_counted_once() {
        let mut inventory = Inventory::default();
        assert_eq!(inventory.take(&records()), ["claude", "chatgpt"], "by time");
        assert!(inventory.take(&records()[..1]).is_empty(), "none is new twice");
        let services = inventory.services();
        assert_eq!(services.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["chatgpt", "claude"], "by devices");
        let (seen, one) = (services[0].1, sample::flow("10.0.0.1", "chatgpt", 20));
        assert_eq!((seen.devices(), seen.flows, seen.bytes_up), (2, 3, 3 * one.bytes_up + 7));
    }

    #[test]
    fn what_was_looked_at_waits_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), &[JUDGE_QUEUE]).unwrap();
        let mut writer = spool.writer(1);
        records().iter().for_each(|record| writer.append(record).unwrap());
        writer.seal().unwrap();
        let mut part = Discovering::new(spool.queue(JUDGE_QUEUE), Lock::new(dir.path(), "judge"));
        let mut inventory = Inventory::default();
        let discovered = part.round(&mut inventory).unwrap();
        assert_eq!((discovered.segments, discovered.services.len()), (1, 2));
        assert_eq!(part.round(&mut inventory).unwrap(), Discovered::default());
    }
}
