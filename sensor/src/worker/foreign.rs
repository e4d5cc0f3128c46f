//! Packets of other workers' clients: what they tell about devices and about encrypted hellos concerns all.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::naming::Core;
use super::questions::host;
use crate::decode::{L4, Mac, Packet};
use crate::dissect::Parse;
use crate::dissect::dns::{self, rr};
use crate::flow::resolver;

/// Pairs of hardware address and address that were heard of lately; a power of two. An office of 5,000 with as many
/// servers has room, and the table stays in the cache of a core.
const PAIRS: usize = 1 << 14;
/// µs after which such a pair is told again: devices are known by the minute.
const AGAIN: i64 = 5_000_000;

/// Which device sent for which address lately.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By hash: the pair and when it was told. Of two in one place the later stays.
    pairs: Vec<(u64, i64)>,
    hasher: RandomState,
}

impl Heard {
    /// True when a pair was not told for a while. It counts as told then.
    fn is_new(&mut self, mac: Mac, ip: IpAddr, time: i64) -> bool {
        if self.pairs.is_empty() {
            self.pairs.resize(PAIRS, (0, i64::MIN));
        }
        let print = self.hasher.hash_one((mac, ip));
        let Some(place) = self.pairs.get_mut(print as usize % PAIRS) else { return true };
        let known = place.0 == print && (place.1..place.1.saturating_add(AGAIN)).contains(&time);
        if !known {
            *place = (print, time);
        }
        !known
    }
}

impl Core {
    /// Hears a packet of another worker's client.
    pub(super) fn overhear_foreign(&mut self, packet: &Packet<'_>) {
        if packet.link.src.is_some_and(|mac| self.heard.is_new(mac, packet.src.0, packet.time)) {
            self.first_of_sender(packet);
        }
        if packet.l4 == L4::Udp && packet.src.1 == resolver::PORT && dns::asks_for(packet.payload, rr::HTTPS) {
            self.overhear_answer(packet);
        }
    }

    /// Learns the names that stand outside of encrypted hellos: whoever is told of one, all clients may use it.
    #[inline(never)]
    fn overhear_answer(&mut self, packet: &Packet<'_>) {
        let Parse::Done(message) = dns::message(packet.payload) else { return };
        if let ([question], true) = (&message.questions[..], message.response)
            && let Some(host) = host(&question.name)
        {
            self.learn_public(host, &message, packet.time);
        }
    }
}
