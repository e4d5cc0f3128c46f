//! The life of a packet after decoding: find its flow, count it, look at it while the flow has no name, write records.
//!
//! A worker owns its flows, claims and ledger and shares nothing (decision record 5). Its only clock is the packets'.

use std::net::IpAddr;
use std::sync::Arc;

use rules::catalogue::{Catalogue, Strength};

use crate::capture::Frame;
use crate::decode::{Decoded, L4, Packet, decode};
use crate::flow::key::{FlowKey, Side};
use crate::flow::probe::{Found, Look};
use crate::flow::resolver::{self, Asked, Event};
use crate::flow::table::{FlowTable, MAX_FLOWS};
use crate::flow::tag::{self, Origin, Tag, Tagged};
use crate::flow::{Flow, State};
use crate::ledger::{Counts, Ledger, Method};
use crate::local::LocalNets;
use crate::name::claims::Claims;
use crate::name::ech;
use crate::output::{Name, Output};
use crate::record::{Ech, Evidence, LookupRecord, Protocol, Record, Transport};

/// Ports whose flows never carry a service's name: DHCP, NTP, NetBIOS, SSDP, WS-Discovery, DHCPv6.
const INFRASTRUCTURE: [u16; 9] = [67, 68, 123, 137, 138, 546, 547, 1900, 3702];
/// Multicast name resolution: mDNS and LLMNR.
const MULTICAST_NAMES: [u16; 2] = [5353, 5355];

/// What a worker needs to know.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// Names what is read in `minute` records: see [`crate::record::MinuteRecord::source`].
    pub source: String,
    /// Which addresses are clients'.
    pub local: LocalNets,
    /// The catalogue that tags flows.
    pub catalogue: Arc<Catalogue>,
    /// Flows that are tracked at the same time.
    pub max_flows: usize,
}

impl WorkerConfig {
    /// A configuration with the built-in defaults.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self {
            sensor: "shadowtap".to_owned(),
            site: "office".to_owned(),
            source: String::new(),
            local: LocalNets::default(),
            catalogue,
            max_flows: MAX_FLOWS,
        }
    }
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    core: Core,
    table: FlowTable,
    ledger: Ledger,
    named: Named,
}

/// What handling a flow needs beside the flow itself.
#[derive(Debug)]
struct Core {
    origin: Origin,
    catalogue: Arc<Catalogue>,
    local: LocalNets,
    claims: Claims,
    scratch: Vec<u8>,
    ai_flows: u64,
}

/// Flows named per protocol, and DNS questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    /// By a TLS server name.
    pub tls: u64,
    /// By a QUIC server name.
    pub quic: u64,
    /// DNS questions seen.
    pub dns: u64,
    /// By an HTTP Host field.
    pub http: u64,
}

impl Worker {
    /// A worker with nothing seen.
    pub fn new(config: WorkerConfig) -> Self {
        let origin = Origin {
            catalogue: config.catalogue.version().to_owned(),
            sensor: config.sensor.clone(),
            site: config.site.clone(),
        };
        Self {
            ledger: Ledger::new(&config.sensor, &config.site, &config.source),
            table: FlowTable::new(config.max_flows),
            named: Named::default(),
            core: Core {
                origin,
                catalogue: config.catalogue,
                local: config.local,
                claims: Claims::default(),
                scratch: Vec::with_capacity(2048),
                ai_flows: 0,
            },
        }
    }

