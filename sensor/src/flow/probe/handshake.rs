//! The Initial packets of a QUIC connection, until the client's hello in them is whole.

use super::{Look, hello};
use crate::assemble::{Assembler, Full};
use crate::dissect::ja4::Over;
use crate::dissect::quic::{self, Initial, InitialKeys};
use crate::dissect::{Dissector, tls};
use crate::flow::key::Side;

/// Attempts to decrypt on one flow that fail: each costs some µs, and an attacker chooses how many do.
const MAX_FAILURES: u8 = 12;
/// Packets that are decrypted on one flow. A hello of 64 KiB takes 56.
const MAX_OPENED: u8 = 128;
/// Initial packets that are read of one datagram. Clients send one, some two.
const MAX_INITIALS: usize = 8;
/// Datagrams that wait for the packet whose connection id the keys come from.
const MAX_WAITING: usize = 4;
/// Bytes of a datagram that waits: what a path of Ethernet frames carries.
const MAX_WAITING_BYTES: usize = 1_500;

/// The state of a QUIC handshake whose hello is not whole.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    opened: Option<Opened>,
    client: Option<Side>,
    crypto: Assembler,
    failures: u8,
    packets: u8,
    /// Datagrams that no key has opened, with their senders.
    waiting: Vec<(Side, Box<[u8]>)>,
}

/// The connection that the keys at hand belong to.
#[derive(Debug)]
struct Opened {
    keys: InitialKeys,
    version: u32,
    /// Destination connection id of the client's first packet.
    dcid: Box<[u8]>,
    number: u64,
}

/// How a packet was opened.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    /// With the keys at hand.
    AtHand,
    /// With those of its own connection id: another connection, or the same after a Retry.
    Own,
    /// Not at all.
    None,
}

impl Handshake {
    /// Reads a datagram of `sender`.
    pub(super) fn datagram(&mut self, datagram: &[u8], sender: Side, scratch: &mut Vec<u8>) -> Look {
        let before = self.connection();
        let (look, unopened) = self.packets(datagram, sender, scratch);
        if unopened {
            self.wait(datagram, sender);
        }
        if look != Look::More || self.connection() == before {
            return look;
        }
        for (sender, datagram) in std::mem::take(&mut self.waiting) {
            let (look, _) = self.packets(&datagram, sender, scratch);
            if look != Look::More {
                return look;
            }
        }
        Look::More
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.bytes() + self.crypto.held() - self.crypto.bytes()
    }

    /// Bytes of the hello and of datagrams that wait.
    pub(super) fn bytes(&self) -> usize {
        self.crypto.bytes() + self.waiting.iter().map(|(_, datagram)| datagram.len()).sum::<usize>()
    }

    /// A part of a hello is here.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.crypto.is_empty()
    }

    fn connection(&self) -> u64 {
        self.opened.as_ref().map_or(0, |opened| opened.number)
    }

    /// Reads the Initial packets of a datagram; tells as well whether one was not opened.
    fn packets(&mut self, datagram: &[u8], sender: Side, scratch: &mut Vec<u8>) -> (Look, bool) {
        let mut unopened = false;
        for initial in quic::initials(datagram).take(MAX_INITIALS) {
            if self.client.is_some_and(|client| client != sender) {
                continue;
            }
            match self.open(&initial, scratch) {
                Key::None => {
                    unopened = true;
                    continue;
                }
                Key::Own => self.crypto = Assembler::default(),
                Key::AtHand => {}
            }
            self.client = Some(sender);
            let look = self.frames(initial.frames(scratch), sender);
            if look != Look::More {
                return (look, unopened);
            }
        }
        (Look::More, unopened)
    }

    /// Decrypts with the keys at hand, else with those of this packet's own connection id (the first packet, or the
    /// first after a Retry: RFC 9001 section 5.2).
    fn open(&mut self, initial: &Initial<'_>, scratch: &mut Vec<u8>) -> Key {
        if self.failures >= MAX_FAILURES || self.packets >= MAX_OPENED {
            return Key::None;
        }
        if self.open_at_hand(initial, scratch) {
            self.packets += 1;
            return Key::AtHand;
        }
        let keys = initial.client_keys().filter(|keys| initial.open(keys, scratch));
        let Some(keys) = keys else {
            self.failures += 1;
            return Key::None;
        };
        self.packets += 1;
        let (version, number) = (initial.number, initial.connection());
        self.opened = Some(Opened { keys, version, dcid: initial.dcid.into(), number });
        Key::Own
    }

    fn open_at_hand(&mut self, initial: &Initial<'_>, scratch: &mut Vec<u8>) -> bool {
        let Some(opened) = &mut self.opened else { return false };
        if opened.version == initial.number {
            return initial.open(&opened.keys, scratch);
        }
        let Some(keys) = initial.client_keys_of(&opened.dcid).filter(|keys| initial.open(keys, scratch)) else {
            return false;
        };
        (opened.keys, opened.version) = (keys, initial.number);
        true
    }

    /// Reads the frames of an opened packet. What stands before a frame that must not be there counts.
    fn frames(&mut self, frames: &[u8], sender: Side) -> Look {
        let mut full = false;
        let walked = quic::crypto_frames(frames, |piece| {
            let at = i64::try_from(piece.offset).map_err(|_| Full);
            full |= at.and_then(|at| self.crypto.insert(at, piece.data)).is_err();
        });
        match self.hello(sender) {
            Look::More if full => Look::Full,
            Look::More if walked.is_err() => Look::Malformed(Dissector::Quic),
            look => look,
        }
    }

    fn hello(&mut self, sender: Side) -> Look {
        let ready = self.crypto.ready();
        let Some((&[kind, a, b, c], _)) = ready.split_first_chunk::<4>() else { return Look::More };
        let end = (u32::from_be_bytes([0, a, b, c]) as usize).saturating_add(4);
        let found = match ready.get(..end) {
            _ if kind != tls::CLIENT_HELLO || end > tls::MAX_HELLO + 4 => None,
            Some(message) => hello(message, sender, Over::Quic),
            None => return Look::More,
        };
        let Some(mut found) = found else {
            self.crypto = Assembler::default();
            return Look::Malformed(Dissector::Quic);
        };
        found.connection = self.connection();
        Look::Found(found)
    }

    fn wait(&mut self, datagram: &[u8], sender: Side) {
        let room = self.waiting.len() < MAX_WAITING && datagram.len() <= MAX_WAITING_BYTES;
        if room && self.client.is_none_or(|client| client == sender) {
            self.waiting.push((sender, datagram.into()));
        }
    }
}
