//! What the parts of delivery have done since the start, as they tell it themselves behind each round.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ingest::batch::Folded;
use ingest::deliver::Delivered;
use ingest::siem::SiemReport;

use crate::time;

/// Counts of all parts, by their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts(Arc<Mutex<BTreeMap<String, Counts>>>);

/// One part's way to tell. Dropped with its thread, which then counts as ended.
#[derive(Debug)]
pub(crate) struct Part {
    parts: Parts,
    name: String,
}

/// What one part did.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// False once its thread has ended.
    pub(super) running: bool,
    /// Rounds that failed.
    pub(super) errors: u64,
    /// Why the last round failed; absent when it did not.
    pub(super) trouble: Option<String>,
    /// Segments judged or looked at.
    pub(super) segments: u64,
    /// What the store took.
    pub(super) stored: Option<Stored>,
    /// What a receiver took.
    pub(super) sent: Option<Sent>,
}

/// What the store took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stored {
    pub(super) folded: Folded,
    /// When it took a batch last, µs UTC.
    pub(super) last: Option<i64>,
}

/// What a receiver of findings took.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    /// Its name in the configuration.
    pub(super) sink: String,
    pub(super) events: u64,
    pub(super) refused: u64,
    pub(super) waiting: u64,
    pub(super) quiet: u64,
    /// Since when events wait and none is taken.
    stuck: Option<Instant>,
}

impl Parts {
    /// A part begins.
    pub(crate) fn begin(&self, name: &str) -> Part {
        self.change(name, |counts| counts.running = true);
        Part { parts: self.clone(), name: name.to_owned() }
    }

    pub(super) fn all(&self) -> BTreeMap<String, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, name: &str, with: impl FnOnce(&mut Counts)) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        with(parts.entry(name.to_owned()).or_default());
    }
}

impl Part {
    /// A round of looking at records.
    pub(crate) fn judged(&self, delivered: &Delivered) {
        self.looked(delivered.judged);
    }

    /// The same where nothing is judged.
    pub(crate) fn looked(&self, segments: u64) {
        self.done(|counts| counts.segments += segments);
    }

    /// A round of storing.
    pub(crate) fn stored(&self, folded: &Folded) {
        self.done(|counts| {
            let stored = counts.stored.get_or_insert_default();
            stored.folded.batches += folded.batches;
            stored.folded.records.new += folded.records.new;
            stored.folded.records.known += folded.records.known;
            stored.folded.rejected += folded.rejected;
            stored.folded.set_aside += folded.set_aside;
            if folded.batches > 0 {
                stored.last = Some(time::now());
            }
        });
    }

    /// A round of sending.
    pub(crate) fn sent(&self, report: &SiemReport) {
        self.done(|counts| {
            let sent = counts.sent.get_or_insert_default();
            sent.sink.clone_from(&report.sink);
            sent.events += report.sent;
            sent.refused += report.refused;
            (sent.waiting, sent.quiet) = (report.waiting, report.quiet);
            let moves = report.waiting == 0 || report.sent + report.refused > 0;
            sent.stuck = if moves { None } else { sent.stuck.or_else(|| Some(Instant::now())) };
            if report.error.is_some() {
                counts.errors += 1;
                counts.trouble.clone_from(&report.error);
            }
        });
    }

    /// A round that failed.
    pub(crate) fn failed(&self, why: &str) {
        self.parts.change(&self.name, |counts| {
            counts.errors += 1;
            counts.trouble = Some(why.to_owned());
        });
    }

    fn done(&self, with: impl FnOnce(&mut Counts)) {
        self.parts.change(&self.name, |counts| {
            counts.trouble = None;
            with(counts);
        });
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.parts.change(&self.name, |counts| counts.running = false);
    }
}

impl Sent {
    /// How long events have waited without one being taken.
    pub(super) fn stuck(&self) -> Duration {
        self.stuck.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_whose_thread_is_gone_is_not_running() {
        let parts = Parts::default();
        let part = parts.begin("the store");
        part.failed("store: gone");
        let counts = parts.all().remove("the store").unwrap();
        assert_eq!((counts.running, counts.errors, counts.trouble.as_deref()), (true, 1, Some("store: gone")));
        part.stored(&Folded::default());
        assert_eq!(parts.all()["the store"].trouble, None);
        drop(part);
        assert!(!parts.all()["the store"].running);
    }

    #[test]
    fn events_that_wait_while_none_is_taken_are_stuck() {
        let parts = Parts::default();
        let part = parts.begin("the SIEM soc");
        let report = |sent, waiting| SiemReport { sent, waiting, ..SiemReport::default() };
        let stuck = || parts.all()["the SIEM soc"].sent.clone().unwrap().stuck.is_some();
        part.sent(&report(0, 3));
        assert!(stuck());
        part.sent(&report(1, 2));
        assert!(!stuck(), "slow is not stuck");
        part.sent(&report(0, 2));
        part.sent(&report(2, 0));
        assert!(!stuck());
    }
}
