//! DHCP for IPv4 (RFC 2131, options of RFC 2132 and RFC 4702): which client gets which address, and what it calls itself.
//!
//! The client is who `chaddr` names, also where a relay passes the message on: `giaddr` and the frame are the relay's.

use std::net::Ipv4Addr;

use super::{Parse, clean_text};
use crate::bytes::{Reader, Short};
use crate::decode::Mac;

const ETHERNET: u8 = 1;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

/// Options (IANA, BOOTP vendor extensions).
mod option {
    pub(super) const PAD: u8 = 0;
    pub(super) const HOST_NAME: u8 = 12;
    pub(super) const LEASE: u8 = 51;
    pub(super) const OVERLOAD: u8 = 52;
    pub(super) const KIND: u8 = 53;
    pub(super) const VENDOR: u8 = 60;
    pub(super) const CLIENT_ID: u8 = 61;
    pub(super) const NAME: u8 = 81;
    pub(super) const END: u8 = 255;
}

/// Options of one field. Clients send about a dozen, padding counts; more is an attempt to waste time.
const MAX_OPTIONS: usize = 512;
/// Characters of a host name (RFC 1035) and of a vendor class that are kept: `MSFT 5.0`, `android-dhcp-15`.
pub const MAX_NAME: usize = 63;
pub(super) const MAX_VENDOR: usize = 64;

/// What a message is for: option 53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A client asks, or says what it uses: discover, request, inform.
    Asks,
    /// A server has given an address.
    Ack,
    /// A server refuses, or the client gives the address back: nak, decline, release.
    Gone,
    /// An offer, or a message of another protocol over the same format.
    #[default]
    Other,
}

/// A message as far as a device's identity needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// What it is for.
    pub kind: Kind,
    /// The client.
    pub mac: Mac,
    /// The address that the client uses: `ciaddr`.
    pub uses: Option<Ipv4Addr>,
    /// The address that the server gives: `yiaddr`.
    pub given: Option<Ipv4Addr>,
    /// Seconds for which it is given.
    pub lease: Option<u32>,
    /// What the client calls itself, lower case, without its domain.
    pub host_name: Option<String>,
    /// Kind of client software.
    pub vendor_class: Option<String>,
}

/// What options say, wherever they stand.
#[derive(Default)]
struct Options {
    kind: Kind,
    lease: Option<u32>,
    overload: u8,
    host_name: Option<String>,
    name: Option<String>,
    vendor_class: Option<String>,
    client_id: Option<Mac>,
}

/// Reads one message. `NotMine` for BOOTP without options, and for links other than Ethernet.
pub fn message(bytes: &[u8]) -> Parse<Dhcp> {
    let mut r = Reader::new(bytes);
    match read(&mut r) {
        Ok(Some(message)) => Parse::Done(message),
        Ok(None) => Parse::NotMine,
        Err(Short) => Parse::Malformed,
    }
}

