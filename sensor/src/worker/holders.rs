//! The flows that hold bytes for reassembly, oldest first.
//!
//! When they hold too much together the oldest is given up. A hello comes within milliseconds, so those that wait the
//! longest are the ones that never end. A flow that let go and holds again is as young as its new bytes.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::flow::Flow;
use crate::flow::key::FlowKey;

/// Entries of flows that hold nothing any more, before they are looked for.
const MAX_STALE: usize = 4096;
/// What it costs to know that a flow holds bytes, counted with them: an entry of the queue and one of the map.
const ENTRY: usize = size_of::<(u64, FlowKey)>() + size_of::<(FlowKey, u64)>();

/// Who holds bytes.
#[derive(Debug)]
pub(super) struct Holders {
    /// In the order in which they began to hold. The entry of a flow that let go stays until it is looked for.
    queue: VecDeque<(u64, FlowKey)>,
    /// The number of each flow's entry.
    holding: HashMap<FlowKey, u64, RandomState>,
    begun: u64,
    held: usize,
    limit: usize,
}

impl Holders {
    /// `limit`: bytes of all flows together.
    pub(super) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), holding: HashMap::default(), begun: 0, held: 0, limit }
    }

    /// A flow held `before` bytes and now holds what it holds.
    pub(super) fn changed(&mut self, flow: &Flow, before: usize) {
        self.change(flow.key, before, flow.held());
    }

    fn change(&mut self, key: FlowKey, before: usize, now: usize) {
        self.held = self.held.saturating_sub(before).saturating_add(now);
        if before == 0 && now > 0 {
            self.begun = self.begun.wrapping_add(1);
            self.holding.insert(key, self.begun);
            self.queue.push_back((self.begun, key));
            self.look_for_stale();
        }
        if now == 0 {
            self.holding.remove(&key);
        }
    }

    /// The flow to give up when all together hold too much.
    pub(super) fn too_old(&mut self) -> Option<FlowKey> {
        while self.held.saturating_add(self.holding.len() * ENTRY) > self.limit {
            let (number, key) = self.queue.pop_front()?;
            if self.holding.get(&key) == Some(&number) {
                self.holding.remove(&key);
                return Some(key);
            }
        }
        None
    }

    /// Gives back what a flood has taken, once it is over.
    pub(super) fn tidy(&mut self) {
        if self.queue.capacity() > self.holding.len().saturating_mul(4).saturating_add(MAX_STALE) {
            self.forget_stale();
            self.queue.shrink_to_fit();
            self.holding.shrink_to_fit();
        }
    }

    /// A flow may hold and let go as often as it likes: at most half of the queue is stale.
    fn look_for_stale(&mut self) {
        if self.queue.len() > self.holding.len().saturating_mul(2).saturating_add(MAX_STALE) {
            self.forget_stale();
        }
    }

    fn forget_stale(&mut self) {
        self.queue.retain(|(number, key)| self.holding.get(key) == Some(number));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::decode::Packet;

    fn key(port: u16) -> FlowKey {
        let end = |last: u8, port: u16| (IpAddr::from([10, 0, 0, last]), port);
        FlowKey::of(&Packet::udp(end(1, port), end(2, 443), &[])).0
    }

    /// Gives up what is too old, as a worker does; says who that was.
    fn given_up(holders: &mut Holders, bytes: usize) -> Vec<FlowKey> {
        std::iter::from_fn(|| {
            let key = holders.too_old()?;
            holders.change(key, bytes, 0);
            Some(key)
        })
        .collect()
    }

    #[test]
    fn the_oldest_goes_until_the_rest_fits() {
        let mut holders = Holders::new(3 * (1_000 + ENTRY));
        for port in 1..=3 {
            holders.change(key(port), 0, 1_000);
        }
        assert_eq!(given_up(&mut holders, 1_000), []);
        holders.change(key(4), 0, 1_000);
        assert_eq!(given_up(&mut holders, 1_000), [key(1)]);
        holders.change(key(4), 1_000, 2_500);
        assert_eq!(given_up(&mut holders, 1_000), [key(2), key(3)]);
        assert_eq!((holders.held, holders.holding.len()), (2_500, 1));
    }

    #[test]
    fn a_flow_that_holds_again_is_young() {
        let mut holders = Holders::new(2 * (1_000 + ENTRY));
        holders.change(key(1), 0, 1_000);
        holders.change(key(2), 0, 1_000);
        holders.change(key(1), 1_000, 0);
        holders.change(key(1), 0, 1_000);
        holders.change(key(3), 0, 1_000);
        assert_eq!(given_up(&mut holders, 1_000), [key(2)]);
    }

    #[test]
    fn a_flow_alone_that_holds_too_much_goes() {
        let mut holders = Holders::new(1_000);
        holders.change(key(1), 0, 5_000);
        assert_eq!(given_up(&mut holders, 5_000), [key(1)]);
        assert_eq!((holders.held, holders.holding.len()), (0, 0));
    }

    #[test]
    fn holding_and_letting_go_for_ever_fills_nothing() {
        let mut holders = Holders::new(1_000);
        for n in 0..100_000 {
            holders.change(key(n as u16 % 7), 0, 10);
            holders.change(key(n as u16 % 7), 10, 0);
        }
        assert!(holders.queue.len() <= MAX_STALE + 1 && holders.holding.is_empty(), "{}", holders.queue.len());
        holders.tidy();
        assert!(holders.queue.is_empty() && holders.queue.capacity() == 0);
    }
}
