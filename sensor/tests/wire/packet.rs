//! IP packets without checksums, which no sensor behind a mirror port can rely on.

use std::net::{IpAddr, SocketAddr};

/// TCP control bits.
pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// Where the server's stream begins.
pub(crate) const SERVER_BASE: u32 = 9000;

/// The two ends of a connection, and what the next segment acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) ack: u32,
}

impl Ends {
    /// The same, seen from the server, which has all bytes before `ack`.
    pub(crate) fn back(self, ack: u32) -> Self {
        Self { client: self.server, server: self.client, ack }
    }

    /// A TCP segment to the server.
    pub(crate) fn tcp(self, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let ack = if flags & ACK == 0 { 0 } else { self.ack };
        let numbers = [seq, ack].map(u32::to_be_bytes).concat();
        let header = [&self.ports()[..], &numbers, &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat();
        self.ip(6, &[&header, payload].concat())
    }

    /// A UDP datagram to the server.
    pub(crate) fn udp(self, payload: &[u8]) -> Vec<u8> {
        let len = (8 + payload.len() as u16).to_be_bytes();
        self.ip(17, &[&self.ports()[..], &len, &[0, 0], payload].concat())
    }

    fn ports(self) -> Vec<u8> {
        [self.client.port().to_be_bytes(), self.server.port().to_be_bytes()].concat()
    }

    fn ip(self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).expect("16 bits of length");
        match (self.client.ip(), self.server.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let len = (20 + len).to_be_bytes();
                let header = [&[0x45, 0], &len[..], &[0, 0, 0x40, 0, 64, protocol, 0, 0]].concat();
                [&header[..], &src.octets(), &dst.octets(), payload].concat()
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let header = [&[0x60, 0, 0, 0], &len.to_be_bytes()[..], &[protocol, 64]].concat();
                [&header[..], &src.octets(), &dst.octets(), payload].concat()
            }
            _ => panic!("both ends are of one family"),
        }
    }
}
