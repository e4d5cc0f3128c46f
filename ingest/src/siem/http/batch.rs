//! A chunk of events cut into requests that the receiver takes, and what its answers mean for the chunk.

use std::time::{Duration, Instant};

use super::client::{Client, Session};
use crate::siem::channel::{Channel, Message, Outcome, SendError};

/// A chunk that takes longer is given back as far as it came, so that what the receiver has is marked.
const CHUNK: Duration = Duration::from_secs(20);

/// One kind of receiver.
pub(super) trait Vendor: Send {
    /// The largest body of a request, in bytes.
    const LARGEST: usize;
    /// The most events in a request.
    const MOST: usize;

    /// An event as it stands in a body.
    fn item(&self, event: &Message) -> Vec<u8>;

    /// Sends some events in one request and reads the answer.
    fn post(&mut self, client: &Client, session: &mut Session<'_>, items: &[Item]) -> Answer;
}

/// An event as it stands in a body.
pub(super) struct Item {
    /// What tells repeats.
    pub(super) key: String,
    pub(super) bytes: Vec<u8>,
}

/// What an answer means for the events of its request.
pub(super) enum Answer {
    /// The receiver has all of them.
    Taken,
    /// It has so many of them, will never take some of these, and may say why it took no more. Places count within the
    /// request.
    UpTo(Outcome),
    /// It has so many and took offence at the next one, which is sent alone: refused there as well, it is never taken.
    Accused(usize, String),
    /// The request was too large. Half of it is tried; one event alone is never taken.
    TooLarge(String),
    /// It has none.
    Failed(SendError),
}

/// The channel to a receiver that takes events in requests.
pub(super) struct Batched<V> {
    name: String,
    client: Client,
    vendor: V,
    /// Events in the next request. Halved when a request was too large or broke, doubled when one went well.
    most: usize,
}

impl<V: Vendor> Batched<V> {
    pub(super) fn new(name: String, client: Client, vendor: V) -> Self {
        Self { name, client, vendor, most: V::MOST }
    }
}

impl<V: Vendor> Channel for Batched<V> {
    fn send(&mut self, events: &[Message]) -> Outcome {
        let item = |event: &Message| Item { key: event.key(), bytes: self.vendor.item(event) };
        let items: Vec<Item> = events.iter().map(item).collect();
        let Self { client, vendor, most, .. } = self;
        let sent = client.session(|session| {
            let mut way = Way { outcome: Outcome::default(), alone: false, most };
            let begun = Instant::now();
            while way.goes_on(items.len()) && begun.elapsed() < CHUNK {
                way.step::<V>(&items, |some| vendor.post(client, session, some));
            }
            way.outcome
        });
        sent.unwrap_or_else(Outcome::failed)
    }
}

impl<V> std::fmt::Debug for Batched<V> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.name)
    }
}

/// How far a chunk has come.
struct Way<'a> {
    outcome: Outcome,
    /// The next event goes alone.
    alone: bool,
    most: &'a mut usize,
}

impl Way<'_> {
    fn goes_on(&self, all: usize) -> bool {
        self.outcome.error.is_none() && self.outcome.done < all
    }

    /// One request from where the chunk has come to.
    fn step<V: Vendor>(&mut self, items: &[Item], post: impl FnOnce(&[Item]) -> Answer) {
        let rest = items.get(self.outcome.done..).unwrap_or_default();
        let some = match std::mem::take(&mut self.alone) {
            true => 1,
            false => fitting(rest, V::LARGEST).min(*self.most),
        };
        let some = rest.get(..some.max(1)).unwrap_or(rest);
        let answer = match some {
            [one] if one.bytes.len() > V::LARGEST => {
                Answer::TooLarge(format!("{} bytes, of which a request holds {}", one.bytes.len(), V::LARGEST))
            }
            some => post(some),
        };
        self.take(some.len(), answer, V::MOST);
    }

    fn take(&mut self, sent: usize, answer: Answer, ceiling: usize) {
        match answer {
            Answer::Taken => {
                self.outcome.done += sent;
                *self.most = self.most.saturating_mul(2).min(ceiling);
            }
            Answer::UpTo(part) => self.join(part, sent),
            Answer::Accused(_, why) | Answer::TooLarge(why) if sent == 1 => self.refuse(why),
            Answer::Accused(done, _) => {
                self.outcome.done += done.min(sent - 1);
                self.alone = true;
            }
            Answer::TooLarge(_) => *self.most = sent / 2,
            Answer::Failed(error) => {
                // Some servers answer a body that is too large by closing.
                if matches!(error, SendError::Send { .. }) {
                    *self.most = (sent / 2).max(1);
                }
                self.outcome.error = Some(error);
            }
        }
    }

    fn join(&mut self, part: Outcome, sent: usize) {
        let before = self.outcome.done;
        self.outcome.done += part.done.min(sent);
        self.outcome.refused.extend(part.refused.into_iter().map(|(place, why)| (before + place, why)));
        self.outcome.error = part.error;
    }

    fn refuse(&mut self, why: String) {
        self.outcome.refused.push((self.outcome.done, why));
        self.outcome.done += 1;
    }
}

/// How many events from the front a body holds, with the bytes between them.
fn fitting(items: &[Item], largest: usize) -> usize {
    let mut size = 2;
    let fits = |item: &&Item| {
        size += item.bytes.len() + 1;
        size <= largest
    };
    items.iter().take_while(fits).count()
}

/// The bodies of some items, with brackets around and a mark between them.
pub(super) fn joined(items: &[Item], [open, between, close]: [&str; 3]) -> Vec<u8> {
    let mut body = open.as_bytes().to_vec();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            body.extend_from_slice(between.as_bytes());
        }
        body.extend_from_slice(&item.bytes);
    }
    body.extend_from_slice(close.as_bytes());
    body
}