    /// Takes one frame in.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        if let Some(minute) = self.ledger.frame(frame.time, frame.wire_len) {
            out.record(Record::Minute(Box::new(minute)));
        }
        match decode(frame) {
            Decoded::Packet(packet) => self.packet(&packet, out),
            Decoded::NotFlow(what) => self.ledger.not_flow(what, frame.wire_len),
            Decoded::Malformed(why) => self.ledger.malformed(why, frame.wire_len),
        }
    }

    /// Lets time pass without a packet: writes what is due at `time` (µs).
    pub fn tick(&mut self, time: i64, out: &mut impl Output) {
        let Some(over) = self.table.expire(time) else { return };
        for flow in over {
            self.end(flow, out);
        }
        let core = &self.core;
        let mut due = Vec::new();
        self.table.for_each(|flow| {
            if matches!(&flow.state, State::Tagged(tagged) if tagged.is_due(time)) {
                due.extend(with_tagged(flow, |flow, tagged| tag::record(flow, tagged, &core.origin, time, false)));
            }
        });
        due.sort_unstable_by(|a, b| a.flow_id.cmp(&b.flow_id));
        for record in due {
            out.record(Record::Flow(Box::new(record)));
        }
    }

    /// Lets time pass while nothing arrives: like [`Self::tick`], and a minute that is over ends.
    pub fn idle(&mut self, time: i64, out: &mut impl Output) {
        self.tick(time, out);
        out.records(self.ledger.elapsed(time));
    }

    /// Ends all flows and the open minute, as at the end of a capture.
    pub fn finish(&mut self, out: &mut impl Output) {
        for flow in self.table.drain() {
            self.end(flow, out);
        }
        if let Some(minute) = self.ledger.close(None) {
            out.record(Record::Minute(Box::new(minute)));
        }
    }

    /// The ledger, to note losses that happened before the worker.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Totals since the start.
    pub fn totals(&self) -> Counts {
        self.ledger.total()
    }

    /// Flows named per protocol.
    pub fn named(&self) -> Named {
        self.named
    }

    /// Flows tagged as AI services.
    pub fn ai_flows(&self) -> u64 {
        self.core.ai_flows
    }

    fn packet(&mut self, packet: &Packet<'_>, out: &mut impl Output) {
        self.tick(packet.time, out);
        let (key, sender) = FlowKey::of(packet);
        if self.table.get_mut(&key).is_some_and(|flow| begins_anew(flow, packet, sender))
            && let Some(flow) = self.table.remove(&key)
        {
            self.end(flow, out);
        }
        let flow = match self.table.get_mut(&key) {
            Some(flow) => flow,
            None => {
                let client = self.core.local.client(&key, packet, sender);
                let flow = Flow::new(key, sender, packet, client, first_state(packet));
                let Some(flow) = self.table.insert(flow) else {
                    self.ledger.untracked(packet.frame_len);
                    return;
                };
                self.ledger.began();
                decide_by_port(flow, &mut self.ledger);
                flow
            }
        };
        let advance = flow.count(packet, sender);
        match &mut flow.state {
            State::Decided => {}
            State::Tagged(tagged) => {
                tagged.packet(packet, sender == flow.client, advance);
                if tagged.is_due(packet.time) {
                    let record = with_tagged(flow, |f, t| tag::record(f, t, &self.core.origin, packet.time, false));
                    out.records(record);
                }
            }
            State::Probing(probe) => {
                let look = probe.look(packet, sender, &mut self.core.scratch);
                self.core.looked(flow, look, packet.time, &mut self.ledger, &mut self.named, out);
            }
            State::Resolver(_) => self.core.resolve(flow, packet, sender, &mut self.ledger, &mut self.named, out),
        }
        self.ledger.flow_frame(flow, packet.frame_len);
    }

    /// A flow is over: decide it if that is still open, and write what is left to say.
    fn end(&mut self, mut flow: Flow, out: &mut impl Output) {
        if flow.method == Method::Pending {
            self.core.nameless(&mut flow, Ech::None, Protocol::Other, &mut self.ledger, out);
        }
        self.ledger.ended(&flow);
        match std::mem::replace(&mut flow.state, State::Decided) {
            State::Tagged(mut tagged) => {
                let time = flow.last;
                out.records(tag::record(&mut flow, &mut tagged, &self.core.origin, time, true));
            }
            State::Resolver(resolver) => {
                let core = &mut self.core;
                resolver.finish(|event| {
                    if let Event::Answered(asked, None) = event {
                        out.records(core.lookup(&flow, &asked, None));
                    }
                });
            }
            State::Probing(_) | State::Decided => {}
        }
        out.flow(&flow);
    }
}

