//! The flow table's entries: who talks to whom, how much, and how far naming has come.

mod answer;
pub mod burst;
pub mod client;
mod copies;
mod direction;
pub mod holes;
pub mod key;
pub mod later;
pub mod local;
pub mod probe;
mod quic_path;
pub mod resolver;
pub mod sight;
pub mod speech;
pub mod table;
pub mod tag;
pub mod waiting;
pub mod watch;

use crate::bytes::Reader;
use crate::decode::{L4, Packet};
use crate::ledger::Method;
use copies::Copies;
pub use direction::Direction;
use direction::{COPIED, Segment};
use holes::TcpBytes;
use key::{Both, Endpoint, FlowKey, Side};
use later::Later;
use local::Listening;
use probe::Probe;
use resolver::Resolver;
use sight::Counted;
use tag::Tagged;
use waiting::Waiting;
use watch::Watch;

/// µs by which a mirror may give a SYN behind the data that follows it ...
const SWAPPED: i64 = 1_000_000;
/// ... and bytes: what is sent in the first flight.
const SWAPPED_BYTES: u32 = 64 << 10;

/// How far the naming of a flow has come.
#[derive(Debug)]
pub enum State {
    /// No payload yet.
    Silent,
    /// Bytes are still looked at.
    Probing(Box<Probe>),
    /// The flow is DNS itself.
    Resolver(Box<Resolver>),
    /// Cleartext HTTP between two local addresses: a model server may be there.
    Local(Box<Listening>),
    /// Named, and in no catalogue: it may be an AI service that nobody has listed.
    Watched(Box<Watch>),
    /// Its hello names nothing: DNS may tell in a moment.
    Waiting(Box<Waiting>),
    /// Decided, and no AI service: from here on a packet costs two additions.
    Decided,
    /// An AI service.
    Tagged(Box<Tagged>),
}

/// One flow.
#[derive(Debug)]
pub struct Flow {
    /// Its five-tuple.
    pub key: FlowKey,
    /// Who sent the first packet.
    pub first: Side,
    /// Who is the client, as far as is known.
    pub client: Side,
    /// Time of the first packet, µs.
    pub start: i64,
    /// Time of the last packet, µs.
    pub last: i64,
    /// Totals of each sender.
    pub sides: Both<Direction>,
    /// Innermost VLAN id.
    pub vlan: Option<u16>,
    /// A TCP connection that began before it was seen.
    pub late: bool,
    /// Both ends have closed, or one has reset.
    pub closed: bool,
    /// How far naming has come.
    pub state: State,
    /// What tells its name from another one that may follow: see [`later`].
    pub told: u32,
    /// The first name was a request's: others may follow on the same connection.
    pub plain: bool,
    /// Names that follow the first one.
    pub later: Option<Box<Later>>,
    /// Tells one QUIC connection from the next on the same ports: see [`probe::Found::connection`].
    pub connection: u64,
    /// Packets that looked like the start of another QUIC connection and were tried.
    pub tried: u8,
    /// The ledger's line for the flow's packets.
    pub method: Method,
    /// Frames and bytes that the ledger has under `pending` in the current minute.
    pub pending: Pending,
    /// What the device's visibility has of it.
    pub counted: Counted,
    /// What its sequence numbers told since the ledger took it.
    pub tcp: TcpBytes,
    /// What tells copies of its last packets.
    copies: Copies,
}

/// What the ledger holds of an undecided flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pending {
    /// The ledger's ordinal of the minute that the counts belong to.
    pub minute: u64,
    /// Frames.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

impl State {
    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        match self {
            Self::Probing(probe) => probe.held(),
            Self::Resolver(resolver) => resolver.held(),
            Self::Silent | Self::Local(_) | Self::Watched(_) => 0,
            Self::Waiting(_) | Self::Decided | Self::Tagged(_) => 0,
        }
    }

    /// True when the flow's name is still looked for.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Silent | Self::Probing(_) | Self::Resolver(_))
    }

    /// False once the flow is known to be no AI service's.
    fn may_be_ai(&self) -> bool {
        matches!(self, Self::Silent | Self::Probing(_) | Self::Waiting(_) | Self::Local(_) | Self::Tagged(_))
    }
}

impl Flow {
    /// Begins a flow with its first packet, which is not yet counted.
    pub fn new(key: FlowKey, sender: Side, packet: &Packet<'_>, client: Side) -> Self {
        let syn = matches!(packet.l4, L4::Tcp { flags, .. } if flags.syn());
        Self {
            key,
            first: sender,
            client,
            start: packet.time,
            last: packet.time,
            sides: Both::default(),
            vlan: packet.link.vlan,
            late: matches!(packet.l4, L4::Tcp { .. }) && !syn,
            closed: false,
            state: State::Silent,
            told: 0,
            plain: false,
            later: None,
            connection: 0,
            tried: 0,
            method: Method::Pending,
            pending: Pending::default(),
            counted: Counted::default(),
            tcp: TcpBytes::default(),
            copies: Copies::default(),
        }
    }

    /// Address and port of the client.
    pub fn client_end(&self) -> Endpoint {
        self.key.end(self.client)
    }

