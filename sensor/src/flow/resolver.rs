//! Flows that are DNS themselves: questions, and what their answers tell about addresses.

mod stream;

use super::key::{Both, Side};
use crate::bytes::fnv1a;
use crate::decode::{L4, Packet};
use crate::dissect::Parse;
use crate::dissect::dns::{self, Message, Question};
use stream::Stream;

/// Port of DNS over UDP and TCP (RFC 1035).
pub const PORT: u16 = 53;
/// Ports whose messages are like those of DNS and are none: NetBIOS, mDNS, LLMNR.
const ALIKE: [u16; 3] = [137, 5353, 5355];
/// Questions of one flow that wait for an answer. A stub resolver has a handful open on one port.
const MAX_OPEN: usize = 32;
/// Answered questions that are remembered, to know the second copy of an answer: of A and AAAA ...
const MAX_ANSWERED: usize = 2;
/// ... which a mirror sends within this time, µs. Clients ask again after 300 ms and more.
const COPY: i64 = 100_000;
/// Packets without a message on the port of DNS; then the flow is something else. Tunnels on that port send no other.
const MAX_FOREIGN: u8 = 16;

/// Questions of one flow that wait for their answer.
#[derive(Debug, Default)]
pub struct Resolver {
    open: Vec<Asked>,
    /// Mark and time of the last answers, the newest first.
    answered: [(u64, i64); MAX_ANSWERED],
    isn: Both<Option<u32>>,
    /// Of a TCP connection.
    streams: Option<Box<Both<Stream>>>,
    foreign: u8,
    /// A question waited here.
    asked: bool,
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
    /// Who asked.
    pub asker: Side,
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

/// True for a first packet that may be DNS: on its port, or elsewhere a datagram that can be nothing else.
pub fn may_begin(packet: &Packet<'_>) -> bool {
    let ports = [packet.src.1, packet.dst.1];
    let elsewhere = || packet.l4 == L4::Udp && !ports.iter().any(|port| ALIKE.contains(port));
    ports.contains(&PORT) || elsewhere() && dns::is_unmistakable(packet.payload)
}

impl Resolver {
    /// Begins with the sequence numbers of the SYNs, as far as they were seen.
    pub fn new(isn: Both<Option<u32>>) -> Self {
        Self { isn, ..Self::default() }
    }

    /// Reads one packet that `sender` sent.
    pub fn read(&mut self, packet: &Packet<'_>, sender: Side, mut each: impl FnMut(Event)) {
        let L4::Tcp { seq, flags } = packet.l4 else {
            self.datagram(packet, sender, &mut each);
            return;
        };
        let isn = self.isn;
        let streams = self.streams.get_or_insert_with(|| {
            let mut streams = Both::default();
            [Side::Low, Side::High].into_iter().for_each(|side| *streams.of_mut(side) = Stream::new(*isn.of(side)));
            Box::new(streams)
        });
        let stream = streams.of_mut(sender);
        if flags.syn() {
            stream.open(seq);
        }
        if packet.payload.is_empty() {
            return;
        }
        let messages = stream.read(seq, packet.payload);
        let fits = stream.is_followed() || !messages.is_empty();
        self.foreign = if fits { 0 } else { self.foreign.saturating_add(1) };
        for message in messages {
            match message {
                Some(message) => self.message(message, packet, sender, &mut each),
                None => each(Event::Malformed),
            }
        }
    }

    fn datagram(&mut self, packet: &Packet<'_>, sender: Side, each: &mut impl FnMut(Event)) {
        let cut = packet.payload.len() < packet.payload_len as usize;
        match dns::message(packet.payload) {
            Parse::Done(message) => {
                self.foreign = 0;
                self.message(message, packet, sender, each);
            }
            // Of a packet that the capture cut it cannot be told.
            Parse::More | Parse::NotMine | Parse::Malformed if cut => each(Event::Read),
            Parse::Malformed => {
                self.foreign = self.foreign.saturating_add(1);
                each(Event::Malformed);
            }
            Parse::More | Parse::NotMine => self.foreign = self.foreign.saturating_add(1),
        }
    }

