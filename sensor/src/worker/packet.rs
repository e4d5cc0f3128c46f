//! The life of a packet after decoding: find its flow or begin one, count it, look at it while the flow has no name.

use super::naming::Core;
use super::reading::shows_hello;
use super::{Worker, visibility};
use crate::decode::{L4, Packet};
use crate::dissect::{Dissector, quic};
use crate::flow::key::{FlowKey, Side};
use crate::flow::resolver::Event;
use crate::flow::tag::{self, Tagged};
use crate::flow::{Flow, State, later};
use crate::ledger::{Answer, Ledger, Method};
use crate::output::Output;
use crate::record::Transport;

/// Ports whose flows never carry a service's name: DHCP, NTP, NetBIOS, SSDP, WS-Discovery, DHCPv6.
const INFRASTRUCTURE: [u16; 9] = [67, 68, 123, 137, 138, 546, 547, 1900, 3702];
/// Multicast name resolution: mDNS and LLMNR.
const MULTICAST_NAMES: [u16; 2] = [5353, 5355];

/// µs within which a QUIC Initial with a token and another connection id follows a Retry: one round trip ...
const RETRY: i64 = 3_000_000;
/// ... and bytes that the server has sent by then: some Retries, since an accepted connection is not retried. Its
/// handshake begins with a datagram of at least 1,200 bytes (RFC 9000 section 14.1).
const RETRIES: u64 = 1_000;
/// Attempts per flow to read a packet as the start of another QUIC connection.
const MAX_TRIED: u8 = 8;

impl Worker {
    #[inline(always)]
    pub(super) fn packet(&mut self, packet: &Packet<'_>, out: &mut impl Output) {
        self.tick(packet.time, out);
        self.core.identify(packet);
        let (key, sender) = FlowKey::of(packet);
        if !self.core.share.holds(|| key.end(self.core.local.inner_end(&key)).0) {
            self.core.overhear_foreign(packet);
            return;
        }
        if may_begin_anew(packet) {
            self.replace(&key, packet, sender, out);
        }
        if let Some(flow) = self.table.get_mut(&key) {
            self.core.packet(flow, packet, sender, out);
        } else if self.begin(key, packet, sender, out)
            && let Some(flow) = self.table.get_mut(&key)
        {
            self.core.packet(flow, packet, sender, out);
        }
        self.relieve(packet.time, out);
    }

    /// Ends the flow of a five-tuple on which a packet begins another connection.
    fn replace(&mut self, key: &FlowKey, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let scratch = &mut self.core.scratch;
        if self.table.get_mut(key).is_some_and(|flow| begins_anew(flow, packet, sender, scratch))
            && let Some(flow) = self.table.remove(key)
        {
            self.end(flow, out);
        }
    }

    /// Begins a flow with its first packet. False when there is no room for it.
    fn begin(&mut self, key: FlowKey, packet: &Packet<'_>, sender: Side, out: &mut impl Output) -> bool {
        if self.table.is_full() {
            for flow in self.table.make_room() {
                self.core.ledger.broken("flows-evicted");
                self.end(flow, out);
            }
        }
        let before = self.core.rebinding.before(packet, key);
        let heir = before.and_then(|before| match &self.table.get_mut(&before)?.state {
            State::Tagged(tagged) => Some(tagged.heir(packet.time)),
            _ => None,
        });
        let client = self.core.local.client(&key, packet, sender);
        let Some(flow) = self.table.insert(Flow::new(key, sender, packet, client)) else {
            self.core.ledger.untracked(packet.frame_len);
            return false;
        };
        self.core.ledger.began();
        match heir {
            Some(heir) => self.core.inherit(flow, heir, sender, packet.time, out),
            None => decide_by_port(flow, packet, &mut self.core.ledger),
        }
        true
    }

    /// Gives up what has waited the longest while too much is held.
    fn relieve(&mut self, time: i64, out: &mut impl Output) {
        while let Some(key) = self.core.holders.too_old() {
            if let Some(flow) = self.table.get_mut(&key) {
                self.core.evict(flow, time, out);
            }
        }
    }

    /// A flow is over: decide it if that is still open, and write what is left to say.
    pub(super) fn end(&mut self, mut flow: Flow, out: &mut impl Output) {
        let held = flow.held();
        self.core.settle(&mut flow, out);
        if flow.method == Method::Pending {
            let time = flow.last;
            self.core.give_up(&mut flow, time, out);
            self.core.settle(&mut flow, out);
        }
        flow.later = None;
        self.core.ledger.ended(&flow);
        self.core.unheard(&mut flow, out);
        self.core.unwatch(&mut flow);
        visibility::step(&mut flow).into_iter().for_each(|step| self.core.visibility.add(step));
        match std::mem::replace(&mut flow.state, State::Decided) {
            State::Tagged(mut tagged) => {
                let time = flow.last;
                self.core.introduce(tagged.mac, time, out);
                out.records(tag::record(&mut flow, &mut tagged, &self.core.origin, time, true));
            }
            State::Resolver(resolver) => {
                let core = &mut self.core;
                if resolver.is_unfinished() {
                    core.ledger.answered(Dissector::Dns, Answer::More);
                }
                resolver.finish(|event| {
                    if let Event::Answered(asked, None) = event {
                        core.looked_up(&flow, &asked, None, out);
                    }
                });
            }
            State::Silent | State::Probing(_) | State::Local(_) | State::Watched(_) => {}
            State::Waiting(_) | State::Decided => {}
        }
        self.core.holders.changed(&flow, held);
        out.flow(&flow);
    }
}

