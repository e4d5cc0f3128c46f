//! Reads names out of payload: TLS and QUIC ClientHellos, DNS messages, HTTP request heads. And who has which address:
//! ARP, neighbour discovery, DHCP, mDNS.
//!
//! Each dissector is a pure function over bytes. It borrows, allocates nothing for an attacker, and gives one of four
//! answers: [`Parse`].

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod arp;
pub mod client_hello;
pub mod dhcp;
pub mod dhcp6;
pub mod dns;
pub mod http;
pub mod ja4;
pub mod mdns;
pub mod ndp;
pub mod preamble;
pub mod quic;
pub mod tls;

/// The dissectors, as counters name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dissector {
    /// ClientHellos over TLS records.
    Tls,
    /// ClientHellos over QUIC Initial packets.
    Quic,
    /// HTTP request heads.
    Http,
    /// DNS messages.
    Dns,
}

/// What a dissector says about the bytes that it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parse<T> {
    /// Here it is.
    Done(T),
    /// So far it fits; show more bytes.
    More,
    /// These bytes are another protocol's.
    NotMine,
    /// This protocol, but broken.
    Malformed,
}

impl<T> Parse<T> {
    /// The same answer about something made of what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Parse<U> {
        match self {
            Self::Done(found) => Parse::Done(make(found)),
            Self::More => Parse::More,
            Self::NotMine => Parse::NotMine,
            Self::Malformed => Parse::Malformed,
        }
    }
}

/// Octets of the longest name that DNS can carry (RFC 1035 section 2.3.4), and so of the longest that a server can have.
/// Whoever sends a longer one wants something else of those who store it.
pub const MAX_NAME: usize = 255;

/// A name as records hold it: lower case, without the final dot. A byte outside ASCII becomes the character of that
/// code, so that nothing is lost and the result is valid UTF-8. `None` when nothing is left, or too much.
pub fn clean_name(raw: &[u8]) -> Option<String> {
    let raw = raw.strip_suffix(b".").filter(|rest| !rest.is_empty()).unwrap_or(raw);
    if raw.is_empty() || raw.len() > MAX_NAME {
        return None;
    }
    Some(raw.iter().map(|b| char::from(b.to_ascii_lowercase())).collect())
}

/// A text of a stranger as records hold it: valid UTF-8, without control characters, at most `max` characters. `None`
/// when nothing is left.
pub fn clean_text(raw: &[u8], max: usize) -> Option<String> {
    let text: String = String::from_utf8_lossy(raw).chars().filter(|c| !c.is_control()).take(max).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
