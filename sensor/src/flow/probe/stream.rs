//! One direction of a TCP connection: where a ClientHello or a request begins in it, and its bytes until it is whole.
//!
//! Where segments overlap, the byte that was seen first stays, as receivers do it. One exception: a segment that itself
//! begins a ClientHello is believed where it contradicts what stands at the same place, or where the stream made no
//! sense so far. So garbage at the hello's sequence number does not hide it.

use super::{Found, Look, hello};
use crate::assemble::{Assembler, Full};
use crate::dissect::ja4::Over;
use crate::dissect::{Dissector, Parse, http, preamble, tls};
use crate::flow::client::Build;
use crate::flow::key::Side;
use crate::record::Protocol;

/// Segments of a stream whose SYN was not seen that make no sense, before it is called another protocol's ...
const MAX_UNCLEAR: u8 = 64;
/// ... and bytes: an earlier segment may still come, but of a stream in full flow not everything is kept.
const MAX_UNCLEAR_BYTES: usize = 8 << 10;
/// How far behind a gap another protocol's bytes are kept. Beyond it the gap is passed over: it was lost.
const MAX_GAP: i64 = 8 << 10;
/// How far before the first segment seen a stream may turn out to begin.
const MAX_REWIND: i64 = 64 << 10;
/// How far back a short segment may begin a hello where another protocol's bytes were read already: what fits into an
/// empty acknowledgement with padding.
const MAX_BACK: i64 = 64;
/// How often a segment may be believed against what stands at its place.
const MAX_OVERWRITES: u8 = 4;

/// One direction of a TCP connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of place 0; absent until a segment was seen.
    reference: Option<u32>,
    /// The start is the SYN's word or a hello's, not a guess from the first segment seen.
    sure: bool,
    reading: Reading,
    /// Looks at a stream without a seen SYN that made no sense so far.
    unclear: u8,
    overwrites: u8,
    bytes: Assembler,
    hello: tls::HelloReader,
    head: http::HeadReader,
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
}

impl Stream {
    /// The SYN was seen: the stream begins with sequence number `seq`.
    pub(super) fn begin(&mut self, seq: u32) {
        if !self.sure {
            *self = Self { reference: Some(seq), sure: true, ..Self::default() };
        }
    }

    /// Reads a segment with payload.
    pub(super) fn segment(&mut self, seq: u32, payload: &[u8], sender: Side) -> Look {
        let reference = *self.reference.get_or_insert(seq);
        let at = self.bytes.place(reference, seq);
        if !self.sure && at < self.bytes.start() && self.bytes.start() - at <= MAX_REWIND {
            self.bytes.start_at(at);
            self.restart(Reading::Start);
        }
        if self.starts_over(at, payload) {
            self.start_over(at);
        } else if self.is_alone(at)
            && let Parse::Done(message) = tls::client_hello(payload)
        {
            return self.found(&message, sender);
        }
        match self.place(at, payload) {
            Ok(true) => self.read(sender),
            Ok(false) => Look::More,
            Err(Full) => self.full(),
        }
    }

    /// Reads what stands behind a request to a proxy.
    pub(super) fn behind(&mut self, sender: Side) -> Look {
        self.read(sender)
    }

    /// What has been received in order, from the start that is looked at.
    pub(super) fn ready(&self) -> &[u8] {
        self.bytes.ready()
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.bytes.held() + self.hello.held()
    }

    /// Whose message has begun and is not whole.
    pub(super) fn unfinished(&self) -> Option<Dissector> {
        match self.reading {
            Reading::Hello => Some(Dissector::Tls),
            Reading::Head => Some(Dissector::Http),
            Reading::Start | Reading::Foreign => None,
        }
    }

    /// Something was sent.
    pub(super) fn spoke(&self) -> bool {
        self.reading != Reading::Start || self.unclear > 0 || !self.bytes.is_empty()
    }

    /// True when a hello that begins with this segment is to be believed, whatever the stream is so far.
    fn starts_over(&self, at: i64, payload: &[u8]) -> bool {
        match self.reading {
            Reading::Foreign if tls::begins_hello(payload) => true,
            Reading::Foreign => {
                let near = at <= self.bytes.start() && self.bytes.start() - at <= MAX_BACK;
                near && tls::may_begin_hello(payload)
            }
            Reading::Start => self.unclear > 0 && at > self.bytes.start() && tls::begins_hello(payload),
            Reading::Hello | Reading::Head => false,
        }
    }

    fn start_over(&mut self, at: i64) {
        self.bytes.start_at(at);
        self.sure = true;
        self.restart(Reading::Start);
    }

    fn restart(&mut self, reading: Reading) {
        self.reading = reading;
        self.hello = tls::HelloReader::default();
        self.head = http::HeadReader::default();
    }

    /// A segment at the start with nothing before or behind it need not be copied.
    fn is_alone(&self, at: i64) -> bool {
        self.bytes.is_empty() && at == self.bytes.start()
    }

    /// Puts a segment where it belongs. True when there is something new to read.
    fn place(&mut self, at: i64, payload: &[u8]) -> Result<bool, Full> {
        if self.reading == Reading::Foreign && at - self.bytes.start() > MAX_GAP {
            self.bytes.clear();
            self.bytes.start_at(at);
        }
        let placed = self.bytes.insert(at, payload)?;
        let contradicts = placed.differs && at == self.bytes.start() && self.reading != Reading::Foreign;
        if contradicts && self.overwrites < MAX_OVERWRITES && tls::begins_hello(payload) {
            self.overwrites += 1;
            self.restart(Reading::Start);
            self.bytes.overwrite(at, payload)?;
            return Ok(true);
        }
        Ok(placed.grew)
    }

    fn read(&mut self, sender: Side) -> Look {
        loop {
            let stream = self.bytes.ready();
            if stream.is_empty() {
                return Look::More;
            }
            if self.reading == Reading::Foreign {
                match preamble::hello_behind(stream) {
                    Some(at) => self.start_over(self.bytes.start() + at as i64),
                    None => return self.foreign(),
                }
                continue;
            }
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
                Parse::NotMine if self.is_unclear() => {
                    self.unclear += 1;
                    return Look::More;
                }
                Parse::NotMine => self.reading = Reading::Foreign,
            }
        }
    }

    /// The first segment seen need not be the stream's first: an earlier one may still come.
    fn is_unclear(&self) -> bool {
        let ready = self.bytes.ready();
        let room = self.unclear < MAX_UNCLEAR && ready.len() < MAX_UNCLEAR_BYTES;
        !self.sure && room && preamble::hello_behind(ready).is_none()
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
            ja4: None,
            build: Build::default(),
            connection: 0,
        });
        if self.bytes.ready().starts_with(b"CONNECT ") {
            self.restart(Reading::Foreign);
            return Look::Tunnel(found);
        }
        Look::Found(found)
    }

    fn malformed(&mut self, dissector: Dissector) -> Look {
        self.foreign();
        Look::Malformed(dissector)
    }

    fn full(&mut self) -> Look {
        self.foreign();
        self.bytes.clear();
        Look::Full
    }

    /// Lets go of what is ready; only the start of a hello is still looked for.
    fn foreign(&mut self) -> Look {
        self.restart(Reading::Foreign);
        self.sure = true;
        self.bytes.start_at(self.bytes.end());
        Look::More
    }
}
