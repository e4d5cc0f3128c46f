//! Counts exchanges on a tagged flow without keeping a trace: only totals leave this file.
//!
//! A *burst* is what the client sends between two answers of the service. A burst is a *turn* when it holds content, is
//! answered, and the answer is more than a page's parts or a report's receipt are:
//!
//! - it **trickles**: it comes in many small arrivals, as it is written, while the client sends nothing;
//! - or it is **whole** and comes after a time of thought that no page, file or receipt takes;
//! - or a **program** calls an API: there is no page to load, so every call is a turn;
//! - or both ends **speak**: a conversation by voice is one turn, however long.
//!
//! What the client sends meanwhile and is too small to ask anything (keep-alives, polls) starts no burst, and what comes
//! back for it is no part of the answer.

use super::answer::Answer;
use super::speech::Speech;

/// Up to this size a packet is flow control (HTTP/2 WINDOW_UPDATE, PING or SETTINGS in a TLS record of 31 to 39 bytes):
/// it neither answers nor asks, so it cuts no upload and no answer in two.
const CONTROL: u64 = 48;
/// Content before the first turn, handshake included: the end of the TLS handshake (64 to 80 bytes) and the HTTP/2
/// preface with its settings (86 to 104) are sent by a connection that asks nothing.
const FIRST_CONTENT: u64 = 240;
/// A smaller burst is a keep-alive or asks for a page's part: with all header fields in the compression table that
/// takes 53 to 128 bytes, a prompt has its text besides.
const CONTENT: u64 = 150;
/// A program's call with compressed header fields: 9 bytes of frame and 22 of record around indexed fields.
const COMPRESSED: u64 = 50;
/// A program's call over HTTP/1: method, path, host, length, type and a key are never shorter with their record. The
/// messages of a WebSocket that carries speech are.
const UNCOMPRESSED: u64 = 200;
/// µs of silence from the client that end a burst that nobody answered.
const PAUSE: i64 = 1_000_000;
/// A burst of this size is an upload: it goes on after flow control of the receiver ...
const UPLOAD: u64 = 16_384;
/// ... that is less than this part of it (one WINDOW_UPDATE of 35 bytes for 16 KiB is 1/468), ...
const FLOW_CONTROL_PART: u64 = 200;
/// ... when it goes on this soon, µs: it waits for a round trip at most, while the next call waits for its answer.
const ROUND_TRIP: i64 = 100_000;
/// A larger packet is one of several that carry a long text or a file; smaller ones are a request each, or its end.
const FULL: u64 = 1000;
/// A question in one piece: more than a page's part takes, see [`CONTENT`], even when two are asked for together.
const QUESTION: u64 = 300;

/// The running count of one flow.
#[derive(Debug, Clone, Default)]
pub struct Bursts {
    /// Turns so far.
    pub turns: u64,
    /// Largest burst so far, bytes.
    pub largest: u64,
    /// An answer trickled in as it was written.
    pub streamed: bool,
    /// Bursts of content that came after a pause and got no more than a receipt.
    pub reports: u32,
    /// Turns whose burst was larger than that of the turn before.
    pub grown: u32,
    /// Turns whose burst was not larger than that of the turn before.
    pub shrunk: u32,
    /// Smallest burst of a turn, bytes; 0 before the first turn.
    pub smallest: u64,
    /// Seconds in which both ends sent small packets without a pause.
    pub speech: Speech,
    /// The client is known to render pages: what it sends while an answer is being written is a page's report, since
    /// people ask after they have read. Of other clients it is the next question.
    pub renders: bool,
    programmatic: bool,
    content: u64,
    /// All content from the client.
    total: u64,
    /// The burst that waits for its answer or gets it.
    asked: u64,
    /// Its packets that are not full.
    parts: u32,
    /// What was sent since and does not amount to a burst yet.
    aside: u64,
    aside_parts: u32,
    paused: bool,
    counted: bool,
    settled: bool,
    previous: u64,
    last_up: Option<i64>,
    answer: Answer,
}

impl Bursts {
    /// Starts after the name is known. `programmatic`: a program calls an API, no browser loads pages from it.
    pub fn new(programmatic: bool) -> Self {
        Self { programmatic, content: if programmatic { UNCOMPRESSED } else { CONTENT }, ..Self::default() }
    }

