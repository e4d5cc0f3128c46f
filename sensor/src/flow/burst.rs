//! Counts exchanges on a tagged flow without keeping a trace: only totals leave this file.
//!
//! A *burst* is what the client sends between two answers of the service. A burst is a *turn* when it holds content,
//! is answered, and is more than loading a page takes. Loading a page is a train of requests that follow one another
//! within moments; a person's prompt comes after a pause, or its answer trickles in as it is written. A program's call
//! to an API needs neither: there is no page to load.

/// A first burst shorter than this is the end of the handshake and HTTP/2 settings, a connection opened in advance,
/// unless its answer trickles in.
const FIRST_CONTENT: u64 = 350;
/// A later burst shorter than this is flow control, a ping or an acknowledgement.
const CONTENT: u64 = 150;
/// Up to this size a packet is flow control (HTTP/2 WINDOW_UPDATE, PING or SETTINGS in a TLS record): it neither answers
/// nor asks, so it cuts no upload and no answer in two.
const CONTROL: u64 = 48;
/// µs of silence from the client that end the loading of a page.
const PAUSE: i64 = 1_000_000;
/// A written answer takes at least this long, µs, ...
const TRICKLE_TIME: i64 = 500_000;
/// ... comes in at least this many packets ...
const TRICKLE_PACKETS: u32 = 6;
/// ... and they are small.
const TRICKLE_MEAN: u64 = 700;

/// The running count of one flow.
#[derive(Debug, Clone)]
pub struct Bursts {
    programmatic: bool,
    /// Turns so far.
    pub turns: u64,
    /// Largest burst so far, bytes.
    pub largest: u64,
    /// An answer has trickled in as it was written.
    pub streamed: bool,
    bursts: u32,
    up: u64,
    after_pause: bool,
    last_up: Option<i64>,
    answer: Answer,
}

#[derive(Debug, Clone, Default)]
struct Answer {
    packets: u32,
    bytes: u64,
    first: i64,
    counted: bool,
}

impl Bursts {
    /// Starts after the name is known. `programmatic`: a program calls an API, no browser loads pages from it.
    pub fn new(programmatic: bool) -> Self {
        Self {
            programmatic,
            turns: 0,
            largest: 0,
            streamed: false,
            bursts: 0,
            up: 0,
            after_pause: false,
            last_up: None,
            answer: Answer::default(),
        }
    }

    /// The client sent `bytes` of content at `time`.
    pub fn up(&mut self, time: i64, bytes: u64) {
        if self.answer.packets > 0 && bytes <= CONTROL {
            return;
        }
        if self.up == 0 || self.answer.packets > 0 {
            self.up = 0;
            self.answer = Answer::default();
            self.after_pause = self.last_up.is_some_and(|last| time - last >= PAUSE);
            self.bursts = self.bursts.saturating_add(1);
        }
        self.up += bytes;
        self.last_up = Some(time);
        self.largest = self.largest.max(self.up);
    }

    /// The service sent `bytes` at `time`.
    pub fn down(&mut self, time: i64, bytes: u64) {
        if self.up == 0 || self.answer.counted && self.streamed || bytes <= CONTROL {
            return;
        }
        if self.answer.packets == 0 {
            self.answer.first = time;
        }
        self.answer.packets += 1;
        self.answer.bytes += bytes;
        let written = self.up >= CONTENT && self.trickles(time);
        self.streamed |= written;
        if !self.answer.counted && (written || self.is_asked()) {
            self.answer.counted = true;
            self.turns += 1;
        }
    }

    fn is_asked(&self) -> bool {
        let enough = if self.bursts <= 1 { FIRST_CONTENT } else { CONTENT };
        self.up >= enough && (self.programmatic || self.after_pause)
    }

    fn trickles(&self, time: i64) -> bool {
        let Answer { packets, bytes, first, .. } = self.answer;
        packets >= TRICKLE_PACKETS && time - first >= TRICKLE_TIME && bytes / u64::from(packets) <= TRICKLE_MEAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn loading_a_page_is_no_turn() {
        let mut b = Bursts::new(false);
        b.up(0, 900);
        for i in 0..40 {
            b.down(i * 10_000, 1400);
        }
        b.up(450_000, 300);
        for i in 0..60 {
            b.down(500_000 + i * 10_000, 1400);
        }
        assert_eq!(b.turns, 0);
    }

    #[test]
    fn a_prompt_after_a_pause_is_a_turn_once() {
        let mut b = Bursts::new(false);
        b.up(0, 900);
        b.down(10_000, 1400);
        b.up(5 * SECOND, 1200);
        b.up(5 * SECOND + 10, 1200);
        for i in 0..30 {
            b.down(6 * SECOND + i * 40_000, 120);
        }
        assert_eq!((b.turns, b.largest), (1, 2400));
    }

    #[test]
    fn a_written_answer_needs_no_pause_before_it() {
        let mut b = Bursts::new(false);
        b.up(0, 900);
        for i in 0..30 {
            b.down(i * 40_000, 120);
        }
        assert_eq!(b.turns, 1);
    }

    #[test]
    fn flow_control_does_not_cut_an_answer_in_two() {
        let mut b = Bursts::new(false);
        b.up(0, 300);
        for i in 0..20 {
            b.down(i * 60_000, 110);
            b.up(i * 60_000 + 10, 35);
        }
        assert_eq!((b.turns, b.largest), (1, 300));
    }

    #[test]
    fn a_call_to_an_api_is_a_turn_and_an_idle_connection_is_none() {
        let mut call = Bursts::new(true);
        call.up(0, 700);
        call.down(1000, 300);
        assert_eq!(call.turns, 1);
        let mut idle = Bursts::new(true);
        idle.up(0, 180);
        idle.down(1000, 300);
        idle.up(30 * SECOND, 39);
        idle.down(30 * SECOND + 1, 39);
        assert_eq!(idle.turns, 0);
    }
}
