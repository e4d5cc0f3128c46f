//! The flow table's entries: who talks to whom, how much, and how far naming has come.

mod answer;
pub mod burst;
pub mod client;
mod copies;
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

use crate::decode::{L4, Packet};
use crate::ledger::Method;
use copies::Copies;
use key::{Both, Endpoint, FlowKey, Side};
use later::Later;
use local::Listening;
use probe::Probe;
use resolver::Resolver;
use sight::Counted;
use tag::Tagged;
use waiting::Waiting;
use watch::Watch;

/// A step in the sequence numbers larger than this is no loss or reordering: another connection, or an attempt to
/// inflate a count. Receive windows reach 16 MiB.
const MAX_GAP: u32 = 16 << 20;

/// µs by which a mirror may give a SYN behind the data that follows it ...
const SWAPPED: i64 = 1_000_000;
/// ... and bytes: what is sent in the first flight.
const SWAPPED_BYTES: u32 = 64 << 10;

/// Totals of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Direction {
    /// Packets, every copy counted.
    pub packets: u64,
    /// Those of them that were told to be copies.
    pub copies: u64,
    /// Frame bytes on the wire, every copy counted.
    pub frame_bytes: u64,
    /// IP bytes, every copy counted.
    pub ip_bytes: u64,
    /// Payload: of TCP the bytes by which the sequence numbers advanced, of UDP the datagrams that are no copies.
    pub payload: u64,
    /// Sequence number of the SYN.
    isn: Option<u32>,
    /// The sequence number that comes next.
    next_seq: Option<u32>,
    /// Where a segment far beyond every window ended.
    jumped_to: Option<u32>,
    fin: bool,
}

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
        side.packets == 0 || !self.closed && (side.isn == Some(seq) || swapped)
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
                side.fin |= flags.fin();
                if flags.syn() {
                    side.isn = Some(seq);
                }
                self.closed |= flags.rst() && side.accepts_reset(seq);
                side.advance(seq.wrapping_add(u32::from(flags.syn())), packet.payload_len)
            }
        };
        side.payload += u64::from(advance);
        if packet.link.vlan.is_some() {
            self.vlan = packet.link.vlan;
        }
        let both_done = self.sides.iter().all(|side| side.fin);
        // Data after a RST: it was not the connection's own.
        self.closed = both_done || self.closed && advance == 0;
        Some(u64::from(advance))
    }

    /// Forgets what tells copies once the flow is known to be no AI service's.
    pub fn forget_copies(&mut self) {
        if !self.state.may_be_ai() {
            self.copies = Copies::Nothing;
        }
    }
}

impl Direction {
    /// Moves the sequence number past a segment; answers by how much the stream advanced. Retransmissions and doubled
    /// frames add nothing. A gap counts, since those bytes were sent as well: they are late, or the mirror lost them. A
    /// jump beyond any window is followed only when a second segment continues it, and counts only what was seen.
    fn advance(&mut self, seq: u32, len: u32) -> u32 {
        let end = seq.wrapping_add(len);
        let Some(next) = self.next_seq else {
            self.next_seq = Some(end);
            return len;
        };
        let ahead = end.wrapping_sub(next);
        if len == 0 || ahead == 0 || ahead > u32::MAX / 2 {
            return 0;
        }
        if ahead <= MAX_GAP {
            self.next_seq = Some(end);
            return ahead;
        }
        if self.jumped_to.replace(end) == Some(seq) {
            self.next_seq = Some(end);
        }
        len
    }

    /// True when a RST with this sequence number can be the connection's own.
    fn accepts_reset(&self, seq: u32) -> bool {
        self.next_seq.is_none_or(|next| seq.wrapping_sub(next) <= MAX_GAP || next.wrapping_sub(seq) <= MAX_GAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Link;

    #[test]
    fn payload_is_counted_by_sequence_number() {
        let mut d = Direction::default();
        let mut total = 0;
        // In order, a retransmission, a late segment, a lost one, across the wrap.
        for (seq, len) in [(u32::MAX - 99, 100), (0, 50), (0, 50), (100, 50), (50, 50), (200, 10)] {
            total += d.advance(seq, len);
        }
        assert_eq!(total, 310);
    }

    #[test]
    fn a_jump_is_followed_only_when_it_goes_on() {
        let mut d = Direction::default();
        d.advance(0, 100);
        assert_eq!(d.advance(15 << 20, 0), 0, "nothing was sent");
        assert_eq!(d.advance(1 << 30, 10), 10);
        assert_eq!(d.advance(100, 50), 50, "the stream goes on where it was");
        assert_eq!(d.advance((1 << 30) + 10, 10), 10);
        assert_eq!(d.advance((1 << 30) + 20, 10), 10, "now it is there");
        assert_eq!(d.advance(150, 50), 0);
    }

    #[test]
    fn copies_are_told_until_the_flow_is_known_to_be_no_ai_service() {
        let packet = Packet {
            time: 0,
            src: ([10, 0, 0, 7].into(), 40_000),
            dst: ([198, 51, 100, 30].into(), 443),
            l4: L4::Udp,
            header: &[0; 8],
            ip_id: 7,
            ttl: 64,
            payload: &[0x40; 100],
            payload_len: 100,
            frame_len: 142,
            ip_len: 128,
            link: Link::default(),
        };
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

    #[test]
    fn closing_adds_no_byte() {
        let mut d = Direction::default();
        assert_eq!([d.advance(1, 0), d.advance(1, 100), d.advance(101, 0), d.advance(102, 0)], [0, 100, 0, 0]);
    }
}
