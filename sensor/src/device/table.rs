//! All addresses and hardware addresses that a worker has seen, bounded.

use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::hardware::Hardware;
use super::holder::{Holder, Outcome};
use super::{Claim, Description, Identity, Source, is_single, is_unicast};
use crate::bytes::fnv1a;
use crate::decode::Mac;

/// Hardware addresses that are remembered: a /16 of clients. A flood of made-up ones drives out its like: of a full table
/// the eighth goes that was silent the longest, devices with a record last.
const MAX_HARDWARE: usize = 1 << 16;
/// Addresses that are remembered: two for each. The same rule.
const MAX_ADDRESSES: usize = 1 << 17;

/// Who has which address.
#[derive(Debug)]
pub struct Devices {
    holders: HashMap<IpAddr, Holder, RandomState>,
    hardware: HashMap<Mac, Hardware, RandomState>,
    max_hardware: usize,
    max_addresses: usize,
    lost: Lost,
}

/// What could not be kept or told apart since it was last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Hardware addresses and addresses that were forgotten to make room.
    pub forgotten: u64,
    /// Addresses that a second device began to claim, or got from a server while the first was using them.
    pub contested: u64,
}

impl Default for Devices {
    fn default() -> Self {
        Self::new(MAX_HARDWARE, MAX_ADDRESSES)
    }
}

impl Devices {
    /// A table with room for so many.
    pub fn new(max_hardware: usize, max_addresses: usize) -> Self {
        let (holders, hardware) = (HashMap::default(), HashMap::default());
        Self { holders, hardware, max_hardware, max_addresses, lost: Lost::default() }
    }

    /// Somebody has an address, at `time`.
    pub fn claim(&mut self, claim: &Claim, time: i64) {
        if !is_single(claim.mac) || !is_unicast(claim.ip) {
            return;
        }
        let hardware = self.hardware(claim.mac, time);
        let leased = claim.lease.is_some();
        if !leased && claim.source != Source::Frame {
            hardware.says(claim.ip, time);
        }
        if !is_believed(hardware, claim.source, leased, time) {
            return;
        }
        hardware.has(claim.ip, time);
        match self.holders.get_mut(&claim.ip) {
            Some(holder) => {
                let contested = matches!(holder.claim(claim, time), Outcome::Contested | Outcome::Taken);
                self.lost.contested += u64::from(contested);
            }
            None => {
                self.make_room_for_address();
                self.holders.insert(claim.ip, Holder::new(claim, time));
            }
        }
    }

    /// The first packet of a direction of a flow: `mac` sends for `ip`. `first_hop`: no router has forwarded it.
    pub fn frame(&mut self, mac: Mac, ip: IpAddr, first_hop: bool, time: i64) {
        if !is_single(mac) || !is_unicast(ip) {
            return;
        }
        let hardware = self.hardware(mac, time);
        hardware.sends_for(ip, time);
        if first_hop {
            self.claim(&Claim { mac, ip, source: Source::Frame, lease: None }, time);
        }
    }

    /// A device gives an address back, or a server refuses it.
    pub fn release(&mut self, mac: Mac, ip: IpAddr, time: i64) {
        if let Some(holder) = self.holders.get_mut(&ip) {
            holder.released(mac, time);
        }
    }

    /// A device says what it calls itself.
    pub fn describe(&mut self, mac: Mac, description: Description, time: i64) {
        if is_single(mac) {
            self.hardware(mac, time).describe(description);
        }
    }

    /// A hardware address is a router's.
    pub fn router(&mut self, mac: Mac, time: i64) {
        if is_single(mac) {
            self.hardware(mac, time).routes(time);
        }
    }

    /// The device that had `ip` from `since` to `now`.
    pub fn who(&self, ip: IpAddr, since: i64, now: i64) -> Option<Mac> {
        let holder = self.holders.get(&ip)?;
        let hardware = self.hardware.get(&holder.mac)?;
        holder.device(since).filter(|_| is_believed(hardware, holder.source, holder.leased, now))
    }

    /// What is known of a device, when it was not told yet, has changed, or was told long ago. It counts as told then.
    pub fn introduce(&mut self, mac: Mac, now: i64) -> Option<Identity> {
        let hardware = self.hardware.get(&mac)?;
        let own = |ip: &IpAddr| self.who(*ip, now, now) == Some(mac);
        let mut addresses: Vec<IpAddr> = hardware.addresses().filter(own).collect();
        addresses.sort_unstable();
        let source = addresses.iter().filter_map(|ip| Some(self.holders.get(ip)?.source)).min()?;
        let Description { host_name, vendor_class, .. } = hardware.description.clone();
        let first_seen = hardware.first_seen;
        let identity = Identity { mac, addresses, host_name, vendor_class, source, first_seen };
        let print = identity.print();
        self.hardware.get_mut(&mac)?.tell(print, now).then_some(identity)
    }

    /// What was lost since it was last asked.
    pub fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.hardware.len(), self.holders.len())
    }

    fn hardware(&mut self, mac: Mac, time: i64) -> &mut Hardware {
        if self.hardware.len() >= self.max_hardware && !self.hardware.contains_key(&mac) {
            let ages = self.hardware.iter().map(|(mac, one)| (one.is_told(), one.last_seen, *mac)).collect();
            for mac in oldest_eighth(ages) {
                self.hardware.remove(&mac);
                self.lost.forgotten += 1;
            }
        }
        let hardware = self.hardware.entry(mac).or_insert_with(|| Hardware::new(time));
        hardware.last_seen = hardware.last_seen.max(time);
        hardware
    }

    fn make_room_for_address(&mut self) {
        if self.holders.len() < self.max_addresses {
            return;
        }
        let told = |holder: &Holder| self.hardware.get(&holder.mac).is_some_and(Hardware::is_told);
        let ages = self.holders.iter().map(|(ip, one)| (told(one), one.seen, *ip)).collect();
        for ip in oldest_eighth(ages) {
            self.holders.remove(&ip);
            self.lost.forgotten += 1;
        }
    }
}

impl Identity {
    /// Tells one from another: what the next record would say anew.
    fn print(&self) -> u64 {
        let addresses: Vec<u8> = self.addresses.iter().flat_map(|ip| ip.to_string().into_bytes()).collect();
        let text = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let (name, vendor) = (text(&self.host_name), text(&self.vendor_class));
        fnv1a(&[&addresses, &[0], &name, &[0], &vendor, &[0], self.source.as_str().as_bytes()])
    }
}

/// A server knows. Frames of a router are others', and so are addresses that somebody answers for.
fn is_believed(hardware: &Hardware, source: Source, leased: bool, now: i64) -> bool {
    let forwards = source == Source::Frame && hardware.forwards(now);
    leased || !forwards && !hardware.answers_for_others(now)
}

/// The keys of the eighth, one at least, that comes first.
fn oldest_eighth<K: Ord + Copy>(mut ages: Vec<(bool, i64, K)>) -> Vec<K> {
    let count = (ages.len() / 8).max(1).min(ages.len());
    if count < ages.len() {
        ages.select_nth_unstable(count);
    }
    ages.into_iter().take(count).map(|(_, _, key)| key).collect()
}