impl Core {
    /// Counts a packet of a flow, and looks at it as far as the flow still needs it.
    #[inline]
    fn packet(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let Some(advance) = flow.count(packet, sender) else {
            // A name may be in it all the same: where headers are alike, or more of it was captured than of the first.
            self.read_copy(flow, packet, sender, out);
            self.ledger.duplicate(flow, packet.frame_len);
            return;
        };
        if flow.sides.of(sender).packets == 1 {
            self.first_of_sender(packet);
        }
        let later = later::is_due(flow, packet, sender);
        match &mut flow.state {
            State::Decided => {}
            State::Waiting(waiting) => {
                waiting.packet(packet, sender, sender == flow.client, advance);
                self.rebinding.learn(flow, packet, sender);
            }
            State::Watched(watch) => {
                if !watch.packet(packet, sender == flow.client, advance) {
                    self.unwatch(flow);
                }
            }
            State::Tagged(tagged) => {
                tagged.packet(packet, sender, sender == flow.client, advance);
                if tagged.is_due(packet.time) {
                    let record = with_tagged(flow, |f, t| tag::record(f, t, &self.origin, packet.time, false));
                    out.records(record);
                }
                self.rebinding.learn(flow, packet, sender);
            }
            State::Silent | State::Probing(_) | State::Resolver(_) | State::Local(_) => {
                self.look(flow, packet, sender, advance, out);
            }
        }
        if later {
            self.read_later(flow, packet, sender, out);
            self.read_on(flow, packet, sender, out);
        }
        self.ledger.flow_frame(flow, packet.frame_len);
    }

    /// Looks at a packet of a flow that is not decided.
    fn look(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, advance: u64, out: &mut impl Output) {
        match flow.state {
            State::Local(_) => self.overhear(flow, packet, sender, advance, out),
            _ => self.read(flow, packet, sender, out),
        }
        flow.forget_copies();
    }
}

/// True when a packet has the form of one that begins a connection.
fn may_begin_anew(packet: &Packet<'_>) -> bool {
    match packet.l4 {
        L4::Tcp { flags, .. } => flags.syn() && !flags.ack(),
        L4::Udp => quic::initials(packet.payload).next().is_some(),
    }
}

/// True when such a packet begins another connection on a five-tuple that has one: a SYN of its own, or a QUIC Initial
/// whose own connection id opens it.
fn begins_anew(flow: &mut Flow, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> bool {
    if let L4::Tcp { seq, .. } = packet.l4 {
        return !flow.same_syn(seq, sender, packet.time);
    }
    if flow.state.is_open() || flow.method == Method::Quic && sender != flow.client {
        return false;
    }
    let Some(initial) = quic::initials(packet.payload).next() else { return false };
    // After a Retry the same connection goes on with another id, and brings the server's token.
    let may_be_retried = initial.has_token && packet.time.saturating_sub(flow.start) < RETRY;
    let retried = may_be_retried && flow.sides.of(sender.other()).payload < RETRIES;
    if retried || initial.connection() == flow.connection {
        return false;
    }
    flow.tried = flow.tried.saturating_add(1);
    let opened = flow.tried <= MAX_TRIED && initial.client_keys().is_some_and(|keys| initial.open(&keys, scratch));
    opened && (!may_be_retried || initial.is_first(scratch))
}

/// Decides flows whose port says that they never carry a service's name, unless the first packet shows that they do.
fn decide_by_port(flow: &mut Flow, packet: &Packet<'_>, ledger: &mut Ledger) {
    let any = |list: &[u16]| list.contains(&flow.server_end().1);
    if flow.key.transport != Transport::Udp {
        return;
    }
    let method = match () {
        () if any(&MULTICAST_NAMES) => Method::Resolver,
        () if any(&INFRASTRUCTURE) => Method::Infrastructure,
        () => return,
    };
    if !shows_hello(packet) {
        ledger.decide(flow, method);
        flow.state = State::Decided;
    }
}

/// Lends a tagged flow and its tag at the same time.
pub(super) fn with_tagged<T>(flow: &mut Flow, act: impl FnOnce(&mut Flow, &mut Tagged) -> Option<T>) -> Option<T> {
    let State::Tagged(mut tagged) = std::mem::replace(&mut flow.state, State::Decided) else { return None };
    let result = act(flow, &mut tagged);
    flow.state = State::Tagged(tagged);
    result
}
