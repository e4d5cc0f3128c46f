//! How much of each device's traffic could be named, in spans of ten minutes.
//!
//! A flow is counted at the end of the span in which its naming was decided, or at its own end, with all its frames up to
//! then; what comes later at the end of each span, from the flow's own totals. So neither a packet nor a decision costs
//! anything here, and over all spans the sums are the flows' totals.

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::span::Span;
use crate::decode::Mac;
use crate::device::{Devices, mac_text};
use crate::flow::Flow;
use crate::flow::sight::{Counted, SIGHTS, Sight};
use crate::flow::tag::Origin;
use crate::ledger::Method;
use crate::record::{Tally, VisibilityRecord};

/// µs in a span.
pub(super) const LENGTH: i64 = 600_000_000;
/// Devices that are counted in one span: a /16 of clients. What goes beyond is counted in the ledger alone.
const MAX_DEVICES: usize = 1 << 16;

/// The open span.
#[derive(Debug)]
pub(super) struct Visibility {
    pub(super) span: Span,
    devices: HashMap<IpAddr, Device, RandomState>,
    /// Flows and frames for which there was no room.
    pub(super) overflow: u64,
}

#[derive(Debug, Default)]
struct Device {
    ai_flows: u64,
    tallies: [Tally; SIGHTS],
}

/// What a flow did since it was last counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    client: IpAddr,
    sight: Sight,
    flows: u64,
    frames: u64,
    bytes: u64,
}

impl Visibility {
    pub(super) fn new() -> Self {
        Self { span: Span::new(LENGTH), devices: HashMap::default(), overflow: 0 }
    }

    /// A flow of this client leads to an AI service.
    pub(super) fn reached_ai(&mut self, client: IpAddr) {
        if let Some(device) = self.device(client) {
            device.ai_flows += 1;
        }
    }

    /// Counts what a flow did.
    pub(super) fn add(&mut self, step: Step) {
        if let Some(device) = self.device(step.client) {
            let tally = device.tally(step.sight);
            tally.flows += step.flows;
            tally.frames += step.frames;
            tally.bytes += step.bytes;
        }
    }

    /// Ends the span with what the live flows did (in any order).
    pub(super) fn close(&mut self, mut steps: Vec<Step>, who: &Devices) -> Option<Ended> {
        // The order decides who finds room.
        steps.sort_unstable();
        steps.into_iter().for_each(|step| self.add(step));
        let start = self.span.close(!self.devices.is_empty())?;
        let known = |(client, device)| (client, (who.who(client, start, start.saturating_add(LENGTH)), device));
        Some(Ended { start, clients: self.devices.drain().map(known).collect() })
    }

    fn device(&mut self, client: IpAddr) -> Option<&mut Device> {
        if self.devices.len() >= MAX_DEVICES && !self.devices.contains_key(&client) {
            self.overflow += 1;
            return None;
        }
        Some(self.devices.entry(client).or_default())
    }
}

/// A span that is over, as one worker counted it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) start: i64,
    clients: BTreeMap<IpAddr, (Option<Mac>, Device)>,
}

impl Ended {
    /// Adds what another worker counted in the same span.
    pub(super) fn join(&mut self, other: Self) {
        for (client, (mac, device)) in other.clients {
            self.clients.entry(client).or_insert((mac, Device::default())).1.join(device);
        }
    }

    /// The records of the span, by device.
    pub(super) fn records(self, origin: &Origin, source: &str) -> Vec<VisibilityRecord> {
        let mut records = BTreeMap::new();
        for (client, (mac, device)) in self.clients {
            let id = mac.map_or_else(|| client.to_string(), mac_text);
            // The addresses of one device are one record, with the first of them.
            records.entry((mac.is_some(), id)).or_insert((client, Device::default())).1.join(device);
        }
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_unstable_by_key(|(_, (client, _))| *client);
        let record = |((_, id), (client, device)): ((bool, String), (IpAddr, Device))| {
            device.record((client, id), self.start, origin, source)
        };
        records.into_iter().filter_map(record).collect()
    }
}

impl Device {
    #[allow(clippy::indexing_slicing, reason = "the array has one line per variant of the enum")]
    fn tally(&mut self, sight: Sight) -> &mut Tally {
        &mut self.tallies[sight as usize]
    }

