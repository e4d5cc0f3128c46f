//! Names by which a network says that it wants to see DNS: does this one?
//!
//! Firefox asks for `use-application-dns.net` before it turns on DNS over HTTPS by itself, Apple's devices for
//! `mask.icloud.com` before they use the relay. An answer without an address means no. Here it is a fact alone: for whom
//! it was said, and what follows, is for others to judge.

use serde::Serialize;

use crate::dissect::dns::{Message, rr};

/// What Firefox asks for.
const FIREFOX: &str = "use-application-dns.net";
/// What the relay's clients ask for.
const RELAY: [&str; 2] = ["mask.icloud.com", "mask-h2.icloud.com"];
/// No such name.
const NXDOMAIN: u16 = 3;

/// What the answers on this wire said last; absent when nobody asked. True where the network has opted out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Canaries {
    /// Of DNS over HTTPS in Firefox.
    pub firefox_doh: Option<Said>,
    /// Of iCloud Private Relay.
    pub private_relay: Option<Said>,
}

/// What an answer said; of two the later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "bool")]
pub struct Said {
    /// When, µs.
    time: i64,
    /// The network has opted out.
    out: bool,
}

impl From<Said> for bool {
    fn from(said: Said) -> Self {
        said.out
    }
}

impl Canaries {
    /// Hears an answer about `name`.
    pub fn hear(&mut self, name: &str, qtype: u16, answer: &Message, time: i64) {
        let word = |out| Said { time, out };
        if name == FIREFOX {
            // Firefox takes any failure for a no.
            self.firefox_doh = opted_out(qtype, answer, answer.rcode != 0).map(word).or(self.firefox_doh);
        } else if RELAY.contains(&name) {
            // A resolver that fails says nothing to the relay's clients: they wait, and try again.
            let said = matches!(answer.rcode, 0 | NXDOMAIN);
            let refused = said.then(|| opted_out(qtype, answer, answer.rcode == NXDOMAIN)).flatten();
            self.private_relay = refused.map(word).or(self.private_relay);
        }
    }

    /// Adds what another worker heard: the later word counts.
    pub fn join(&mut self, other: Self) {
        self.firefox_doh = self.firefox_doh.max(other.firefox_doh);
        self.private_relay = self.private_relay.max(other.private_relay);
    }
}

/// `None` when the answer leaves it open: one for another type, or one that is not all there.
fn opted_out(qtype: u16, answer: &Message, refused: bool) -> Option<bool> {
    match qtype {
        rr::A | rr::AAAA if refused => Some(true),
        rr::A | rr::AAAA if !answer.addresses.is_empty() => Some(false),
        // Networks without IPv6 have no such address for anything.
        rr::A if !answer.partial => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::dns::Address;

    fn answer(rcode: u16, addresses: usize) -> Message {
        let ip = std::net::Ipv4Addr::new(192, 0, 2, 1).into();
        Message { rcode, addresses: vec![Address { ip, ttl: 60 }; addresses], ..Message::default() }
    }

    fn heard(answers: &[(&str, u16, Message)]) -> (Option<bool>, Option<bool>) {
        let mut canaries = Canaries::default();
        answers.iter().for_each(|(name, qtype, message)| canaries.hear(name, *qtype, message, 7));
        (canaries.firefox_doh.map(bool::from), canaries.private_relay.map(bool::from))
    }

    #[test]
    fn no_such_name_or_no_address_is_a_no() {
        assert_eq!(heard(&[]), (None, None));
        assert_eq!(heard(&[(FIREFOX, rr::A, answer(NXDOMAIN, 0))]), (Some(true), None));
        assert_eq!(heard(&[("mask.icloud.com", rr::A, answer(0, 0))]), (None, Some(true)));
        assert_eq!(heard(&[("mask-h2.icloud.com", rr::AAAA, answer(NXDOMAIN, 0))]), (None, Some(true)));
        assert_eq!(
            heard(&[(FIREFOX, rr::A, answer(0, 1)), (RELAY[0], rr::A, answer(0, 2))]),
            (Some(false), Some(false))
        );
    }

    #[test]
    fn what_says_nothing_changes_nothing() {
        let no = (FIREFOX, rr::A, answer(NXDOMAIN, 0));
        assert_eq!(heard(&[no.clone(), (FIREFOX, rr::AAAA, answer(0, 0))]).0, Some(true), "no IPv6");
        assert_eq!(heard(&[(FIREFOX, rr::HTTPS, answer(NXDOMAIN, 0))]).0, None);
        assert_eq!(heard(&[(FIREFOX, rr::A, Message { partial: true, ..answer(0, 0) })]).0, None);
        assert_eq!(heard(&[("x.use-application-dns.net", rr::A, answer(NXDOMAIN, 0))]), (None, None));
    }

    #[test]
    fn a_resolver_that_fails_refuses_firefox_and_not_the_relay() {
        assert_eq!(heard(&[(FIREFOX, rr::A, answer(2, 0)), (RELAY[0], rr::A, answer(2, 0))]), (Some(true), None));
    }

    #[test]
    fn the_last_answer_counts() {
        let both = [(FIREFOX, rr::A, answer(0, 1)), (FIREFOX, rr::A, answer(NXDOMAIN, 0))];
        assert_eq!(heard(&both).0, Some(true));
    }

    #[test]
    fn of_two_workers_the_later_word_counts() {
        let hear = |rcode, time| {
            let mut canaries = Canaries::default();
            canaries.hear(FIREFOX, rr::A, &answer(rcode, 1), time);
            canaries
        };
        let joined = |mut one: Canaries, other| {
            one.join(other);
            one.firefox_doh.map(bool::from)
        };
        assert_eq!(joined(hear(0, 1), hear(NXDOMAIN, 2)), Some(true));
        assert_eq!(joined(hear(0, 3), hear(NXDOMAIN, 2)), Some(false));
        assert_eq!(joined(Canaries::default(), hear(0, 2)), Some(false));
    }
}
