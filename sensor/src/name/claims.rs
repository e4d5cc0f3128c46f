//! What a client was told about an address: the names that its own DNS answers gave for it, while they live.
//!
//! A claim is never used for another client: addresses of content networks serve thousands of names, and only the
//! client that asked knows which one it meant.

use std::collections::VecDeque;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Seconds that a claim outlives its TTL: clients keep connections and caches longer than they should.
const GRACE: i64 = 300;
/// Client and address pairs that are remembered; 5,000 clients with a dozen live addresses each.
const MAX_PAIRS: usize = 1 << 16;
/// Names for one pair; more say nothing any longer, so the oldest goes.
const MAX_NAMES: usize = 8;
/// µs by which an answer may be seen after the flow that it led to: mirrors reorder.
const SLACK: i64 = 1_000_000;

/// DNS claims of the clients of one worker.
#[derive(Debug, Default)]
pub struct Claims {
    pairs: HashMap<(IpAddr, IpAddr), Vec<Claim>, RandomState>,
    /// Pairs in the order in which they were first claimed: the oldest goes when the map is full.
    order: VecDeque<(IpAddr, IpAddr)>,
}

#[derive(Debug, Clone)]
struct Claim {
    name: String,
    since: i64,
    expires: i64,
}

impl Claim {
    fn holds_at(&self, time: i64) -> bool {
        self.since <= time.saturating_add(SLACK) && self.expires >= time
    }
}

impl Claims {
    /// Remembers that `client` was told at `time` (µs) that `name` has address `server` for `ttl` seconds.
    pub fn add(&mut self, client: IpAddr, server: IpAddr, name: &str, ttl: u32, time: i64) {
        let key = (client, server);
        let expires = time.saturating_add((i64::from(ttl) + GRACE) * 1_000_000);
        if !self.pairs.contains_key(&key) {
            if self.pairs.len() >= MAX_PAIRS
                && let Some(oldest) = self.order.pop_front()
            {
                self.pairs.remove(&oldest);
            }
            self.order.push_back(key);
        }
        let claims = self.pairs.entry(key).or_default();
        claims.retain(|c| c.expires >= time);
        match claims.iter_mut().find(|c| c.name == name) {
            Some(claim) => claim.expires = expires,
            None => {
                if claims.len() >= MAX_NAMES {
                    claims.remove(0);
                }
                claims.push(Claim { name: name.to_owned(), since: time, expires });
            }
        }
    }

    /// The names that `client` knew for `server` at `time` (µs), sorted.
    pub fn names(&self, client: IpAddr, server: IpAddr, time: i64) -> Vec<&str> {
        let claims = self.pairs.get(&(client, server)).map(Vec::as_slice).unwrap_or_default();
        let mut names: Vec<_> = claims.iter().filter(|c| c.holds_at(time)).map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const BEN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 20));

    #[test]
    fn a_claim_is_the_clients_own_and_ends() {
        let mut claims = Claims::default();
        claims.add(ANNA, SERVER, "claude.ai", 60, 0);
        assert_eq!(claims.names(ANNA, SERVER, 1), ["claude.ai"]);
        assert!(claims.names(BEN, SERVER, 1).is_empty());
        assert!(claims.names(ANNA, SERVER, 361_000_000).is_empty());
    }

    #[test]
    fn what_was_learned_later_names_nothing_earlier() {
        let mut claims = Claims::default();
        claims.add(ANNA, SERVER, "claude.ai", 60, 100_000_000);
        assert!(claims.names(ANNA, SERVER, 1).is_empty());
        claims.add(ANNA, SERVER, "claude.ai", 60, 200_000_000);
        assert_eq!(
            claims.names(ANNA, SERVER, 150_000_000),
            ["claude.ai"],
            "a fresh answer does not end an old claim"
        );
    }

    #[test]
    fn the_ninth_name_takes_the_place_of_the_first() {
        let mut claims = Claims::default();
        for i in 0..=MAX_NAMES {
            claims.add(ANNA, SERVER, &format!("{i}.example"), 60, 0);
        }
        assert_eq!(claims.names(ANNA, SERVER, 1).len(), MAX_NAMES);
        assert!(claims.names(ANNA, SERVER, 1).contains(&"8.example"));
    }

    #[test]
    fn the_map_is_bounded() {
        let mut claims = Claims::default();
        for i in 0..(MAX_PAIRS as u32 + 10) {
            claims.add(IpAddr::from(i.to_be_bytes()), SERVER, "a.example", 60, 0);
        }
        assert_eq!(claims.pairs.len(), MAX_PAIRS);
        assert!(claims.names(IpAddr::from(0u32.to_be_bytes()), SERVER, 1).is_empty());
    }
}