    /// Another address of the same device.
    fn join(&mut self, other: Self) {
        self.ai_flows += other.ai_flows;
        for (mine, theirs) in self.tallies.iter_mut().zip(other.tallies) {
            mine.flows += theirs.flows;
            mine.frames += theirs.frames;
            mine.bytes += theirs.bytes;
        }
    }

    /// `None` for a device that neither reached an AI service nor used what hides names.
    fn record(
        mut self,
        (client_ip, device): (IpAddr, String),
        start: i64,
        origin: &Origin,
        source: &str,
    ) -> Option<VisibilityRecord> {
        let (named, nameless) = (*self.tally(Sight::Named), *self.tally(Sight::Nameless));
        let hidden: BTreeMap<_, _> = Sight::ALL
            .into_iter()
            .filter_map(|sight| Some((sight.hides()?.to_owned(), *self.tally(sight))))
            .filter(|(_, tally)| *tally != Tally::default())
            .collect();
        (self.ai_flows > 0 || !hidden.is_empty()).then(|| VisibilityRecord {
            sensor: origin.sensor.clone(),
            site: origin.site.clone(),
            source: source.to_owned(),
            start,
            client_ip,
            device,
            ai_flows: self.ai_flows,
            named,
            nameless,
            hidden,
        })
    }
}

/// What a flow did since it was last counted; `None` when that is nothing, or it is not counted at all.
pub(super) fn step(flow: &mut Flow) -> Option<Step> {
    let decided = flow.counted.sight?;
    let sight = unnamed_tunnel(flow, decided).unwrap_or(decided);
    let frames = flow.sides.iter().map(|side| side.packets).sum::<u64>() as u32;
    let bytes = flow.sides.iter().map(|side| side.frame_bytes).sum();
    let before = std::mem::replace(&mut flow.counted, Counted { sight: Some(decided), flow: true, frames, bytes });
    let flows = u64::from(!before.flow);
    let (frames, bytes) = (u64::from(frames.wrapping_sub(before.frames)), bytes - before.bytes);
    (frames > 0).then(|| Step { client: flow.client_end().0, sight, flows, frames, bytes })
}

/// A tunnel that shows no name of its own. What DNS told of its server is the name of the tunnel's end, and of nothing
/// that is reached through it.
fn unnamed_tunnel(flow: &Flow, decided: Sight) -> Option<Sight> {
    let unnamed =
        matches!(decided, Sight::Nameless | Sight::Named) && matches!(flow.method, Method::None | Method::Dns);
    let answered = flow.has_exchanged();
    (unnamed && answered).then(|| Sight::of_port(flow.key.transport, flow.server_end().1)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { sensor: "s".into(), site: "o".into(), catalogue: String::new() }
    }

    fn step(client: [u8; 4], sight: Sight, flows: u64, frames: u64) -> Step {
        Step { client: client.into(), sight, flows, frames, bytes: frames * 100 }
    }

    #[test]
    fn devices_that_neither_reach_ai_nor_hide_are_left_out() {
        let mut seen = Visibility::new();
        seen.span.open(LENGTH + 5);
        seen.reached_ai([10, 0, 0, 9].into());
        seen.add(step([10, 0, 0, 9], Sight::Named, 1, 10));
        seen.add(step([10, 0, 0, 8], Sight::Named, 1, 10));
        let live = vec![step([10, 0, 0, 7], Sight::Doh, 1, 4), step([10, 0, 0, 9], Sight::Nameless, 1, 2)];
        let records = seen.close(live, &Devices::default()).unwrap().records(&origin(), "x");
        let [doh, ai] = &records[..] else { panic!("{records:?}") };
        assert_eq!((doh.device.as_str(), doh.ai_flows, doh.start), ("10.0.0.7", 0, LENGTH));
        assert_eq!(doh.hidden["doh"], Tally { flows: 1, frames: 4, bytes: 400 });
        assert_eq!((ai.named.frames, ai.nameless.flows, ai.hidden.len()), (10, 1, 0));
        assert!(seen.close(Vec::new(), &Devices::default()).is_none());
    }

    #[test]
    fn a_full_table_counts_what_it_leaves_out() {
        let mut seen = Visibility::new();
        for n in 0..=MAX_DEVICES as u32 + 1 {
            seen.add(step(n.to_be_bytes(), Sight::Named, 1, 1));
        }
        assert_eq!((seen.devices.len(), seen.overflow), (MAX_DEVICES, 2));
    }
}