impl Core {
    /// Acts on what a look at an unnamed flow brought.
    fn looked(
        &mut self,
        flow: &mut Flow,
        look: Look,
        time: i64,
        ledger: &mut Ledger,
        named: &mut Named,
        out: &mut impl Output,
    ) {
        match look {
            Look::More => {}
            Look::GiveUp => self.nameless(flow, Ech::None, Protocol::Other, ledger, out),
            Look::Malformed => {
                ledger.broken("hello-or-request");
                self.nameless(flow, Ech::None, Protocol::Other, ledger, out);
            }
            Look::Found(found) => self.found(flow, *found, time, ledger, named, out),
        }
    }

    fn found(
        &mut self,
        flow: &mut Flow,
        found: Found,
        time: i64,
        ledger: &mut Ledger,
        named: &mut Named,
        out: &mut impl Output,
    ) {
        flow.client = found.client;
        let ech = ech::decide(found.ech, found.name.as_deref());
        let hit = found.name.as_deref().and_then(|name| self.catalogue.find(name)).filter(|_| ech != Ech::Real);
        out.name(&Name {
            time,
            flow,
            protocol: found.protocol.as_str(),
            name: found.name.as_deref(),
            qtype: None,
            alpn: &found.alpn,
            ech,
            esni: found.esni,
            ja4: found.ja4.as_deref(),
            hit,
        });
        if found.tunnel {
            return;
        }
        let (count, method, evidence) = match found.protocol {
            Protocol::Quic => (&mut named.quic, Method::Quic, Evidence::QuicSni),
            Protocol::Http => (&mut named.http, Method::Http, Evidence::HttpHost),
            Protocol::Tls | Protocol::Other => (&mut named.tls, Method::Sni, Evidence::Sni),
        };
        if found.name.is_none() || ech == Ech::Real {
            self.nameless(flow, ech, found.protocol, ledger, out);
            if let State::Tagged(tagged) = &mut flow.state {
                (tagged.tag.alpn, tagged.tag.ja4) = (found.alpn, found.ja4);
            }
            return;
        }
        *count += 1;
        ledger.decide(flow, method);
        let Some(hit) = hit else {
            flow.state = State::Decided;
            return;
        };
        let tag = Tag {
            host: found.name,
            ech,
            alpn: found.alpn,
            ja4: found.ja4,
            ..Tag::new(&hit, found.protocol, evidence)
        };
        self.tagged(flow, tag, time, out);
    }

    /// A flow without a name of its own: what did DNS tell this client about the address?
    fn nameless(
        &mut self,
        flow: &mut Flow,
        ech: Ech,
        protocol: Protocol,
        ledger: &mut Ledger,
        out: &mut impl Output,
    ) {
        let (client, server) = (flow.client_end().0, flow.server_end().0);
        let names = self.claims.names(client, server, flow.start);
        let hit = names.iter().find_map(|name| self.catalogue.find(name).map(|hit| (*name, hit)));
        let none = if ech == Ech::Real { Method::EchReal } else { Method::None };
        let Some((name, hit)) = hit else {
            ledger.decide(flow, if names.len() == 1 && ech != Ech::Real { Method::Dns } else { none });
            flow.state = State::Decided;
            return;
        };
        let tag = if names.len() == 1 {
            ledger.decide(flow, Method::Dns);
            let base = Tag::new(&hit, protocol, Evidence::Dns);
            Tag { host: Some(name.to_owned()), ech, strength: base.strength.max(Strength::Likely), ..base }
        } else {
            ledger.decide(flow, Method::Ambiguous);
            let candidates = names.iter().map(|&name| name.to_owned()).collect();
            Tag { candidates, ech, strength: Strength::Weak, ..Tag::new(&hit, protocol, Evidence::Ambiguous) }
        };
        let time = flow.last;
        self.tagged(flow, tag, time, out);
    }

    fn tagged(&mut self, flow: &mut Flow, tag: Tag, time: i64, out: &mut impl Output) {
        self.ai_flows += 1;
        let mut tagged = Box::new(Tagged::new(tag, time));
        out.records(tag::record(flow, &mut tagged, &self.origin, time, false));
        flow.state = State::Tagged(tagged);
    }

