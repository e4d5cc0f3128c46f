//! One address, and who has it.

use super::{Claim, Source};
use crate::decode::Mac;

/// µs within which two devices that say the same address are a contest; after as long a silence of the first the address
/// has moved. Live hosts are heard every few seconds, and ARP caches ask again within a minute.
pub(super) const CONTEST: i64 = 60_000_000;
/// µs for which nobody has a contested address.
const UNCLEAR: i64 = 600_000_000;
/// µs for which an address without a lease is remembered: a laptop that slept over lunch. Leases are seldom shorter.
pub(super) const KEPT: i64 = 4 * 3_600_000_000;
/// The longest lease that is believed, seconds: a week. Servers give infinite ones, and strangers write any number.
const MAX_LEASE: u32 = 7 * 86_400;

/// Who has an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) mac: Mac,
    /// The strongest way in which that is known.
    pub(super) source: Source,
    /// A server has given it away, for the time until `until`.
    pub(super) leased: bool,
    /// When it was last heard of; long ago when it was given back.
    pub(super) seen: i64,
    /// Until when it is believed.
    until: i64,
    /// When it came from another device.
    moved: Option<i64>,
    /// Until when another device contests it.
    unclear: Option<i64>,
}

/// What a claim did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It says what was known.
    Known,
    /// The address is another device's from now on.
    Moved,
    /// The same, and the one before was using it.
    Taken,
    /// A contest began.
    Contested,
    /// A contest goes on.
    Unclear,
}

impl Holder {
    pub(super) fn new(claim: &Claim, time: i64) -> Self {
        let (until, leased) = (end(claim, time), claim.lease.is_some());
        Self { mac: claim.mac, source: claim.source, leased, seen: time, until, moved: None, unclear: None }
    }

    /// The device, for what happened from `since` on; `None` when it is unknown, or was another one, or contested, for a
    /// part of that.
    pub(super) fn device(&self, since: i64) -> Option<Mac> {
        let whole = self.moved.is_none_or(|moved| moved <= since);
        let clear = self.unclear.is_none_or(|unclear| unclear < since);
        (whole && clear && since <= self.until).then_some(self.mac)
    }

    /// Takes in what somebody says.
    pub(super) fn claim(&mut self, claim: &Claim, time: i64) -> Outcome {
        if claim.mac == self.mac {
            self.again(claim, time);
            return Outcome::Known;
        }
        // Also past the end of a lease: its renewal may not have been seen.
        let recent = time.saturating_sub(self.seen) <= CONTEST;
        if claim.lease.is_some() {
            // The server knows, not the client that says what it uses; what was unclear is settled.
            *self = Self { moved: Some(time), ..Self::new(claim, time) };
            // No server gives away what is in use: this one forgot, or somebody answers in its place.
            return if recent { Outcome::Taken } else { Outcome::Moved };
        }
        let stronger = self.leased || claim.source == Source::Frame && self.source != Source::Frame;
        if recent || time <= self.until && stronger {
            let goes_on = self.unclear.is_some_and(|unclear| time <= unclear);
            self.unclear = Some(time.saturating_add(UNCLEAR));
            return if goes_on { Outcome::Unclear } else { Outcome::Contested };
        }
        *self = Self { moved: Some(time), unclear: self.unclear, ..Self::new(claim, time) };
        Outcome::Moved
    }

    /// The same device says it again.
    fn again(&mut self, claim: &Claim, time: i64) {
        let expired = time > self.until;
        let until = end(claim, time);
        // A lease says its own end, and a shorter one replaces a longer one. Who is there after it has the address still.
        if claim.lease.is_some() || expired {
            (self.until, self.leased) = (until, claim.lease.is_some());
        } else if !self.leased {
            self.until = self.until.max(until);
        }
        self.source = if expired { claim.source } else { self.source.min(claim.source) };
        self.seen = self.seen.max(time);
    }

    /// The device gives it back.
    pub(super) fn released(&mut self, mac: Mac, time: i64) {
        if mac == self.mac {
            self.until = self.until.min(time.saturating_sub(1));
            // Nobody has to wait for it to be silent.
            self.seen = self.seen.min(time.saturating_sub(CONTEST).saturating_sub(1));
        }
    }
}

/// Until when a claim is believed.
fn end(claim: &Claim, time: i64) -> i64 {
    let lease = claim.lease.map(|seconds| i64::from(seconds.min(MAX_LEASE)) * 1_000_000);
    time.saturating_add(lease.unwrap_or(KEPT))
}
