//! IP datagrams in fragments, put together again (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! Fragments may come in any order. What overlaps is treated by version:
//!
//! - IPv6: the datagram is dropped with all that belongs to it, also what comes later (RFC 5722). An exact copy of a
//!   fragment is passed over.
//! - IPv4: the first copy of a byte stays, as RFC 791 leaves open. A fragment behind the end of the datagram, or a
//!   second end, drops what is there.
//!
//! Lengths come from the headers: fragments that a snaplen cut complete their datagram too, with the bytes that were
//! captured up to the first that was not.
//!
//! All of it is bounded, and when there is no room the oldest datagram makes it: a flood of parts without their rest
//! pushes out its own, while the parts of a real datagram come within milliseconds.

mod datagram;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ip::Ip;
use super::{Depth, Link};
pub use datagram::Datagram;
use datagram::{Open, Step};

/// Datagrams that wait for the rest at the same time.
const MAX_DATAGRAMS: usize = 4096;
/// Bytes that they hold together, the bookkeeping included.
const MAX_BYTES: usize = 32 << 20;
/// How long a datagram waits, µs. Receivers wait 15 to 60 s (RFC 791, RFC 8200 section 4.5).
const TIMEOUT: i64 = 30_000_000;

/// A part of an IP datagram.
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'a> {
    pub(super) ip: Ip<'a>,
    pub(super) link: Link,
    pub(super) depth: Depth,
}

/// Datagrams that did not become whole, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// The rest did not come in time.
    pub incomplete: u64,
    /// Fragments contradicted each other.
    pub conflict: u64,
    /// They made room for newer ones, or had too many fragments.
    pub full: u64,
}

/// What belongs to one datagram: RFC 791 says addresses, protocol and identification, RFC 8200 leaves the protocol out.
/// Copies that a mirror takes on two VLANs are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    id: u32,
    vlan: Option<u16>,
}

/// The datagrams that wait for the rest.
#[derive(Debug, Default)]
pub struct Fragments {
    open: BTreeMap<Key, Open>,
    ages: BTreeMap<u64, Key>,
    begun: u64,
    cost: usize,
    lost: Lost,
}

impl Fragments {
    /// Takes a fragment in that was seen at `time` (µs); gives the datagram that it completes.
    pub fn add(&mut self, time: i64, fragment: &Fragment<'_>) -> Option<Datagram> {
        self.expire(time);
        let key = Key::of(fragment);
        if !self.open.contains_key(&key) {
            self.begin(key, time);
        }
        let open = self.open.get_mut(&key)?;
        let before = open.cost;
        let step = open.add(fragment);
        self.cost = self.cost.saturating_sub(before).saturating_add(open.cost);
        match step {
            Step::Waits => self.make_room(),
            Step::Whole => return self.remove(&key).and_then(Open::join),
            Step::Full => {
                self.remove(&key);
                count(&mut self.lost.full, true);
            }
            Step::Conflict => {
                count(&mut self.lost.conflict, true);
                // It stays as a mark, without its bytes, where its rest has to be dropped too.
                if key.src.is_ipv4() {
                    self.remove(&key);
                }
            }
        }
        None
    }

    /// Gives up all datagrams, as at the end of a capture.
    pub fn clear(&mut self) {
        while let Some(open) = self.remove_oldest() {
            count(&mut self.lost.incomplete, !open.dropped);
        }
    }

    /// What was lost since this was last asked.
    pub fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    /// Datagrams that wait, and what they hold, bytes.
    pub fn held(&self) -> (usize, usize) {
        (self.open.len(), self.cost)
    }

    fn begin(&mut self, key: Key, begun: i64) {
        self.begun = self.begun.wrapping_add(1);
        let age = self.begun;
        let open = Open::new(begun, age);
        self.cost = self.cost.saturating_add(open.cost);
        self.open.insert(key, open);
        self.ages.insert(age, key);
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.open.len() > MAX_DATAGRAMS || self.cost > MAX_BYTES {
            let Some(open) = self.remove_oldest() else { return };
            count(&mut self.lost.full, !open.dropped);
        }
    }

    fn expire(&mut self, time: i64) {
        loop {
            let oldest = self.ages.first_key_value().and_then(|(_, key)| self.open.get(key));
            if oldest.is_none_or(|open| time.saturating_sub(open.begun) <= TIMEOUT) {
                return;
            }
            let Some(open) = self.remove_oldest() else { return };
            count(&mut self.lost.incomplete, !open.dropped);
        }
    }

    fn remove_oldest(&mut self) -> Option<Open> {
        let (_, &key) = self.ages.first_key_value()?;
        self.remove(&key)
    }

    fn remove(&mut self, key: &Key) -> Option<Open> {
        let open = self.open.remove(key)?;
        self.ages.remove(&open.age);
        self.cost = self.cost.saturating_sub(open.cost);
        Some(open)
    }
}

impl Key {
    fn of(fragment: &Fragment<'_>) -> Self {
        let Ip { src, dst, protocol, .. } = fragment.ip;
        let protocol = if src.is_ipv4() { protocol.0 } else { 0 };
        Self { src, dst, protocol, id: fragment.ip.part.id, vlan: fragment.link.vlan }
    }
}

fn count(counter: &mut u64, really: bool) {
    *counter = counter.saturating_add(u64::from(really));
}
