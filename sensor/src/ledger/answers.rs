//! What the dissectors said, in four words that are four different things: [`crate::dissect::Parse`].

use serde::{Serialize, Serializer};

use crate::dissect::Dissector;

/// Every dissector in the order of the enum: its name, what its messages are called, and those that never became whole.
const DISSECTORS: [(&str, &str, &str); 4] = [
    ("tls", "tls-hello", "tls-unfinished"),
    ("quic", "quic-initial", "quic-unfinished"),
    ("http", "http-request", "http-unfinished"),
    ("dns", "dns-message", "dns-unfinished"),
];

/// The last word of a dissector about a message or a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A message was read: a hello, a request head, a DNS message.
    Done,
    /// A message began and never became whole: its rest was lost, cut off, or never sent.
    More,
    /// The flow is another protocol's.
    NotMine,
    /// A message of this protocol, but broken.
    Malformed,
}

/// Counts of one dissector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Messages read.
    pub done: u64,
    /// Messages that never became whole.
    pub more: u64,
    /// Flows of another protocol.
    pub not_mine: u64,
    /// Broken messages.
    pub malformed: u64,
}

/// Counts of all dissectors, written by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers([Said; DISSECTORS.len()]);

impl Answers {
    /// Counts an answer.
    pub fn add(&mut self, dissector: Dissector, answer: Answer) {
        let Some(said) = self.0.get_mut(dissector as usize) else { return };
        *(match answer {
            Answer::Done => &mut said.done,
            Answer::More => &mut said.more,
            Answer::NotMine => &mut said.not_mine,
            Answer::Malformed => &mut said.malformed,
        }) += 1;
    }

    /// Adds another span's counts.
    pub fn merge(&mut self, other: &Self) {
        for (sum, said) in self.0.iter_mut().zip(&other.0) {
            sum.done += said.done;
            sum.more += said.more;
            sum.not_mine += said.not_mine;
            sum.malformed += said.malformed;
        }
    }

    /// Counts of one dissector.
    pub fn of(&self, dissector: Dissector) -> Said {
        self.0.get(dissector as usize).copied().unwrap_or_default()
    }

    /// Broken messages by their kind, where there are any.
    pub(super) fn malformed(&self) -> impl Iterator<Item = (String, u64)> {
        let counts = DISSECTORS.iter().zip(&self.0).map(|(&(_, kind, _), said)| (kind.to_owned(), said.malformed));
        counts.filter(|(_, n)| *n > 0)
    }

    /// Messages that never became whole by their kind, where there are any.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (String, u64)> {
        let counts = DISSECTORS.iter().zip(&self.0).map(|(&(_, _, kind), said)| (kind.to_owned(), said.more));
        counts.filter(|(_, n)| *n > 0)
    }
}

impl Serialize for Answers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DISSECTORS.iter().zip(&self.0).map(|(&(name, ..), said)| (name, said)))
    }
}
