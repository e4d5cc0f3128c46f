//! The life of a packet after decoding: find its flow, count it, look at it while the flow has no name, write records.
//!
//! A worker owns its flows, claims and ledger and shares nothing (decision record 5). Its only clock is the packets'.

mod candidates;
mod devices;
mod fragments;
mod holders;
mod local;
mod naming;
mod questions;
mod reading;
mod rebinding;
mod span;
mod visibility;

use std::sync::Arc;

use rules::catalogue::Catalogue;

use crate::capture::{Frame, LinkType, NO_TIME};
use crate::clock::{Clock, Step};
use crate::decode::{Decoded, Fragments, L4, Packet, decode};
use crate::device::Devices;
use crate::dissect::{Dissector, quic};
use crate::flow::key::{FlowKey, Side};
use crate::flow::resolver::Event;
use crate::flow::table::{FlowTable, MAX_FLOWS};
use crate::flow::tag::{self, Tagged};
use crate::flow::{Flow, State, later};
use crate::ledger::{Answer, Counts, Ledger, Method};
use crate::local::LocalNets;
use crate::name::claims::Claims;
use crate::output::Output;
use crate::record::{Record, Transport};
use naming::Core;
pub use naming::Named;

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
    /// Bytes that all flows together may hold for reassembly.
    pub max_held: usize,
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
            max_held: MAX_HELD,
        }
    }
}

/// Bytes that all flows of a worker together may hold for reassembly: 3,600 full hellos at the same time. Beyond it the
/// flow that has waited the longest is given up and counted.
pub const MAX_HELD: usize = 256 << 20;
/// µs within which a QUIC Initial with a token and another connection id follows a Retry: one round trip.
const RETRY: i64 = 3_000_000;
/// Attempts per flow to read a packet as the start of another QUIC connection.
const MAX_TRIED: u8 = 8;

/// One worker.
#[derive(Debug)]
pub struct Worker {
    core: Core,
    table: FlowTable,
    clock: Clock,
    held: HeldFrame,
    fragments: Fragments,
    /// Another source has begun and no frame of it was seen.
    fresh: bool,
}

/// A frame whose time jumps, until the next one tells whether it is right.
#[derive(Debug, Default)]
struct HeldFrame {
    frame: Option<(i64, u32, LinkType)>,
    data: Vec<u8>,
}

impl Worker {
    /// A worker with nothing seen.
    pub fn new(config: WorkerConfig) -> Self {
        Self {
            table: FlowTable::new(config.max_flows),
            core: Core::new(config),
            clock: Clock::default(),
            held: HeldFrame::default(),
            fragments: Fragments::default(),
            fresh: false,
        }
    }

