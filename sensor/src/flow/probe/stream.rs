//! One direction of a TCP connection: where a ClientHello or a request begins in it, and its bytes until it is whole.
//!
//! Where segments overlap, the byte that was seen first stays, as receivers do it. Where they contradict each other the
//! stream is read the other way round as well ([`Rival`]): bytes that the server never accepts must not hide a hello.

use super::rival::Rival;
use super::{Found, Look, hello};
use crate::assemble::{Assembler, MAX_BYTES};
use crate::dissect::ja4::Over;
use crate::dissect::{Dissector, Parse, http, preamble, tls};
use crate::flow::client::Build;
use crate::flow::key::Side;
use crate::record::Protocol;

/// Segments of a stream whose SYN was not seen that make no sense, before it is called another protocol's ...
const MAX_UNCLEAR: u8 = 64;
/// ... and bytes: an earlier segment may still come, but of a stream in full flow not everything is kept. A stream that
/// came out of order once is kept as far as the assembler goes.
const MAX_UNCLEAR_BYTES: i64 = 8 << 10;
/// Segments of such a stream that may begin a hello, while that is not known.
const MAX_MARKS: usize = 8;
/// How far before the first segment seen a stream may turn out to begin.
const MAX_REWIND: i64 = 64 << 10;
/// How far behind a gap another protocol's bytes are kept. Beyond it the gap is passed over: it was lost.
const MAX_GAP: i64 = 8 << 10;
/// How far back a short segment may begin a hello where another protocol's bytes were read already: what fits into an
/// empty acknowledgement with padding.
const MAX_BACK: i64 = 64;

/// One direction of a TCP connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of place 0; absent until a segment was seen.
    reference: Option<u32>,
    /// The start is the SYN's word or a hello's, not a guess from the first segment seen.
    sure: bool,
    /// The client asked a relay to connect it, or the other end answers as a web server does: a request may follow as well
    /// as a hello.
    asks: bool,
    /// A segment came before one that belongs in front of it.
    shuffled: bool,
    reading: Reading,
    /// Segments that made no sense of a stream that is not sure.
    unclear: u8,
    /// Places in it where a hello may begin.
    marks: Vec<i64>,
    bytes: Assembler,
    hello: tls::HelloReader,
    head: http::HeadReader,
    rival: Option<Box<Rival>>,
}

/// What the bytes at the start are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reading {
    /// Not known: there are none, or they make no sense yet.
    #[default]
    Start,
    /// A ClientHello, as far as there is one.
    Hello,
    /// The head of an HTTP request.
    Head,
    /// Another protocol's. They are dropped, and the start of a hello is looked for in what follows.
    Foreign,
    /// A server's: nothing is looked for.
    Server,
}

impl Stream {
    /// The SYN was seen: the stream begins with sequence number `seq`.
    pub(super) fn begin(&mut self, seq: u32) {
        if self.sure {
            return;
        }
        let at = self.reference.map(|reference| self.bytes.place(reference, seq));
        match at.filter(|at| (self.bytes.start() - at).abs() <= MAX_REWIND) {
            // A mirror may give the SYN behind data.
            Some(at) => self.start_over(at),
            None => *self = Self { reference: Some(seq), sure: true, asks: self.asks, ..Self::default() },
        }
    }

