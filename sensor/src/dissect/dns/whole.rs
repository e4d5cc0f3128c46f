//! Whether bytes are a DNS message at all, where neither a port nor what came before says so.

use super::{Counts, HEADER, MAX_ANSWERS, QUERY, header, message, name, question};
use crate::bytes::{Reader, Short};
use crate::dissect::Parse;

/// Octets of the smallest question and of the smallest record: those of the root.
const SMALLEST: (usize, usize) = (5, 11);
/// Additional records of a query: OPT (RFC 6891) and a signature (RFC 8945).
const ASKED_WITH: u16 = 2;

/// True when a message of `length` octets has room for what it claims to hold. One that holds nothing is a header alone.
pub(super) fn counts_fit(counts: Counts, length: usize) -> bool {
    let records = counts.records().saturating_mul(SMALLEST.1);
    let questions = usize::from(counts.questions).saturating_mul(SMALLEST.0);
    match records.saturating_add(questions) {
        0 => length == HEADER,
        least => least.saturating_add(HEADER) <= length,
    }
}

/// True when each section holds what the header claims, and nothing follows.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut r = Reader::new(bytes);
    let Ok((_, _, counts)) = header(&mut r) else { return false };
    let bounded = counts.records() <= usize::from(MAX_ANSWERS);
    let passed = bounded && counts_fit(counts, bytes.len()) && pass(&mut r, bytes, counts).is_ok();
    passed && r.is_empty()
}

fn pass<'a>(r: &mut Reader<'a>, whole: &'a [u8], counts: Counts) -> Result<(), Short> {
    for _ in 0..counts.questions {
        name::skip(r, whole)?;
        r.skip(4)?;
    }
    for _ in 0..counts.records() {
        name::skip(r, whole)?;
        r.skip(8)?;
        r.vec16()?;
    }
    Ok(())
}

/// True for a datagram that is a DNS message whatever its ports: whole, one question of the Internet class for a name
/// that looks like a host's, and in a query nothing that only an answer has.
pub fn is_unmistakable(bytes: &[u8]) -> bool {
    let Ok((_, flags, counts)) = header(&mut Reader::new(bytes)) else { return false };
    // The reserved bit, and the class behind the only question's type.
    let [high, low] = flags.0;
    let answers_in_query = usize::from(counts.answers).saturating_add(usize::from(counts.authority));
    let query = answers_in_query == 0 && counts.additional <= ASKED_WITH && high & 0x06 == 0 && low & 0x8f == 0;
    let fits = flags.opcode() == QUERY && counts.questions == 1 && low & 0x40 == 0 && (flags.response() || query);
    if !fits || !is_whole(bytes) {
        return false;
    }
    let Parse::Done(message) = message(bytes) else { return false };
    message.questions.first().is_some_and(|asked| is_host(&asked.name)) && class(bytes) == Ok(1)
}

fn class(bytes: &[u8]) -> Result<u16, Short> {
    let mut r = Reader::new(bytes);
    r.skip(HEADER)?;
    name::skip(&mut r, bytes)?;
    r.skip(2)?;
    r.u16()
}

fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let ends = last.len() >= 2 && last.starts_with(|c: char| c.is_ascii_alphabetic());
    name.contains('.') && ends && name.split('.').all(label)
}

/// True when a message with its length before it may begin here, in a stream of which the start was not seen: as far as
/// the bytes go it has one question, room for what it claims to hold, and a name that can be read.
pub fn begins(stream: &[u8]) -> bool {
    let mut r = Reader::new(stream);
    let Ok(length) = r.u16() else { return true };
    let length = usize::from(length);
    let bytes = r.rest().get(..length).unwrap_or(r.rest());
    let mut inner = Reader::new(bytes);
    let Ok((_, flags, counts)) = header(&mut inner) else { return length >= HEADER };
    let fits = flags.opcode() == QUERY && counts.questions == 1 && counts_fit(counts, length);
    // What is not there yet may be right.
    fits && question(&mut inner, bytes).map_or(bytes.len() < length, |(_, usual)| usual)
}

impl Counts {
    /// Records of all sections.
    fn records(self) -> usize {
        [self.answers, self.authority, self.additional].into_iter().map(usize::from).fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &[u8], behind: &[u8]) -> Vec<u8> {
        [b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0", name, behind].concat()
    }

    #[test]
    fn a_query_is_one_on_any_port() {
        let asked = query(b"\x06claude\x02ai\0", b"\0\x1c\0\x01");
        assert!(is_whole(&asked) && is_unmistakable(&asked));
        let opt = [&asked[..11], &[1], &asked[12..], b"\0\0\x29\x10\0\0\0\0\0\0\0"].concat();
        assert!(is_unmistakable(&opt), "with EDNS");
    }

    /// What is read on port 53, and is not enough elsewhere.
    #[test]
    fn what_is_not_sure_is_no_message_on_other_ports() {
        let asked = query(b"\x06claude\x02ai\0", b"\0\x01\0\x01");
        let with = |at: usize, byte: u8| [&asked[..at], &[byte], &asked[at + 1..]].concat();
        let doubtful = [
            ("bytes behind it", [&asked[..], &[0]].concat()),
            ("cut", asked[..asked.len() - 1].to_vec()),
            ("reserved bit", with(3, 0x40)),
            ("a notification", with(2, 0x20)),
            ("an error in a question", with(3, 3)),
            ("two questions", with(5, 2)),
            ("an answer in a question", with(7, 1)),
            ("the root", query(b"\0", b"\0\x02\0\x01")),
            ("one label", query(b"\x04host\0", b"\0\x01\0\x01")),
            ("an octet that no host has", query(b"\x06cl\0ude\x02ai\0", b"\0\x01\0\x01")),
            ("another class", query(b"\x07version\x04bind\0", b"\0\x10\0\x03")),
        ];
        for (what, bytes) in doubtful {
            assert!(!is_unmistakable(&bytes), "{what}");
        }
    }

    #[test]
    fn a_stream_may_begin_at_a_length_alone() {
        let asked = query(b"\x06claude\x02ai\0", b"\0\x01\0\x01");
        let stream = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
        assert!((0..=stream.len()).all(|end| begins(&stream[..end])));
        assert!(!begins(&asked), "a length that is an id");
        assert!(!begins(&stream[5..]));
        assert!(!begins(b"\0\x05hello") && !begins(b"GET / HTTP/1.1\r\nHost: a\r\n"));
    }
}