    /// Reads a packet of a DNS flow.
    fn resolve(
        &mut self,
        flow: &mut Flow,
        packet: &Packet<'_>,
        sender: Side,
        ledger: &mut Ledger,
        named: &mut Named,
        out: &mut impl Output,
    ) {
        let State::Resolver(mut resolver) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        resolver.read(packet, sender, |event| match event {
            Event::Malformed => ledger.broken("dns-message"),
            Event::Question(asked) => {
                named.dns += 1;
                ledger.question();
                out.name(&Name {
                    time: asked.time,
                    flow,
                    protocol: "dns",
                    name: Some(&asked.name),
                    qtype: Some(asked.qtype),
                    alpn: &[],
                    ech: Ech::None,
                    esni: false,
                    ja4: None,
                    hit: self.catalogue.find(&asked.name),
                });
            }
            Event::Answered(asked, answer) => {
                for address in answer.iter().flat_map(|a| &a.addresses) {
                    self.claims.add(flow.client_end().0, address.ip, &asked.name, address.ttl, packet.time);
                }
                let answer = answer.map(|a| (a.rcode, a.addresses.iter().map(|a| a.ip).collect()));
                out.records(self.lookup(flow, &asked, answer));
            }
        });
        flow.state = State::Resolver(resolver);
    }

    /// The record of a question, when it was for an AI name.
    fn lookup(&self, flow: &Flow, asked: &Asked, answer: Option<(u16, Vec<IpAddr>)>) -> Option<LookupRecord> {
        let hit = self.catalogue.find(&asked.name)?;
        let (client_ip, resolver_ip) = (flow.client_end().0, flow.server_end().0);
        let (rcode, answers) = answer.map_or((None, Vec::new()), |(rcode, answers)| (Some(rcode), answers));
        let scope = format!("{}/{}/{}/{}", self.origin.sensor, asked.id, asked.qtype, asked.name);
        Some(LookupRecord {
            lookup_id: flow.key.id(&scope, asked.time),
            sensor: self.origin.sensor.clone(),
            site: self.origin.site.clone(),
            ts: asked.time,
            client_ip,
            device: client_ip.to_string(),
            resolver_ip,
            transport: flow.key.transport,
            name: asked.name.clone(),
            qtype: asked.qtype,
            rcode,
            answers,
            service: hit.service.id.clone(),
            role: hit.pattern.role,
            catalogue: self.origin.catalogue.clone(),
        })
    }
}

/// True when a SYN begins another connection on a five-tuple that has one.
fn begins_anew(flow: &Flow, packet: &Packet<'_>, sender: Side) -> bool {
    match packet.l4 {
        L4::Tcp { seq, flags } if flags.syn() && !flags.ack() => !flow.same_syn(seq, sender),
        _ => false,
    }
}

fn first_state(packet: &Packet<'_>) -> State {
    if [packet.src.1, packet.dst.1].contains(&resolver::PORT) {
        State::Resolver(Box::default())
    } else {
        State::Probing(Box::default())
    }
}

/// Decides flows whose port says that they never carry a service's name.
fn decide_by_port(flow: &mut Flow, ledger: &mut Ledger) {
    let ports = [flow.client_end().1, flow.server_end().1];
    let any = |list: &[u16]| ports.iter().any(|port| list.contains(port));
    if matches!(flow.state, State::Resolver(_)) {
        ledger.decide(flow, Method::Resolver);
    } else if flow.key.transport == Transport::Udp && any(&MULTICAST_NAMES) {
        ledger.decide(flow, Method::Resolver);
        flow.state = State::Decided;
    } else if flow.key.transport == Transport::Udp && any(&INFRASTRUCTURE) {
        ledger.decide(flow, Method::Infrastructure);
        flow.state = State::Decided;
    }
}

/// Lends a tagged flow and its tag at the same time.
fn with_tagged<T>(flow: &mut Flow, act: impl FnOnce(&mut Flow, &mut Tagged) -> Option<T>) -> Option<T> {
    let State::Tagged(mut tagged) = std::mem::replace(&mut flow.state, State::Decided) else { return None };
    let result = act(flow, &mut tagged);
    flow.state = State::Tagged(tagged);
    result
}