    /// Takes one frame in.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        if frame.time == NO_TIME {
            self.core.ledger.stray(frame.wire_len);
            return;
        }
        if std::mem::take(&mut self.fresh) {
            self.first_of_source(frame.time, out);
        }
        match self.clock.step(frame.time) {
            Step::Ahead => self.take(frame, out),
            Step::Hold => self.hold(frame),
            Step::Jumped => {
                self.release(out);
                self.take(frame, out);
            }
            Step::JumpedHold => {
                self.release(out);
                self.hold(frame);
            }
            Step::Stray => {
                self.discard();
                self.take(frame, out);
            }
            Step::StrayHold => {
                self.discard();
                self.hold(frame);
            }
        }
    }

    /// Begins another source. Flows go on where it continues the one before, as rotated captures do.
    pub fn set_source(&mut self, source: &str, out: &mut impl Output) {
        self.release(out);
        self.close_spans(out);
        out.records(self.core.ledger.set_source(source));
        self.fresh = true;
    }

    fn first_of_source(&mut self, time: i64, out: &mut impl Output) {
        if self.clock.is_before(time) {
            self.drop_fragments();
            self.end_all(out);
            self.core.claims = Claims::default();
            self.core.devices = Devices::default();
        }
        self.clock.reset();
    }

    fn hold(&mut self, frame: &Frame<'_>) {
        self.held.frame = Some((frame.time, frame.wire_len, frame.link));
        self.held.data.clear();
        self.held.data.extend_from_slice(frame.data);
    }

    /// The frame that was held is right: time goes on from it.
    fn release(&mut self, out: &mut impl Output) {
        let Some((time, wire_len, link)) = self.held.frame.take() else { return };
        let data = std::mem::take(&mut self.held.data);
        if self.table.is_ahead_of(time) {
            self.table.rebase(time);
            self.core.devices = Devices::default();
            self.close_spans(out);
            out.records(self.core.ledger.rebase());
        }
        self.take(&Frame { time, data: &data, wire_len, link }, out);
        self.held.data = data;
    }

    /// The frame that was held is wrong.
    fn discard(&mut self) {
        if let Some((_, wire_len, _)) = self.held.frame.take() {
            self.core.ledger.stray(wire_len);
        }
    }

    fn take(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        if let Some(minute) = self.core.ledger.frame(frame.time, frame.wire_len) {
            out.record(Record::Minute(Box::new(minute)));
            self.turn(frame.time, out);
        }
        self.core.visibility.span.open(frame.time);
        self.core.candidates.span.open(frame.time);
        match decode(frame) {
            Decoded::Packet(packet) => self.packet(&packet, out),
            Decoded::Fragment(fragment) => self.fragment(frame, &fragment, out),
            Decoded::Neighbour(neighbour) => self.neighbour(frame, &neighbour),
            Decoded::NotFlow(what) => self.core.ledger.not_flow(what, frame.wire_len),
            Decoded::Malformed(why) => self.core.ledger.malformed(why, frame.wire_len),
        }
    }

    /// Lets time pass without a packet: writes what is due at `time` (µs).
    pub fn tick(&mut self, time: i64, out: &mut impl Output) {
        let Some(over) = self.table.expire(time) else { return };
        let table = &mut self.table;
        self.core.holders.tidy(|key| table.get_mut(key).is_some_and(|flow| flow.held() > 0));
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
        self.release(out);
        self.tick(time, out);
        out.records(self.core.ledger.elapsed(time));
        self.turn(time, out);
    }

    /// Ends all flows and the open minute, as at the end of a capture.
    pub fn finish(&mut self, out: &mut impl Output) {
        self.release(out);
        self.drop_fragments();
        self.end_all(out);
        self.close_spans(out);
        if let Some(minute) = self.core.ledger.close(None) {
            out.record(Record::Minute(Box::new(minute)));
        }
    }

    fn end_all(&mut self, out: &mut impl Output) {
        for flow in self.table.drain() {
            self.end(flow, out);
        }
    }

    /// Tags new flows by another catalogue from now on.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.core.set_catalogue(catalogue);
    }

    /// The ledger, to note losses that happened before the worker.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.core.ledger
    }

    /// Totals since the start.
    pub fn totals(&self) -> Counts {
        self.core.ledger.total()
    }

    /// Flows named per protocol.
    pub fn named(&self) -> Named {
        self.core.named
    }

    /// Flows tagged as AI services.
    pub fn ai_flows(&self) -> u64 {
        self.core.ai_flows
    }

    #[inline(always)]
    fn packet(&mut self, packet: &Packet<'_>, out: &mut impl Output) {
        self.tick(packet.time, out);
        self.core.identify(packet);
        let (key, sender) = FlowKey::of(packet);
        let scratch = &mut self.core.scratch;
        if self.table.get_mut(&key).is_some_and(|flow| begins_anew(flow, packet, sender, scratch))
            && let Some(flow) = self.table.remove(&key)
        {
            self.end(flow, out);
        }
        if self.table.get_mut(&key).is_none() && !self.begin(key, packet, sender, out) {
            return;
        }
        let Some(flow) = self.table.get_mut(&key) else { return };
        let advance = flow.count(packet, sender);
        if flow.sides.of(sender).packets == 1 {
            self.core.first_of_sender(packet);
        }
        let later = later::is_due(flow, packet, sender);
        match &mut flow.state {
            State::Decided => {}
            State::Watched(watch) => {
                if !watch.packet(packet, sender == flow.client, advance) {
                    self.core.unwatch(flow);
                }
            }
            State::Tagged(tagged) => {
                tagged.packet(packet, sender, sender == flow.client, advance);
                if tagged.is_due(packet.time) {
                    let record = with_tagged(flow, |f, t| tag::record(f, t, &self.core.origin, packet.time, false));
                    out.records(record);
                }
                self.core.rebinding.learn(flow, packet, sender);
            }
            State::Local(_) => self.core.overhear(flow, packet, sender, advance, out),
            State::Silent | State::Probing(_) | State::Resolver(_) => self.core.read(flow, packet, sender, out),
        }
        if later {
            self.core.read_later(flow, packet, sender, out);
        }
        self.core.ledger.flow_frame(flow, packet.frame_len);
        self.relieve(packet.time, out);
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
    fn end(&mut self, mut flow: Flow, out: &mut impl Output) {
        let held = flow.held();
        if flow.method == Method::Pending {
            let time = flow.last;
            self.core.give_up(&mut flow, time, out);
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
            State::Silent | State::Probing(_) | State::Local(_) | State::Watched(_) | State::Decided => {}
        }
        self.core.holders.changed(&flow, held);
        out.flow(&flow);
    }
}

/// True when a packet begins another connection on a five-tuple that has one: a SYN of its own, or a QUIC Initial whose
/// own connection id opens it.
fn begins_anew(flow: &mut Flow, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> bool {
    match packet.l4 {
        L4::Tcp { seq, flags } => flags.syn() && !flags.ack() && !flow.same_syn(seq, sender, packet.time),
        L4::Udp if !quic::is_long_header(packet.payload) || flow.state.is_open() => false,
        L4::Udp => {
            let may = sender == flow.client || flow.method != Method::Quic;
            let initial = quic::initials(packet.payload).next().filter(|_| may);
            // After a Retry the same connection goes on with another id, and brings the server's token.
            let retried = |token: bool| token && packet.time.saturating_sub(flow.start) < RETRY;
            let initial = initial.filter(|i| i.connection() != flow.connection && !retried(i.has_token));
            initial.is_some_and(|initial| {
                flow.tried = flow.tried.saturating_add(1);
                flow.tried <= MAX_TRIED && initial.client_keys().is_some_and(|keys| initial.open(&keys, scratch))
            })
        }
    }
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
    if !reading::shows_hello(packet) {
        ledger.decide(flow, method);
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
