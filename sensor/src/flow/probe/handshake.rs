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
    /// The connection that was opened last.
    opened: Option<Opened>,
    /// The one before: packets of both mix where one is late, as around a Retry.
    other: Option<Opened>,
    client: Option<Side>,
    failures: u8,
    packets: u8,
    /// Datagrams that no key has opened, with their senders.
    waiting: Vec<(Side, Box<[u8]>)>,
}

/// A connection whose keys are known, and what is there of its hello.
#[derive(Debug)]
struct Opened {
    keys: InitialKeys,
    version: u32,
    /// Destination connection id of the client's first packet.
    dcid: Box<[u8]>,
    number: u64,
    crypto: Assembler,
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
        self.waiting() + self.crypto().map(Assembler::held).sum::<usize>()
    }

    /// Bytes of the hello and of datagrams that wait.
    pub(super) fn bytes(&self) -> usize {
        self.waiting() + self.crypto().map(Assembler::bytes).sum::<usize>()
    }

    /// A part of a hello is here.
    pub(super) fn is_unfinished(&self) -> bool {
        self.crypto().any(|crypto| !crypto.is_empty())
    }

    fn waiting(&self) -> usize {
        self.waiting.iter().map(|(_, datagram)| datagram.len()).sum()
    }

    fn crypto(&self) -> impl Iterator<Item = &Assembler> {
        [&self.opened, &self.other].into_iter().flatten().map(|opened| &opened.crypto)
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
            if !self.open(&initial, scratch) {
                unopened = true;
                continue;
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
    /// first after a Retry: RFC 9001 section 5.2). True when that succeeds; then the packet's connection is the last one.
    fn open(&mut self, initial: &Initial<'_>, scratch: &mut Vec<u8>) -> bool {
        if self.failures >= MAX_FAILURES || self.packets >= MAX_OPENED {
            return false;
        }
        let mut opens = |opened: &mut Option<Opened>| opened.as_mut().is_some_and(|it| it.open(initial, scratch));
        if opens(&mut self.opened) {
            self.packets += 1;
            return true;
        }
        if opens(&mut self.other) {
            std::mem::swap(&mut self.opened, &mut self.other);
            self.packets += 1;
            return true;
        }
        let Some(keys) = initial.client_keys().filter(|keys| initial.open(keys, scratch)) else {
            self.failures += 1;
            return false;
        };
        self.packets += 1;
        let (version, number) = (initial.number, initial.connection());
        let crypto = Assembler::default();
        self.other = self.opened.replace(Opened { keys, version, dcid: initial.dcid.into(), number, crypto });
        true
    }

    /// Reads the frames of an opened packet. What stands before a frame that must not be there counts.
    fn frames(&mut self, frames: &[u8], sender: Side) -> Look {
        let Some(Opened { crypto, number, .. }) = &mut self.opened else { return Look::More };
        let mut full = false;
        let walked = quic::crypto_frames(frames, |piece| {
            let at = i64::try_from(piece.offset).map_err(|_| Full);
            full |= at.and_then(|at| crypto.insert(at, piece.data)).is_err();
        });
        match read(crypto, *number, sender) {
            Look::More if full => Look::Full,
            Look::More if walked.is_err() => Look::Malformed(Dissector::Quic),
            look => look,
        }
    }

    fn wait(&mut self, datagram: &[u8], sender: Side) {
        let room = self.waiting.len() < MAX_WAITING && datagram.len() <= MAX_WAITING_BYTES;
        if room && self.client.is_none_or(|client| client == sender) {
            self.waiting.push((sender, datagram.into()));
        }
    }
}

impl Opened {
    fn open(&mut self, initial: &Initial<'_>, scratch: &mut Vec<u8>) -> bool {
        if self.version == initial.number {
            return initial.open(&self.keys, scratch);
        }
        let Some(keys) = initial.client_keys_of(&self.dcid).filter(|keys| initial.open(keys, scratch)) else {
            return false;
        };
        (self.keys, self.version) = (keys, initial.number);
        true
    }
}

/// Reads the hello at the start of a connection's CRYPTO data.
fn read(crypto: &mut Assembler, connection: u64, sender: Side) -> Look {
    let ready = crypto.ready();
    let Some((&[kind, a, b, c], _)) = ready.split_first_chunk::<4>() else { return Look::More };
    let end = (u32::from_be_bytes([0, a, b, c]) as usize).saturating_add(4);
    let found = match ready.get(..end) {
        _ if kind != tls::CLIENT_HELLO || end > tls::MAX_HELLO + 4 => None,
        Some(message) => hello(message, sender, Over::Quic),
        None => return Look::More,
    };
    let Some(mut found) = found else {
        *crypto = Assembler::default();
        return Look::Malformed(Dissector::Quic);
    };
    found.connection = connection;
    Look::Found(found)
}
