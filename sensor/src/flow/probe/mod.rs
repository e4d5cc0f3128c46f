//! Looks at a flow's payload until its name is known or given up: ClientHellos over any number of TCP segments, HTTP
//! requests, and ClientHellos over QUIC Initial packets.

mod handshake;
mod rival;
mod stream;

use rules::catalogue::{Catalogue, Hit};

use super::client::Build;
use super::key::{Both, Side};
use crate::decode::{L4, Packet};
use crate::dissect::Dissector;
use crate::dissect::client_hello::ClientHello;
use crate::dissect::ja4::{Over, Print};
use crate::record::{Ech, Protocol};
use handshake::Handshake;
use stream::Stream;

/// TCP segments that bring a hello or request no further, looked at before a flow is given up. A hello after STARTTLS or
/// CONNECT comes within the first two dozen.
const MAX_SEGMENTS: u16 = 64;
/// The same for UDP datagrams. The client's hello comes first, but a capture may begin with later ones.
const MAX_DATAGRAMS: u16 = 16;

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
    /// What the fingerprint of a hello is made of.
    pub print: Option<Print>,
    /// What the hello tells about the software that sent it.
    pub build: Build,
    /// What tells this QUIC connection from the next one on the same ports; 0 without QUIC.
    pub connection: u64,
}

impl Found {
    /// What the catalogue says of the name; nothing where a real encrypted hello hides another one.
    pub fn hit<'c>(&self, catalogue: &'c Catalogue, ech: Ech) -> Option<Hit<'c>> {
        catalogue.find(self.name.as_deref()?).filter(|_| ech != Ech::Real)
    }

    /// The JA4 fingerprint of the hello.
    pub fn ja4(&self) -> Option<String> {
        self.print.as_ref().map(Print::ja4)
    }
}

/// What a look at a packet brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// A name, or the proof that the hello has none.
    Found(Box<Found>),
    /// The host that a proxy is asked to connect to. A hello may follow that names the flow better.
    Tunnel(Box<Found>),
    /// Nothing yet.
    More,
    /// Nothing will come.
    GiveUp,
    /// A hello or request that is broken; another may follow.
    Malformed(Dissector),
    /// A hello that does not fit into the bounds of reassembly.
    Full,
}

/// What became of a flow that showed no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing was sent.
    Silence,
    /// A hello or request has begun and is not whole.
    Unfinished(Dissector),
    /// Another protocol.
    Foreign,
}

/// The state of a flow that has no name yet.
#[derive(Debug, Default)]
pub struct Probe {
    looked: u16,
    tcp: Both<Stream>,
    quic: Option<Box<Handshake>>,
    tunnel: Option<Box<Found>>,
}

impl Probe {
    /// Begins with the sequence numbers of the SYNs, as far as they were seen.
    pub fn new(isn: Both<Option<u32>>) -> Self {
        let mut probe = Self::default();
        for side in [Side::Low, Side::High] {
            if let Some(isn) = isn.of(side) {
                probe.tcp.of_mut(side).begin(isn.wrapping_add(1));
            }
        }
        probe
    }

    /// Looks at one packet that `sender` sent. `scratch` is for decryption; its content does not matter.
    pub fn look(&mut self, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> Look {
        let bytes = self.bytes();
        let look = self.look_at(packet, sender, scratch);
        let limit = if packet.l4 == L4::Udp { MAX_DATAGRAMS } else { MAX_SEGMENTS };
        match look {
            Look::More if self.bytes() > bytes || packet.payload.is_empty() => Look::More,
            Look::More | Look::Malformed(_) | Look::Full => {
                self.looked += 1;
                if self.looked >= limit { Look::GiveUp } else { look }
            }
            Look::Found(_) | Look::Tunnel(_) | Look::GiveUp => look,
        }
    }

    /// The same of a packet that is thought to be a copy: it brings the end of the search no nearer.
    pub fn look_at(&mut self, packet: &Packet<'_>, sender: Side, scratch: &mut Vec<u8>) -> Look {
        let look = match packet.l4 {
            L4::Tcp { seq, flags } => {
                if flags.syn() {
                    self.tcp.of_mut(sender).begin(seq.wrapping_add(1));
                }
                // What a RST carries is a word to people, not a part of the stream (RFC 9293 section 3.5.3).
                if packet.payload.is_empty() || flags.rst() {
                    return Look::More;
                }
                let seq = seq.wrapping_add(u32::from(flags.syn()));
                let look = self.tcp.of_mut(sender).segment(seq, packet.payload, sender);
                if self.tcp.of(sender).answers() {
                    self.tcp.of_mut(sender.other()).expect_requests();
                }
                look
            }
            L4::Udp => self.quic.get_or_insert_default().datagram(packet.payload, sender, scratch),
        };
        if let Look::Tunnel(found) = &look {
            self.tunnel = Some(found.clone());
        }
        look
    }

    /// Looks at what stands behind the request to a proxy, in the same segment.
    pub fn look_behind(&mut self, sender: Side) -> Look {
        self.tcp.of_mut(sender).read(sender)
    }

    /// The host that a proxy was asked for, when nothing followed that names the flow better.
    pub fn into_tunnel(self) -> Option<Box<Found>> {
        self.tunnel
    }

    /// What the flow was, as far as could be read.
    pub fn rest(&self) -> Rest {
        let begun = self.tcp.iter().find_map(Stream::unfinished);
        let begun = begun.or_else(|| self.quic.as_ref()?.is_unfinished().then_some(Dissector::Quic));
        match begun {
            Some(dissector) => Rest::Unfinished(dissector),
            None if self.quic.is_some() || self.tcp.iter().any(Stream::spoke) => Rest::Foreign,
            None => Rest::Silence,
        }
    }

    /// One end is a web server.
    pub fn is_plain(&self) -> bool {
        self.tcp.iter().any(Stream::answers)
    }

    /// What a side of a TCP connection sent, from its start to the first gap.
    pub fn stream(&mut self, side: Side) -> &[u8] {
        self.tcp.of_mut(side).ready()
    }

    /// Bytes of hellos and requests received so far: a packet that adds some brings a name nearer.
    fn bytes(&self) -> usize {
        self.tcp.iter().map(Stream::bytes).sum::<usize>() + self.quic.as_ref().map_or(0, |quic| quic.bytes())
    }

    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        self.tcp.iter().map(Stream::held).sum::<usize>() + self.quic.as_ref().map_or(0, |quic| quic.held())
    }
}

/// What a ClientHello message says; `None` when it is malformed.
fn hello(message: &[u8], sender: Side, over: Over) -> Option<Box<Found>> {
    let hello = ClientHello::parse(message)?;
    Some(Box::new(Found {
        client: sender,
        protocol: if over == Over::Quic { Protocol::Quic } else { Protocol::Tls },
        name: hello.sni(),
        alpn: hello.alpn_text(),
        ech: hello.has_ech(),
        esni: hello.has_esni(),
        build: Build::of(&hello),
        print: Some(Print::of(hello, over)),
        connection: 0,
    }))
}
