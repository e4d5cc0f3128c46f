//! DHCP for IPv6 (RFC 8415): which client has which addresses. Relayed messages are taken out of their wrapping.
//!
//! Prefixes that a client is given for others (IA_PD) are passed over: who uses them is not the client.

use std::net::Ipv6Addr;

use super::Parse;
use super::dhcp::full_name;
use crate::bytes::{Reader, Short};
use crate::decode::Mac;

const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;

/// Options (IANA, DHCPv6).
mod option {
    pub(super) const CLIENT_ID: u16 = 1;
    pub(super) const IA_NA: u16 = 3;
    pub(super) const IA_TA: u16 = 4;
    pub(super) const IA_ADDRESS: u16 = 5;
    pub(super) const RELAYED: u16 = 9;
    pub(super) const NAME: u16 = 39;
    pub(super) const LINK_LAYER: u16 = 79;
}

/// Relays around a message: HOP_COUNT_LIMIT of RFC 8415 section 7.6.
const MAX_RELAYS: usize = 8;
/// Options of one level. Real messages have a dozen.
const MAX_OPTIONS: usize = 64;
/// Addresses of one message. A client asks for one or two.
const MAX_ADDRESSES: usize = 8;
const ETHERNET: u16 = 1;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A client asks.
    Asks,
    /// A server's answer: the addresses are the client's from now on.
    Reply,
    /// The client gives addresses back: release, decline.
    Gone,
    /// Another message.
    Other,
}

/// A message as far as a device's identity needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp6 {
    /// What it is for.
    pub kind: Kind,
    /// A relay passed it on: the frame is the relay's, not the client's.
    pub relayed: bool,
    /// The client's hardware address as its relay saw it (RFC 6939).
    pub link_layer: Option<Mac>,
    /// A hardware address of the client out of its DUID: of that interface which made the DUID, in most cases this one.
    pub duid: Option<Mac>,
    /// Addresses, with the seconds for which they are valid. Zero takes one back.
    pub addresses: Vec<(Ipv6Addr, u32)>,
    /// What the client calls itself, lower case, without its domain.
    pub host_name: Option<String>,
}

/// Reads one message.
pub fn message(bytes: &[u8]) -> Parse<Dhcp6> {
    match unwrap(bytes) {
        Ok(Some(message)) => Parse::Done(message),
        Ok(None) => Parse::NotMine,
        Err(Short) => Parse::Malformed,
    }
}

