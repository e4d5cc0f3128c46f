//! What a client was told about an address: the names that its own DNS answers gave for it, while they live.
//!
//! A claim is never used for another client: addresses of content networks serve thousands of names, and only the
//! client that asked knows which one it meant.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Seconds that a claim outlives its TTL: clients keep connections and caches longer than they should.
const GRACE: i64 = 300;
/// Client and address pairs that are remembered: 5,000 clients with 25 live addresses each ...
const MAX_PAIRS: usize = 1 << 17;
/// ... in rooms that share nothing, so that whoever asks without end pushes out a few others' claims and not all. What
/// is left to one client is what an office behind one address needs.
const ROOMS: usize = 64;
/// Names for one pair; more say nothing any longer, so the one that ends first goes.
const MAX_NAMES: usize = 8;
/// µs by which an answer may be seen after the flow that it led to: mirrors reorder.
pub const SLACK: i64 = 1_000_000;
/// µs between two searches of a full room for claims that are over.
const SWEEP: i64 = 10_000_000;

/// DNS claims of the clients of one worker.
#[derive(Debug, Default)]
pub struct Claims {
    rooms: Vec<Room>,
    hasher: RandomState,
}

type Pair = (IpAddr, IpAddr);

#[derive(Debug)]
struct Room {
    pairs: HashMap<Pair, Vec<Claim>, RandomState>,
    /// Pairs in the order in which they were first claimed.
    order: VecDeque<Pair>,
    /// When it was last searched.
    swept: i64,
}

#[derive(Debug, Clone)]
struct Claim {
    name: Box<str>,
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
        if server.is_unspecified() || server.is_loopback() || server.is_multicast() {
            // A filter's way to say no.
            return;
        }
        if self.rooms.is_empty() {
            self.rooms.resize_with(ROOMS, Room::default);
        }
        let number = self.number(client);
        let Some(room) = self.rooms.get_mut(number) else { return };
        let claims = room.of((client, server), time);
        claims.retain(|claim| claim.expires >= time);
        let expires = time.saturating_add((i64::from(ttl) + GRACE) * 1_000_000);
        if let Some(claim) = claims.iter_mut().find(|claim| *claim.name == *name) {
            claim.expires = claim.expires.max(expires);
            return;
        }
        if claims.len() >= MAX_NAMES
            && let Some((first, _)) = claims.iter().enumerate().min_by_key(|(_, claim)| claim.expires)
        {
            claims.remove(first);
        }
        claims.push(Claim { name: name.into(), since: time, expires });
    }

    /// The names that `client` knew for `server` at `time` (µs), sorted.
    pub fn names(&self, client: IpAddr, server: IpAddr, time: i64) -> Vec<&str> {
        let room = self.rooms.get(self.number(client));
        let claims = room.and_then(|room| room.pairs.get(&(client, server))).map(Vec::as_slice).unwrap_or_default();
        let mut names: Vec<_> =
            claims.iter().filter(|claim| claim.holds_at(time)).map(|claim| &*claim.name).collect();
        names.sort_unstable();
        names
    }

    fn number(&self, client: IpAddr) -> usize {
        self.hasher.hash_one(client) as usize % ROOMS
    }
}

impl Default for Room {
    fn default() -> Self {
        Self { pairs: HashMap::default(), order: VecDeque::new(), swept: i64::MIN }
    }
}

impl Room {
    /// The claims of a pair. A pair that is new in a full room takes the place of those that are over, else of the
    /// oldest.
    fn of(&mut self, pair: Pair, time: i64) -> &mut Vec<Claim> {
        if !self.pairs.contains_key(&pair) {
            if self.is_full() && time >= self.swept.saturating_add(SWEEP) {
                self.swept = time;
                self.pairs.retain(|_, claims| claims.iter().any(|claim| claim.expires >= time));
                self.order.retain(|pair| self.pairs.contains_key(pair));
            }
            if self.is_full()
                && let Some(oldest) = self.order.pop_front()
            {
                self.pairs.remove(&oldest);
            }
            self.order.push_back(pair);
        }
        self.pairs.entry(pair).or_default()
    }

