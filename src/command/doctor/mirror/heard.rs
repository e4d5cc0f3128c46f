//! What a worker found in frames of a mirror: its counts, and a few sums over its flows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ingest::text::number;
use ipnet::IpNet;
use sensor::capture::Frame;
use sensor::flow::Flow;
use sensor::ledger::Counts;
use sensor::local::LocalNets;
use sensor::output::Output;
use sensor::record::{Record, Transport};
use sensor::worker::{Named, Worker};

/// Networks of clients that are remembered, to propose `local_nets`: some offices' worth.
const MAX_NETS: usize = 4_096;
/// VLANs that are remembered: all that there can be.
const MAX_VLANS: usize = 4_096;
/// Link headers up to four VLAN tags, or two and PPPoE, are no more than this ...
const LINK_BYTES: u64 = 30;
/// ... and packets of this size and more are not padded to the shortest frame.
const UNPADDED: u64 = 46;

/// What was heard.
#[derive(Debug, Default)]
pub(in super::super) struct Heard {
    local: LocalNets,
    /// The worker's own counts, since [`Heard::end`].
    pub(super) counts: Counts,
    /// Names that it found.
    pub(super) named: Named,
    /// Frames of which a snaplen cut something off.
    pub(super) cut: u64,
    /// Frames longer than `frame_max`, and the longest.
    pub(super) long: u64,
    pub(super) longest: u32,
    frame_max: u32,
    /// Flows between two hosts.
    pub(super) unicast: u64,
    /// Of these: one direction alone; no end in the local networks; TCP that began before.
    pub(super) one_way: u64,
    pub(super) foreign: u64,
    pub(super) late: u64,
    /// Flows inside of a tunnel, and the most that was around their packets, bytes.
    pub(super) tunnelled: u64,
    pub(super) around: u64,
    /// Flows by VLAN.
    pub(super) vlans: BTreeMap<u16, u64>,
    /// Networks of the clients of foreign flows.
    nets: BTreeMap<IpNet, u64>,
    /// Frames that are no flow's, by kind.
    pub(super) not_flow: BTreeMap<String, u64>,
}

impl Heard {
    /// Nothing yet. A frame beyond `frame_max` bytes on the wire was joined of several.
    pub(in super::super) fn new(local: LocalNets, frame_max: u32) -> Self {
        Self { local, frame_max, ..Self::default() }
    }

    /// Takes a frame in, before the worker does.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) {
        self.cut += u64::from((frame.data.len() as u64) < u64::from(frame.wire_len));
        self.long += u64::from(frame.wire_len > self.frame_max);
        self.longest = self.longest.max(frame.wire_len);
    }

    /// Ends the worker and takes its counts over.
    pub(super) fn end(&mut self, worker: &mut Worker) {
        worker.finish(self);
        self.counts = worker.totals();
        self.named = worker.summary().named;
    }

    /// Packets lost at a place before the worker.
    pub(super) fn lost(&self, place: &str) -> u64 {
        self.counts.drops().get(place).copied().unwrap_or(0)
    }

    /// Frames that are no flow's, in words: `arp 12, icmp 3`.
    pub(super) fn others(&self) -> String {
        let words = self.not_flow.iter().map(|(word, frames)| format!("{word} {}", number(*frames)));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The networks that most clients of foreign flows are in.
    pub(super) fn proposed(&self) -> Vec<IpNet> {
        let mut nets: Vec<_> = self.nets.iter().collect();
        nets.sort_by_key(|&(net, flows)| (std::cmp::Reverse(*flows), *net));
        nets.into_iter().take(3).map(|(net, _)| *net).collect()
    }

    fn place(&mut self, flow: &Flow) {
        let (client, server) = (flow.client_end().0, flow.server_end().0);
        if self.local.contains(client) || self.local.contains(server) {
            return;
        }
        self.foreign += 1;
        let prefix = if client.is_ipv4() { 24 } else { 64 };
        if let Ok(net) = IpNet::new(client, prefix)
            && (self.nets.len() < MAX_NETS || self.nets.contains_key(&net.trunc()))
        {
            *self.nets.entry(net.trunc()).or_default() += 1;
        }
    }

    /// What is around the packets of a flow: more than link headers is a tunnel.
    fn weigh(&mut self, flow: &Flow) {
        let sum = |of: fn(&sensor::flow::Direction) -> u64| flow.sides.iter().map(of).sum::<u64>();
        let (packets, frames, ip) = (sum(|d| d.packets), sum(|d| d.frame_bytes), sum(|d| d.ip_bytes));
        if packets == 0 || ip / packets < UNPADDED {
            return;
        }
        let around = frames.saturating_sub(ip) / packets;
        if around > LINK_BYTES {
            self.tunnelled += 1;
            self.around = self.around.max(around);
        }
    }
}

impl Output for Heard {
    fn record(&mut self, record: Record) {
        if let Record::Minute(minute) = record {
            for (word, tally) in minute.not_flow {
                *self.not_flow.entry(word).or_default() += tally.frames;
            }
        }
    }

    fn flow(&mut self, flow: &Flow) {
        if let Some(vlan) = flow.vlan
            && (self.vlans.len() < MAX_VLANS || self.vlans.contains_key(&vlan))
        {
            *self.vlans.entry(vlan).or_default() += 1;
        }
        if !is_unicast(flow) {
            return;
        }
        self.unicast += 1;
        self.one_way += u64::from(flow.one_way());
        self.late += u64::from(flow.late);
        self.place(flow);
        self.weigh(flow);
    }
}

/// True between two hosts. A switch gives broadcasts to every port, whether it mirrors or not; those of a network end in
/// 255 nearly always, and nobody answers them.
fn is_unicast(flow: &Flow) -> bool {
    let ends = [flow.client_end().0, flow.server_end().0];
    let to_all = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.is_unspecified() || flow.one_way() && ip.octets()[3] == 255,
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    flow.key.transport == Transport::Tcp || !ends.into_iter().any(|ip| ip.is_multicast() || to_all(ip))
}
