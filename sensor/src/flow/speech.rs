//! Speech: both ends send small packets all the time.

use rules::behaviour::SPEECH_MIN;

/// µs that one count lasts.
const SLOT: i64 = 1_000_000;
/// Packets that each end sends in a second of speech, at least: frames of speech have 20 to 100 ms.
const PACKETS: u16 = 8;
/// The largest packet of speech, bytes: 20 ms of Opus at 64 kbit/s or of G.711 have 160 to 200 with their headers. A
/// program's call with its header fields is larger.
const LARGEST: u64 = 256;

/// Counts the seconds of speech of one flow.
#[derive(Debug, Clone, Default)]
pub struct Speech {
    /// Seconds so far in which both ends spoke.
    pub seconds: u32,
    begun: i64,
    up: u16,
    down: u16,
}

impl Speech {
    /// There was enough of it to be a conversation.
    pub(super) fn is_sure(&self) -> bool {
        self.seconds >= SPEECH_MIN
    }

    /// The client sent a packet.
    pub(super) fn up(&mut self, time: i64, bytes: u64) {
        self.turn_over(time);
        self.up = self.up.saturating_add(u16::from(bytes <= LARGEST));
    }

    /// The service sent a packet.
    pub(super) fn down(&mut self, time: i64, bytes: u64) {
        self.turn_over(time);
        self.down = self.down.saturating_add(u16::from(bytes <= LARGEST));
    }

    fn turn_over(&mut self, time: i64) {
        if time.saturating_sub(self.begun) < SLOT {
            return;
        }
        let spoken = self.up >= PACKETS && self.down >= PACKETS;
        self.seconds = self.seconds.saturating_add(u32::from(spoken));
        (self.begun, self.up, self.down) = (time, 0, 0);
    }
}
