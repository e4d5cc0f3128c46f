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
    /// A message that is broken.
    Malformed,
}

#[derive(Debug, Default)]
struct Stream {
    base: Option<u32>,
    bytes: Assembler,
    lost: bool,
}

impl Resolver {
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
        let offset = seq.wrapping_sub(*stream.base.get_or_insert(seq));
        if offset > u32::MAX / 2 {
            return;
        }
        stream.lost = stream.bytes.insert(offset as usize, packet.payload).is_err();
        while let Some(parse) = self.streams.of_mut(sender).next() {
            match parse {
                Some(message) => self.message(message, packet.time, &mut each),
                None => each(Event::Malformed),
            }
        }
    }

    /// Gives the questions that got no answer.
    pub fn finish(self, mut each: impl FnMut(Event)) {
        for asked in self.open {
            each(Event::Answered(asked, None));
        }
    }

    fn message(&mut self, message: Message, time: i64, each: &mut impl FnMut(Event)) {
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
    /// The next message: `Some(None)` when the stream is broken, after which it is not read any more.
    fn next(&mut self) -> Option<Option<Message>> {
        match dns::framed(self.bytes.ready()) {
            Parse::Done((message, used)) => {
                self.bytes.consume(used);
                self.base = self.base.map(|base| base.wrapping_add(used as u32));
                Some(Some(message))
            }
            Parse::More => None,
            Parse::NotMine | Parse::Malformed => {
                let first = !std::mem::replace(&mut self.lost, true);
                self.bytes = Assembler::default();
                first.then_some(None)
            }
        }
    }
}
