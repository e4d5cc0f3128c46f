//! DNS messages (RFC 1035) over UDP and TCP: the questions, and the addresses of the answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Parse, clean_name};
use crate::bytes::{Reader, Short};

/// RR types that matter here (IANA DNS parameters).
mod rr {
    pub(super) const A: u16 = 1;
    pub(super) const AAAA: u16 = 28;
    pub(super) const OPT: u16 = 41;
}

/// Questions in one message: one in practice, several in old test suites.
const MAX_QUESTIONS: u16 = 16;
/// Answers that are read; the longest chains with addresses have a few dozen.
const MAX_ANSWERS: u16 = 128;
/// Compression pointers in one name. A name has at most 127 labels, each could be pointed to; real ones have two.
const MAX_POINTERS: usize = 32;
/// Octets of a name, RFC 1035 section 3.1.
const MAX_NAME: usize = 255;
/// The opcode of a standard query.
const QUERY: u8 = 0;

/// A question of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Lower case, no final dot; `.` for the root.
    pub name: String,
    /// Query type.
    pub qtype: u16,
}

/// An address record of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Seconds that the record may be kept.
    pub ttl: u32,
}

/// A DNS message as far as naming needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Transaction id.
    pub id: u16,
    /// True for a response.
    pub response: bool,
    /// Response code, low four bits.
    pub rcode: u16,
    /// The questions.
    pub questions: Vec<Question>,
    /// A and AAAA records of the answer section.
    pub addresses: Vec<Address>,
}

/// Parses one message. A message whose questions are whole is accepted even where its answers are cut or broken: the
/// question is what names need.
pub fn message(bytes: &[u8]) -> Parse<Message> {
    let mut r = Reader::new(bytes);
    let Ok((message, counts)) = header(&mut r) else { return Parse::NotMine };
    let Some((questions, answers)) = counts else { return Parse::NotMine };
    let mut message = message;
    for _ in 0..questions {
        match question(&mut r, bytes) {
            Ok(question) => message.questions.push(question),
            Err(Short) if message.questions.is_empty() => return Parse::Malformed,
            Err(Short) => return Parse::Done(message),
        }
    }
    for _ in 0..answers.min(MAX_ANSWERS) {
        match answer(&mut r, bytes) {
            Ok(address) => message.addresses.extend(address),
            Err(Short) => break,
        }
    }
    Parse::Done(message)
}

/// The first message of a TCP stream (RFC 7766: two bytes of length before each) and the bytes it takes. The message is
/// absent when it is none of a query: the stream goes on behind it.
pub fn framed(stream: &[u8]) -> Parse<(Option<Message>, usize)> {
    let mut r = Reader::new(stream);
    let Ok(len) = r.u16() else { return Parse::More };
    let len = usize::from(len);
    if len < 12 {
        return Parse::NotMine;
    }
    let Ok(bytes) = r.take(len) else { return Parse::More };
    let used = len.saturating_add(2);
    match message(bytes) {
        Parse::Done(message) => Parse::Done((Some(message), used)),
        Parse::Malformed => Parse::Malformed,
        Parse::More | Parse::NotMine => Parse::Done((None, used)),
    }
}

/// The fixed header, and the counts of questions and answers where it is a query or its response.
fn header(r: &mut Reader<'_>) -> Result<(Message, Option<(u16, u16)>), Short> {
    let id = r.u16()?;
    let [high, low] = r.array()?;
    let (questions, answers) = (r.u16()?, r.u16()?);
    r.skip(4)?;
    let opcode = high >> 3 & 0x0f;
    let message = Message { id, response: high & 0x80 != 0, rcode: u16::from(low & 0x0f), ..Message::default() };
    let fits = opcode == QUERY && (1..=MAX_QUESTIONS).contains(&questions);
    Ok((message, fits.then_some((questions, answers))))
}

fn question<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<Question, Short> {
    let name = name(r, whole)?;
    let qtype = r.u16()?;
    r.skip(2)?;
    Ok(Question { name, qtype })
}

