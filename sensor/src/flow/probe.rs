//! Looks at a flow's payload until its name is known or given up: ClientHellos over any number of TCP segments, HTTP
//! requests, and ClientHellos over QUIC Initial packets.

use super::client::Build;
use super::key::{Both, Side};
use crate::assemble::{Assembler, Full};
use crate::decode::{L4, Packet};
use crate::dissect::client_hello::ClientHello;
use crate::dissect::ja4::{Over, ja4};
use crate::dissect::{Parse, http, quic, tls};
use crate::record::Protocol;

/// TCP segments with payload that are looked at before a flow is given up: a hello after STARTTLS or CONNECT comes
/// within the first two dozen.
const MAX_SEGMENTS: u16 = 64;
/// UDP datagrams that are looked at. The client's hello comes first, but a capture may begin with later ones.
const MAX_DATAGRAMS: u16 = 16;
/// Attempts to decrypt on one flow: each costs some µs, and an attacker chooses how many fail.
const MAX_DECRYPTIONS: u8 = 12;
/// Initial packets that are read of one datagram. Clients send one, some two.
const MAX_INITIALS: usize = 3;
/// Looks at the bytes of a stream whose SYN was not seen before they are called another protocol's.
const MAX_UNCLEAR: u8 = 3;
/// How far before the first segment seen a stream may turn out to begin.
const MAX_REWIND: u32 = 64 << 10;

/// A name that was found, and who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The side that sent the hello or request.
    pub client: Side,
    /// Which protocol carried it.
    pub protocol: Protocol,
    /// The name: lower case, no final dot; absent in a hello without one.
    pub name: Option<String>,
    /// Application protocols offered.
    pub alpn: Vec<String>,
    /// The encrypted_client_hello extension is present.
    pub ech: bool,
    /// The encrypted_server_name extension is present.
    pub esni: bool,
    /// JA4 fingerprint of a hello.
    pub ja4: Option<String>,
    /// What the hello tells about the software that sent it.
    pub build: Build,
    /// What tells this QUIC connection from the next one on the same ports; 0 without QUIC.
    pub connection: u64,
    /// More may follow that names the flow better: an HTTP CONNECT.
    pub tunnel: bool,
}

/// What a look at a packet brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// A name, or the proof that the hello has none.
    Found(Box<Found>),
    /// Nothing yet.
    More,
    /// Nothing will come.
    GiveUp,
    /// A hello or request that is broken.
    Malformed,
}

/// The state of a flow that has no name yet.
#[derive(Debug, Default)]
pub struct Probe {
    looked: u16,
    tcp: Both<Stream>,
    quic: Option<Box<QuicProbe>>,
}

/// One direction of a TCP connection.
#[derive(Debug, Default)]
struct Stream {
    /// Sequence number of the assembler's offset 0; absent until a segment was seen.
    base: Option<u32>,
    /// The base is the SYN's word, not a guess from the first segment seen.
    sure: bool,
    /// The stream's beginning is another protocol's; a hello may still come at the start of a later segment.
    foreign: bool,
    /// Looks at a stream without a seen SYN that made no sense so far.
    unclear: u8,
    bytes: Assembler,
}

#[derive(Debug, Default)]
struct QuicProbe {
    keys: Option<quic::InitialKeys>,
    connection: u64,
    client: Option<Side>,
    crypto: Assembler,
    decryptions: u8,
}

impl Probe {
    /// Looks at one packet that `sender` sent. `scratch` is for decryption; its content does not matter.
    pub fn look(&mut self, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> Look {
        match packet.l4 {
            L4::Tcp { seq, flags } => {
                if flags.syn() {
                    self.tcp.of_mut(sender).begin(seq.wrapping_add(1));
                }
                if packet.payload.is_empty() {
                    return Look::More;
                }
                let seq = seq.wrapping_add(u32::from(flags.syn()));
                let look = self.tcp.of_mut(sender).segment(seq, packet.payload, sender);
                self.bounded(look, MAX_SEGMENTS)
            }
            L4::Udp => {
                let look = self.quic.get_or_insert_default().datagram(packet.payload, sender, scratch);
                self.bounded(look, MAX_DATAGRAMS)
            }
        }
    }

    /// What a side of a TCP connection sent, from its start to the first gap.
    pub fn stream(&self, side: Side) -> &[u8] {
        self.tcp.of(side).bytes.ready()
    }

    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        let quic = self.quic.as_ref().map_or(0, |quic| quic.crypto.held());
        self.tcp.iter().map(|stream| stream.bytes.held()).sum::<usize>() + quic
    }

    fn bounded(&mut self, look: Look, limit: u16) -> Look {
        self.looked += 1;
        match look {
            Look::More if self.looked >= limit => Look::GiveUp,
            other => other,
        }
    }
}

impl Stream {
    fn begin(&mut self, base: u32) {
        if !self.sure {
            *self = Self { base: Some(base), sure: true, ..Self::default() };
        }
    }

