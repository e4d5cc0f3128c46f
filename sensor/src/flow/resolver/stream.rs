//! One direction of DNS over TCP: messages with their length before each, also where the start was not seen or a segment
//! is lost.

use crate::assemble::Assembler;
use crate::dissect::Parse;
use crate::dissect::dns::{self, Message};

/// Segments that come before it is known where a message begins, and what they may hold: a few round trips.
const MAX_EARLY: usize = 8;
const MAX_EARLY_BYTES: usize = 8 << 10;
/// Segments in a row that bring nothing, because one before them is lost; then the next message is looked for.
const MAX_STUCK: u8 = 8;
/// How often that is done in one direction: each costs a look at a segment, and a zone transfer has thousands.
const MAX_SEARCHED: u16 = 256;

/// A stream of messages.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number at which a message begins, once that is known.
    base: Option<u32>,
    /// The base was guessed, and no message has confirmed it.
    guessed: bool,
    bytes: Assembler,
    early: Vec<(u32, Vec<u8>)>,
    stuck: u8,
    /// Where the first segment behind the gap stands.
    beyond: Option<i64>,
    searched: u16,
    lost: bool,
}

impl Stream {
    /// `isn`: the sequence number of the SYN, if it was seen.
    pub(super) fn new(isn: Option<u32>) -> Self {
        Self { base: isn.map(|isn| isn.wrapping_add(1)), ..Self::default() }
    }

    /// The SYN was seen. A mirror may give it behind data, which is kept.
    pub(super) fn open(&mut self, isn: u32) {
        if self.base.is_none() {
            *self = Self { early: std::mem::take(&mut self.early), ..Self::new(Some(isn)) };
        }
    }

    /// The messages that a segment completes; `None` for each that cannot be read.
    pub(super) fn read(&mut self, seq: u32, payload: &[u8]) -> Vec<Option<Message>> {
        let mut found = Vec::new();
        match self.base {
            Some(base) if self.guessed && self.bytes.place(base, seq) < 0 && dns::begins(payload) => {
                // The guess was too late: what came first is the rest of this.
                let rest = self.bytes.ready().to_vec();
                self.keep(base, rest);
                self.search();
            }
            Some(_) => {
                found = self.place(seq, payload);
                found.extend(self.place_early());
            }
            None => {}
        }
        if self.base.is_none() && !self.lost && self.begin(seq, payload) {
            found.extend(self.place(seq, payload));
            found.extend(self.place_early());
        }
        found
    }

    /// Where messages begin is known, or guessed.
    pub(super) fn is_followed(&self) -> bool {
        self.base.is_some()
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.held() + self.early.iter().map(|(_, payload)| payload.len()).sum::<usize>()
    }

    pub(super) fn is_unfinished(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Takes a segment for the start of a message if it can be. One that cannot waits: it may be the rest of a message
    /// whose start is late.
    fn begin(&mut self, seq: u32, payload: &[u8]) -> bool {
        self.searched += 1;
        if self.searched > MAX_SEARCHED {
            *self = Self { lost: true, ..Self::default() };
            return false;
        }
        if dns::begins(payload) {
            (self.base, self.guessed, self.stuck) = (Some(seq), true, 0);
            self.bytes = Assembler::default();
            return true;
        }
        self.keep(seq, payload.to_vec());
        false
    }

    fn keep(&mut self, seq: u32, bytes: Vec<u8>) {
        let held = self.early.iter().map(|(_, early)| early.len()).sum::<usize>();
        if held + bytes.len() <= MAX_EARLY_BYTES && self.early.len() < MAX_EARLY {
            self.early.push((seq, bytes));
        }
    }

    fn place_early(&mut self) -> Vec<Option<Message>> {
        let early = std::mem::take(&mut self.early);
        early.into_iter().flat_map(|(seq, payload)| self.place(seq, &payload)).collect()
    }

    /// Puts a segment where it belongs. What begins before the base is read from the base on.
    fn place(&mut self, seq: u32, payload: &[u8]) -> Vec<Option<Message>> {
        let Some(base) = self.base else { return Vec::new() };
        let at = self.bytes.place(base, seq);
        if at.saturating_add(payload.len() as i64) <= 0 {
            return earlier(payload);
        }
        let beyond = at > self.bytes.end();
        match self.bytes.insert(at, payload) {
            Ok(placed) if placed.grew => {
                (self.stuck, self.beyond) = (0, None);
                self.messages()
            }
            Ok(_) if beyond => {
                self.stuck += 1;
                self.beyond = Some(self.beyond.map_or(at, |first| first.min(at)));
                if self.stuck > MAX_STUCK { self.pass() } else { Vec::new() }
            }
            Ok(_) => Vec::new(),
            Err(_) => {
                self.search();
                Vec::new()
            }
        }
    }

    /// What is missing will not come: reads on behind it, where a message may begin.
    fn pass(&mut self) -> Vec<Option<Message>> {
        if let Some(first) = self.beyond.take() {
            self.bytes.start_at(first);
        }
        (self.guessed, self.stuck) = (true, 0);
        if !dns::begins(self.bytes.ready()) {
            self.search();
        }
        self.messages()
    }

    fn messages(&mut self) -> Vec<Option<Message>> {
        let (mut found, mut used) = (Vec::new(), 0);
        loop {
            let rest = self.bytes.ready().get(used..).unwrap_or_default();
            match dns::framed(rest) {
                Parse::Done((None, _)) if self.guessed => break self.search(),
                Parse::Done((message, len)) => {
                    self.guessed = false;
                    found.push(message);
                    used += len;
                }
                Parse::More if self.guessed && !dns::begins(rest) => break self.search(),
                Parse::More => break self.bytes.consume(used),
                Parse::NotMine | Parse::Malformed => {
                    if !self.guessed {
                        found.push(None);
                    }
                    break self.search();
                }
            }
        }
        found
    }

    /// It is no longer known where a message begins.
    fn search(&mut self) {
        (self.base, self.stuck, self.beyond) = (None, 0, None);
        self.bytes = Assembler::default();
    }
}

/// Whole messages from before the first one that was seen: they came late.
fn earlier(payload: &[u8]) -> Vec<Option<Message>> {
    let (mut found, mut rest) = (Vec::new(), payload);
    while dns::begins(rest)
        && let Parse::Done((Some(message), used)) = dns::framed(rest)
    {
        found.push(Some(message));
        rest = rest.get(used..).unwrap_or_default();
    }
    found
}
