//! The table of the flows of one worker.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::key::FlowKey;
use super::{Flow, State};
use crate::record::Transport;

/// Idle time, µs, after which a TCP flow is over: keep-alives of browsers and proxies come more often.
const TCP_IDLE: i64 = 900 * 1_000_000;
/// The same for UDP. QUIC connections close after 30 to 300 s of silence.
const UDP_IDLE: i64 = 300 * 1_000_000;
/// The same for a TCP flow of which no answer was seen: scans and dead servers must not fill the table.
const UNANSWERED: i64 = 60 * 1_000_000;
/// How long a closed TCP flow waits for stragglers.
const LINGER: i64 = 10 * 1_000_000;
/// One in this many flows goes when a full table has no half-open flow to give: those that were silent the longest.
const SHARE: usize = 16;
/// How often, in µs of packet time, the table is searched for flows that are over.
const SWEEP: i64 = 10 * 1_000_000;
/// Flows at the same time unless configured otherwise: an office of 5,000 has a tenth of that.
pub const MAX_FLOWS: usize = 1 << 20;

/// All live flows.
#[derive(Debug)]
pub struct FlowTable {
    flows: HashMap<FlowKey, Flow, RandomState>,
    limit: usize,
    swept: i64,
}

impl FlowTable {
    /// An empty table for at most `limit` flows.
    pub fn new(limit: usize) -> Self {
        Self { flows: HashMap::default(), limit, swept: i64::MIN }
    }

    /// The flow of a key.
    pub fn get_mut(&mut self, key: &FlowKey) -> Option<&mut Flow> {
        self.flows.get_mut(key)
    }

    /// Adds a flow; `None` when the table is full.
    pub fn insert(&mut self, flow: Flow) -> Option<&mut Flow> {
        if self.flows.len() >= self.limit {
            return None;
        }
        Some(self.flows.entry(flow.key).insert(flow).into_mut())
    }

    /// No flow more has room.
    pub fn is_full(&self) -> bool {
        self.flows.len() >= self.limit
    }

    /// Makes room in a full table. A flood of connections that nobody answers pushes out its own: the older half of the
    /// flows of which one end alone has sent payload goes. Where they are few, those go that were silent the longest.
    /// The search is long, and what it frees lasts as long again.
    pub fn make_room(&mut self) -> Vec<Flow> {
        let mut open: Vec<_> =
            self.flows.values().filter(|flow| !flow.has_exchanged()).map(|flow| flow.last).collect();
        let few = open.len() < self.limit / SHARE;
        let (mut ages, gone) = match few {
            true => (self.flows.values().map(|flow| flow.last).collect(), self.flows.len() / SHARE),
            false => (std::mem::take(&mut open), self.flows.len() / 2),
        };
        let at = gone.min(ages.len() / 2);
        if at >= ages.len() {
            return Vec::new();
        }
        let (_, &mut until, _) = ages.select_nth_unstable(at);
        let mut left = at.max(1);
        let goes = |flow: &Flow| flow.last <= until && (few || !flow.has_exchanged());
        sorted(self.flows.extract_if(|_, flow| {
            let goes = left > 0 && goes(flow);
            left -= usize::from(goes);
            goes
        }))
    }

    /// Takes a flow out.
    pub fn remove(&mut self, key: &FlowKey) -> Option<Flow> {
        self.flows.remove(key)
    }

    /// The flows that are over at `time`, in the order in which they began; `None` between two sweeps.
    pub fn expire(&mut self, time: i64) -> Option<Vec<Flow>> {
        if time < self.swept.saturating_add(SWEEP) {
            return None;
        }
        self.swept = time;
        Some(sorted(self.flows.extract_if(|_, flow| flow.last.saturating_add(patience(flow)) < time)))
    }

    /// All flows, in the order in which they began.
    pub fn drain(&mut self) -> Vec<Flow> {
        self.swept = i64::MIN;
        sorted(self.flows.drain())
    }

    /// True when the table has been searched at a time after `time`.
    pub fn is_ahead_of(&self, time: i64) -> bool {
        time < self.swept
    }

    /// The clock was set back to `time`: what was to happen later happens by the new time.
    pub fn rebase(&mut self, time: i64) {
        self.swept = time;
        for flow in self.flows.values_mut() {
            flow.last = flow.last.min(time);
            if let State::Tagged(tagged) = &mut flow.state {
                tagged.rebase(time);
            }
        }
    }

    /// Gives every live flow to `each`, in no order.
    pub fn for_each(&mut self, each: impl FnMut(&mut Flow)) {
        self.flows.values_mut().for_each(each);
    }
}

fn patience(flow: &Flow) -> i64 {
    match flow.key.transport {
        Transport::Tcp if flow.closed => LINGER,
        Transport::Tcp if !flow.has_exchanged() => UNANSWERED,
        Transport::Tcp => TCP_IDLE,
        Transport::Udp => UDP_IDLE,
    }
}

fn sorted(flows: impl Iterator<Item = (FlowKey, Flow)>) -> Vec<Flow> {
    let mut flows: Vec<_> = flows.map(|(_, flow)| flow).collect();
    flows.sort_unstable_by_key(|flow| (flow.start, flow.key));
    flows
}