    fn segment(&mut self, seq: u32, payload: &[u8], sender: Side) -> Look {
        let later = self.base.is_some_and(|base| seq.wrapping_sub(base) <= u32::MAX / 2);
        if (self.foreign || self.unclear > 0 && later) && tls::begins_hello(payload) {
            *self = Self { base: Some(seq), sure: true, ..Self::default() };
        } else if self.foreign {
            return Look::More;
        }
        match self.place(seq, payload) {
            Ok(true) => self.dissect(sender),
            Ok(false) => Look::More,
            Err(Full) => self.give_up(),
        }
    }

    /// Puts a segment where it belongs. True when there is something new to read.
    fn place(&mut self, seq: u32, payload: &[u8]) -> Result<bool, Full> {
        let base = *self.base.get_or_insert(seq);
        if self.sure || seq.wrapping_sub(base) <= u32::MAX / 2 {
            return self.bytes.insert_segment(base, seq, payload);
        }
        let before = base.wrapping_sub(seq);
        if before > MAX_REWIND {
            return Err(Full);
        }
        self.bytes.shift(before as usize)?;
        self.base = Some(seq);
        self.bytes.insert(0, payload)
    }

    fn dissect(&mut self, sender: Side) -> Look {
        let stream = self.bytes.ready();
        match tls::client_hello(stream) {
            Parse::Done(message) => return hello(&message, sender, Over::Tcp),
            Parse::More => return Look::More,
            Parse::Malformed => return Look::Malformed,
            Parse::NotMine => {}
        }
        match http::request(stream) {
            Parse::Done(request) => {
                let tunnel = stream.starts_with(b"CONNECT ");
                if tunnel {
                    self.give_up();
                }
                Look::Found(Box::new(Found {
                    client: sender,
                    protocol: Protocol::Http,
                    name: request.host,
                    alpn: Vec::new(),
                    ech: false,
                    esni: false,
                    ja4: None,
                    build: Build::default(),
                    connection: 0,
                    tunnel,
                }))
            }
            Parse::More => Look::More,
            // The first segment seen need not be the stream's first: an earlier one may still come.
            Parse::NotMine if !self.sure && self.unclear < MAX_UNCLEAR => {
                self.unclear += 1;
                Look::More
            }
            Parse::NotMine => self.give_up(),
            Parse::Malformed => Look::Malformed,
        }
    }

    /// Lets go of the stream's bytes; only the start of a hello is still looked for.
    fn give_up(&mut self) -> Look {
        self.foreign = true;
        self.bytes = Assembler::default();
        Look::More
    }
}

impl QuicProbe {
    fn datagram(&mut self, datagram: &[u8], sender: Side, scratch: &mut Vec<u8>) -> Look {
        for initial in quic::initials(datagram).take(MAX_INITIALS) {
            if self.client.is_some_and(|client| client != sender) {
                continue;
            }
            let Some(frames) = self.open(&initial, sender, scratch) else { continue };
            let mut full = false;
            let walked = quic::crypto_frames(frames, |piece| {
                let placed = usize::try_from(piece.offset).map_err(|_| Full);
                full |= placed.and_then(|offset| self.crypto.insert(offset, piece.data)).is_err();
            });
            if walked.is_err() || full {
                return Look::Malformed;
            }
            match self.hello(sender) {
                Look::More => {}
                found => return found,
            }
        }
        Look::More
    }

    /// Decrypts with the keys at hand, else with those of this packet's own connection id (the first packet, or the
    /// first after a Retry: RFC 9001 section 5.2).
    fn open<'s>(
        &mut self,
        initial: &quic::Initial<'_>,
        sender: Side,
        scratch: &'s mut Vec<u8>,
    ) -> Option<&'s [u8]> {
        if self.decryptions >= MAX_DECRYPTIONS {
            return None;
        }
        self.decryptions += 1;
        if !self.keys.as_ref().is_some_and(|keys| initial.open(keys, scratch)) {
            let keys = initial.client_keys()?;
            if !initial.open(&keys, scratch) {
                return None;
            }
            self.keys = Some(keys);
            self.connection = initial.connection();
        }
        self.client = Some(sender);
        Some(initial.frames(scratch))
    }

    fn hello(&self, sender: Side) -> Look {
        let ready = self.crypto.ready();
        let Some((&[kind, a, b, c], _)) = ready.split_first_chunk::<4>() else { return Look::More };
        let end = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
        if kind != 1 || end > tls::MAX_HELLO {
            return Look::Malformed;
        }
        match ready.get(..end) {
            Some(message) => match hello(message, sender, Over::Quic) {
                Look::Found(found) => Look::Found(Box::new(Found { connection: self.connection, ..*found })),
                other => other,
            },
            None => Look::More,
        }
    }
}

fn hello(message: &[u8], sender: Side, over: Over) -> Look {
    let Some(hello) = ClientHello::parse(message) else { return Look::Malformed };
    Look::Found(Box::new(Found {
        client: sender,
        protocol: if over == Over::Quic { Protocol::Quic } else { Protocol::Tls },
        name: hello.sni(),
        alpn: hello.alpn_text(),
        ech: hello.has_ech(),
        esni: hello.has_esni(),
        ja4: Some(ja4(&hello, over)),
        build: Build::of(&hello),
        connection: 0,
        tunnel: false,
    }))
}
