//! The data of HTTPS records (RFC 9460): addresses and public names among the parameters.

use super::{Address, Message, PublicName, ech_config, name, v4, v6};
use crate::bytes::{Reader, Short};

/// Parameters by their key (IANA DNS SVCB parameters).
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
/// Addresses of one hint that are read; real ones have two.
const MAX_HINTS: usize = 16;

/// Adds what a record says to the message. A parameter of a wrong length says nothing, and those behind it still do.
pub(super) fn read(data: &[u8], ttl: u32, message: &mut Message) {
    let mut r = Reader::new(data);
    // The name of an alias or of another server: what was asked for is the question's name.
    let Ok(priority) = r.u16() else { return };
    if name::skip(&mut r, data).is_err() {
        return;
    }
    // An alias: what the client learns comes from another name's record.
    message.partial |= priority == 0;
    let mut last = None;
    while let Ok((key, value)) = parameter(&mut r) {
        // Each stands once, in order (section 2.2): what has them otherwise no client takes.
        if last.replace(key) >= Some(key) {
            return;
        }
        let hint = |ip| Address { ip, ttl };
        match key {
            IPV4_HINT if value.len() % 4 == 0 => message.addresses.extend(v4(value).map(hint).take(MAX_HINTS)),
            IPV6_HINT if value.len() % 16 == 0 => message.addresses.extend(v6(value).map(hint).take(MAX_HINTS)),
            ECH => {
                let names = ech_config::public_names(value).into_iter();
                message.public_names.extend(names.map(|name| PublicName { name, ttl }));
            }
            _ => {}
        }
    }
}

fn parameter<'a>(r: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Short> {
    Ok((r.u16()?, r.vec16()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPN: u16 = 1;

    fn record(parameters: &[(u16, &[u8])]) -> Vec<u8> {
        let one = |&(key, value): &(u16, &[u8])| {
            [&key.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
        };
        [b"\0\x01\0".to_vec(), parameters.iter().flat_map(one).collect()].concat()
    }

    /// Addresses and public names, as text.
    fn said(data: &[u8]) -> (Vec<String>, Vec<String>) {
        let mut message = Message::default();
        read(data, 60, &mut message);
        assert!(message.addresses.iter().all(|address| address.ttl == 60));
        let ips = message.addresses.iter().map(|address| address.ip.to_string()).collect();
        (ips, message.public_names.into_iter().map(|public| public.name).collect())
    }

    #[test]
    fn hints_and_configurations_are_read() {
        let ech = ech_config::list(&[(0xfe0d, "cover.example")]);
        let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[1]].concat();
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2];
        let (ips, names) = said(&record(&[(ALPN, b"\x02h2"), (IPV4_HINT, &v4), (ECH, &ech), (IPV6_HINT, &v6)]));
        assert_eq!(ips, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        assert_eq!(names, ["cover.example"]);
    }

    #[test]
    fn a_value_of_a_wrong_length_does_not_lose_the_others() {
        let ech = ech_config::list(&[(0xfe0d, "cover.example")]);
        let wrong = record(&[(ALPN, b"\xffh2"), (IPV4_HINT, &[1; 7]), (ECH, &ech), (IPV6_HINT, &[2; 17])]);
        assert_eq!(said(&wrong), (vec![], vec!["cover.example".to_owned()]));
        let cut = record(&[(IPV4_HINT, &[192, 0, 2, 1]), (ECH, &ech)]);
        assert_eq!(said(&cut[..cut.len() - 1]), (vec!["192.0.2.1".to_owned()], vec![]));
    }

    #[test]
    fn an_alias_leaves_open_what_is_behind_it() {
        let mut message = Message::default();
        read(b"\0\x01\0", 60, &mut message);
        assert!(!message.partial);
        read(b"\0\0\x04edge\x04test\0", 60, &mut message);
        assert!(message.partial);
    }

    #[test]
    fn a_hint_without_end_is_bounded() {
        let hint = (IPV4_HINT, &[1; 400][..]);
        assert_eq!(said(&record(&[hint])).0.len(), MAX_HINTS);
        assert_eq!(said(&record(&[hint; 100])).0.len(), MAX_HINTS, "a parameter that stands there again");
    }
}
