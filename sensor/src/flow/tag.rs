//! What an AI-tagged flow keeps beyond its counters, and when it writes a record.

use rules::behaviour::{self, ClientKind, Totals};
use rules::catalogue::local::EndpointClass;
use rules::catalogue::{Access, Hit, Modality, Plan, Role, Strength};

use super::Flow;
use super::burst::Bursts;
use super::client::{Client, Manner};
use super::key::Side;
use super::quic_path::{Datagram, QuicPath};
use crate::decode::{L4, Mac, Packet};
use crate::device::mac_text;
use crate::record::{Ech, Evidence, FlowRecord, Protocol};

/// µs between two records of an open flow.
const INTERVAL: i64 = 60_000_000;
/// Upload since the last record that brings the next one early; it doubles with each.
const UPLOAD_STEP: u64 = 1 << 20;
/// UDP on this port is QUIC, also when its handshake was not seen.
const HTTPS: u16 = 443;

/// An AI service on a flow.
#[derive(Debug)]
pub struct Tagged {
    /// What the name and the catalogue say.
    pub tag: Tag,
    /// The client's hardware address, as far as it was known when the first record was written: all of a flow's records
    /// name one device.
    pub mac: Option<Mac>,
    client: Client,
    bursts: Bursts,
    path: QuicPath,
    upload: u64,
    reported: Reported,
    seq: u32,
    due: i64,
    upload_step: u64,
}

/// The facts of the tag; they go into each record of the flow unchanged.
#[derive(Debug, Clone)]
pub struct Tag {
    /// Protocol that carried the name.
    pub protocol: Protocol,
    /// The name; absent when hidden or ambiguous.
    pub host: Option<String>,
    /// How it is known.
    pub evidence: Evidence,
    /// Names that the evidence allows, when ambiguous.
    pub candidates: Vec<String>,
    /// Service id.
    pub service: String,
    /// Role of the host.
    pub role: Role,
    /// Strength of the claim.
    pub strength: Strength,
    /// Licence that the name tells.
    pub plan: Option<Plan>,
    /// The customer's own label in the name.
    pub tenant: Option<String>,
    /// How the service is used through this host.
    pub access: Access,
    /// What the service mainly takes and gives.
    pub modality: Modality,
    /// Encrypted ClientHello.
    pub ech: Ech,
    /// Application protocols offered.
    pub alpn: Vec<String>,
    /// JA4 of the hello.
    pub ja4: Option<String>,
    /// What a local model server speaks.
    pub endpoint: Option<EndpointClass>,
}

/// What all records of a worker have in common.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// Version of the catalogue.
    pub catalogue: String,
}

/// Totals at the last record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Reported {
    up: u64,
    down: u64,
    upload: u64,
    packets_up: u64,
    packets_down: u64,
    turns: u64,
}

impl Tag {
    /// A tag from a catalogue hit.
    pub fn new(hit: &Hit<'_>, protocol: Protocol, evidence: Evidence) -> Self {
        let access = match hit.pattern.role {
            Role::Api => Access::Api,
            _ => hit.service.access.first().copied().unwrap_or(Access::Web),
        };
        Self {
            protocol,
            host: None,
            evidence,
            candidates: Vec::new(),
            service: hit.service.id.clone(),
            role: hit.pattern.role,
            strength: hit.pattern.strength,
            plan: hit.pattern.plan,
            tenant: None,
            access,
            modality: hit.service.modality.first().copied().unwrap_or(Modality::Text),
            ech: Ech::None,
            alpn: Vec::new(),
            ja4: None,
            endpoint: None,
        }
    }
}

impl Tagged {
    /// Begins with the totals that the flow has so far unreported.
    pub fn new(tag: Tag, client: Client, time: i64) -> Self {
        // A browser loads pages from API hosts as well.
        let programmatic = tag.role == Role::Api && client.manner() != Manner::Browser;
        let compresses = tag.alpn.iter().any(|protocol| ["h2", "h3"].contains(&protocol.as_str()));
        Self {
            tag,
            mac: None,
            client,
            bursts: Bursts::new(programmatic).compressed(compresses),
            path: QuicPath::default(),
            upload: 0,
            reported: Reported::default(),
            seq: 0,
            due: time,
            upload_step: UPLOAD_STEP,
        }
    }

    /// The device that the client is.
    pub fn of(self, mac: Option<Mac>) -> Self {
        Self { mac, ..self }
    }

    /// The same service on a flow that goes on with this one's connection.
    pub fn heir(&self, time: i64) -> Self {
        Self::new(self.tag.clone(), self.client.clone(), time).of(self.mac)
    }