    fn is_full(&self) -> bool {
        self.pairs.len() >= MAX_PAIRS / ROOMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const BEN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 20));
    const ROOM: u32 = (MAX_PAIRS / ROOMS) as u32;

    fn server(n: u32) -> IpAddr {
        IpAddr::from((0xc000_0000 + n).to_be_bytes())
    }

    fn pairs(claims: &Claims) -> usize {
        claims.rooms.iter().map(|room| room.pairs.len()).sum()
    }

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
    fn a_shorter_answer_does_not_shorten_a_claim() {
        let mut claims = Claims::default();
        claims.add(ANNA, SERVER, "claude.ai", 3600, 0);
        claims.add(ANNA, SERVER, "claude.ai", 0, 1);
        assert_eq!(claims.names(ANNA, SERVER, 3_000_000_000), ["claude.ai"], "the client may use either");
    }

    #[test]
    fn the_ninth_name_takes_the_place_of_the_one_that_ends_first() {
        let mut claims = Claims::default();
        for (i, ttl) in [50, 60, 10, 60, 60, 60, 60, 60, 60].into_iter().enumerate() {
            claims.add(ANNA, SERVER, &format!("{i}.example"), ttl, 0);
        }
        let names = claims.names(ANNA, SERVER, 1);
        assert_eq!((names.len(), names.contains(&"2.example")), (MAX_NAMES, false), "{names:?}");
    }

    #[test]
    fn an_address_that_means_no_is_no_claim() {
        let mut claims = Claims::default();
        for address in ["0.0.0.0", "127.0.0.1", "::", "::1", "224.0.0.1"] {
            let address = address.parse().unwrap();
            claims.add(ANNA, address, "claude.ai", 60, 0);
            assert!(claims.names(ANNA, address, 1).is_empty());
        }
    }

    #[test]
    fn a_million_clients_are_bounded() {
        let mut claims = Claims::default();
        for n in 0..1_000_000_u32 {
            claims.add(IpAddr::from(n.to_be_bytes()), SERVER, "a.example", 60, i64::from(n));
        }
        assert!(pairs(&claims) <= MAX_PAIRS && pairs(&claims) > MAX_PAIRS * 9 / 10, "{}", pairs(&claims));
        assert!(claims.rooms.iter().all(|room| room.order.len() == room.pairs.len()));
        assert_eq!(claims.names(IpAddr::from(999_999_u32.to_be_bytes()), SERVER, 1_000_000), ["a.example"]);
    }

    #[test]
    fn whoever_asks_without_end_pushes_out_few_others() {
        let mut claims = Claims::default();
        let others: Vec<_> = (1..=1000_u32).map(|n| IpAddr::from((0x0a01_0000 + n).to_be_bytes())).collect();
        others.iter().for_each(|&client| claims.add(client, SERVER, "a.example", 60, 0));
        for n in 0..ROOM * 4 {
            claims.add(ANNA, server(n), "flood.example", 3600, i64::from(n));
        }
        let left = others.iter().filter(|&&client| !claims.names(client, SERVER, 1).is_empty()).count();
        assert!(left > 900, "{left}");
    }

    #[test]
    fn what_is_over_goes_before_what_is_old() {
        let mut claims = Claims::default();
        claims.add(ANNA, SERVER, "claude.ai", 7200, 0);
        for n in 1..ROOM {
            claims.add(ANNA, server(n), "short.example", 0, 0);
        }
        claims.add(ANNA, server(0), "late.example", 60, 400_000_000);
        assert_eq!(claims.names(ANNA, SERVER, 400_000_000), ["claude.ai"], "the oldest, and alive");
        assert_eq!(pairs(&claims), 2);
    }
}
