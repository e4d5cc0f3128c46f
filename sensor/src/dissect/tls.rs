//! TLS records (RFC 8446 section 5) down to the handshake message that a client sends first.

use std::borrow::Cow;

use super::Parse;
use crate::bytes::Reader;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// 2^14 bytes and the expansion that RFC 8446 section 5.2 allows; a plaintext record is never longer.
const MAX_RECORD: usize = 16_384 + 256;
/// The largest ClientHello that is waited for.
pub const MAX_HELLO: usize = 64 << 10;

/// The ClientHello message (with its four-byte header) at the start of a client's stream, joined over however many
/// records it spans.
pub fn client_hello(stream: &[u8]) -> Parse<Cow<'_, [u8]>> {
    let mut records = Reader::new(stream);
    let first = match fragment(&mut records) {
        Parse::Done(fragment) => fragment,
        Parse::More => return early(stream),
        Parse::NotMine => return Parse::NotMine,
        Parse::Malformed => return Parse::Malformed,
    };
    let mut message = Cow::Borrowed(first);
    loop {
        if let Some(verdict) = whole(&mut message) {
            return match verdict {
                Ok(()) => Parse::Done(message),
                Err(other) => other,
            };
        }
        match fragment(&mut records) {
            Parse::Done(more) => message.to_mut().extend_from_slice(more),
            Parse::More => return Parse::More,
            // A hello that another record type interrupts (RFC 8446 section 5.1 forbids it).
            Parse::NotMine | Parse::Malformed => return Parse::Malformed,
        }
    }
}

/// True when a segment looks like the beginning of a ClientHello, so that one in the middle of a stream is noticed.
pub fn begins_hello(segment: &[u8]) -> bool {
    let mut r = Reader::new(segment);
    let (Ok(HANDSHAKE), Ok(3), Ok(minor), Ok(len)) = (r.u8(), r.u8(), r.u8(), r.u16()) else { return false };
    let (Ok(CLIENT_HELLO), Ok(hello), Ok(3), Ok(_)) = (r.u8(), r.u24(), r.u8(), r.u8()) else { return false };
    minor <= 4 && usize::from(len) <= MAX_RECORD && (40..=MAX_HELLO as u32).contains(&hello)
}

/// The next handshake fragment; `More` when its record is not complete.
fn fragment<'a>(records: &mut Reader<'a>) -> Parse<&'a [u8]> {
    let (Ok(kind), Ok(major)) = (records.u8(), records.u8()) else { return Parse::More };
    if kind != HANDSHAKE || major != 3 {
        return Parse::NotMine;
    }
    let (Ok(_minor), Ok(len)) = (records.u8(), records.u16()) else { return Parse::More };
    match usize::from(len) {
        // RFC 8446 section 5.1 forbids handshake fragments of length zero; a stream of them would be read for ever.
        len if len == 0 || len > MAX_RECORD => Parse::Malformed,
        len => records.take(len).map_or(Parse::More, Parse::Done),
    }
}

/// An incomplete first record: decides by what is there, so that another protocol is not waited for.
fn early(stream: &[u8]) -> Parse<Cow<'_, [u8]>> {
    match stream {
        [kind, ..] if *kind != HANDSHAKE => Parse::NotMine,
        [_, major, ..] if *major != 3 => Parse::NotMine,
        [_, _, _, _, _, message, ..] if *message != CLIENT_HELLO => Parse::NotMine,
        _ => Parse::More,
    }
}

/// Cuts `message` to the ClientHello when it is complete. `None` = more fragments are needed.
fn whole(message: &mut Cow<'_, [u8]>) -> Option<Result<(), Parse<Cow<'static, [u8]>>>> {
    let mut r = Reader::new(message);
    let kind = r.u8().ok()?;
    if kind != CLIENT_HELLO {
        return Some(Err(Parse::NotMine));
    }
    let len = r.u24().ok()? as usize;
    if len > MAX_HELLO {
        return Some(Err(Parse::Malformed));
    }
    let end = len.saturating_add(4);
    if message.len() < end {
        return None;
    }
    match message {
        Cow::Borrowed(bytes) => *bytes = bytes.get(..end).unwrap_or_default(),
        Cow::Owned(bytes) => bytes.truncate(end),
    }
    Some(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::client_hello::ClientHello;

    /// A ClientHello message for `name` with ALPN h2 and an extension of `padding` bytes.
    fn message(name: &str, padding: usize) -> Vec<u8> {
        let vec16 = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
        let extension = |kind: u16, data: &[u8]| [&kind.to_be_bytes(), &vec16(data)[..]].concat();
        let sni = vec16(&[&[0], &vec16(name.as_bytes())[..]].concat());
        let extensions =
            [extension(21, &vec![0; padding]), extension(0, &sni), extension(16, b"\x00\x03\x02h2")].concat();
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend(vec16(&[0x13, 0x01, 0x13, 0x02]));
        body.extend([1, 0]);
        body.extend(vec16(&extensions));
        let len = (body.len() as u32).to_be_bytes();
        [&[CLIENT_HELLO], &len[1..], &body].concat()
    }

    /// The message in records of at most `limit` bytes.
    fn records(message: &[u8], limit: usize) -> Vec<u8> {
        let record = |part: &[u8]| [&[HANDSHAKE, 3, 1], &(part.len() as u16).to_be_bytes()[..], part].concat();
        message.chunks(limit).flat_map(record).collect()
    }

    #[test]
    fn any_record_split_gives_the_name() {
        let message = message("claude.ai", 40);
        for limit in 1..=message.len() {
            let stream = records(&message, limit);
            let Parse::Done(joined) = client_hello(&stream) else { panic!("{limit}") };
            let hello = ClientHello::parse(&joined).unwrap();
            assert_eq!(
                (hello.sni().as_deref(), &hello.alpn[..]),
                (Some("claude.ai"), &[&b"h2"[..]][..]),
                "{limit}"
            );
        }
    }

    #[test]
    fn every_truncation_waits() {
        for limit in [5, 100, 16_384] {
            let stream = records(&message("claude.ai", 300), limit);
            for end in 0..stream.len() {
                assert_eq!(client_hello(&stream[..end]), Parse::More, "{limit}, {end}");
            }
        }
    }

    #[test]
    fn a_hello_of_60_kib_is_read() {
        let message = message("claude.ai", 60 << 10);
        let stream = records(&message, 16_384);
        let Parse::Done(joined) = client_hello(&stream) else { panic!() };
        assert_eq!(ClientHello::parse(&joined).unwrap().sni().as_deref(), Some("claude.ai"));
    }

    #[test]
    fn what_follows_the_hello_does_not_matter() {
        let mut stream = records(&message("claude.ai", 0), 16_384);
        assert!(begins_hello(&stream));
        stream.extend(b"\x14\x03\x03\x00\x01\x01early data");
        assert!(matches!(client_hello(&stream), Parse::Done(_)));
    }

    #[test]
    fn other_bytes_are_not_mine_and_lies_are_malformed() {
        assert_eq!(client_hello(b"GET / HTTP/1.1"), Parse::NotMine);
        assert_eq!(client_hello(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), Parse::NotMine, "a ServerHello");
        assert_eq!(client_hello(b"\x16\x03\x01\xff\xff\x01"), Parse::Malformed, "a record of 65,535 bytes");
        assert_eq!(
            client_hello(b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03"),
            Parse::Malformed,
            "a hello of 16 MiB"
        );
        let mut stream = records(&message("claude.ai", 0), 16);
        stream[21] = 23;
        assert_eq!(client_hello(&stream), Parse::Malformed, "application data inside the hello");
    }
}
