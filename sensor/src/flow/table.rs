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
/// Flows at the same time unless configured otherwise: an office of 5,000 has a tenth of that. It is half of what
/// a map of 2^21 places takes: with more in it the map does not clean up after those that left, but doubles.
pub const MAX_FLOWS: usize = (1 << 20) / 8 * 7;

/// All live flows.
#[derive(Debug)]
pub struct FlowTable {
    /// A map has more than twice the places that it uses, and more while it grows: a place is small, a flow is not.
    flows: HashMap<FlowKey, Box<Flow>, RandomState>,
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
        self.flows.get_mut(key).map(Box::as_mut)
    }

    /// Adds a flow; `None` when the table is full.
    pub fn insert(&mut self, flow: Flow) -> Option<&mut Flow> {
        if self.flows.len() >= self.limit {
            return None;
        }
        Some(self.flows.entry(flow.key).insert(Box::new(flow)).into_mut())
    }

    /// No flow more has room.
    pub fn is_full(&self) -> bool {
        self.flows.len() >= self.limit
    }

    /// Makes room in a full table. A flood of connections that nobody answers pushes out its own: the older half of the
    /// flows of which one end alone has sent payload goes. Where they are few, those go that were silent the longest.
    /// The search is long, and what it frees lasts as long again.
    pub fn make_room(&mut self) -> Leaving {
        let open = self.flows.values().filter(|flow| !flow.has_exchanged()).count();
        let few = open < self.limit / SHARE;
        let may_go = |flow: &Flow| few || !flow.has_exchanged();
        let gone = if few { self.flows.len() / SHARE } else { open / 2 };
        match self.oldest(gone.max(1), may_go) {
            Some(bar) => sorted(self.flows.extract_if(|_, flow| may_go(flow) && (flow.last, flow.key) <= bar)),
            None => Leaving::default(),
        }
    }

    /// The youngest of the `n` oldest flows among those that may go. Of one moment the key decides, so that a replay gives
    /// up the same flows.
    fn oldest(&self, n: usize, may_go: impl Fn(&Flow) -> bool) -> Option<(i64, FlowKey)> {
        let may_go = || self.flows.values().filter(|flow| may_go(flow));
        let mut ages: Vec<_> = may_go().map(|flow| flow.last).collect();
        let at = n.min(ages.len()).checked_sub(1)?;
        let (older, &mut last, _) = ages.select_nth_unstable(at);
        let left = at - older.iter().filter(|age| **age < last).count();
        let mut keys: Vec<_> = may_go().filter(|flow| flow.last == last).map(|flow| flow.key).collect();
        let (_, &mut key, _) = keys.select_nth_unstable(left);
        Some((last, key))
    }

    /// Takes a flow out.
    pub fn remove(&mut self, key: &FlowKey) -> Option<Flow> {
        self.flows.remove(key).map(|flow| *flow)
    }

    /// The flows that are over at `time`, in the order in which they began; `None` between two sweeps.
    pub fn expire(&mut self, time: i64) -> Option<Leaving> {
        if time < self.swept.saturating_add(SWEEP) {
            return None;
        }
        self.swept = time;
        Some(sorted(self.flows.extract_if(|_, flow| flow.last.saturating_add(patience(flow)) < time)))
    }

    /// All flows, in the order in which they began.
    pub fn drain(&mut self) -> Leaving {
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
        self.flows.values_mut().map(Box::as_mut).for_each(each);
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

fn sorted(flows: impl Iterator<Item = (FlowKey, Box<Flow>)>) -> Leaving {
    let mut flows: Vec<_> = flows.map(|(_, flow)| flow).collect();
    flows.sort_unstable_by_key(|flow| (flow.start, flow.key));
    Leaving { flows: flows.into_iter() }
}

/// Flows that the table has given up, in the order in which they began. Each is freed when it was looked at.
#[derive(Debug, Default)]
pub struct Leaving {
    flows: std::vec::IntoIter<Box<Flow>>,
}

impl Iterator for Leaving {
    type Item = Flow;

    fn next(&mut self) -> Option<Flow> {
        self.flows.next().map(|flow| *flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Packet;
    use crate::flow::key::Endpoint;

    const SERVER: Endpoint = (std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 443);

    fn packet(port: u16, up: bool, time: i64) -> Packet<'static> {
        let client = ([10, 0, 0, 1].into(), port);
        let (src, dst) = if up { (client, SERVER) } else { (SERVER, client) };
        Packet { time, ..Packet::udp(src, dst, &[0; 9]) }
    }

    /// A flow that was seen last at `last`.
    fn flow(port: u16, last: i64, answered: bool) -> Flow {
        let asked = packet(port, true, last);
        let (key, sender) = FlowKey::of(&asked);
        let mut flow = Flow::new(key, sender, &asked, sender);
        flow.count(&asked, sender);
        if answered {
            flow.count(&packet(port, false, last), sender.other());
        }
        flow
    }

    /// A full table of so many flows that one end alone has spoken in, and so many with an answer. The younger a flow, the
    /// higher its port.
    fn full(open: u16, answered: u16) -> FlowTable {
        let mut table = FlowTable::new(usize::from(open + answered));
        for n in 0..open.max(answered) {
            if n < answered {
                table.insert(flow(1_000 + n, i64::from(n), true)).unwrap();
            }
            if n < open {
                table.insert(flow(30_000 + n, i64::from(n), false)).unwrap();
            }
        }
        assert!(table.is_full() && table.insert(flow(9, 0, false)).is_none());
        table
    }

    fn ports(flows: impl Iterator<Item = Flow>) -> Vec<u16> {
        flows.map(|flow| flow.client_end().1).collect()
    }

    #[test]
    fn a_flood_pushes_out_the_older_half_of_its_own() {
        let mut table = full(1_200, 400);
        assert_eq!(ports(table.make_room()), (30_000..30_600).collect::<Vec<_>>());
        assert!(table.insert(flow(9, 2_000, false)).is_some());
        let mut answered = 0;
        table.for_each(|flow| answered += usize::from(flow.has_exchanged()));
        assert_eq!(answered, 400);
    }

    #[test]
    fn where_few_are_open_those_go_that_were_silent_the_longest() {
        let mut table = full(40, 1_560);
        let mut gone = ports(table.make_room());
        gone.sort_unstable();
        let sixteenth: Vec<u16> = (1_000..1_060).chain(30_000..30_040).collect();
        assert_eq!(gone, sixteenth, "whether open or not");
    }

    #[test]
    fn flows_of_one_moment_make_room_too() {
        let mut table = FlowTable::new(64);
        (0..64).for_each(|port| assert!(table.insert(flow(port, 7, port % 2 == 0)).is_some()));
        assert_eq!(ports(table.make_room()), (0..32).map(|n| 2 * n + 1).take(16).collect::<Vec<_>>());
        assert!(table.insert(flow(99, 7, false)).is_some());
    }

    /// The same fraction of a power of two as the default.
    #[test]
    fn a_flood_that_lasts_makes_the_map_no_larger() {
        const LIMIT: usize = MAX_FLOWS >> 10;
        let mut table = FlowTable::new(LIMIT);
        for n in 0..200_000_i64 {
            if table.is_full() {
                table.make_room();
            }
            let mut flow = flow(0, n, n % 3 == 0);
            flow.key = FlowKey::of(&packet(n as u16, n % 2 == 0, n)).0;
            assert!(table.insert(flow).is_some());
            assert!(table.flows.capacity() <= 2 * LIMIT, "{} after {n}", table.flows.capacity());
        }
    }
}
