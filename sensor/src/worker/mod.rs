//! The life of a packet after decoding: find its flow, count it, look at it while the flow has no name, write records.
//!
//! A worker owns its flows, claims and ledger and shares nothing (decision record 5). Its only clock is the packets'.

mod candidates;
mod fragments;
mod local;
mod naming;
mod questions;
mod span;
mod visibility;

use std::sync::Arc;

use rules::catalogue::Catalogue;

use crate::capture::{Frame, LinkType, NO_TIME};
use crate::clock::{Clock, Step};
use crate::decode::{Decoded, Fragments, L4, Packet, decode};
use crate::dissect::quic;
use crate::flow::key::{FlowKey, Side};
use crate::flow::resolver::{self, Event};
use crate::flow::table::{FlowTable, MAX_FLOWS};
use crate::flow::tag::{self, Tagged};
use crate::flow::{Flow, State};
use crate::ledger::{Counts, Ledger, Method};
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

/// Bytes that all flows of a worker together may hold for reassembly: 3,600 full hellos at the same time. Beyond it a
/// flow that wants more is given up and counted.
const MAX_HELD: usize = 256 << 20;
/// µs after which a QUIC Initial with another connection id is another connection, not a Retry.
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
            Decoded::NotFlow(what) => self.core.ledger.not_flow(what, frame.wire_len),
            Decoded::Malformed(why) => self.core.ledger.malformed(why, frame.wire_len),
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
        let (key, sender) = FlowKey::of(packet);
        let scratch = &mut self.core.scratch;
        if self.table.get_mut(&key).is_some_and(|flow| begins_anew(flow, packet, sender, scratch))
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
                    self.core.ledger.untracked(packet.frame_len);
                    return;
                };
                self.core.ledger.began();
                decide_by_port(flow, &mut self.core.ledger);
                flow
            }
        };
        let Some(advance) = flow.count(packet, sender) else {
            return self.core.ledger.duplicate(flow, packet.frame_len);
        };
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
            }
            State::Probing(_) | State::Resolver(_) | State::Local(_) => {
                look(&mut self.core, flow, packet, sender, advance, out);
            }
        }
        self.core.ledger.flow_frame(flow, packet.frame_len);
    }

    /// A flow is over: decide it if that is still open, and write what is left to say.
    fn end(&mut self, mut flow: Flow, out: &mut impl Output) {
        self.core.held -= flow.state.held();
        if flow.method == Method::Pending {
            let time = flow.last;
            self.core.give_up(&mut flow, time, out);
        }
        self.core.ledger.ended(&flow);
        self.core.unheard(&mut flow, out);
        self.core.unwatch(&mut flow);
        visibility::step(&mut flow).into_iter().for_each(|step| self.core.visibility.add(step));
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
            State::Probing(_) | State::Local(_) | State::Watched(_) | State::Decided => {}
        }
        out.flow(&flow);
    }
}

/// True when a packet begins another connection on a five-tuple that has one: a SYN of its own, or a QUIC Initial whose
/// own connection id opens it.
fn begins_anew(flow: &mut Flow, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> bool {
    match packet.l4 {
        L4::Tcp { seq, flags } => flags.syn() && !flags.ack() && !flow.same_syn(seq, sender),
        L4::Udp if !quic::is_long_header(packet.payload) || packet.time.saturating_sub(flow.start) < RETRY => false,
        L4::Udp => {
            let decided = matches!(flow.state, State::Decided | State::Watched(_) | State::Tagged(_));
            let initial = quic::initials(packet.payload).next().filter(|_| decided && sender == flow.client);
            initial.filter(|initial| initial.connection() != flow.connection).is_some_and(|initial| {
                flow.tried = flow.tried.saturating_add(1);
                flow.tried <= MAX_TRIED && initial.client_keys().is_some_and(|keys| initial.open(&keys, scratch))
            })
        }
    }
}

/// Looks at a packet of a flow that is not decided.
fn look(core: &mut Core, flow: &mut Flow, packet: &Packet<'_>, sender: Side, advance: u64, out: &mut impl Output) {
    match flow.state {
        State::Local(_) => core.overhear(flow, packet, sender, advance, out),
        _ => core.read(flow, packet, sender, out),
    }
    flow.forget_copies();
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
    let any = |list: &[u16]| list.contains(&flow.server_end().1);
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
