//! Spans of packet time that records are written for.

use super::part::{Counted, Part};
use super::{Worker, candidates, visibility};
use crate::ledger::Minute;
use crate::output::Output;

/// A span that is open, and those before it that are written: each is written once per source.
#[derive(Debug)]
pub(super) struct Span {
    length: i64,
    start: Option<i64>,
    earliest: i64,
}

impl Span {
    /// Spans of `length` µs.
    pub(super) fn new(length: i64) -> Self {
        Self { length, start: None, earliest: i64::MIN }
    }

    /// A frame came at `time`: a span is open from now on. A late frame counts in the one that is.
    pub(super) fn open(&mut self, time: i64) {
        if self.start.is_none() {
            self.start = Some((time.div_euclid(self.length) * self.length).max(self.earliest));
        }
    }

    /// True when the open span is over at `time`.
    pub(super) fn is_over(&self, time: i64) -> bool {
        self.start.is_some_and(|start| time >= start.saturating_add(self.length))
    }

    /// Ends the open span and gives its start. What was counted while none was open (`counted`) gets the next one.
    pub(super) fn close(&mut self, counted: bool) -> Option<i64> {
        let silent = || counted.then_some(self.earliest.max(0));
        let ended = self.start.take().or_else(silent)?;
        self.earliest = ended.saturating_add(self.length);
        Some(ended)
    }

    /// Another source begins: its spans are its own.
    pub(super) fn forget(&mut self) {
        self.start = None;
        self.earliest = i64::MIN;
    }
}

impl Worker {
    /// Ends the spans that are over at `time`. Spans are whole minutes, so this is asked once a minute.
    pub(super) fn turn(&mut self, time: i64, out: &mut impl Output) {
        if self.core.visibility.span.is_over(time) {
            self.close_visibility(out);
        }
        if self.core.candidates.span.is_over(time) {
            self.close_candidates(out);
        }
    }

    /// Ends both spans for good: what comes belongs to another source.
    pub(super) fn close_spans(&mut self, out: &mut impl Output) {
        self.close_visibility(out);
        self.close_candidates(out);
        self.core.visibility.span.forget();
        self.core.candidates.span.forget();
    }

    fn close_visibility(&mut self, out: &mut impl Output) {
        let mut steps = Vec::new();
        self.table.for_each(|flow| steps.extend(visibility::step(flow)));
        let core = &mut self.core;
        if let Some(ended) = core.visibility.close(steps, &core.known.devices()) {
            let source = core.ledger.source().to_owned();
            out.part(Part::new(core.origin.clone(), source, Counted::Visibility(ended)));
        }
        core.ledger.broken_many("visibility-full", std::mem::take(&mut core.visibility.overflow));
    }

    fn close_candidates(&mut self, out: &mut impl Output) {
        let mut steps = Vec::new();
        self.table.for_each(|flow| steps.extend(candidates::step(flow)));
        let core = &mut self.core;
        if let Some(ended) = core.candidates.close(steps) {
            let source = core.ledger.source().to_owned();
            out.part(Part::new(core.origin.clone(), source, Counted::Candidates(ended)));
        }
        core.ledger.broken_many("candidates-full", std::mem::take(&mut core.candidates.overflow));
    }

    /// Gives out a minute that is over.
    pub(super) fn minute(&self, minute: Option<Minute>, out: &mut impl Output) {
        if let Some(minute) = minute {
            let source = minute.source().to_owned();
            out.part(Part::new(self.core.origin.clone(), source, Counted::Minute(Box::new(minute))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::capture::{Frame, LinkType};
    use crate::ledger::MINUTE;
    use crate::record::Record;
    use crate::worker::WorkerConfig;

    #[test]
    fn each_span_is_written_once() {
        let mut span = Span::new(10);
        assert_eq!(span.close(false), None, "nothing was seen");
        span.open(17);
        span.open(25);
        assert!(!span.is_over(19) && span.is_over(20));
        assert_eq!(span.close(true), Some(10));
        span.open(12);
        assert_eq!(span.close(true), Some(20), "a late frame counts in the next one");
        assert_eq!(span.close(true), Some(30), "what ended in silence needs one too");
        span.forget();
        span.open(12);
        assert_eq!(span.close(true), Some(10));
    }

    #[derive(Default)]
    struct Seen(Vec<Record>);

    impl Output for Seen {
        fn record(&mut self, record: Record) {
            self.0.push(record);
        }
    }

    fn worker() -> Worker {
        Worker::new(WorkerConfig::new(Arc::new(rules::catalogue::Catalogue::builtin())))
    }

    fn frame(worker: &mut Worker, time: i64, out: &mut Seen) {
        worker.frame(&Frame { time, data: &[0; 9], wire_len: 9, link: LinkType::RawIp }, out);
    }

    /// A span that is over ends within seconds also where the minute before its end had no frame: other rings' parts of
    /// it do not wait.
    #[test]
    fn a_span_ends_in_time_after_a_silent_minute() {
        let (mut worker, mut out) = (worker(), Seen::default());
        frame(&mut worker, 8 * MINUTE, &mut out);
        worker.idle(9 * MINUTE, &mut out);
        assert!(worker.core.visibility.span.is_over(visibility::LENGTH));
        frame(&mut worker, visibility::LENGTH + 1, &mut out);
        worker.turn_at(visibility::LENGTH + 2, &mut out);
        assert!(!worker.core.visibility.span.is_over(visibility::LENGTH), "it is closed");
    }

    /// What is lost where no frame comes stands in the minute in which it was lost, and not at the beginning of time.
    #[test]
    fn losses_of_a_silent_interface_have_their_minute() {
        let (mut worker, mut out) = (worker(), Seen::default());
        worker.lost("restart", 7);
        for time in [600 * MINUTE + 5, 600 * MINUTE + 9, 601 * MINUTE, 602 * MINUTE] {
            worker.idle(time, &mut out);
        }
        worker.finish(&mut out);
        let [Record::Minute(minute)] = &out.0[..] else { panic!("{:?}", out.0) };
        assert_eq!((minute.minute, minute.frames, minute.drops["restart"]), (600 * MINUTE, 0, 7));
    }
}
