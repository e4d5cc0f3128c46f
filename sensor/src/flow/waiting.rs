//! A flow whose hello names nothing, until it is known what DNS told its client.

use rules::catalogue::{Access, Modality, Role, Strength};

use super::client::{Build, Client};
use super::key::Side;
use super::tag::{Tag, Tagged};
use crate::decode::Packet;
use crate::record::{Ech, Evidence, Protocol};

/// What is known of a flow that shows no name.
#[derive(Debug)]
pub struct Clues {
    /// What its hello came over.
    pub protocol: Protocol,
    /// Encrypted ClientHello.
    pub ech: Ech,
    /// The name that stands outside, where another one is hidden.
    pub outer: Option<String>,
    /// Application protocols offered.
    pub alpn: Vec<String>,
    /// JA4 of the hello.
    pub ja4: Option<String>,
    /// Which build of which client sent the hello.
    pub build: Build,
}

/// A flow that waits. What it sends meanwhile is counted as if it were an AI service's already.
#[derive(Debug)]
pub struct Waiting {
    /// What is known of it.
    pub clues: Clues,
    /// Its counters.
    pub tagged: Tagged,
}

impl Clues {
    /// Not even a hello.
    pub const NONE: Self = Self {
        protocol: Protocol::Other,
        ech: Ech::None,
        outer: None,
        alpn: Vec::new(),
        ja4: None,
        build: Build::NONE,
    };
}

impl Waiting {
    /// Begins to wait. `foretold` is what can be told now; without it packets are counted as a page's.
    pub fn new(clues: Clues, foretold: Option<Tag>, client: Client, time: i64) -> Self {
        let tag = foretold.unwrap_or_else(|| unknown(&clues));
        Self { tagged: Tagged::new(tag, client, time), clues }
    }

    /// Counts a packet.
    pub fn packet(&mut self, packet: &Packet<'_>, sender: Side, from_client: bool, advance: u64) {
        self.tagged.packet(packet, sender, from_client, advance);
    }
}

fn unknown(clues: &Clues) -> Tag {
    Tag {
        protocol: clues.protocol,
        host: None,
        evidence: Evidence::Ambiguous,
        candidates: Vec::new(),
        service: String::new(),
        role: Role::App,
        strength: Strength::Weak,
        plan: None,
        tenant: None,
        access: Access::Web,
        modality: Modality::Text,
        ech: clues.ech,
        alpn: clues.alpn.clone(),
        ja4: None,
        endpoint: None,
    }
}
