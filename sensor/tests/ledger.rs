//! The visibility ledger adds up, whatever is captured and however badly; and what it estimates of TCP is near the truth.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is the failure message")]

#[path = "ledger/captures.rs"]
mod captures;
#[path = "ledger/conserved.rs"]
mod conserved;
#[path = "ledger/loss.rs"]
mod loss;
mod random;
#[path = "ledger/truth.rs"]
mod truth;

use std::collections::BTreeMap;
use std::sync::Arc;

use captures::Taken;
use rules::catalogue::Catalogue;
use sensor::flow::Flow;
use sensor::ledger::Counts;
use sensor::output::Output;
use sensor::record::{MinuteRecord, Record, Tally};
use sensor::worker::{Worker, WorkerConfig};

/// What one run gave.
#[derive(Default)]
struct Run {
    minutes: Vec<MinuteRecord>,
    /// Flows that ended, those of one direction alone, their frames and bytes.
    flows: u64,
    one_way: u64,
    frames: u64,
    bytes: u64,
    totals: Counts,
}

impl Output for Run {
    fn record(&mut self, record: Record) {
        if let Record::Minute(minute) = record {
            self.minutes.push(*minute);
        }
    }

    fn flow(&mut self, flow: &Flow) {
        self.flows += 1;
        self.one_way += u64::from(flow.one_way());
        self.frames += flow.sides.iter().map(|side| side.packets).sum::<u64>();
        self.bytes += flow.sides.iter().map(|side| side.frame_bytes).sum::<u64>();
    }
}

impl Run {
    fn of<'a>(frames: impl IntoIterator<Item = &'a Taken>) -> Self {
        let mut run = Self::default();
        let mut worker = Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())));
        frames.into_iter().for_each(|taken| worker.frame(&taken.frame(), &mut run));
        worker.finish(&mut run);
        run.totals = worker.totals();
        run
    }

    fn sum(&self, field: impl Fn(&MinuteRecord) -> u64) -> u64 {
        self.minutes.iter().map(field).sum()
    }

    /// A map of the records, added up.
    fn tallies(&self, map: impl Fn(&MinuteRecord) -> &BTreeMap<String, Tally>) -> BTreeMap<String, Tally> {
        let mut sums = BTreeMap::<String, Tally>::new();
        for (word, tally) in self.minutes.iter().flat_map(map) {
            let sum = sums.entry(word.clone()).or_default();
            sum.flows += tally.flows;
            sum.frames += tally.frames;
            sum.bytes += tally.bytes;
        }
        sums
    }

    /// Percent of the TCP data that the ledger takes for lost.
    fn loss(&self) -> f64 {
        100.0 * self.totals.tcp.missing as f64 / self.totals.tcp.bytes as f64
    }
}
