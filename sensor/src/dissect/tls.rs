//! TLS records (RFC 8446 section 5) down to the handshake message that a client sends first.

use std::borrow::Cow;

use super::Parse;
use crate::bytes::Reader;

const HANDSHAKE: u8 = 22;
pub(crate) const CLIENT_HELLO: u8 = 1;
/// 2^14 bytes and the expansion that RFC 8446 section 5.2 allows; a plaintext record is never longer.
const MAX_RECORD: usize = 16_384 + 256;
/// The largest ClientHello that is waited for.
pub const MAX_HELLO: usize = 64 << 10;

/// Reads the ClientHello message at the start of a client's stream, joined over however many records it spans. Records
/// that were read are not read again: the work grows with the bytes, not with the number of looks at them.
#[derive(Debug, Default)]
pub struct HelloReader {
    /// Bytes of the stream that were read.
    taken: usize,
    /// What the records in them brought.
    message: Vec<u8>,
}

impl HelloReader {
    /// Reads on; `stream` begins with the same record each time. The message has its four-byte header.
    pub fn read<'a>(&mut self, stream: &'a [u8]) -> Parse<Cow<'a, [u8]>> {
        let mut records = Reader::new(stream.get(self.taken..).unwrap_or_default());
        loop {
            let fragment = match fragment(&mut records) {
                Parse::Done(fragment) => fragment,
                Parse::More if self.taken == 0 => return early(stream),
                Parse::More => return Parse::More,
                Parse::NotMine if self.taken == 0 => return Parse::NotMine,
                // A hello that another record type interrupts (RFC 8446 section 5.1 forbids it).
                Parse::NotMine | Parse::Malformed => return Parse::Malformed,
            };
            if self.taken == 0
                && let Some(verdict) = whole(fragment)
            {
                return verdict.map(Cow::Borrowed);
            }
            self.taken = stream.len().saturating_sub(records.left());
            self.message.extend_from_slice(fragment);
            if let Some(verdict) = whole(&self.message).map(|whole| whole.map(<[u8]>::len)) {
                let mut message = std::mem::take(self).message;
                return verdict.map(|len| {
                    message.truncate(len);
                    Cow::Owned(message)
                });
            }
        }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.message.len()
    }
}

/// The ClientHello message at the start of a whole stream.
pub fn client_hello(stream: &[u8]) -> Parse<Cow<'_, [u8]>> {
    HelloReader::default().read(stream)
}

/// Bytes that tell a ClientHello from whatever else a stream holds.
const TELLING: usize = 11;
/// The shortest ClientHello body: version, random, empty session id, one cipher suite, one compression method.
const MIN_HELLO: u32 = 40;

/// True when a segment looks like the beginning of a ClientHello, so that one in the middle of a stream is noticed.
pub fn begins_hello(segment: &[u8]) -> bool {
    segment.len() >= TELLING && may_begin_hello(segment)
}

/// The same of a segment that may be shorter: it is not empty, and nothing in it speaks against a ClientHello.
pub fn may_begin_hello(segment: &[u8]) -> bool {
    let is = |at: usize, expected: u8| segment.get(at).is_none_or(|&byte| byte == expected);
    if segment.is_empty() || !is(0, HANDSHAKE) || !is(1, 3) || !is(5, CLIENT_HELLO) {
        return false;
    }
    let Some(&[_, _, minor, high, low]) = segment.first_chunk() else { return true };
    let record = usize::from(u16::from_be_bytes([high, low]));
    if minor > 4 || record == 0 || record > MAX_RECORD {
        return false;
    }
    // The message's own header may be cut by the end of a short record.
    if record < 6 {
        return is(record.saturating_add(5), HANDSHAKE);
    }
    let Some(&[_, _, _, _, _, _, a, b, c, major]) = segment.first_chunk() else { return true };
    major == 3 && (MIN_HELLO..=MAX_HELLO as u32).contains(&u32::from_be_bytes([0, a, b, c]))
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

/// The ClientHello at the start of what the records brought. `None` = more of them are needed.
fn whole(message: &[u8]) -> Option<Parse<&[u8]>> {
    let mut r = Reader::new(message);
    if r.u8().ok()? != CLIENT_HELLO {
        return Some(Parse::NotMine);
    }
    let len = r.u24().ok()? as usize;
    if len > MAX_HELLO {
        return Some(Parse::Malformed);
    }
    message.get(..len.saturating_add(4)).map(Parse::Done)
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
        for end in 1..=stream.len() {
            assert!(may_begin_hello(&stream[..end]), "{end}");
        }
        stream.extend(b"\x14\x03\x03\x00\x01\x01early data");
        assert!(matches!(client_hello(&stream), Parse::Done(_)));
    }

    #[test]
    fn a_hello_in_records_of_any_length_begins_as_one() {
        let message = message("claude.ai", 40);
        for limit in 1..30 {
            let stream = records(&message, limit);
            assert!((1..stream.len()).all(|end| may_begin_hello(&stream[..end])), "{limit}");
        }
        for other in
            [&b""[..], b"\x17\x03", b"\x16\x03\x03\x00\x00", b"\x16\x03\x03\x00\x4a\x02", b"\x16\x03\x09\x00\x10"]
        {
            assert!(!may_begin_hello(other), "{other:?}");
        }
    }

    #[test]
    fn a_hello_that_comes_bit_by_bit_is_read_once() {
        for limit in [1, 7, 16_384] {
            let stream = records(&message("claude.ai", 3_000), limit);
            let mut reader = HelloReader::default();
            for end in 0..stream.len() {
                assert_eq!(reader.read(&stream[..end]), Parse::More, "{limit}, {end}");
                assert!(end - reader.taken < limit + 5, "{limit}: what was read is not read again");
            }
            assert!(matches!(reader.read(&stream), Parse::Done(_)), "{limit}");
        }
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
