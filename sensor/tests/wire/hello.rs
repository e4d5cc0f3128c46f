//! ClientHello messages (RFC 8446 section 4.1.2) of any length, and records around them.

use crate::random::Random;

/// The name in every hello that is to be found.
pub(crate) const NAME: &str = "claude.ai";

/// Where the server name stands among the extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Middle,
    Last,
}

/// Every place.
pub(crate) const PLACES: [Place; 3] = [Place::First, Place::Middle, Place::Last];

/// A ClientHello message of `len` bytes, its header of four included. What fills it are a key share and a ticket: random
/// bytes.
pub(crate) fn message(name: &str, len: usize, place: Place) -> Vec<u8> {
    let mut random = Random(0x5eed_0001 + len as u64);
    let mut bytes = |n: usize| (0..n).map(|_| random.next() as u8).collect::<Vec<_>>();
    let sni = extension(0, &vec16(&[&[0][..], &vec16(name.as_bytes())].concat()));
    let others = [
        extension(43, &[4, 3, 4, 3, 3]),
        extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
        extension(13, &[0, 4, 4, 3, 8, 4]),
        extension(10, &[0, 4, 0, 29, 0, 23]),
    ]
    .concat();
    let head = [&[3, 3][..], &bytes(32), &[32], &bytes(32), &[0, 4, 0x13, 1, 0x13, 2, 1, 0]].concat();
    let share = |key: &[u8]| extension(51, &vec16(&[&[0x11, 0xec], &vec16(key)[..]].concat()));
    let ticket = |ticket: &[u8]| extension(35, ticket);
    // The message's header, the length of the extensions, the two extensions that fill.
    let taken = 4 + head.len() + 2 + sni.len() + others.len() + share(b"").len() + ticket(b"").len();
    let fill = len.checked_sub(taken).expect("the hello is too short for its name");
    let (one, other) = (share(&bytes(fill / 2)), ticket(&bytes(fill - fill / 2)));
    let extensions = match place {
        Place::First => [sni, others, one, other].concat(),
        Place::Middle => [one, others, sni, other].concat(),
        Place::Last => [one, other, others, sni].concat(),
    };
    let body = [head, vec16(&extensions)].concat();
    let message = [&[1], &(body.len() as u32).to_be_bytes()[1..], &body].concat();
    assert_eq!(message.len(), len);
    message
}

/// A hello in one record: `len` bytes in all.
pub(crate) fn record(name: &str, len: usize, place: Place) -> Vec<u8> {
    records(&message(name, len - 5, place), 16_384)
}

/// A message in records of at most `limit` bytes.
pub(crate) fn records(message: &[u8], limit: usize) -> Vec<u8> {
    message.chunks(limit).flat_map(one_record).collect()
}

/// A handshake record.
pub(crate) fn one_record(fragment: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &vec16(fragment)[..]].concat()
}

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("16 bits of length").to_be_bytes(), bytes].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), &vec16(data)[..]].concat()
}
