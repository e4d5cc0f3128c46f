//! Reading the payload of a flow: what a probe brings, what the ledger counts of it, and names that follow the first.

use rules::catalogue::Hit;

use super::naming::Core;
use crate::decode::{L4, Packet};
use crate::dissect::{Dissector, http, quic, tls};
use crate::flow::key::Side;
use crate::flow::probe::{Found, Look, Probe, Rest};
use crate::flow::resolver::{self, Resolver};
use crate::flow::waiting::Clues;
use crate::flow::{Flow, State, later};
use crate::ledger::Answer;
use crate::output::{Name, Output};
use crate::record::{Ech, Protocol, Transport};

/// Requests of one segment that are read. Browsers never sent more than eight at once.
const MAX_PIPELINED: usize = 32;

impl Core {
    /// Reads the payload of a flow that is still looked at.
    pub(super) fn read(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let before = flow.held();
        self.begin(flow, packet);
        match &mut flow.state {
            State::Probing(probe) => {
                let look = probe.look(packet, sender, &mut self.scratch);
                self.looked(flow, look, packet, out);
            }
            State::Resolver(_) => self.resolve(flow, packet, sender, out),
            _ => {}
        }
        self.holders.changed(flow, before);
    }

    /// Reads a packet that is thought to be a copy of one before.
    pub(super) fn read_copy(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let before = flow.held();
        self.begin(flow, packet);
        if let State::Probing(probe) = &mut flow.state {
            let look = probe.look_at(packet, sender, &mut self.scratch);
            self.looked(flow, look, packet, out);
            self.holders.changed(flow, before);
            flow.forget_copies();
        }
    }

    /// The first payload: a flow on the port of DNS may be DNS, unless it begins as TLS, QUIC or HTTP does.
    fn begin(&mut self, flow: &mut Flow, packet: &Packet<'_>) {
        if !matches!(flow.state, State::Silent) || packet.payload.is_empty() {
            return;
        }
        let asks = matches!(packet.l4, L4::Tcp { .. }) && http::begins_request(packet.payload);
        let is_dns = resolver::may_begin(packet) && !asks && !shows_hello(packet);
        flow.state = match is_dns {
            true => State::Resolver(Box::new(Resolver::new(flow.isn()))),
            false => State::Probing(Box::new(Probe::new(flow.isn()))),
        };
    }

    /// Gives up a flow that holds bytes, for want of room.
    pub(super) fn evict(&mut self, flow: &mut Flow, time: i64, out: &mut impl Output) {
        let before = flow.held();
        if before == 0 {
            return;
        }
        self.ledger.broken("reassembly-full");
        if let Some(later) = &mut flow.later {
            later.give_up();
        }
        match &flow.state {
            State::Probing(_) => self.give_up(flow, time, out),
            State::Resolver(_) => self.unanswered(flow, out),
            _ => {}
        }
        self.holders.changed(flow, before);
    }

    /// Looks for names that follow the first one.
    pub(super) fn read_later(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let before = flow.held();
        let first = flow.told;
        let found = flow.later.get_or_insert_default().look(packet, sender, first, &mut self.scratch);
        self.holders.changed(flow, before);
        flow.later.take_if(|later| later.is_empty());
        let Some(found) = found else { return };
        flow.plain |= found.protocol == Protocol::Http;
        self.ledger.answered(dissector(found.protocol), Answer::Done);
        let ech = self.ech(flow, &found, packet.time);
        let catalogue = self.catalogue.clone();
        let hit = found.hit(&catalogue, ech);
        self.tell(flow, &found, ech, hit, packet.time, out);
        let free = matches!(flow.state, State::Decided | State::Watched(_) | State::Local(_));
        if let Some(hit) = hit.filter(|_| free) {
            self.unwatch(flow);
            self.listed(flow, *found, &hit, ech, packet.time, out);
        }
    }

    /// Reads the requests that stand behind the first one of a segment.
    pub(super) fn read_on(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let L4::Tcp { seq, flags } = packet.l4 else { return };
        if !flow.plain || sender != flow.client {
            return;
        }
        let mut payload = packet.payload;
        for _ in 0..MAX_PIPELINED {
            let Some(rest) = http::behind_request(payload) else { return };
            payload = rest;
            let seq = seq.wrapping_add((packet.payload.len() - rest.len()) as u32);
            self.read_later(flow, &Packet { l4: L4::Tcp { seq, flags }, payload, ..*packet }, sender, out);
        }
    }

