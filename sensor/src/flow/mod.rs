//! The flow table's entries: who talks to whom, how much, and how far naming has come.

pub mod burst;
pub mod key;
pub mod probe;
pub mod resolver;
pub mod table;
pub mod tag;

use crate::decode::{L4, Mac, Packet};
use crate::ledger::Method;
use key::{Both, Endpoint, FlowKey, Side};
use probe::Probe;
use resolver::Resolver;
use tag::Tagged;

/// A step in the sequence numbers larger than this is no loss or reordering: another connection, or an attempt to
/// inflate a count. Receive windows reach 16 MiB.
const MAX_GAP: u32 = 16 << 20;

/// Totals of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Direction {
    /// Packets, every copy counted.
    pub packets: u64,
    /// Frame bytes on the wire.
    pub frame_bytes: u64,
    /// IP bytes.
    pub ip_bytes: u64,
    /// Payload: of TCP the bytes by which the sequence numbers advanced, of UDP the datagrams.
    pub payload: u64,
    /// Hardware address of the sender as last seen.
    pub mac: Option<Mac>,
    /// Sequence number of the SYN.
    isn: Option<u32>,
    /// The sequence number that comes next.
    next_seq: Option<u32>,
    fin: bool,
}

/// How far the naming of a flow has come.
#[derive(Debug)]
pub enum State {
    /// Bytes are still looked at.
    Probing(Box<Probe>),
    /// The flow is DNS itself.
    Resolver(Box<Resolver>),
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
    /// The ledger's line for the flow's packets.
    pub method: Method,
    /// Frames and bytes that the ledger has under `pending` in the current minute.
    pub pending: Pending,
}

/// What the ledger holds of an undecided flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pending {
    /// The minute (µs) that the counts belong to.
    pub minute: i64,
    /// Frames.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Flow {
    /// Begins a flow with its first packet, which is not yet counted.
    pub fn new(key: FlowKey, sender: Side, packet: &Packet<'_>, client: Side, state: State) -> Self {
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
            state,
            method: Method::Pending,
            pending: Pending::default(),
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

    /// True when packets of one direction alone were seen.
    pub fn one_way(&self) -> bool {
        self.sides.iter().any(|side| side.packets == 0)
    }

    /// True when a SYN with sequence number `seq` from `sender` is the one that began this flow, sent again.
    pub fn same_syn(&self, seq: u32, sender: Side) -> bool {
        let side = self.sides.of(sender);
        side.packets == 0 || (!self.closed && side.isn == Some(seq))
    }

    /// Counts a packet; answers by how many payload bytes the sender's stream advanced.
    pub fn count(&mut self, packet: &Packet<'_>, sender: Side) -> u64 {
        self.last = self.last.max(packet.time);
        let side = self.sides.of_mut(sender);
        side.packets += 1;
        side.frame_bytes += u64::from(packet.frame_len);
        side.ip_bytes += u64::from(packet.ip_len);
        if packet.link.src.is_some() {
            side.mac = packet.link.src;
        }
        let advance = match packet.l4 {
            L4::Udp => packet.payload_len,
            L4::Tcp { seq, flags } => {
                side.fin |= flags.fin();
                if flags.syn() {
                    side.isn = Some(seq);
                }
                self.closed |= flags.rst();
                side.advance(seq.wrapping_add(u32::from(flags.syn())), packet.payload_len)
            }
        };
        side.payload += u64::from(advance);
        if packet.link.vlan.is_some() {
            self.vlan = packet.link.vlan;
        }
        self.closed |= self.sides.iter().all(|side| side.fin);
        u64::from(advance)
    }
}

impl Direction {
    /// Moves the sequence number past a segment. Retransmissions and doubled frames add nothing; a gap counts, since
    /// those bytes were sent as well: they are late, or the mirror lost them.
    fn advance(&mut self, seq: u32, len: u32) -> u32 {
        let end = seq.wrapping_add(len);
        let Some(next) = self.next_seq else {
            self.next_seq = Some(end);
            return len;
        };
        let ahead = end.wrapping_sub(next);
        if ahead == 0 || ahead > u32::MAX / 2 {
            return 0;
        }
        self.next_seq = Some(end);
        if ahead > MAX_GAP { len } else { ahead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_counted_by_sequence_number() {
        let mut d = Direction::default();
        let mut total = 0;
        // In order, a retransmission, a late segment, a lost one, across the wrap.
        for (seq, len) in [(u32::MAX - 99, 100), (0, 50), (0, 50), (100, 50), (50, 50), (200, 10)] {
            total += d.advance(seq, len);
        }
        assert_eq!(total, 310);
        assert_eq!(d.advance(0x8000_0000 - 1, 10), 10, "a jump is not a gap");
    }
}
