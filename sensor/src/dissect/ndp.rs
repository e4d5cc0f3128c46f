//! Neighbour discovery of IPv6 (RFC 4861): whose hardware address is said, and who is a router.

use std::net::Ipv6Addr;

use super::Parse;
use crate::bytes::{Reader, Short};
use crate::decode::Mac;

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// The option with the sender's hardware address, and that with the target's.
const SOURCE: u8 = 1;
const TARGET: u8 = 2;
/// Options of one message. A router sends a dozen; more is an attempt to waste time.
const MAX_OPTIONS: usize = 32;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The sender of the packet has this hardware address.
    Sender(Mac),
    /// The target of the message has this hardware address.
    Target(Ipv6Addr, Mac),
    /// This hardware address is a router's.
    Router(Mac),
}

/// Reads an ICMPv6 message from its type on. `NotMine` where it says nothing of that kind.
pub fn message(bytes: &[u8]) -> Parse<Said> {
    let mut r = Reader::new(bytes);
    let Ok([kind, code, _, _]) = r.array() else { return Parse::Malformed };
    if code != 0 {
        return Parse::NotMine;
    }
    match read(kind, &mut r) {
        Ok(Some(said)) => Parse::Done(said),
        Ok(None) => Parse::NotMine,
        Err(Short) => Parse::Malformed,
    }
}

fn read(kind: u8, r: &mut Reader<'_>) -> Result<Option<Said>, Short> {
    match kind {
        ROUTER_SOLICITATION => {
            r.skip(4)?;
            Ok(option(r, SOURCE)?.map(Said::Sender))
        }
        ROUTER_ADVERTISEMENT => {
            r.skip(12)?;
            Ok(option(r, SOURCE)?.map(Said::Router))
        }
        SOLICITATION => {
            r.skip(20)?;
            Ok(option(r, SOURCE)?.map(Said::Sender))
        }
        ADVERTISEMENT => {
            r.skip(4)?;
            let target = Ipv6Addr::from(r.array::<16>()?);
            Ok(option(r, TARGET)?.map(|mac| Said::Target(target, mac)))
        }
        _ => Ok(None),
    }
}

/// The hardware address in the first option of this kind.
fn option(r: &mut Reader<'_>, wanted: u8) -> Result<Option<Mac>, Short> {
    for _ in 0..MAX_OPTIONS {
        if r.is_empty() {
            break;
        }
        let (kind, units) = (r.u8()?, r.u8()?);
        // Two bytes of eight are read. A length of zero would never end (RFC 4861 section 4.6).
        let left = usize::from(units).saturating_mul(8).checked_sub(2).ok_or(Short)?;
        let mut body = Reader::new(r.take(left)?);
        if kind == wanted && units == 1 {
            return body.array().map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [0x02, 0x77, 0, 0, 0, 0x16];

    fn bytes(kind: u8, fixed: &[u8], options: &[&[u8]]) -> Vec<u8> {
        [&[kind, 0, 0, 0], fixed, &options.concat()].concat()
    }

    fn address(kind: u8) -> Vec<u8> {
        [&[kind, 1][..], &MAC].concat()
    }

    #[test]
    fn each_message_says_its_own() {
        let target: Ipv6Addr = "2001:db8:77::16".parse().unwrap();
        let with_target = [&[0; 4][..], &target.octets()].concat();
        let nonce = [14, 1, 1, 2, 3, 4, 5, 6];
        let said = |kind, fixed: &[u8], option| message(&bytes(kind, fixed, &[&nonce, &address(option)]));
        assert_eq!(said(136, &with_target, 2), Parse::Done(Said::Target(target, MAC)));
        assert_eq!(said(135, &with_target, 1), Parse::Done(Said::Sender(MAC)));
        assert_eq!(said(133, &[0; 4], 1), Parse::Done(Said::Sender(MAC)));
        assert_eq!(said(134, &[0; 12], 1), Parse::Done(Said::Router(MAC)));
        assert_eq!(said(136, &with_target, 1), Parse::NotMine, "the source option has no meaning there");
        assert_eq!(said(137, &with_target, 2), Parse::NotMine);
    }

    #[test]
    fn broken_options_are_malformed() {
        assert_eq!(message(&bytes(133, &[0; 4], &[&[1, 0, 0, 0, 0, 0, 0, 0]])), Parse::Malformed);
        let whole = bytes(133, &[0; 4], &[&address(1)]);
        for end in 0..whole.len() {
            let expected = if end == 8 { Parse::NotMine } else { Parse::Malformed };
            assert_eq!(message(&whole[..end]), expected, "{end}");
        }
    }
}
