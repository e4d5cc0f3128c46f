//! DNS messages (RFC 1035) over UDP and TCP: the questions, the addresses of the answers, and what HTTPS records (RFC
//! 9460) say, the public names of encrypted ClientHellos above all.

mod ech_config;
pub(super) mod name;
mod service;
mod whole;

use std::cell::LazyCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Parse;
use crate::bytes::{Reader, Short};
pub use service::{Service, key};
use whole::counts_fit;
pub use whole::{begins, is_unmistakable};

/// RR types that matter here (IANA DNS parameters).
pub mod rr {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// How a service is reached.
    pub const SVCB: u16 = 64;
    /// How a host is reached over HTTPS.
    pub const HTTPS: u16 = 65;
}

/// Questions that are read of one message: one in practice, several in old test suites.
const MAX_QUESTIONS: u16 = 64;
/// Answers that are read; the longest chains with addresses have a few dozen.
const MAX_ANSWERS: u16 = 128;
/// Addresses that are kept of one message: more than answers of 4,096 bytes hold, and a record stays small.
const MAX_ADDRESSES: usize = 256;
/// Public names that are kept of one message. A name has one, and two while it changes.
const MAX_PUBLIC: usize = 8;
/// HTTPS and SVCB records that are kept of one message: one for each place that serves a name, some for other protocols.
const MAX_SERVICES: usize = 16;
/// Octets of the header.
const HEADER: usize = 12;
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

/// An address that an answer gives: an address record's, or a hint in an HTTPS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Seconds that the record may be kept.
    pub ttl: u32,
}

/// What a client puts into the outer SNI when it hides the name that it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicName {
    /// Lower case, no final dot.
    pub name: String,
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
    /// The questions. None in what is no standard query (notifications, updates), or goes on with an earlier answer.
    pub questions: Vec<Question>,
    /// Addresses of the answer section.
    pub addresses: Vec<Address>,
    /// Public names in the HTTPS records of the answer section.
    pub public_names: Vec<PublicName>,
    /// HTTPS and SVCB records of the answer section, as they stand there.
    pub services: Vec<Service>,
    /// Not all answers are there: the sender or the capture cut the message, it is broken behind its questions, or an
    /// HTTPS record points elsewhere or is broken itself.
    pub partial: bool,
}

/// How many entries each section of a message claims to have.
#[derive(Debug, Clone, Copy)]
struct Counts {
    questions: u16,
    answers: u16,
    authority: u16,
    additional: u16,
}

/// The two bytes of flags.
#[derive(Debug, Clone, Copy)]
struct Flags([u8; 2]);

/// True when the first question of a message is for a type. Looks at nothing else.
pub fn asks_for(bytes: &[u8], qtype: u16) -> bool {
    let mut r = Reader::new(bytes);
    let asked = r.skip(HEADER).and_then(|()| name::skip(&mut r, bytes)).and_then(|()| r.u16());
    asked == Ok(qtype)
}

/// Parses one message. A message whose first question is whole is accepted whatever its counts claim, and even where its
/// answers are cut or broken: the question is what names need.
pub fn message(bytes: &[u8]) -> Parse<Message> {
    let mut r = Reader::new(bytes);
    let Ok((id, flags, counts)) = header(&mut r) else { return Parse::NotMine };
    let mut message = Message {
        id,
        response: flags.response(),
        rcode: flags.rcode(),
        partial: flags.cut(),
        ..Message::default()
    };
    if flags.opcode() != QUERY || counts.questions == 0 {
        return if flags.is_known() && counts_fit(counts, bytes.len()) {
            Parse::Done(message)
        } else {
            Parse::NotMine
        };
    }
    // Asked once: it reads all of the message.
    let is_whole = LazyCell::new(|| whole::is_whole(bytes));
    for _ in 0..counts.questions.min(MAX_QUESTIONS) {
        match question(&mut r, bytes) {
            // A count that lies makes questions of what follows them.
            Ok((question, usual)) if usual && message.questions.is_empty() || *is_whole => {
                message.questions.push(question);
            }
            _ if message.questions.is_empty() => return Parse::Malformed,
            _ => {
                message.partial = true;
                return Parse::Done(message);
            }
        }
    }
    for _ in 0..counts.answers.min(MAX_ANSWERS) {
        if answer(&mut r, bytes, &mut message).is_err() {
            message.partial = true;
            break;
        }
    }
    Parse::Done(message)
}

