//! Flows that are DNS themselves: questions, and what their answers tell about addresses.

use super::key::{Both, Side};
use crate::assemble::Assembler;
use crate::decode::{L4, Packet};
use crate::dissect::Parse;
use crate::dissect::dns::{self, Message};

/// Port of DNS over UDP and TCP (RFC 1035).
pub const PORT: u16 = 53;
/// Questions of one flow that wait for an answer. A stub resolver has a handful open on one port.
const MAX_OPEN: usize = 32;

/// Questions of one flow that wait for their answer.
#[derive(Debug, Default)]
pub struct Resolver {
    open: Vec<Asked>,
    streams: Both<Stream>,
}

/// A question on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Transaction id.
    pub id: u16,
    /// When, µs.
    pub time: i64,
    /// Lower case, no final dot; `.` for the root.
    pub name: String,
    /// Query type.
    pub qtype: u16,
}

/// What a DNS packet brought.
#[derive(Debug)]
pub enum Event {
    /// A question was asked (or, without a question seen, answered).
    Question(Asked),
    /// A question has its answer, or will get none (`None`).
    Answered(Asked, Option<Message>),
    /// A message was read.
    Read,
    /// A message that is broken.
    Malformed,
}

#[derive(Debug, Default)]
struct Stream {
    base: Option<u32>,
    bytes: Assembler,
    /// Not read any more.
    lost: bool,
}

impl Resolver {
    /// Begins with the sequence numbers of the SYNs, as far as they were seen.
    pub fn new(isn: Both<Option<u32>>) -> Self {
        let mut resolver = Self::default();
        for side in [Side::Low, Side::High] {
            resolver.streams.of_mut(side).base = isn.of(side).map(|isn| isn.wrapping_add(1));
        }
        resolver
    }

    /// Reads one packet that `sender` sent.
    pub fn read(&mut self, packet: &Packet<'_>, sender: Side, mut each: impl FnMut(Event)) {
        let L4::Tcp { seq, flags } = packet.l4 else {
            match dns::message(packet.payload) {
                Parse::Done(message) => self.message(message, packet.time, &mut each),
                Parse::Malformed => each(Event::Malformed),
                Parse::More | Parse::NotMine => {}
            }
            return;
        };
        let stream = self.streams.of_mut(sender);
        if flags.syn() {
            *stream = Stream { base: Some(seq.wrapping_add(1)), ..Stream::default() };
        }
        if packet.payload.is_empty() || stream.lost {
            return;
        }
        stream.place(seq, packet.payload);
        let (messages, broken) = stream.messages();
        for message in messages {
            self.message(message, packet.time, &mut each);
        }
        if broken {
            each(Event::Malformed);
        }
    }

    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        self.streams.iter().map(|stream| stream.bytes.held()).sum()
    }

    /// Gives the questions that got no answer.
    pub fn finish(self, mut each: impl FnMut(Event)) {
        for asked in self.open {
            each(Event::Answered(asked, None));
        }
    }

    /// A message has begun and is not whole.
    pub fn is_unfinished(&self) -> bool {
        self.streams.iter().any(|stream| !stream.bytes.is_empty())
    }

    fn message(&mut self, message: Message, time: i64, each: &mut impl FnMut(Event)) {
        each(Event::Read);
        if message.response {
            self.response(message, time, each);
            return;
        }
        for question in message.questions {
            let asked = Asked { id: message.id, time, name: question.name, qtype: question.qtype };
            if self.open.len() >= MAX_OPEN {
                each(Event::Answered(self.open.remove(0), None));
            }
            self.open.push(asked.clone());
            each(Event::Question(asked));
        }
    }

    fn response(&mut self, message: Message, time: i64, each: &mut impl FnMut(Event)) {
        let Some(question) = message.questions.first() else { return };
        let matches = |a: &Asked| a.id == message.id && a.qtype == question.qtype && a.name == question.name;
        let asked = match self.open.iter().position(matches) {
            Some(at) => self.open.remove(at),
            None => {
                let asked = Asked { id: message.id, time, name: question.name.clone(), qtype: question.qtype };
                each(Event::Question(asked.clone()));
                asked
            }
        };
        each(Event::Answered(asked, Some(message)));
    }
}

impl Stream {
    /// Puts a segment where it belongs. What begins before the base is read from the base on.
    fn place(&mut self, seq: u32, payload: &[u8]) {
        let base = *self.base.get_or_insert(seq);
        if self.bytes.insert(self.bytes.place(base, seq), payload).is_err() {
            self.give_up();
        }
    }

    /// The messages that are complete, and whether the stream is broken behind them: it is not read any more then.
    fn messages(&mut self) -> (Vec<Message>, bool) {
        let (mut found, mut used) = (Vec::new(), 0);
        loop {
            match dns::framed(self.bytes.ready().get(used..).unwrap_or_default()) {
                Parse::Done((message, len)) => {
                    found.extend(message);
                    used += len;
                }
                Parse::More => break,
                Parse::NotMine | Parse::Malformed => {
                    self.give_up();
                    return (found, true);
                }
            }
        }
        self.bytes.consume(used);
        (found, false)
    }

    fn give_up(&mut self) {
        self.lost = true;
        self.bytes = Assembler::default();
    }
}
