//! Second copies of a packet, as a mirror of two ports or of two switches gives them.
//!
//! A packet is a copy when one of the last few from the same side of its flow came shortly before and was the same:
//! identification of IPv4, transport header with checksum and options, length and first bytes of the payload. What a
//! switch or router changes on the way (hardware addresses, tags, tunnels, TTL, traffic class) is not compared.
//!
//! What is sent again is no copy: it has another identification, TCP timestamp or acknowledgement, or comes later. Where
//! none of these differs nobody can tell: empty acknowledgements over IPv6 without timestamps that repeat each other.
//! Payload is right all the same: TCP counts it by sequence number, and QUIC never sends the same bytes again.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

use super::key::{Both, Side};
use crate::decode::{L4, Packet};
use crate::dissect::quic::is_long_header;

/// µs between a packet and its copy, at most. Each switch between the two places delays a frame by what waits before
/// it: 2 MB of buffer on a port of 1 Gbit/s are 16 ms. What is lost is sent again after a round trip or two (RFC 8985),
/// which to a service on the internet take as long.
const WINDOW: u32 = 20_000;
/// Packets of each side that a new one is compared with. Both copies pass one switch with none or a few frames between
/// them. Where the second mirrored port is slower, all that a sender puts on the wire in one go passes the first before
/// the second gives copies: ten packets (RFC 6928, RFC 9002 section 7.2).
const REMEMBERED: usize = 16;
/// The same of a connection that has just been opened: one that stays silent takes no more room.
const OPENING: usize = 3;
/// Bytes of payload that are compared. Of QUIC they reach behind all but the longest connection ids to what is
/// encrypted, and so never repeats; a mirror that cuts frames to 66 bytes still holds them.
const SAMPLE: usize = 24;
/// The same of QUIC's handshake, whose headers hold both connection ids and a token and are alike in a client's first
/// packets: without checksum and identification only what is encrypted tells one from another.
const LONG_SAMPLE: usize = 128;
/// Bytes of a TCP header without options, and of a UDP header.
const TCP: usize = 20;
const UDP: usize = 8;
/// Stands for options and payload that a snaplen cut off.
const CUT: u32 = 0;

/// What is remembered of a flow that may be an AI service's, from its first packet on.
#[derive(Debug, Default)]
pub(super) enum Copies {
    /// Nothing was seen yet, or the flow is no AI service's.
    #[default]
    Nothing,
    /// The first packet: a scan has no other, and takes no memory.
    First(Side, Print),
    /// The last packets of both sides.
    Last(Box<Both<Last>>),
}

/// The last packets of one side.
#[derive(Debug, Default)]
pub(super) struct Last {
    /// In no order once there are [`REMEMBERED`].
    prints: Vec<Print>,
    next: usize,
}

/// What tells one packet from another. Two that differ have the same one in a flow of billions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Print {
    /// Identification, lengths and the header without options.
    head: u32,
    /// Options and payload, or [`CUT`].
    rest: u32,
    /// The low bits of the time, µs.
    time: u32,
}

impl Copies {
    /// True when a packet is a copy of one that was seen; else remembers it.
    pub(super) fn holds(&mut self, packet: &Packet<'_>, sender: Side) -> bool {
        let Some(print) = Print::of(packet) else { return false };
        match self {
            Self::Nothing => *self = Self::First(sender, print),
            Self::First(side, first) if *side == sender && print.is_copy_of(first) => return true,
            Self::First(side, first) => {
                let mut last = Box::<Both<Last>>::default();
                last.of_mut(*side).add(*first);
                last.of_mut(sender).add(print);
                *self = Self::Last(last);
            }
            Self::Last(last) => {
                let last = last.of_mut(sender);
                if last.prints.iter().any(|before| print.is_copy_of(before)) {
                    return true;
                }
                last.add(print);
            }
        }
        false
    }
}

impl Last {
    fn add(&mut self, print: Print) {
        let known = self.prints.len();
        if known < REMEMBERED {
            if known == self.prints.capacity() {
                self.prints.reserve_exact(if known == 0 { OPENING } else { REMEMBERED - known });
            }
            self.prints.push(print);
            return;
        }
        if let Some(place) = self.prints.get_mut(self.next) {
            *place = print;
        }
        self.next = (self.next + 1) % REMEMBERED;
    }
}

impl Print {
    /// `None` when too little was captured to tell it from others: the header is cut, or the payload of UDP, which has
    /// no sequence number.
    fn of(packet: &Packet<'_>) -> Option<Self> {
        let is_tcp = matches!(packet.l4, L4::Tcp { .. });
        let (fixed, options) = packet.header.split_at_checked(if is_tcp { TCP } else { UDP })?;
        let whole = fixed.get(12).is_none_or(|offset| usize::from(offset >> 4) * 4 <= packet.header.len());
        let compared = if !is_tcp && is_long_header(packet.payload) { LONG_SAMPLE } else { SAMPLE };
        let sample = packet.payload.get(..compared.min(packet.payload_len as usize)).filter(|_| whole);
        let rest = match sample {
            Some(sample) => hash([0, 0], &[options, sample]),
            None if is_tcp => CUT,
            None => return None,
        };
        let head = hash([packet.ip_id.into(), packet.payload_len], &[fixed]);
        Some(Self { head, rest, time: packet.time as u32 })
    }

    fn is_copy_of(&self, before: &Self) -> bool {
        let apart = self.time.wrapping_sub(before.time).cast_signed().unsigned_abs();
        let cut = self.rest == CUT || before.rest == CUT;
        self.head == before.head && (cut || self.rest == before.rest) && apart <= WINDOW
    }
}

/// Never 0. The same in each run: a replay gives the same records.
fn hash(numbers: [u32; 2], parts: &[&[u8]]) -> u32 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    numbers.into_iter().for_each(|number| hasher.write_u32(number));
    parts.iter().for_each(|part| hasher.write(part));
    ((hasher.finish() >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests;