    /// Acts on what a look at an unnamed flow brought.
    fn looked(&mut self, flow: &mut Flow, look: Look, packet: &Packet<'_>, out: &mut impl Output) {
        match look {
            Look::More => {}
            Look::GiveUp => self.give_up(flow, packet.time, out),
            Look::Malformed(dissector) => self.ledger.answered(dissector, Answer::Malformed),
            Look::Full => self.ledger.broken("reassembly-full"),
            Look::Found(found) => {
                let sender = found.client;
                self.found(flow, *found, packet.time, Some(packet), out);
                self.read_on(flow, packet, sender, out);
            }
            Look::Tunnel(found) => {
                flow.client = found.client;
                self.ledger.answered(Dissector::Http, Answer::Done);
                // Asked again with a password, it is the same tunnel.
                if std::mem::replace(&mut flow.told, later::told(&found)) != later::told(&found) {
                    let catalogue = self.catalogue.clone();
                    self.tell(flow, &found, Ech::None, found.hit(&catalogue, Ech::None), packet.time, out);
                }
                let State::Probing(probe) = &mut flow.state else { return };
                let look = probe.look_behind(found.client);
                self.looked(flow, look, packet, out);
            }
        }
    }

    /// Decides a flow that will show no name. Behind a proxy the one that it was asked for is better than none.
    pub(super) fn give_up(&mut self, flow: &mut Flow, time: i64, out: &mut impl Output) {
        let probe = match std::mem::replace(&mut flow.state, State::Decided) {
            State::Probing(probe) => probe,
            State::Silent => Box::default(),
            other => {
                flow.state = other;
                return self.nameless(flow, Clues::NONE, time, out);
            }
        };
        self.unnamed(flow, probe.rest());
        flow.plain = probe.is_plain();
        match probe.into_tunnel() {
            Some(found) => {
                let catalogue = self.catalogue.clone();
                let hit = found.hit(&catalogue, Ech::None);
                self.named(flow, *found, (Ech::None, hit), time, None, out);
            }
            None => self.nameless(flow, Clues::NONE, time, out),
        }
    }

    /// Counts what the dissectors say of a flow that showed no name.
    fn unnamed(&mut self, flow: &Flow, rest: Rest) {
        match (rest, flow.key.transport) {
            (Rest::Silence, _) => {}
            (Rest::Unfinished(dissector), _) => self.ledger.answered(dissector, Answer::More),
            (Rest::Foreign, Transport::Udp) => self.ledger.answered(Dissector::Quic, Answer::NotMine),
            (Rest::Foreign, Transport::Tcp) => {
                self.ledger.answered(Dissector::Tls, Answer::NotMine);
                self.ledger.answered(Dissector::Http, Answer::NotMine);
            }
        }
    }

    /// `packet` is absent when the flow is over.
    fn found(
        &mut self,
        flow: &mut Flow,
        found: Found,
        time: i64,
        packet: Option<&Packet<'_>>,
        out: &mut impl Output,
    ) {
        flow.client = found.client;
        flow.connection = found.connection;
        self.ledger.answered(dissector(found.protocol), Answer::Done);
        let ech = self.ech(flow, &found, time);
        let catalogue = self.catalogue.clone();
        let hit = found.hit(&catalogue, ech);
        self.tell(flow, &found, ech, hit, time, out);
        self.named(flow, found, (ech, hit), time, packet, out);
    }

    /// Gives a name to whoever lists them all.
    fn tell(&self, flow: &Flow, found: &Found, ech: Ech, hit: Option<Hit<'_>>, time: i64, out: &mut impl Output) {
        let ja4 = if out.lists_names() { found.ja4() } else { None };
        out.name(&Name {
            time,
            flow,
            protocol: found.protocol.as_str(),
            name: found.name.as_deref(),
            qtype: None,
            alpn: &found.alpn,
            ech,
            esni: found.esni,
            ja4: ja4.as_deref(),
            hit,
        });
    }
}

fn dissector(protocol: Protocol) -> Dissector {
    match protocol {
        Protocol::Quic => Dissector::Quic,
        Protocol::Http => Dissector::Http,
        Protocol::Tls | Protocol::Other => Dissector::Tls,
    }
}

/// True when a first payload begins as a ClientHello over TCP or QUIC does, whatever the port.
pub(super) fn shows_hello(packet: &Packet<'_>) -> bool {
    match packet.l4 {
        L4::Tcp { .. } => tls::begins_hello(packet.payload),
        L4::Udp => quic::initials(packet.payload).next().is_some(),
    }
}