fn answer<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<Option<Address>, Short> {
    skip_name(r, whole)?;
    let kind = r.u16()?;
    r.skip(2)?;
    let ttl = r.u32()?;
    let data = r.vec16()?;
    let ip = match (kind, data.len()) {
        (rr::A, 4) => data.first_chunk::<4>().map(|&a| IpAddr::from(Ipv4Addr::from(a))),
        (rr::AAAA, 16) => data.first_chunk::<16>().map(|&a| IpAddr::from(Ipv6Addr::from(a))),
        (rr::OPT, _) => None,
        _ => None,
    };
    // RFC 2181 section 8: a TTL with the top bit set is zero.
    let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
    Ok(ip.map(|ip| Address { ip, ttl }))
}

/// A name at the reader, decompressed (RFC 1035 section 4.1.4).
fn name<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<String, Short> {
    let mut raw = Vec::with_capacity(64);
    walk(r, whole, |label| {
        if !raw.is_empty() {
            raw.push(b'.');
        }
        raw.extend_from_slice(label);
    })?;
    Ok(clean_name(&raw).unwrap_or_else(|| ".".to_owned()))
}

fn skip_name<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<(), Short> {
    walk(r, whole, |_| ())
}

/// Gives each label of the name at the reader to `each`; the reader ends behind the name.
fn walk<'a>(r: &mut Reader<'a>, whole: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Result<(), Short> {
    let (mut octets, mut pointers) = (0_usize, 0_usize);
    let mut jumped: Option<Reader<'a>> = None;
    loop {
        let at = jumped.as_mut().unwrap_or(r);
        match at.u8()? {
            0 => return Ok(()),
            len @ 1..=63 => {
                each(at.take(usize::from(len))?);
                octets = octets.saturating_add(usize::from(len)).saturating_add(1);
            }
            high @ 0xc0..=0xff => {
                let target = usize::from(u16::from_be_bytes([high & 0x3f, at.u8()?]));
                pointers = pointers.saturating_add(1);
                jumped = Some(Reader::new(whole.get(target..).ok_or(Short)?));
            }
            _ => return Err(Short),
        }
        if octets > MAX_NAME || pointers > MAX_POINTERS {
            return Err(Short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Query for `claude.ai` AAAA and its answer with a compressed owner name.
    fn response() -> Vec<u8> {
        let mut m = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
        m.extend(b"\x06CLaude\x02ai\x00\x00\x1c\x00\x01");
        m.extend(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c");
        m.extend(b"\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10");
        m.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        m
    }

    #[test]
    fn question_and_addresses() {
        let Parse::Done(m) = message(&response()) else { panic!() };
        assert_eq!((m.id, m.response, m.rcode), (0x1234, true, 0));
        assert_eq!(m.questions, [Question { name: "claude.ai".into(), qtype: 28 }]);
        assert_eq!(m.addresses, [Address { ip: "2001:db8::1".parse().unwrap(), ttl: 60 }]);
    }

    #[test]
    fn a_cut_answer_keeps_the_question() {
        let whole = response();
        for end in 0..whole.len() {
            match message(&whole[..end]) {
                Parse::Done(m) => assert!(end >= 27 && m.questions.len() == 1, "{end}"),
                Parse::NotMine => assert!(end < 12, "{end}"),
                other => assert!(end < 27 && other == Parse::Malformed, "{end}"),
            }
        }
    }

    #[test]
    fn a_pointer_loop_ends() {
        let mut m = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        m.extend(b"\xc0\x0c\x00\x01\x00\x01");
        assert_eq!(message(&m), Parse::Malformed);
    }

    #[test]
    fn a_stream_is_cut_by_its_lengths() {
        let mut stream = (response().len() as u16).to_be_bytes().to_vec();
        stream.extend(response());
        for end in 0..stream.len() {
            assert_eq!(framed(&stream[..end]), Parse::More);
        }
        assert!(matches!(framed(&stream), Parse::Done((_, used)) if used == stream.len()));
    }
}