    /// So many packets without a message that it is no DNS, unless it was before.
    pub fn is_foreign(&self) -> bool {
        self.foreign >= MAX_FOREIGN
    }

    /// Bytes held: for reassembly, and of the names that wait for an answer. Never nothing once a question waited, so
    /// that the flow stands in the list of those that hold something once and not with each question.
    pub fn held(&self) -> usize {
        let names = self.open.iter().map(|asked| size_of::<Asked>() + asked.name.len()).sum::<usize>();
        let streams = self.streams.iter().flat_map(|streams| streams.iter()).map(Stream::held).sum::<usize>();
        usize::from(self.asked) + names + streams
    }

    /// Lets go of what is held; gives the questions that got no answer.
    pub fn give_up(&mut self, each: impl FnMut(Event)) {
        std::mem::take(self).finish(each);
    }

    /// Gives the questions that got no answer.
    pub fn finish(self, mut each: impl FnMut(Event)) {
        for asked in self.open {
            each(Event::Answered(asked, None));
        }
    }

    /// A message has begun and is not whole.
    pub fn is_unfinished(&self) -> bool {
        self.streams.iter().flat_map(|streams| streams.iter()).any(Stream::is_unfinished)
    }

    fn message(&mut self, message: Message, packet: &Packet<'_>, sender: Side, each: &mut impl FnMut(Event)) {
        each(Event::Read);
        let asker = asker(packet, sender, message.response);
        let (id, time) = (message.id, packet.time);
        let asked = |q: &Question| Asked { id, time, name: q.name.clone(), qtype: q.qtype, asker };
        let all: Vec<_> = message.questions.iter().map(asked).collect();
        if !message.response {
            all.into_iter().for_each(|asked| self.question(asked, each));
            return;
        }
        // Each question gets a copy of the answer, without the others.
        let message = Message { questions: Vec::new(), ..message };
        // Of several questions nothing tells which one an address is for.
        let told = match all.len() {
            0 | 1 => message,
            _ => Message { addresses: Vec::new(), public_names: Vec::new(), partial: true, ..message },
        };
        all.into_iter().for_each(|asked| self.answer(asked, &told, each));
    }

    fn question(&mut self, asked: Asked, each: &mut impl FnMut(Event)) {
        if self.open.iter().any(|open| open.is_same(&asked) && asked.time.saturating_sub(open.time) < COPY) {
            return;
        }
        if self.open.len() >= MAX_OPEN {
            each(Event::Answered(self.open.remove(0), None));
        }
        self.asked = true;
        self.open.push(asked.clone());
        each(Event::Question(asked));
    }

    fn answer(&mut self, said: Asked, message: &Message, each: &mut impl FnMut(Event)) {
        let mark = (said.mark(), said.time);
        let asked = match self.open.iter().position(|open| open.is_same(&said)) {
            Some(at) => self.open.remove(at),
            None if self
                .answered
                .iter()
                .any(|&(one, time)| one == mark.0 && mark.1.saturating_sub(time) < COPY) =>
            {
                return;
            }
            None => {
                each(Event::Question(said.clone()));
                said
            }
        };
        if self.open.is_empty() {
            // Most flows ask once, and stay in the table for minutes.
            self.open = Vec::new();
        }
        self.answered.rotate_right(1);
        self.answered[0] = mark;
        each(Event::Answered(asked, Some(message.clone())));
    }
}

impl Asked {
    fn is_same(&self, other: &Self) -> bool {
        (self.id, self.qtype, self.asker) == (other.id, other.qtype, other.asker) && self.name == other.name
    }

    fn mark(&self) -> u64 {
        let side = u8::from(self.asker == Side::Low);
        fnv1a(&[&self.id.to_be_bytes(), &self.qtype.to_be_bytes(), &[side], self.name.as_bytes()])
    }
}

/// Who asked: the end that is not on the port of DNS. Where both are, or none, the message says whether it is an answer.
fn asker(packet: &Packet<'_>, sender: Side, response: bool) -> Side {
    match (packet.src.1 == PORT, packet.dst.1 == PORT) {
        (true, false) => sender.other(),
        (false, true) => sender,
        _ if response => sender.other(),
        _ => sender,
    }
}
