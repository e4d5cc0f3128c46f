//! ARP (RFC 826) over Ethernet for IPv4: who sends, as the message itself says.

use std::net::Ipv4Addr;

use super::Parse;
use crate::bytes::{Reader, Short};
use crate::decode::Mac;

const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// Sender of a request, a reply or an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// Its hardware address. An access point or a switch that passes the message on has another one in the frame.
    pub mac: Mac,
    /// The address that it says is its own.
    pub ip: Ipv4Addr,
}

/// Reads opcode and sender. A probe (RFC 5227: sender 0.0.0.0) claims nothing: `NotMine`, as RARP and its like.
pub fn sender(bytes: &[u8]) -> Parse<Sender> {
    match fields(Reader::new(bytes)) {
        Ok((REQUEST | REPLY, sender)) if !sender.ip.is_unspecified() => Parse::Done(sender),
        Ok(_) => Parse::NotMine,
        Err(Short) => Parse::Malformed,
    }
}

fn fields(mut r: Reader<'_>) -> Result<(u16, Sender), Short> {
    Ok((r.u16()?, Sender { mac: r.array()?, ip: Ipv4Addr::from(r.u32()?) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [0x02, 0x77, 0, 0, 0, 0x11];

    fn message(opcode: u8, ip: [u8; 4]) -> Vec<u8> {
        [&[0, opcode][..], &MAC, &ip].concat()
    }

    #[test]
    fn requests_and_replies_name_their_sender() {
        for opcode in [1, 2] {
            let told = Sender { mac: MAC, ip: Ipv4Addr::new(10, 77, 0, 11) };
            assert_eq!(sender(&message(opcode, [10, 77, 0, 11])), Parse::Done(told));
        }
    }

    #[test]
    fn probes_and_other_messages_claim_nothing() {
        assert_eq!(sender(&message(1, [0; 4])), Parse::NotMine);
        assert_eq!(sender(&message(3, [10, 0, 0, 1])), Parse::NotMine);
        for end in 0..12 {
            assert_eq!(sender(&message(2, [10, 0, 0, 1])[..end]), Parse::Malformed);
        }
    }
}
