//! Flows whose hello names nothing wait for a moment, since mirrors reorder: the answer that the client connected by may
//! be seen after the hello.

use std::collections::VecDeque;

use super::Worker;
use super::naming::Core;
use crate::flow::key::FlowKey;
use crate::flow::waiting::{Clues, Waiting};
use crate::flow::{Flow, State};
use crate::name::claims::SLACK;
use crate::output::Output;

/// Flows that wait at the same time; beyond it the one that waited the longest is decided. An office has a few per
/// second.
const MAX_WAITING: usize = 1 << 14;

/// The flows that wait, in the order of their hellos.
#[derive(Debug, Default)]
pub(super) struct Queue {
    flows: VecDeque<(i64, FlowKey)>,
}

impl Queue {
    /// The next flow that has waited long enough at `time`. After a step back of the clock nobody waits for the old time.
    fn next(&mut self, time: i64) -> Option<FlowKey> {
        let (due, _) = *self.flows.front()?;
        let over = due <= time || due > time.saturating_add(2 * SLACK) || self.flows.len() > MAX_WAITING;
        if over { self.flows.pop_front().map(|(_, key)| key) } else { None }
    }
}

impl Core {
    /// Lets a flow wait.
    pub(super) fn wait(&mut self, flow: &mut Flow, clues: Clues, time: i64) {
        let client = self.clients.client(flow.client_end().0, clues.build);
        let foretold = self.foretold(flow, &clues);
        flow.state = State::Waiting(Box::new(Waiting::new(clues, foretold, client, time)));
        self.waiting.flows.push_back((flow.start.saturating_add(SLACK), flow.key));
    }

    /// Decides a flow that waits, as of its last packet: whatever other flows do, the record is the same.
    pub(super) fn settle(&mut self, flow: &mut Flow, out: &mut impl Output) {
        let State::Waiting(_) = &flow.state else { return };
        let State::Waiting(waiting) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        let Waiting { clues, tagged } = *waiting;
        let time = flow.last;
        self.weigh(flow, clues, Some(tagged), time, out);
    }
}

impl Worker {
    /// Decides the flows that have waited long enough at `time` (µs).
    pub(super) fn settle(&mut self, time: i64, out: &mut impl Output) {
        while let Some(key) = self.core.waiting.next(time) {
            if let Some(flow) = self.table.get_mut(&key) {
                self.core.settle(flow, out);
            }
        }
    }
}
