//! The data of HTTPS and SVCB records (RFC 9460): how a host is reached.

use std::net::IpAddr;

use super::{Address, Message, PublicName, ech_config, name, v4, v6};
use crate::bytes::{Reader, Short};

/// Parameters by their key (IANA DNS SVCB parameters).
pub mod key {
    /// Application protocols.
    pub const ALPN: u16 = 1;
    /// Addresses of IPv4.
    pub const IPV4_HINT: u16 = 4;
    /// Configurations of encrypted ClientHellos.
    pub const ECH: u16 = 5;
    /// Addresses of IPv6.
    pub const IPV6_HINT: u16 = 6;
}

/// Addresses of one hint that are read; real ones have two.
const MAX_HINTS: usize = 16;
/// Parameters of one record that are read; ten keys have a meaning.
const MAX_KEYS: usize = 32;
/// Protocols of one record that are read; real ones have two, and had five while HTTP/3 was a draft.
const MAX_ALPN: usize = 16;

/// What a record says. Priority 0 is an alias, whose parameters say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// Lower goes first.
    pub priority: u16,
    /// The host that serves: lower case, no final dot; `.` for the record's own name.
    pub target: String,
    /// The parameters that stand there, in their order.
    pub keys: Vec<u16>,
    /// Protocols that the host offers. Nothing says that a client uses them. A byte is the character of that code.
    pub alpn: Vec<String>,
    /// Addresses of the host, IPv4 before IPv6.
    pub hints: Vec<IpAddr>,
    /// What hellos to the host show outside when they are encrypted.
    pub public_names: Vec<String>,
    /// A part of the data has a wrong length, or stands in a wrong place. What is whole is read all the same.
    pub broken: bool,
}

/// Reads a record's data; `None` when they break off before the parameters. A parameter of a wrong length says nothing,
/// and those behind it still do.
pub(super) fn read(data: &[u8]) -> Option<Service> {
    let mut r = Reader::new(data);
    let priority = r.u16().ok()?;
    let target = name::read(&mut r, data).ok()?;
    let mut service = Service { priority, target, ..Service::default() };
    while !r.is_empty() && service.keys.len() < MAX_KEYS {
        let Ok((key, value)) = parameter(&mut r) else {
            service.broken = true;
            break;
        };
        // Each stands once, in order (section 2.2): what has them otherwise no client takes.
        if service.keys.last().is_some_and(|last| *last >= key) {
            service.broken = true;
            break;
        }
        service.keys.push(key);
        service.broken |= service.parameter(key, value).is_err();
    }
    Some(service)
}

fn parameter<'a>(r: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Short> {
    Ok((r.u16()?, r.vec16()?))
}