    /// Reads a segment with payload.
    pub(super) fn segment(&mut self, seq: u32, payload: &[u8], sender: Side) -> Look {
        let reference = *self.reference.get_or_insert(seq);
        let at = self.bytes.place(reference, seq);
        // Earlier bytes that begin nothing leave what is behind them without sense.
        let silent = at < self.bytes.start() && !tls::may_begin_hello(payload) && !http::may_begin_request(payload);
        match self.reading {
            Reading::Server => return Look::More,
            Reading::Foreign if self.starts_over(at, payload) => self.start_over(at),
            Reading::Foreign if at - self.bytes.start() > MAX_GAP => {
                self.bytes.clear();
                self.bytes.start_at(at);
            }
            Reading::Foreign => {}
            Reading::Start if self.asks && at > self.bytes.start() && http::begins_request(payload) => {
                self.start_over(at);
            }
            _ if !self.sure => self.rewind(at, payload),
            _ => {}
        }
        if self.bytes.is_empty()
            && at == self.bytes.start()
            && let Parse::Done(message) = tls::client_hello(payload)
        {
            // It need not be copied.
            let look = self.found(&message, sender);
            if self.reading == Reading::Foreign {
                self.bytes.start_at(at + payload.len() as i64);
            }
            return look;
        }
        let (held, end) = (self.bytes.bytes(), self.bytes.end());
        let Ok(placed) = self.bytes.insert(at, payload) else { return self.full() };
        self.shuffled |= !placed.grew && self.bytes.bytes() > held;
        // A keep-alive repeats the last byte, with any value (RFC 9293 section 3.8.4).
        let keep_alive = payload.len() == 1 && at == end - 1;
        let rival = if keep_alive { None } else { self.rival(placed.differs, at, payload, sender) };
        let look = if placed.grew && !silent { self.read(sender) } else { Look::More };
        match (rival, look) {
            (Some(rival), Look::Found(found)) if rival.name.is_none() => Look::Found(found),
            (Some(rival), _) => Look::Found(rival),
            (None, look) => look,
        }
    }

    /// What is sent is a web server's answers.
    pub(super) fn answers(&self) -> bool {
        self.reading == Reading::Server
    }

    /// The other end is a web server: requests are to come.
    pub(super) fn expect_requests(&mut self) {
        self.asks = true;
    }

    /// What has been received in order, from the start that is looked at.
    pub(super) fn ready(&mut self) -> &[u8] {
        self.bytes.ready()
    }

    /// Bytes held, and what holding them costs.
    pub(super) fn held(&self) -> usize {
        self.bytes.held() + self.hello.held() + self.rival.as_ref().map_or(0, |rival| rival.held())
    }