    /// Counts a packet that came after the tag and is no copy; `advance` is what it added to its sender's payload.
    pub fn packet(&mut self, packet: &Packet<'_>, sender: Side, from_client: bool, advance: u64) {
        let content = match packet.l4 {
            L4::Tcp { .. } => advance,
            L4::Udp if self.is_quic(packet) => match self.path.datagram(packet, sender, from_client) {
                Datagram::Data(bytes) => u64::from(bytes),
                Datagram::Control => 0,
            },
            L4::Udp => advance,
        };
        if content == 0 {
            return;
        }
        if from_client {
            self.upload += content;
            self.client.up(packet.time, content);
            self.bursts.renders = self.renders();
            self.bursts.up(packet.time, content);
        } else {
            self.client.down();
            self.bursts.down(packet.time, content);
        }
    }

    /// The client loads pages, which report while an answer is being written.
    fn renders(&self) -> bool {
        match self.client.manner() {
            Manner::Browser => self.client.kind() == ClientKind::Browser,
            Manner::Program => false,
            // No hello was seen, or one like Safari's: people type on an app host.
            Manner::Unclear => self.tag.role == Role::App,
        }
    }

    fn is_quic(&self, packet: &Packet<'_>) -> bool {
        self.tag.protocol == Protocol::Quic || packet.src.1 == HTTPS || packet.dst.1 == HTTPS
    }

    /// What the flow was for, by all that was counted of it.
    fn totals(&self, flow: &Flow, now: Reported) -> Totals {
        Totals {
            role: self.tag.role,
            client: self.client.kind(),
            turns: now.turns,
            down: now.down,
            upload: now.upload,
            largest_burst: self.bursts.largest,
            smallest_turn: self.bursts.smallest,
            grown: self.bursts.grown,
            shrunk: self.bursts.shrunk,
            reports: self.bursts.reports,
            streamed: self.bursts.streamed,
            speech_seconds: self.bursts.speech.seconds,
            seconds: u32::try_from(flow.last.saturating_sub(flow.start) / 1_000_000).unwrap_or(0),
        }
    }

    /// The clock was set back to `time`.
    pub fn rebase(&mut self, time: i64) {
        self.due = self.due.min(time);
    }

    /// True when a record is to be written at `time`: after the interval, when much was sent since the last one, and
    /// with the first exchange, which turns contact into use.
    pub fn is_due(&self, time: i64) -> bool {
        let used = self.bursts.turns > 0 && self.reported.turns == 0;
        time >= self.due || used || self.upload - self.reported.upload >= self.upload_step
    }
}

/// The next record of a tagged flow: what it did since the last one. `None` when that is nothing and the flow goes on.
pub fn record(flow: &mut Flow, tagged: &mut Tagged, origin: &Origin, time: i64, last: bool) -> Option<FlowRecord> {
    match last {
        true => tagged.bursts.settle(),
        false => tagged.bursts.settle_if_silent(time),
    }
    let now = totals(flow, tagged);
    let before = std::mem::replace(&mut tagged.reported, now);
    tagged.due = time.saturating_add(INTERVAL);
    if now.upload - before.upload >= tagged.upload_step {
        tagged.upload_step *= 2;
    }
    if now == before && tagged.seq > 0 && !last {
        return None;
    }
    let seq = tagged.seq;
    tagged.seq += 1;
    let ((client_ip, client_port), (server_ip, server_port)) = (flow.client_end(), flow.server_end());
    let tag = tagged.tag.clone();
    Some(FlowRecord {
        flow_id: flow.key.id(&origin.sensor, flow.start),
        seq,
        last,
        community_id: flow.key.community_id(),
        sensor: origin.sensor.clone(),
        site: origin.site.clone(),
        start: flow.start,
        end: flow.last,
        emitted: time,
        client_ip,
        client_port,
        client_mac: tagged.mac.map(mac_text),
        vlan: flow.vlan,
        device: tagged.mac.map_or_else(|| client_ip.to_string(), mac_text),
        server_ip,
        server_port,
        transport: flow.key.transport,
        protocol: tag.protocol,
        host: tag.host,
        evidence: tag.evidence,
        candidates: tag.candidates,
        service: tag.service,
        role: tag.role,
        strength: tag.strength,
        plan: tag.plan,
        tenant: tag.tenant,
        access: tag.access,
        modality: tag.modality,
        ech: tag.ech,
        alpn: tag.alpn,
        ja4: tag.ja4,
        client: tagged.client.kind(),
        behaviour: behaviour::classify(&tagged.totals(flow, now)),
        endpoint: tag.endpoint,
        bytes_up: now.up - before.up,
        bytes_down: now.down - before.down,
        upload_bytes: now.upload - before.upload,
        packets_up: now.packets_up - before.packets_up,
        packets_down: now.packets_down - before.packets_down,
        turns: now.turns - before.turns,
        largest_burst: tagged.bursts.largest,
        catalogue: origin.catalogue.clone(),
    })
}

fn totals(flow: &Flow, tagged: &Tagged) -> Reported {
    let side = |side: Side| flow.sides.of(side);
    let (client, server) = (side(flow.client), side(flow.client.other()));
    Reported {
        up: client.payload,
        down: server.payload,
        upload: tagged.upload,
        packets_up: client.packets - client.copies,
        packets_down: server.packets - server.copies,
        turns: tagged.bursts.turns,
    }
}