    /// Address and port of the server.
    pub fn server_end(&self) -> Endpoint {
        self.key.end(self.client.other())
    }

    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        self.state.held() + self.later.as_ref().map_or(0, |later| later.held())
    }

    /// Sequence numbers of the SYNs, as far as they were seen.
    pub fn isn(&self) -> Both<Option<u32>> {
        let mut isn = Both::default();
        for side in [Side::Low, Side::High] {
            *isn.of_mut(side) = self.sides.of(side).isn;
        }
        isn
    }

    /// True when both ends have sent payload.
    pub fn has_exchanged(&self) -> bool {
        self.sides.iter().all(|side| side.payload > 0)
    }

    /// True when packets of one direction alone were seen.
    pub fn one_way(&self) -> bool {
        self.sides.iter().any(|side| side.packets == 0)
    }

    /// True when a SYN with sequence number `seq` from `sender` is the one that began this flow: sent again, or given by
    /// the mirror behind the data that it announced.
    pub fn same_syn(&self, seq: u32, sender: Side, time: i64) -> bool {
        let side = self.sides.of(sender);
        let ahead = side.next_seq.map(|next| next.wrapping_sub(seq));
        let swapped = side.isn.is_none()
            && time.saturating_sub(self.start) <= SWAPPED
            && ahead.is_some_and(|ahead| (1..=SWAPPED_BYTES).contains(&ahead));
        // A connection shorter than the time between a frame and its copy is closed when the copies come.
        let open = !self.closed || time.saturating_sub(self.last) <= i64::from(COPIED);
        side.packets == 0 || open && side.isn == Some(seq) || !self.closed && swapped
    }

    /// Counts a packet; answers by how many payload bytes the sender's stream advanced. `None` for a copy, which says
    /// nothing new. Copies are told while the flow is an AI service's or may be.
    pub fn count(&mut self, packet: &Packet<'_>, sender: Side) -> Option<u64> {
        let copy = self.state.may_be_ai() && self.copies.holds(packet, sender);
        let side = self.sides.of_mut(sender);
        side.packets += 1;
        side.frame_bytes += u64::from(packet.frame_len);
        side.ip_bytes += u64::from(packet.ip_len);
        if copy {
            side.copies += 1;
            return None;
        }
        self.last = self.last.max(packet.time);
        let advance = match packet.l4 {
            L4::Udp => packet.payload_len,
            L4::Tcp { seq, flags } => {
                if flags.syn() {
                    side.isn = Some(seq);
                }
                self.closed |= flags.rst() && side.accepts_reset(seq);
                let (time, seq) = (packet.time as u32, seq.wrapping_add(u32::from(flags.syn())));
                let advance = side.advance(Segment { seq, len: packet.payload_len, flags, time }, &mut self.tcp);
                let number = || acknowledgement(packet.header).filter(|_| flags.ack());
                self.sides.of_mut(sender.other()).acknowledged(number, time);
                advance
            }
        };
        self.sides.of_mut(sender).payload += u64::from(advance);
        if packet.link.vlan.is_some() {
            self.vlan = packet.link.vlan;
        }
        let both_done = self.sides.iter().all(|side| side.fin);
        // Data after a RST: it was not the connection's own.
        self.closed = both_done || self.closed && advance == 0;
        Some(u64::from(advance))
    }

    /// What its sequence numbers tell now that it is over.
    pub fn left_out(&self) -> TcpBytes {
        let mut sums = TcpBytes::default();
        self.sides.iter().for_each(|side| side.end(&mut sums));
        sums
    }

    /// Forgets what tells copies once the flow is known to be no AI service's.
    pub fn forget_copies(&mut self) {
        if !self.state.may_be_ai() {
            self.copies = Copies::Nothing;
        }
    }
}

/// The acknowledgement number of a TCP header, where it was captured.
fn acknowledgement(header: &[u8]) -> Option<u32> {
    let mut header = Reader::new(header);
    header.skip(8).and_then(|()| header.u32()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_until_the_flow_is_known_to_be_no_ai_service() {
        let (client, server) = (([10, 0, 0, 7].into(), 40_000), ([198, 51, 100, 30].into(), 443));
        let packet = Packet { header: &[0; 8], ip_id: 7, ..Packet::udp(client, server, &[0x40; 100]) };
        let (key, sender) = FlowKey::of(&packet);
        let mut flow = Flow::new(key, sender, &packet, sender);
        let mut counted = |decided: bool, time| {
            if decided {
                flow.state = State::Decided;
                flow.forget_copies();
            }
            let advance = flow.count(&Packet { time, ..packet }, sender);
            let side = flow.sides.of(sender);
            (advance, side.packets, side.copies, side.payload, flow.last, matches!(flow.copies, Copies::Nothing))
        };
        assert_eq!(counted(false, 1), (Some(100), 1, 0, 100, 1, false));
        assert_eq!(counted(false, 2), (None, 2, 1, 100, 1, false));
        assert_eq!(counted(true, 3), (Some(100), 3, 1, 200, 3, true));
    }
}
