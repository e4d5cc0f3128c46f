//! The counts behind the ledger's lines.

use std::collections::BTreeMap;

use super::answers::Answers;
use super::{METHODS, Method};
use crate::decode::NotFlow;
use crate::flow::holes::TcpBytes;
use crate::record::Tally;

/// Counts of one span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames seen.
    pub frames: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Flows that began.
    pub flows: u64,
    /// DNS questions.
    pub dns_questions: u64,
    /// Flows of which one direction alone was seen.
    pub one_way_flows: u64,
    /// TCP flows older than the sensor.
    pub late_flows: u64,
    /// What the dissectors said.
    pub answers: Answers,
    /// Frames that were copies of one shortly before, on flows to AI services or not yet decided: no `flow` record has
    /// them. The naming methods count them as they count every frame.
    pub duplicates: u64,
    /// What the sequence numbers of TCP told. Of UDP nothing can be said.
    pub tcp: TcpBytes,
    /// How often the clock was set back.
    pub clock_steps: u64,
    pub(super) methods: [Tally; METHODS.len()],
    pub(super) not_flow: BTreeMap<NotFlow, Tally>,
    pub(super) malformed: BTreeMap<&'static str, Tally>,
    pub(super) broken: BTreeMap<&'static str, u64>,
    pub(super) drops: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, frames: u64, bytes: u64) {
        self.frames += frames;
        self.bytes += bytes;
    }
}

impl Counts {
    /// True when nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The tally of a naming method.
    pub fn method(&self, method: Method) -> Tally {
        self.methods.get(method as usize).copied().unwrap_or_default()
    }

    /// Every naming method's name and tally, in the order of the enum.
    pub fn methods(&self) -> impl Iterator<Item = (&'static str, Tally)> {
        METHODS.iter().map(|&(method, name)| (name, self.method(method)))
    }

    /// Frames that belong to no flow, by kind.
    pub fn not_flow(&self) -> impl Iterator<Item = (&'static str, Tally)> {
        self.not_flow.iter().map(|(what, tally)| (what.as_str(), *tally))
    }

    /// Frames that could not be decoded, all reasons together.
    pub fn undecoded(&self) -> Tally {
        self.malformed.values().fold(Tally::default(), |mut sum, tally| {
            sum.add(tally.frames, tally.bytes);
            sum
        })
    }

    /// Packets lost before they were seen, by place.
    pub fn drops(&self) -> &BTreeMap<&'static str, u64> {
        &self.drops
    }

    /// Everything broken, by reason: frames that could not be decoded, and hellos, requests and messages that could not
    /// be read although their frames could.
    pub fn malformed(&self) -> BTreeMap<String, u64> {
        let frames = self.malformed.iter().map(|(&reason, tally)| (reason.to_owned(), tally.frames));
        let messages = self.answers.malformed();
        frames.chain(messages).chain(self.broken.iter().map(|(&reason, &n)| (reason.to_owned(), n))).collect()
    }

    /// Messages that could not be read, or never became whole, and what was given up for want of room. Their frames count
    /// elsewhere.
    pub fn broken(&self) -> BTreeMap<String, u64> {
        let messages = self.answers.malformed().chain(self.answers.unfinished());
        messages.chain(self.broken.iter().map(|(&reason, &n)| (reason.to_owned(), n))).collect()
    }

    /// Frames in all lines together: equal to [`Self::frames`].
    pub fn accounted(&self) -> Tally {
        let all = self.methods.iter().chain(self.not_flow.values()).chain(self.malformed.values());
        all.fold(Tally::default(), |mut sum, tally| {
            sum.flows += tally.flows;
            sum.add(tally.frames, tally.bytes);
            sum
        })
    }

    /// Adds what another worker counted in the same span. Each ring sees the same steps of the one clock.
    pub fn join(&mut self, other: &Self) {
        let clock_steps = self.clock_steps.max(other.clock_steps);
        self.merge(other);
        self.clock_steps = clock_steps;
    }

    /// Adds another span's counts.
    pub fn merge(&mut self, other: &Self) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.flows += other.flows;
        self.dns_questions += other.dns_questions;
        self.one_way_flows += other.one_way_flows;
        self.late_flows += other.late_flows;
        self.answers.merge(&other.answers);
        self.duplicates += other.duplicates;
        self.tcp.add(other.tcp);
        self.clock_steps += other.clock_steps;
        for (sum, tally) in self.methods.iter_mut().zip(&other.methods) {
            sum.flows += tally.flows;
            sum.add(tally.frames, tally.bytes);
        }
        for (&what, tally) in &other.not_flow {
            self.not_flow.entry(what).or_default().add(tally.frames, tally.bytes);
        }
        for (&why, tally) in &other.malformed {
            self.malformed.entry(why).or_default().add(tally.frames, tally.bytes);
        }
        for (&what, n) in &other.broken {
            *self.broken.entry(what).or_default() += n;
        }
        for (&place, n) in &other.drops {
            *self.drops.entry(place).or_default() += n;
        }
    }
}
