//! How the answer to a burst comes in: as it is written, whole after some thought, or as pages and receipts do.

/// µs without a packet that separate two arrivals. Packets of one write follow within 1 ms; models take 15 to 100 ms per
/// token.
const ARRIVAL: i64 = 10_000;
/// µs of silence after which arrivals are no longer one text: messages that a service sends unasked.
const SILENCE: i64 = 3_000_000;
/// A short text comes in at least this many arrivals: a page in fewer, for each brings more (the window doubles) ...
const SHORT: Written = Written { arrivals: 6, time: 300_000, per_arrival: 700, per_packet: 700 };
/// (of a client that loads pages it takes longer, µs, ...
const SHORT_IN_PAGE: i64 = 500_000;
/// ... and comes in this many arrivals for each packet of the question: a page asks for many small things at once, and
/// each is answered in one or two) ...
const ARRIVALS_PER_PART: u32 = 3;
/// ... and a long one may be sent in lumps of several sentences: each ends in a packet that is not full, while those of a
/// slow download are.
const LONG: Written = Written { arrivals: 10, time: 2_000_000, per_arrival: 4096, per_packet: 1000 };
/// µs of thought before a whole answer: a model's first word takes 0.3 s, its whole answer more; a page, a file or a
/// receipt takes a round trip (up to 0.3 s) and some milliseconds.
const THOUGHT: i64 = 700_000;
/// An answer is being written until it pauses this many times as long as it did on average.
const USUAL_SILENCES: i64 = 3;
/// µs after an answer in which nobody asks the next question: it has to be read and written first.
const NEXT_QUESTION: i64 = 1_000_000;
/// A smaller answer is a receipt: HTTP fields and nothing more.
const RECEIPT: u64 = 300;
/// A larger whole answer is a page: a model's text of 1,000 words has 6 KB.
const PAGE: u64 = 16_384;

/// A text that is sent while it is written, at least.
#[derive(Debug)]
struct Written {
    arrivals: u32,
    /// µs from the first to the last.
    time: i64,
    /// Bytes per arrival, at most.
    per_arrival: u64,
    /// Bytes per packet, at most.
    per_packet: u64,
}

/// What came for one burst.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// All of it.
    pub(super) bytes: u64,
    thought: i64,
    last: i64,
    /// The arrivals that followed one another without a silence.
    first: i64,
    arrivals: u32,
    packets: u32,
    run: u64,
    /// Arrivals that will answer what was sent aside.
    owed: u32,
    skipping: bool,
}

impl Answer {
    /// A packet came. `asked` is when the client sent its last content, `aside` in how many packets it asked for
    /// something else since the last packet came.
    pub(super) fn arrived(&mut self, time: i64, bytes: u64, asked: Option<i64>, aside: u32) {
        if self.bytes == 0 {
            self.thought = asked.map_or(0, |asked| time.saturating_sub(asked));
        }
        let gap = time.saturating_sub(self.last);
        self.last = time;
        self.bytes += bytes;
        self.owed = if gap > SILENCE { aside } else { self.owed.saturating_add(aside) };
        if aside > 0 || gap >= ARRIVAL {
            self.skipping = self.owed > 0;
            self.owed = self.owed.saturating_sub(1);
        }
        if self.skipping {
            return;
        }
        if self.arrivals == 0 || gap > SILENCE {
            (self.first, self.arrivals, self.packets, self.run) = (time, 0, 0, 0);
        }
        if self.arrivals == 0 || gap >= ARRIVAL {
            self.arrivals = self.arrivals.saturating_add(1);
        }
        self.packets = self.packets.saturating_add(1);
        self.run += bytes;
    }

    /// It comes in as it is written. `parts`: in how many packets a client that loads pages asked.
    pub(super) fn trickles(&self, parts: Option<u32>) -> bool {
        let time = if parts.is_some() { SHORT_IN_PAGE } else { SHORT.time };
        self.arrivals >= parts.unwrap_or(0).saturating_mul(ARRIVALS_PER_PART)
            && (self.is(&Written { time, ..SHORT }) || self.is(&LONG))
    }

    /// At `time` it is being written: it trickles, or begins to, and the silence since is no longer than it was before.
    pub(super) fn is_writing(&self, time: i64) -> bool {
        let begun = Written { arrivals: 3, time: 0, ..SHORT };
        if !self.is(&begun) && !self.is(&LONG) {
            return false;
        }
        let usual = (self.last - self.first) / i64::from(self.arrivals.saturating_sub(1).max(1));
        time.saturating_sub(self.last) < (usual * USUAL_SILENCES).min(NEXT_QUESTION)
    }

    /// It came in one piece after some thought.
    pub(super) fn is_whole(&self) -> bool {
        self.thought >= THOUGHT && (RECEIPT..=PAGE).contains(&self.bytes)
    }

    /// Nothing, or as little as says that something arrived.
    pub(super) fn is_receipt(&self) -> bool {
        self.bytes < RECEIPT
    }

    /// Nothing more is expected at `time`.
    pub(super) fn is_over(&self, time: i64) -> bool {
        self.bytes > 0 && time.saturating_sub(self.last) > SILENCE
    }

    fn is(&self, written: &Written) -> bool {
        self.arrivals >= written.arrivals
            && self.last - self.first >= written.time
            && self.run <= u64::from(self.arrivals) * written.per_arrival
            && self.run <= u64::from(self.packets) * written.per_packet
    }
}