/// The first message of a TCP stream (RFC 7766: two bytes of length before each) and the bytes it takes. The message is
/// absent when it cannot be read: the stream goes on behind it.
pub fn framed(stream: &[u8]) -> Parse<(Option<Message>, usize)> {
    let mut r = Reader::new(stream);
    let Ok(len) = r.u16() else { return Parse::More };
    let len = usize::from(len);
    if len < HEADER {
        return Parse::NotMine;
    }
    let Ok(bytes) = r.take(len) else { return Parse::More };
    let used = len.saturating_add(2);
    match message(bytes) {
        Parse::Done(message) => Parse::Done((Some(message), used)),
        Parse::More | Parse::NotMine | Parse::Malformed => Parse::Done((None, used)),
    }
}

impl Flags {
    fn response(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    fn opcode(self) -> u8 {
        self.0[0] >> 3 & 0x0f
    }

    /// The sender says that the message is cut.
    fn cut(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    fn rcode(self) -> u16 {
        u16::from(self.0[1] & 0x0f)
    }

    /// The opcode is assigned (IANA DNS parameters).
    fn is_known(self) -> bool {
        matches!(self.opcode(), 0..=2 | 4..=6)
    }
}

fn header(r: &mut Reader<'_>) -> Result<(u16, Flags, Counts), Short> {
    let id = r.u16()?;
    let flags = Flags(r.array()?);
    let (questions, answers) = (r.u16()?, r.u16()?);
    Ok((id, flags, Counts { questions, answers, authority: r.u16()?, additional: r.u16()? }))
}

/// A question, and whether its type and class are any that are asked for. What has others has to be whole to be believed.
fn question<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<(Question, bool), Short> {
    let name = name::read(r, whole)?;
    let (qtype, class) = (r.u16()?, r.u16()?);
    // The top bit of mDNS asks for an answer to the asker alone (RFC 6762 section 5.4).
    let usual = qtype != 0 && matches!(class & 0x7fff, 1..=4 | 254 | 255);
    Ok((Question { name, qtype }, usual))
}

/// Reads an answer. What its data hold in a wrong length is passed over.
fn answer<'a>(r: &mut Reader<'a>, whole: &'a [u8], message: &mut Message) -> Result<(), Short> {
    name::skip(r, whole)?;
    let kind = r.u16()?;
    r.skip(2)?;
    let ttl = r.u32()?;
    let data = r.vec16()?;
    // RFC 2181 section 8: a TTL with the top bit set is zero.
    let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
    let addresses = &mut message.addresses;
    match (kind, data.len()) {
        (rr::A, 4) => addresses.extend(v4(data).map(|ip| Address { ip, ttl })),
        (rr::AAAA, 16) => addresses.extend(v6(data).map(|ip| Address { ip, ttl })),
        (rr::SVCB | rr::HTTPS, _) => {
            if let Some(service) = service::read(data) {
                if kind == rr::HTTPS {
                    message.told(&service, ttl);
                }
                message.services.push(service);
            }
        }
        _ => {}
    }
    message.services.truncate(MAX_SERVICES);
    message.addresses.truncate(MAX_ADDRESSES);
    message.public_names.truncate(MAX_PUBLIC);
    Ok(())
}

/// The IPv4 addresses in a field of them.
fn v4(data: &[u8]) -> impl Iterator<Item = IpAddr> {
    data.as_chunks::<4>().0.iter().map(|&octets| Ipv4Addr::from(octets).into())
}

/// The IPv6 addresses in a field of them.
fn v6(data: &[u8]) -> impl Iterator<Item = IpAddr> {
    data.as_chunks::<16>().0.iter().map(|&octets| Ipv6Addr::from(octets).into())
}

#[cfg(test)]
mod tests;
