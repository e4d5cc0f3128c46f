//! A light watch on a flow whose name is in no catalogue: does it look like a conversation with a model?
//!
//! Counters only, for a bounded number of packets; then the flow costs what any decided flow costs.

use super::burst::Bursts;
use super::client::Manner;
use super::quic_path;
use crate::decode::{L4, Packet};
use crate::dissect::quic;

/// Packets with content that are looked at. Four thousand are an hour of chat.
const MAX_PACKETS: u16 = 4_096;
/// An answer packet from this size on is a piece of something larger, not a written word. Segments of TCP and datagrams
/// of QUIC that are full have 1,200 bytes and more.
const FULL: u64 = 1_200;
/// Full packets in one answer that are looked at: after them it is a download.
const MAX_FULL: u16 = 64;

/// The state of a watched flow.
#[derive(Debug)]
pub struct Watch {
    /// Its name.
    pub host: String,
    /// A program made it.
    pub program: bool,
    bursts: Bursts,
    upload: u64,
    packets: u16,
    /// Full packets since the client last sent something.
    full: u16,
    told: Told,
}

/// What a flow did, from its beginning or since it was last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// 1 once the flow was counted.
    pub flows: u64,
    /// 1 once an answer trickled in.
    pub streaming: u64,
    /// Exchanges.
    pub turns: u64,
    /// Content bytes sent.
    pub upload: u64,
    /// Payload bytes received.
    pub down: u64,
}

impl Told {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            flows: self.flows + other.flows,
            streaming: self.streaming + other.streaming,
            turns: self.turns + other.turns,
            upload: self.upload + other.upload,
            down: self.down + other.down,
        }
    }
}

impl Watch {
    /// Begins after the name is known; `manner` is what the client's hello looks like.
    pub fn new(host: String, manner: Manner) -> Self {
        let program = manner == Manner::Program;
        let mut bursts = Bursts::new(program);
        bursts.renders = manner == Manner::Browser;
        Self { host, program, bursts, upload: 0, packets: 0, full: 0, told: Told::default() }
    }

    /// Nothing more will come: decides the last exchange.
    pub fn settle(&mut self) {
        self.bursts.settle();
    }

    /// Counts a packet; `advance` is what it added to its sender's payload. False when the watch is over.
    pub fn packet(&mut self, packet: &Packet<'_>, from_client: bool, advance: u64) -> bool {
        let content = match packet.l4 {
            L4::Tcp { .. } => advance,
            L4::Udp if advance <= u64::from(quic_path::ACK) || quic::is_long_header(packet.payload) => 0,
            L4::Udp => advance,
        };
        if content == 0 {
            return true;
        }
        if !from_client && content >= FULL {
            self.full = self.full.saturating_add(1);
            if self.full > MAX_FULL {
                return true;
            }
        }
        self.packets += 1;
        if from_client {
            self.full = 0;
            self.upload += content;
            self.bursts.up(packet.time, content);
        } else {
            self.bursts.down(packet.time, content);
        }
        self.packets < MAX_PACKETS
    }

    /// What the flow did since it was last asked; `down` is what the server has sent so far.
    pub fn tell(&mut self, down: u64) -> Told {
        let now = Told {
            flows: 1,
            streaming: u64::from(self.bursts.streamed),
            turns: self.bursts.turns,
            upload: self.upload,
            down,
        };
        let before = std::mem::replace(&mut self.told, now);
        Told {
            flows: now.flows - before.flows,
            streaming: now.streaming - before.streaming,
            turns: now.turns - before.turns,
            upload: now.upload - before.upload,
            down: now.down - before.down,
        }
    }
}
