//! The life of a packet after decoding: find its flow, count it, look at it while the flow has no name, write records.
//!
//! A worker owns its flows and its ledger (decision record 5); what is known of clients several may share. Its only clock
//! is the packets'.

mod budget;
mod candidates;
mod devices;
mod foreign;
mod fragments;
mod holders;
mod knowledge;
mod local;
mod nameless;
mod naming;
mod packet;
mod part;
mod questions;
mod reading;
mod rebinding;
mod share;
mod span;
mod visibility;
mod waiting;

use std::sync::Arc;

use rules::catalogue::Catalogue;

use crate::capture::{Frame, LinkType, NO_TIME};
use crate::clock::{Clock, Step};
use crate::decode::{Decoded, Fragments, decode};
use crate::flow::State;
use crate::flow::table::{FlowTable, MAX_FLOWS};
use crate::flow::tag;
use crate::ledger::Counts;
use crate::local::LocalNets;
use crate::name::canary::Canaries;
use crate::output::Output;
use crate::record::Record;
pub use knowledge::Knowledge;
use naming::Core;
pub use naming::Named;
use packet::with_tagged;
pub use part::Part;
pub use share::Share;

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
    /// Flows that are tracked at the same time, by all workers together.
    pub max_flows: usize,
    /// Bytes that all flows of all workers together may hold for reassembly.
    pub max_held: usize,
    /// Which clients are this worker's.
    pub share: Share,
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
            share: Share::ALL,
        }
    }
}

/// Bytes that all flows of a worker together may hold for reassembly: 3,600 full hellos at the same time. Beyond it the
/// flow that has waited the longest is given up and counted.
pub const MAX_HELD: usize = 256 << 20;
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
    /// A worker with nothing seen, that sees all packets of its clients.
    pub fn new(config: WorkerConfig) -> Self {
        Self::sharing(config, Arc::default())
    }

    /// A worker that shares what it knows with others, since its clients' packets are theirs as well.
    pub fn sharing(config: WorkerConfig, known: Arc<Knowledge>) -> Self {
        Self {
            table: FlowTable::new(config.share.part(config.max_flows)),
            core: Core::new(config, known),
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
        let ended = self.core.ledger.set_source(source);
        self.minute(ended, out);
        self.fresh = true;
    }

    fn first_of_source(&mut self, time: i64, out: &mut impl Output) {
        if self.clock.is_before(time) {
            self.drop_fragments();
            self.end_all(out);
            self.core.forget();
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
            self.core.forget_devices();
            let ended = self.core.ledger.rebase();
            self.minute(ended, out);
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
            self.minute(Some(minute), out);
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
        self.settle(time, out);
        let Some(over) = self.table.expire(time) else { return };
        self.core.holders.tidy();
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
        let ended = self.core.ledger.elapsed(time);
        self.minute(ended, out);
        self.turn(time, out);
    }

    /// Ends the minute and the spans that are over at `time`, while frames still come.
    pub fn turn_at(&mut self, time: i64, out: &mut impl Output) {
        let ended = self.core.ledger.elapsed(time);
        self.minute(ended, out);
        // Also where no minute was open: a span is longer than one, and one without frames may lie in it.
        self.turn(time, out);
    }

    /// Ends all flows and the open minute, as at the end of a capture.
    pub fn finish(&mut self, out: &mut impl Output) {
        self.release(out);
        self.drop_fragments();
        self.end_all(out);
        self.close_spans(out);
        let ended = self.core.ledger.close(None);
        self.minute(ended, out);
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

    /// Notes packets that were lost at `place` before they came here.
    pub fn lost(&mut self, place: &'static str, packets: u64) {
        if self.core.share.is_first() {
            self.core.ledger.lost(place, packets);
        }
    }

    /// Notes frames of interfaces whose link type cannot be decoded.
    pub fn unknown_link(&mut self, frames: u64, bytes: u64) {
        if self.core.share.is_first() {
            self.core.ledger.unknown_link(frames, bytes);
        }
    }

    /// The ledger's sums since the start.
    pub fn totals(&self) -> Counts {
        self.core.ledger.total()
    }

    /// All sums since the start.
    pub fn summary(&self) -> Summary {
        let Core { named, ai_flows, canaries, .. } = &self.core;
        Summary { counts: self.totals(), named: *named, ai_flows: *ai_flows, canaries: *canaries }
    }
}

/// Sums since the start.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The ledger's.
    pub counts: Counts,
    /// Flows named per protocol.
    pub named: Named,
    /// Flows tagged as AI services.
    pub ai_flows: u64,
    /// What the network says about encrypted DNS, as far as its answers were seen.
    pub canaries: Canaries,
}

impl Summary {
    /// Adds another worker's.
    pub fn join(&mut self, other: &Self) {
        self.counts.join(&other.counts);
        self.named.tls += other.named.tls;
        self.named.quic += other.named.quic;
        self.named.dns += other.named.dns;
        self.named.http += other.named.http;
        self.ai_flows += other.ai_flows;
        self.canaries.join(other.canaries);
    }
}
