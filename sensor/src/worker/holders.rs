//! The flows that hold bytes for reassembly, oldest first.
//!
//! When they hold too much together the oldest is given up. A hello comes within milliseconds, so those that wait the
//! longest are the ones that never end.

use std::collections::VecDeque;

use crate::flow::Flow;
use crate::flow::key::FlowKey;

/// Entries of flows that hold nothing any more, before they are looked for.
const MAX_STALE: usize = 4096;

/// Who holds bytes.
#[derive(Debug)]
pub(super) struct Holders {
    /// In the order in which they began to hold. A flow that let go stays until it is looked for.
    queue: VecDeque<FlowKey>,
    holding: usize,
    held: usize,
    limit: usize,
}

impl Holders {
    /// `limit`: bytes of all flows together.
    pub(super) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), holding: 0, held: 0, limit }
    }

    /// A flow held `before` bytes and now holds what it holds.
    pub(super) fn changed(&mut self, flow: &Flow, before: usize) {
        let now = flow.held();
        self.held = self.held.saturating_sub(before).saturating_add(now);
        if before == 0 && now > 0 {
            self.holding += 1;
            self.queue.push_back(flow.key);
        }
        if before > 0 && now == 0 {
            self.holding = self.holding.saturating_sub(1);
        }
    }

    /// The flow to give up when all together hold too much.
    pub(super) fn too_old(&mut self) -> Option<FlowKey> {
        if self.held > self.limit { self.queue.pop_front() } else { None }
    }

    /// Forgets entries of flows that hold nothing, once there are many. `holds` says whether a flow does.
    pub(super) fn tidy(&mut self, mut holds: impl FnMut(&FlowKey) -> bool) {
        if self.queue.len() > self.holding.saturating_mul(2).saturating_add(MAX_STALE) {
            self.queue.retain(|key| holds(key));
        }
    }
}
