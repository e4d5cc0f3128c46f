//! Inventory without opinion: which AI services the facts tell of, by how many devices. The judge's part fills it in
//! place of judging ([`Judging::discover`](crate::deliver::Judging::discover)).

use std::collections::{BTreeMap, HashSet};

use rules::behaviour::ClientKind;
use rules::catalogue::Role;
use sensor::record::{FlowRecord, Record};

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

/// What one round found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovered {
    /// Segments looked at.
    pub segments: u64,
    /// Ids of the services that were not seen before, in the order of their first flows.
    pub services: Vec<String>,
}

impl Inventory {
    /// Adds records and gives the services that are new.
    pub(crate) fn take(&mut self, records: &[Record]) -> Vec<String> {
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
    use super::*;
    use crate::judge::{FINDINGS_FILE, Filter, FindingsDb, Judge};
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

    /// Discovered twice, as after a crash, and then judged: what is usual is known once, and no finding is there.
    #[test]
    fn baselines_learn_and_nothing_opens() {
        let dir = tempfile::tempdir().unwrap();
        let mut findings = FindingsDb::open(dir.path()).unwrap();
        let judge = Judge {
            catalogue: sample::catalogue(),
            policy: sample::policy(),
            time_zone: sample::berlin(),
            sinks: Vec::new(),
        };
        let used =
            FlowRecord { turns: 3, upload_bytes: 500_000, ..sample::flow("10.20.1.7", "deep", sample::MONDAY) };
        let records = [Record::Flow(Box::new(used))];
        for _ in 0..2 {
            judge.learn(&mut findings, &records).unwrap();
        }
        judge.segment(&mut findings, &records).unwrap();
        assert_eq!(findings.list(&Filter::default()).unwrap(), []);
        let db = rusqlite::Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
        let count = |sql: &str| -> i64 { db.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(count("SELECT sum(upload_bytes) FROM volume"), 500_000);
        assert_eq!(count("SELECT count(*) FROM siem_outbox") + count("SELECT count(*) FROM finding"), 0);
    }
}