impl Service {
    fn parameter(&mut self, key: u16, value: &[u8]) -> Result<(), Short> {
        match key {
            key::ALPN => self.alpn = protocols(value)?,
            key::IPV4_HINT => self.hints.extend(v4(sized(value, 4)?).take(MAX_HINTS)),
            key::IPV6_HINT => self.hints.extend(v6(sized(value, 16)?).take(MAX_HINTS)),
            key::ECH => {
                self.public_names = ech_config::public_names(value);
                Reader::new(value).vec16()?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Message {
    /// Takes in what an HTTPS record says of the name that was asked for: its own name may be that of an alias.
    pub(super) fn told(&mut self, service: &Service, ttl: u32) {
        // Of an alias the client learns from another name's record, of a broken one perhaps nothing.
        self.partial |= service.priority == 0 || service.broken;
        self.addresses.extend(service.hints.iter().map(|&ip| Address { ip, ttl }));
        self.public_names.extend(service.public_names.iter().map(|name| PublicName { name: name.clone(), ttl }));
    }
}

/// A value that holds items of `each` bytes, one at least.
fn sized(value: &[u8], each: usize) -> Result<&[u8], Short> {
    let fits = !value.is_empty() && value.len().is_multiple_of(each);
    if fits { Ok(value) } else { Err(Short) }
}

/// The protocols of a value, one at least and none without a name (section 7.1.1).
fn protocols(value: &[u8]) -> Result<Vec<String>, Short> {
    let mut r = Reader::new(sized(value, 1)?);
    let mut found = Vec::new();
    while !r.is_empty() {
        let id = sized(r.vec8()?, 1)?;
        if found.len() < MAX_ALPN {
            found.push(id.iter().map(|&byte| char::from(byte)).collect());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(parameters: &[(u16, &[u8])]) -> Vec<u8> {
        let one = |&(key, value): &(u16, &[u8])| {
            [&key.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
        };
        [b"\0\x01\0".to_vec(), parameters.iter().flat_map(one).collect()].concat()
    }

    /// Addresses as text, and public names.
    fn said(data: &[u8]) -> (Vec<String>, Vec<String>) {
        let service = read(data).unwrap();
        (service.hints.iter().map(ToString::to_string).collect(), service.public_names)
    }

    #[test]
    fn each_parameter_is_read() {
        let ech = ech_config::list(&[(0xfe0d, "cover.example")]);
        let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[1]].concat();
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2];
        let data = record(&[
            (key::ALPN, b"\x02h3\x05h3-29"),
            (key::IPV4_HINT, &v4),
            (key::ECH, &ech),
            (key::IPV6_HINT, &v6),
        ]);
        let service = read(&data).unwrap();
        assert_eq!((service.priority, service.target.as_str(), service.broken), (1, ".", false));
        assert_eq!(
            (&service.keys[..], &service.alpn[..]),
            (&[1, 4, 5, 6][..], &["h3", "h3-29"].map(String::from)[..])
        );
        let (ips, names) = said(&data);
        assert_eq!(ips, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        assert_eq!(names, ["cover.example"]);
    }

    #[test]
    fn a_value_of_a_wrong_length_does_not_lose_the_others() {
        let ech = ech_config::list(&[(0xfe0d, "cover.example")]);
        for alpn in [&b""[..], b"\xffh2", b"\x02h", b"\0", b"\x02h2\0"] {
            let wrong = record(&[
                (key::ALPN, alpn),
                (key::IPV4_HINT, &[1; 7]),
                (key::ECH, &ech),
                (key::IPV6_HINT, &[2; 17]),
            ]);
            let service = read(&wrong).unwrap();
            assert!(service.broken && service.alpn.is_empty() && service.hints.is_empty(), "{alpn:?}");
            assert_eq!((service.keys, service.public_names), (vec![1, 4, 5, 6], vec!["cover.example".to_owned()]));
        }
        let cut = record(&[(key::IPV4_HINT, &[192, 0, 2, 1]), (key::ECH, &ech)]);
        let cut = &cut[..cut.len() - 1];
        assert_eq!(said(cut), (vec!["192.0.2.1".to_owned()], vec![]));
        assert!(read(cut).unwrap().broken);
    }

    #[test]
    fn an_alias_names_its_target_and_half_a_record_nothing() {
        let alias = b"\0\0\x04edge\x04Test\0";
        let service = read(alias).unwrap();
        assert_eq!((service.priority, service.target.as_str(), service.broken), (0, "edge.test", false));
        assert!((0..alias.len()).all(|end| read(&alias[..end]).is_none()));
    }

    #[test]
    fn a_parameter_that_stands_there_again_ends_the_record() {
        let hint = (key::IPV4_HINT, &[1; 4][..]);
        let service = read(&record(&[hint, hint, (key::IPV6_HINT, &[2; 16])])).unwrap();
        assert_eq!((service.keys, service.hints.len(), service.broken), (vec![4], 1, true));
    }

    #[test]
    fn lists_without_end_are_bounded() {
        let many: Vec<(u16, &[u8])> = (7..1_000).map(|key| (key, &b""[..])).collect();
        assert_eq!(read(&record(&many)).unwrap().keys.len(), MAX_KEYS);
        let service = read(&record(&[(key::ALPN, &b"\x02h2".repeat(100)), (key::IPV4_HINT, &[1; 400])])).unwrap();
        assert_eq!((service.alpn.len(), service.hints.len(), service.broken), (MAX_ALPN, MAX_HINTS, false));
    }
}