    /// The client compresses header fields (HTTP/2, HTTP/3), so that a program's short call takes few bytes.
    #[must_use]
    pub fn compressed(self, yes: bool) -> Self {
        Self { content: if yes && self.programmatic { COMPRESSED } else { self.content }, ..self }
    }

    /// The client sent `bytes` of content at `time`, µs.
    pub fn up(&mut self, time: i64, bytes: u64) {
        if bytes <= CONTROL {
            return;
        }
        self.speech.up(time, bytes);
        let gap = self.last_up.replace(time).map_or(0, |last| time.saturating_sub(last));
        let silent = gap >= PAUSE;
        self.total += bytes;
        let part = u32::from(bytes < FULL);
        if self.goes_on(gap) {
            // What came meanwhile was flow control of the receiver.
            self.answer = Answer::default();
            self.asked += bytes;
            self.parts = self.parts.saturating_add(part);
            self.largest = self.largest.max(self.asked);
            return;
        }
        if self.aside == 0 || silent {
            // An HTTP/1 call begins with a packet of fields; messages of a WebSocket that are smaller are no calls.
            if self.programmatic && bytes < self.content {
                return;
            }
            (self.aside, self.aside_parts) = (0, 0);
            self.paused = silent;
        }
        self.aside += bytes;
        self.aside_parts = self.aside_parts.saturating_add(part);
        self.largest = self.largest.max(self.aside);
        let writing = self.renders && self.answer.is_writing(time);
        if self.aside >= self.content && !writing {
            self.settle();
            (self.asked, self.parts) = (self.aside, self.aside_parts);
            (self.aside, self.aside_parts) = (0, 0);
            self.answer = Answer::default();
            (self.counted, self.settled) = (false, false);
        }
    }

    /// The service sent `bytes` at `time`, µs.
    pub fn down(&mut self, time: i64, bytes: u64) {
        if bytes <= CONTROL {
            return;
        }
        self.speech.down(time, bytes);
        if self.asked == 0 {
            return;
        }
        if self.turns == 0 && self.speech.is_sure() {
            self.count();
        }
        self.aside = 0;
        self.answer.arrived(time, bytes, self.last_up, std::mem::take(&mut self.aside_parts));
        if self.counted && self.streamed || !self.asks() {
            return;
        }
        let trickles = self.answer.trickles(self.renders.then_some(self.parts));
        self.streamed |= trickles;
        if !self.counted && (self.programmatic || trickles) {
            self.count();
        }
    }

    /// Decides the last exchange if the service has said all it will say: at the end of the flow, or when it has been
    /// silent. What is asked afterwards is another burst.
    pub fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        if !self.counted && self.asked >= QUESTION && self.asks() && self.answer.is_whole() {
            self.count();
        }
        if self.counted {
            self.compare();
        } else if self.paused && self.asked >= CONTENT && self.answer.is_receipt() {
            self.reports = self.reports.saturating_add(1);
        }
    }

    /// Settles when nothing has come for a while before `time`.
    pub fn settle_if_silent(&mut self, time: i64) {
        if self.answer.is_over(time) {
            self.settle();
        }
    }

    /// What is sent `gap` µs after the last content belongs to the same burst.
    fn goes_on(&self, gap: i64) -> bool {
        let flow_control = self.answer.bytes < self.asked / FLOW_CONTROL_PART;
        let upload = self.asked >= UPLOAD && flow_control && gap < ROUND_TRIP;
        self.asked == 0 || !self.settled && (self.answer.bytes == 0 && gap < PAUSE || upload)
    }

    fn asks(&self) -> bool {
        self.total >= FIRST_CONTENT && self.asked >= self.content
    }

    fn count(&mut self) {
        self.counted = true;
        self.turns += 1;
    }

    /// Larger or smaller than the turn before: the sizes themselves are forgotten.
    fn compare(&mut self) {
        match self.asked > self.previous {
            _ if self.previous == 0 => {}
            true => self.grown = self.grown.saturating_add(1),
            false => self.shrunk = self.shrunk.saturating_add(1),
        }
        self.smallest = if self.smallest == 0 { self.asked } else { self.smallest.min(self.asked) };
        self.previous = self.asked;
    }
}

#[cfg(test)]
mod tests;
