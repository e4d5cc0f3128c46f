//! Reads names out of payload: TLS and QUIC ClientHellos, DNS messages, HTTP request heads.
//!
//! Each dissector is a pure function over bytes. It borrows, allocates nothing for an attacker, and gives one of four
//! answers: [`Parse`].

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod client_hello;
pub mod dns;
pub mod http;
pub mod ja4;
pub mod quic;
pub mod tls;

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

/// A name as records hold it: lower case, without the final dot. A byte outside ASCII becomes the character of that
/// code, so that nothing is lost and the result is valid UTF-8. `None` when nothing is left.
pub fn clean_name(raw: &[u8]) -> Option<String> {
    let raw = raw.strip_suffix(b".").filter(|rest| !rest.is_empty()).unwrap_or(raw);
    if raw.is_empty() {
        return None;
    }
    Some(raw.iter().map(|b| char::from(b.to_ascii_lowercase())).collect())
}
