//! What a QUIC datagram carries besides its content, as far as lengths tell: nothing inside can be read.

use super::key::{Both, Side};
use crate::decode::Packet;
use crate::dissect::quic;

/// Up to this size a datagram only acknowledges or controls: header (up to 25 bytes), a few frames, tag (16).
pub(super) const ACK: u32 = 80;
/// An acknowledgement grows with each hole in what it acknowledges: a datagram at most this much larger than the last
/// acknowledgement is another one. A range takes 2 to 4 bytes.
const ACK_GROWTH: u32 = 24;
/// Datagrams of the first flight are padded to at least this size (RFC 9000 section 14.1). A larger one than any before
/// tries out what the path carries (RFC 9000 section 14.4) and holds nothing else; should it be an upload's first, that
/// one datagram is lost to the count.
const MIN_PATH: u32 = 1200;
/// Bytes of a datagram of stream data besides its connection id and its data: 1 of flags, 2 of packet number, 16 of tag
/// (RFC 9001 section 5.3), and the STREAM frame's type (1), stream (1) and offset (4): RFC 9000 section 19.8.
const AROUND_DATA: u32 = 25;
/// The datagrams of one flow.
#[derive(Debug, Clone, Default)]
pub(super) struct QuicPath {
    /// Bytes of the connection id that the client sends, chosen by the server.
    id: u32,
    sides: Both<OneWay>,
}

#[derive(Debug, Clone, Copy, Default)]
struct OneWay {
    largest: u32,
    ack: u32,
}

/// What one datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datagram {
    /// Handshake, acknowledgement, control, or a probe of the path.
    Control,
    /// It carries about this many bytes of data.
    Data(u32),
}

impl QuicPath {
    /// Looks at a datagram from `sender`.
    pub(super) fn datagram(&mut self, packet: &Packet<'_>, sender: Side, from_client: bool) -> Datagram {
        let len = packet.payload_len;
        if quic::is_long_header(packet.payload) {
            if from_client {
                self.id = packet.payload.get(5).map_or(self.id, |&id| u32::from(id));
            }
            let way = self.sides.of_mut(sender);
            way.largest = way.largest.max(len);
            return Datagram::Control;
        }
        let id = if from_client { self.id } else { 0 };
        let way = self.sides.of_mut(sender);
        if len <= ACK.max(way.ack.saturating_add(ACK_GROWTH)) {
            way.ack = len;
            return Datagram::Control;
        }
        if len > way.largest.max(MIN_PATH) {
            way.largest = len;
            return Datagram::Control;
        }
        Datagram::Data(len.saturating_sub(AROUND_DATA + id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What datagrams of these lengths are.
    fn run(lens: &[u32]) -> Vec<Datagram> {
        let mut path = QuicPath::default();
        let ends = ([10, 0, 0, 7].into(), 40_000);
        let datagram = |(i, &len): (usize, &u32)| {
            let packet = Packet { time: i as i64, payload_len: len, ..Packet::udp(ends, ends, &[0x40; 24]) };
            path.datagram(&packet, Side::Low, true)
        };
        lens.iter().enumerate().map(datagram).collect()
    }

    #[test]
    fn acknowledgements_grow_and_stay_what_they_are() {
        let holes: Vec<u32> = (0..20).map(|i| 33 + i * 20).collect();
        assert!(run(&holes).iter().all(|datagram| *datagram == Datagram::Control));
        assert_eq!(run(&[33, 353]), [Datagram::Control, Datagram::Data(353 - AROUND_DATA)]);
    }

    #[test]
    fn a_probe_of_the_path_is_no_data_and_what_follows_is() {
        let data = |len| Datagram::Data(len - AROUND_DATA);
        assert_eq!(run(&[1200, 1366, 900, 1366]), [data(1200), Datagram::Control, data(900), data(1366)]);
    }
}