fn read(r: &mut Reader<'_>) -> Result<Option<Dhcp>, Short> {
    let [op, hardware, len, _] = r.array()?;
    if !(1..=2).contains(&op) || hardware != ETHERNET && len != 0 {
        return Ok(None);
    }
    r.skip(8)?;
    let (uses, given) = (Ipv4Addr::from(r.u32()?), Ipv4Addr::from(r.u32()?));
    r.skip(8)?;
    let chaddr: Mac = r.array()?;
    r.skip(10)?;
    let (server_name, file) = (r.take(64)?, r.take(128)?);
    if r.array()? != COOKIE {
        return Ok(None);
    }
    let mut options = Options::default();
    options.read(r.rest())?;
    let overload = options.overload;
    if overload & 1 != 0 {
        options.read(file)?;
    }
    if overload & 2 != 0 {
        options.read(server_name)?;
    }
    let mac = match len {
        6 => chaddr,
        // Links with longer addresses leave the field empty (RFC 4390).
        0 => match options.client_id {
            Some(mac) => mac,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let set = |ip: Ipv4Addr| (!ip.is_unspecified()).then_some(ip);
    Ok(Some(Dhcp {
        kind: options.kind,
        mac,
        uses: set(uses),
        given: set(given),
        lease: options.lease,
        host_name: options.host_name.or(options.name),
        vendor_class: options.vendor_class,
    }))
}

impl Options {
    /// Reads the options of one field. Of names the first one counts, of numbers the last.
    fn read(&mut self, field: &[u8]) -> Result<(), Short> {
        let mut r = Reader::new(field);
        for _ in 0..MAX_OPTIONS {
            if r.is_empty() {
                return Ok(());
            }
            match r.u8()? {
                option::PAD => {}
                option::END => return Ok(()),
                code => self.option(code, r.vec8()?),
            }
        }
        Ok(())
    }

    fn option(&mut self, code: u8, value: &[u8]) {
        match (code, value) {
            (option::KIND, &[kind]) => {
                self.kind = match kind {
                    1 | 3 | 8 => Kind::Asks,
                    5 => Kind::Ack,
                    4 | 6 | 7 => Kind::Gone,
                    _ => Kind::Other,
                };
            }
            (option::LEASE, &[a, b, c, d]) => self.lease = Some(u32::from_be_bytes([a, b, c, d])),
            (option::OVERLOAD, &[fields]) => self.overload = fields,
            (option::HOST_NAME, name) if self.host_name.is_none() => self.host_name = host_name(name),
            (option::VENDOR, class) if self.vendor_class.is_none() => {
                self.vendor_class = clean_text(class, MAX_VENDOR);
            }
            (option::CLIENT_ID, &[ETHERNET, a, b, c, d, e, f]) => self.client_id = Some([a, b, c, d, e, f]),
            (option::NAME, [flags, _, _, name @ ..]) => self.name = full_name(name, flags & 0x04 != 0),
            _ => {}
        }
    }
}

/// A name as a record holds it: its first label, lower case.
pub(super) fn host_name(raw: &[u8]) -> Option<String> {
    let label = raw.split(|&byte| byte == b'.').next().unwrap_or_default();
    clean_text(&label.to_ascii_lowercase(), MAX_NAME)
}

/// The first label of a name in the form of DNS, or in letters with dots (RFC 4702 section 2.3).
pub(super) fn full_name(raw: &[u8], is_wire: bool) -> Option<String> {
    match is_wire {
        true => host_name(Reader::new(raw).vec8().ok()?),
        false => host_name(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [0x02, 0x77, 0, 0, 0, 0x11];

    /// `sname` and `file` are filled up with zeros.
    fn bytes(op: u8, len: u8, [uses, given]: [[u8; 4]; 2], options: &[u8], fields: [&[u8]; 2]) -> Vec<u8> {
        let mut out = vec![op, 1, len, 1, 1, 2, 3, 4, 0, 0, 0x80, 0];
        out.extend([uses, given, [0; 4], [10, 9, 9, 1]].concat());
        out.extend(if len == 6 { MAC } else { [0; 6] });
        out.extend([0; 10]);
        for (field, size) in fields.into_iter().zip([64, 128]) {
            out.extend(field);
            out.extend(vec![0; size - field.len()]);
        }
        out.extend(COOKIE);
        out.extend(options);
        out
    }

    fn done(bytes: &[u8]) -> Dhcp {
        let Parse::Done(message) = message(bytes) else { panic!("{:?}", message(bytes)) };
        message
    }

    const NONE: [u8; 4] = [0; 4];

    #[test]
    fn an_acknowledged_lease() {
        let options = b"\x35\x01\x05\x33\x04\x00\x00\x0e\x10\x0c\x0eWS-Anna.corp.x\x3c\x08MSFT 5.0\xff\x0c\x01z";
        let ack = done(&bytes(2, 6, [NONE, [10, 77, 0, 11]], options, [&[], &[]]));
        assert_eq!((ack.kind, ack.mac, ack.lease, ack.uses), (Kind::Ack, MAC, Some(3600), None));
        assert_eq!(ack.given, Some(Ipv4Addr::new(10, 77, 0, 11)));
        assert_eq!((ack.host_name.as_deref(), ack.vendor_class.as_deref()), (Some("ws-anna"), Some("MSFT 5.0")));
    }

    #[test]
    fn options_stand_in_other_fields_too() {
        let options = b"\x34\x01\x03\x35\x01\x03\xff";
        let both: [&[u8]; 2] = [b"\x0c\x03ben\xff", b"\x3c\x03abc\xff"];
        let ask = done(&bytes(1, 6, [[10, 77, 0, 12], NONE], options, both));
        assert_eq!((ask.kind, ask.uses), (Kind::Asks, Some(Ipv4Addr::new(10, 77, 0, 12))));
        assert_eq!((ask.host_name.as_deref(), ask.vendor_class.as_deref()), (Some("ben"), Some("abc")));
        let without = done(&bytes(1, 6, [NONE, NONE], b"\x35\x01\x03\xff", both));
        assert_eq!(without.host_name, None);
    }

    #[test]
    fn a_full_name_stands_in_for_the_host_name() {
        for name in [&b"\x51\x0b\x00\x00\x00Carla.a.b"[..], b"\x51\x0c\x04\x00\x00\x05carla\x01a\x00"] {
            let mut option = name.to_vec();
            option[1] = option.len() as u8 - 2;
            assert_eq!(done(&bytes(1, 6, [NONE, NONE], &option, [&[], &[]])).host_name.as_deref(), Some("carla"));
        }
    }

    #[test]
    fn a_client_id_stands_in_for_an_empty_hardware_address() {
        let id = [&[61, 7, 1][..], &MAC].concat();
        assert_eq!(done(&bytes(1, 0, [NONE, NONE], &id, [&[], &[]])).mac, MAC);
        assert_eq!(message(&bytes(1, 0, [NONE, NONE], &[], [&[], &[]])), Parse::NotMine);
        assert_eq!(message(&bytes(1, 16, [NONE, NONE], &id, [&[], &[]])), Parse::NotMine);
    }

    #[test]
    fn hostile_texts_are_cleaned_and_cut() {
        let mut option = vec![12, 200, 0, b'A', 0x1b, 0xff];
        option.extend([b'a'; 196]);
        let name = done(&bytes(1, 6, [NONE, NONE], &option, [&[], &[]])).host_name.unwrap();
        assert!(name.starts_with("a\u{fffd}aaa") && name.chars().count() == MAX_NAME, "{name}");
    }

    #[test]
    fn cut_messages_are_malformed_or_keep_what_is_whole() {
        let whole = bytes(2, 6, [NONE, NONE], b"\x35\x01\x05\x0c\x02ab", [&[], &[]]);
        for end in 0..240 {
            assert_eq!(message(&whole[..end]), Parse::Malformed, "{end}");
        }
        for end in 240..=whole.len() {
            let cut = [241, 242, 244, 245, 246].contains(&end);
            assert_eq!(message(&whole[..end]) == Parse::Malformed, cut, "{end}");
        }
        let mut other = whole.clone();
        other[236] = 0;
        assert_eq!(message(&other), Parse::NotMine);
    }
}