/// Takes the client's message out of what relays put around it.
fn unwrap(bytes: &[u8]) -> Result<Option<Dhcp6>, Short> {
    let (mut bytes, mut link_layer) = (bytes, None);
    for relays in 0..=MAX_RELAYS {
        let mut r = Reader::new(bytes);
        match r.u8()? {
            RELAY_FORWARD | RELAY_REPLY => {
                r.skip(33)?;
                let (mut inner, mut seen) = (None, None);
                each(r, |code, value| match code {
                    option::RELAYED => inner = Some(value),
                    option::LINK_LAYER => seen = hardware(value),
                    _ => {}
                })?;
                // The relay next to the client is the innermost.
                link_layer = seen.or(link_layer);
                let Some(inner) = inner else { return Ok(None) };
                bytes = inner;
            }
            kind @ 1..=11 => return client(kind, r, relays > 0, link_layer).map(Some),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// The message between client and server, behind its type.
fn client(kind: u8, mut r: Reader<'_>, relayed: bool, link_layer: Option<Mac>) -> Result<Dhcp6, Short> {
    r.skip(3)?;
    let kind = match kind {
        1 | 3..=6 | 11 => Kind::Asks,
        7 => Kind::Reply,
        8 | 9 => Kind::Gone,
        _ => Kind::Other,
    };
    let mut message = Dhcp6 { kind, relayed, link_layer, duid: None, addresses: Vec::new(), host_name: None };
    let mut broken = false;
    each(r, |code, value| match code {
        option::CLIENT_ID => message.duid = duid(value),
        option::IA_NA => broken |= addresses(value, 12, &mut message.addresses).is_err(),
        option::IA_TA => broken |= addresses(value, 4, &mut message.addresses).is_err(),
        option::NAME => {
            let name = value.split_first().map(|(_, name)| name).unwrap_or_default();
            message.host_name = full_name(name, true);
        }
        _ => {}
    })?;
    if broken { Err(Short) } else { Ok(message) }
}

/// Gives each option to `act`.
fn each<'a>(mut r: Reader<'a>, mut act: impl FnMut(u16, &'a [u8])) -> Result<(), Short> {
    for _ in 0..MAX_OPTIONS {
        if r.is_empty() {
            return Ok(());
        }
        let code = r.u16()?;
        act(code, r.vec16()?);
    }
    Ok(())
}

/// The addresses of an association; `fixed` bytes come before its options.
fn addresses(value: &[u8], fixed: usize, out: &mut Vec<(Ipv6Addr, u32)>) -> Result<(), Short> {
    let mut r = Reader::new(value);
    r.skip(fixed)?;
    let mut broken = false;
    each(r, |code, value| {
        if code == option::IA_ADDRESS && out.len() < MAX_ADDRESSES {
            match address(value) {
                Ok(address) => out.push(address),
                Err(Short) => broken = true,
            }
        }
    })?;
    if broken { Err(Short) } else { Ok(()) }
}

fn address(value: &[u8]) -> Result<(Ipv6Addr, u32), Short> {
    let mut r = Reader::new(value);
    let ip = Ipv6Addr::from(r.array::<16>()?);
    r.skip(4)?;
    Ok((ip, r.u32()?))
}

/// The hardware address in a DUID (RFC 8415 section 11): with the time at which it was made, or alone.
fn duid(value: &[u8]) -> Option<Mac> {
    let mut r = Reader::new(value);
    match r.u16().ok()? {
        1 => {
            let hardware = r.u16().ok()?;
            r.skip(4).ok()?;
            r.array().ok().filter(|_| hardware == ETHERNET && r.is_empty())
        }
        3 => hardware(r.rest()),
        _ => None,
    }
}

/// A hardware type, and the address of an Ethernet.
fn hardware(value: &[u8]) -> Option<Mac> {
    let mut r = Reader::new(value);
    let is_ethernet = r.u16().ok()? == ETHERNET;
    r.array().ok().filter(|_| is_ethernet && r.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [0x02, 0x77, 0, 0, 0, 0x16];
    const OTHER: Mac = [0x00, 0x16, 0x3e, 1, 2, 3];

    fn opt(code: u16, value: &[u8]) -> Vec<u8> {
        [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
    }

    fn ip() -> Ipv6Addr {
        "2001:db8:77::16".parse().unwrap()
    }

    fn reply() -> Vec<u8> {
        let lifetimes = [&3600u32.to_be_bytes()[..], &7200u32.to_be_bytes()].concat();
        let address = opt(5, &[&ip().octets()[..], &lifetimes].concat());
        let association = opt(3, &[&[0; 12][..], &address].concat());
        let duid = opt(1, &[&[0, 1, 0, 1, 9, 9, 9, 9][..], &MAC].concat());
        let name = opt(39, b"\x00\x07WS-fred\x04corp\x00");
        [&[7, 1, 2, 3][..], &duid, &association, &name].concat()
    }

    fn relayed(kind: u8, inner: &[u8], seen: Option<Mac>) -> Vec<u8> {
        let seen = seen.map(|mac| opt(79, &[&[0, 1][..], &mac].concat())).unwrap_or_default();
        [&[kind, 0][..], &[0; 32], &opt(9, inner), &seen].concat()
    }

    fn done(bytes: &[u8]) -> Dhcp6 {
        let Parse::Done(message) = message(bytes) else { panic!("{:?}", message(bytes)) };
        message
    }

    #[test]
    fn a_reply_gives_addresses() {
        let seen = done(&reply());
        assert_eq!((seen.kind, seen.relayed, seen.duid, seen.link_layer), (Kind::Reply, false, Some(MAC), None));
        assert_eq!(seen.addresses, [(ip(), 7200)]);
        assert_eq!(seen.host_name.as_deref(), Some("ws-fred"));
    }

    #[test]
    fn the_innermost_relay_saw_the_client() {
        let twice = relayed(12, &relayed(12, &reply(), Some(MAC)), Some(OTHER));
        let seen = done(&twice);
        assert_eq!((seen.relayed, seen.link_layer, seen.addresses.len()), (true, Some(MAC), 1));
        assert_eq!(done(&relayed(13, &reply(), None)).link_layer, None);
    }

    #[test]
    fn relays_end_somewhere() {
        let mut bytes = reply();
        for _ in 0..MAX_RELAYS {
            bytes = relayed(12, &bytes, None);
        }
        assert!(done(&bytes).relayed);
        assert_eq!(message(&relayed(12, &bytes, None)), Parse::NotMine);
    }

    #[test]
    fn identifiers_of_other_kinds_hold_no_hardware_address() {
        assert_eq!(duid(&[&[0, 3, 0, 1][..], &MAC].concat()), Some(MAC));
        assert_eq!(duid(&[&[0, 3, 0, 27][..], &MAC].concat()), None, "not Ethernet");
        assert_eq!(duid(&[0, 4, 1, 2, 3, 4, 5, 6, 7, 8]), None, "a UUID");
        assert_eq!(duid(&[&[0, 3, 0, 1][..], &MAC, &[9, 9]].concat()), None, "eight bytes");
    }

    #[test]
    fn cut_messages_are_malformed_or_keep_what_is_whole() {
        let whole = reply();
        for end in 0..whole.len() {
            match message(&whole[..end]) {
                Parse::Malformed => {}
                Parse::Done(seen) => assert!(end >= 4 && seen.host_name.is_none(), "{end}"),
                other => panic!("{end}: {other:?}"),
            }
        }
    }
}