    /// Bytes received that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.bytes()
    }

    /// Whose message has begun and is not whole.
    pub(super) fn unfinished(&self) -> Option<Dissector> {
        match self.reading {
            Reading::Hello => Some(Dissector::Tls),
            Reading::Head => Some(Dissector::Http),
            Reading::Start | Reading::Foreign | Reading::Server => None,
        }
    }

    /// Something was sent.
    pub(super) fn spoke(&self) -> bool {
        self.reading != Reading::Start || !self.bytes.is_empty()
    }

    /// True when a segment in the middle of another protocol's stream may begin a hello, or a request behind a relay.
    fn starts_over(&self, at: i64, payload: &[u8]) -> bool {
        let near = at <= self.bytes.start() && self.bytes.start() - at <= MAX_BACK;
        let request = self.asks && at >= self.bytes.start() && http::begins_request(payload);
        tls::begins_hello(payload) || request || near && tls::may_begin_hello(payload)
    }

    /// The stream is read from this place on, and from no earlier one.
    fn start_over(&mut self, at: i64) {
        self.bytes.start_at(at);
        self.sure = true;
        self.restart(Reading::Start);
    }

    /// A segment of a stream whose start is a guess: it may come before that, or be where a hello begins.
    fn rewind(&mut self, at: i64, payload: &[u8]) {
        let far = self.bytes.start() - at > MAX_REWIND || self.bytes.furthest() - at > MAX_BYTES as i64;
        if at < self.bytes.start() && !far {
            self.bytes.start_at(at);
            self.shuffled = true;
            self.restart(Reading::Start);
        } else if at != self.bytes.start() && self.marks.len() < MAX_MARKS && tls::may_begin_hello(payload) {
            self.marks.push(at);
        }
    }

    fn restart(&mut self, reading: Reading) {
        self.reading = reading;
        self.hello = tls::HelloReader::default();
        self.head = http::HeadReader::default();
    }

    /// Reads the stream with the last of contradicting bytes; a hello that is found so.
    fn rival(&mut self, differs: bool, at: i64, payload: &[u8], sender: Side) -> Option<Box<Found>> {
        if differs && self.rival.is_none() && self.reading != Reading::Foreign {
            self.rival = Some(Box::new(Rival::new(self.bytes.clone())));
        }
        let message = self.rival.as_mut()?.segment(at, payload);
        match message {
            Parse::Done(message) => hello(&message, sender, Over::Tcp),
            Parse::More => None,
            Parse::NotMine | Parse::Malformed => {
                self.rival = None;
                None
            }
        }
    }

    /// Reads on in what is ready.
    pub(super) fn read(&mut self, sender: Side) -> Look {
        loop {
            if self.bytes.end() == self.bytes.start() {
                return Look::More;
            }
            if self.reading == Reading::Foreign {
                match preamble::hello_behind(self.bytes.ready()) {
                    Some(at) => self.start_over(self.bytes.start() + at as i64),
                    None => return self.foreign(),
                }
                continue;
            }
            if let Some(at) = preamble::proxied(self.bytes.ready()) {
                self.start_over(self.bytes.start() + at as i64);
                continue;
            }
            let stream = self.bytes.ready();
            if self.reading != Reading::Head {
                match self.hello.read(stream) {
                    Parse::Done(message) => {
                        let message = message.into_owned();
                        return self.found(&message, sender);
                    }
                    Parse::More => {
                        self.sure |= tls::begins_hello(stream);
                        self.reading = Reading::Hello;
                        return Look::More;
                    }
                    Parse::Malformed => return self.malformed(Dissector::Tls),
                    Parse::NotMine => {}
                }
            }
            match self.head.read(stream) {
                Parse::Done(request) => return self.request(request.host, sender),
                Parse::More => {
                    self.sure |= self.head.has_begun();
                    self.reading = Reading::Head;
                    return Look::More;
                }
                Parse::Malformed => return self.malformed(Dissector::Http),
                Parse::NotMine => {}
            }
            if !self.goes_on_elsewhere() {
                if self.waits() {
                    return Look::More;
                }
                self.restart(Reading::Foreign);
            }
        }
    }

    /// The bytes at the start make no sense: another reading of them, or another start, may.
    fn goes_on_elsewhere(&mut self) -> bool {
        if self.turn_to_rival() {
            return true;
        }
        let (start, stream) = (self.bytes.start(), self.bytes.ready());
        let begins =
            |mark: i64| stream.get(usize::try_from(mark - start).ok()?..).filter(|at| tls::begins_hello(at));
        let mark = self.marks.iter().copied().find(|&mark| !self.sure && mark > start && begins(mark).is_some());
        mark.inspect(|&mark| self.start_over(mark)).is_some()
    }

    /// The first segment seen need not be the stream's first: an earlier one may still come.
    fn waits(&mut self) -> bool {
        let length = self.bytes.end() - self.bytes.start();
        let room = self.shuffled || self.unclear < MAX_UNCLEAR && length < MAX_UNCLEAR_BYTES;
        self.unclear = self.unclear.saturating_add(1);
        let stream = self.bytes.ready();
        !self.sure && room && !http::tells_status(stream) && preamble::hello_behind(stream).is_none()
    }

    fn turn_to_rival(&mut self) -> bool {
        let Some(rival) = self.rival.take() else { return false };
        self.bytes = rival.into_bytes();
        self.restart(Reading::Start);
        true
    }

    fn found(&mut self, message: &[u8], sender: Side) -> Look {
        hello(message, sender, Over::Tcp).map_or_else(|| self.malformed(Dissector::Tls), Look::Found)
    }

    fn request(&mut self, host: Option<String>, sender: Side) -> Look {
        let found = Box::new(Found {
            client: sender,
            protocol: Protocol::Http,
            name: host,
            alpn: Vec::new(),
            ech: false,
            esni: false,
            print: None,
            build: Build::default(),
            connection: 0,
        });
        if self.bytes.ready().starts_with(b"CONNECT ") {
            self.asks = true;
            self.restart(Reading::Foreign);
            return Look::Tunnel(found);
        }
        Look::Found(found)
    }

    fn malformed(&mut self, dissector: Dissector) -> Look {
        if !self.turn_to_rival() {
            self.foreign();
        }
        Look::Malformed(dissector)
    }

    fn full(&mut self) -> Look {
        self.foreign();
        self.bytes.clear();
        Look::Full
    }

    /// Lets go of what is ready; only the start of a hello is still looked for.
    fn foreign(&mut self) -> Look {
        let stream = self.bytes.ready();
        let answers = http::is_answer(stream);
        self.asks |= preamble::asks_relay(stream);
        self.restart(if answers { Reading::Server } else { Reading::Foreign });
        self.sure = true;
        self.bytes.start_at(self.bytes.end());
        Look::More
    }
}
