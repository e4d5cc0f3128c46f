//! One hardware address: what it is called, for whom it sends, and what was told of it.

use std::net::IpAddr;

use super::Description;
use super::holder::KEPT;

/// IPv4 addresses that one device sends from, or says to have, within [`WINDOW`]. More than a few aliases means that it
/// forwards for others (a router), or answers for them (proxy ARP).
pub(super) const FEW_V4: usize = 4;
/// The same for IPv6, where a device makes up a new address every day and keeps the old ones for a week: the kernel of
/// Linux has 16 at most (`max_addresses`).
pub(super) const FEW_V6: usize = 16;
/// µs in which they count: a lease may change, and a laptop may move, but not four times in an hour.
const WINDOW: i64 = 3_600_000_000;
/// µs between two records of a device that did not change.
const RECORD: i64 = 3_600_000_000;
/// µs between two records whatever changes: a name may be made up anew with each packet.
const PAUSE: i64 = 60_000_000;

/// A hardware address.
#[derive(Debug)]
pub(super) struct Hardware {
    pub(super) first_seen: i64,
    pub(super) last_seen: i64,
    pub(super) description: Description,
    /// Addresses that were its own at some time, at most [`FEW_V4`] and [`FEW_V6`] of them.
    addresses: Recent,
    /// Whose packets it sends.
    sends: Recent,
    /// Whose neighbour it says it is.
    says: Recent,
    forwards: Option<i64>,
    answers: Option<i64>,
    telling: Telling,
}

/// When a device is to be told of, by what the last record said and when.
#[derive(Debug, Default)]
pub struct Telling(Option<(i64, u64)>);

impl Telling {
    /// True when a record is due that says `print` at `now` (µs); it counts as told then.
    pub fn is_due(&mut self, print: u64, now: i64) -> bool {
        let due = self.0.is_none_or(|(time, told)| {
            let age = now.saturating_sub(time);
            age >= RECORD || print != told && age >= PAUSE
        });
        if due {
            self.0 = Some((now, print));
        }
        due
    }
}

impl Hardware {
    pub(super) fn new(time: i64) -> Self {
        Self {
            first_seen: time,
            last_seen: time,
            description: Description::default(),
            addresses: Recent::default(),
            sends: Recent::default(),
            says: Recent::default(),
            forwards: None,
            answers: None,
            telling: Telling::default(),
        }
    }

    /// It sends a packet that comes from `ip`.
    pub(super) fn sends_for(&mut self, ip: IpAddr, time: i64) {
        if !self.sends.add(ip, time) {
            self.forwards = Some(time);
        }
    }

    /// It says that `ip` is its own.
    pub(super) fn says(&mut self, ip: IpAddr, time: i64) {
        if !self.says.add(ip, time) {
            self.answers = Some(time);
        }
    }

    /// It is a router.
    pub(super) fn routes(&mut self, time: i64) {
        self.forwards = Some(time);
    }

    /// True when its frames may be other devices'.
    pub(super) fn forwards(&self, now: i64) -> bool {
        self.forwards.is_some_and(|seen| now.saturating_sub(seen) <= KEPT)
    }

    /// True when it answers for other devices.
    pub(super) fn answers_for_others(&self, now: i64) -> bool {
        self.answers.is_some_and(|seen| now.saturating_sub(seen) <= KEPT)
    }

    /// An address is its own.
    pub(super) fn has(&mut self, ip: IpAddr, time: i64) {
        self.last_seen = self.last_seen.max(time);
        if !self.addresses.add(ip, time) {
            self.addresses.replace_oldest(ip, time);
        }
    }

    /// The addresses that were its own.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.0.iter().map(|(ip, _)| *ip)
    }

    /// Takes in what it calls itself. What is told while it asks for a lease is not replaced by what is announced.
    pub(super) fn describe(&mut self, new: Description) {
        let old = &mut self.description;
        if new.host_name.is_some() && (new.leased || !old.leased || old.host_name.is_none()) {
            old.host_name = new.host_name;
            old.leased = new.leased;
        }
        if new.vendor_class.is_some() {
            old.vendor_class = new.vendor_class;
        }
    }

    /// True when a record is due that says `print`; it is told then.
    pub(super) fn tell(&mut self, print: u64, now: i64) -> bool {
        self.telling.is_due(print, now)
    }

    /// True when a record was written of it.
    pub(super) fn is_told(&self) -> bool {
        self.telling.0.is_some()
    }
}

/// A few addresses, each with the time at which it was last seen.
#[derive(Debug, Default)]
struct Recent(Vec<(IpAddr, i64)>);

impl Recent {
    /// False when there are too many of its family within the window.
    fn add(&mut self, ip: IpAddr, time: i64) -> bool {
        if let Some((_, seen)) = self.0.iter_mut().find(|(known, _)| *known == ip) {
            *seen = (*seen).max(time);
            return true;
        }
        let few = if ip.is_ipv4() { FEW_V4 } else { FEW_V6 };
        if self.family(ip) >= few {
            self.0.retain(|(_, seen)| time.saturating_sub(*seen) <= WINDOW);
        }
        let fits = self.family(ip) < few;
        if fits {
            self.0.push((ip, time));
        }
        fits
    }

    fn replace_oldest(&mut self, ip: IpAddr, time: i64) {
        let same = self.0.iter_mut().filter(|(known, _)| known.is_ipv4() == ip.is_ipv4());
        if let Some(oldest) = same.min_by_key(|(known, seen)| (*seen, *known)) {
            *oldest = (ip, time);
        }
    }

    fn family(&self, ip: IpAddr) -> usize {
        self.0.iter().filter(|(known, _)| known.is_ipv4() == ip.is_ipv4()).count()
    }
}
