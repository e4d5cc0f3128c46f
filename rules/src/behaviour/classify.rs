//! From the totals of a flow to the word for it.

use super::{Behaviour, ClientKind};
use crate::catalogue::Role;
use crate::usage::UPLOAD_MIN;

/// What the flow table counted of one flow: totals and counts, never a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Role of the host within the service.
    pub role: Role,
    /// What the client is.
    pub client: ClientKind,
    /// Questions that were answered.
    pub turns: u64,
    /// Payload from the service, bytes.
    pub down: u64,
    /// Content from the client, bytes.
    pub upload: u64,
    /// Largest burst of content from the client, bytes.
    pub largest_burst: u64,
    /// Smallest burst of a turn, bytes; 0 without a turn.
    pub smallest_turn: u64,
    /// Turns that were larger than the one before.
    pub grown: u32,
    /// Turns that were not.
    pub shrunk: u32,
    /// Bursts of content after a pause that got no more than a receipt.
    pub reports: u32,
    /// An answer came as it was written.
    pub streamed: bool,
    /// Seconds in which both ends sent small packets all the time.
    pub speech_seconds: u32,
    /// Seconds from the first packet to the last.
    pub seconds: u32,
}

/// More than a document or a few pictures: an archive, a database, a film. Bytes in one flow.
const BULK_MIN: u64 = 10_000_000;
/// Files of model weights begin here; their cards, tokenizers and settings are smaller. Bytes.
const MODEL_MIN: u64 = 5_000_000;
/// Less than this is what a connection costs that asks nothing: certificates and tickets (post-quantum certificates
/// included) and the server's settings. Bytes.
const PAGE_MIN: u64 = 8_000;
/// A conversation by voice lasts at least this long, seconds; a short streamed chat over a noisy line does not.
pub const SPEECH_MIN: u32 = 5;
/// Turns of a program from which on streamed answers are no longer a person's at a terminal, and growth is no chance:
/// sizes drawn at random grow four times in a row once in 120 flows.
const LOOP_MIN: u64 = 5;
/// Now and then a history is cut. For each time there are this many steps more, which keeps chance below 1 in 100 (the
/// ascents of a random permutation follow the Eulerian numbers) ...
const LOOP_STEPS_PER_CUT: u64 = 3;
/// ... and at most one step in this many is a cut.
const LOOP_CUTS: u64 = 4;
/// In a loop the largest turn is at least this many times the smallest: the history outweighs the new question.
const LOOP_FACTOR: u64 = 2;
/// Content of a client that sent something on a telemetry host: more than the end of the handshake and the HTTP/2
/// preface (184), bytes.
const REPORT_MIN: u64 = 240;
/// Reports from which on they are a rhythm.
const REPORTS_MIN: u32 = 3;

/// The word for a flow.
pub fn classify(flow: &Totals) -> Behaviour {
    if flow.role == Role::Telemetry {
        return if flow.upload >= REPORT_MIN { Behaviour::Telemetry } else { Behaviour::Idle };
    }
    if flow.is_loop() {
        return Behaviour::AgentLoop;
    }
    if flow.is_speech() {
        return Behaviour::Voice;
    }
    if flow.upload >= BULK_MIN {
        return Behaviour::Bulk;
    }
    if flow.is_calls() {
        return Behaviour::ApiBatch;
    }
    if flow.largest_burst >= UPLOAD_MIN {
        return Behaviour::FileUpload;
    }
    if flow.turns > 0 {
        return Behaviour::Chat;
    }
    let models = matches!(flow.role, Role::ModelRegistry | Role::Download | Role::Cdn);
    match flow.down {
        MODEL_MIN.. if models => Behaviour::ModelDownload,
        PAGE_MIN.. => Behaviour::PageView,
        _ if flow.reports >= REPORTS_MIN => Behaviour::Telemetry,
        _ => Behaviour::Idle,
    }
}

impl Totals {
    /// A program that sends again what was said before, with each call.
    fn is_loop(&self) -> bool {
        let (grown, cuts) = (u64::from(self.grown), u64::from(self.shrunk));
        let steps = grown + cuts;
        self.client != ClientKind::Browser
            && steps >= LOOP_MIN - 1 + cuts * LOOP_STEPS_PER_CUT
            && steps >= cuts * LOOP_CUTS
            && self.largest_burst >= self.smallest_turn.saturating_mul(LOOP_FACTOR)
    }

    /// Both ends speak for most of the time.
    fn is_speech(&self) -> bool {
        self.speech_seconds >= SPEECH_MIN && self.speech_seconds >= self.seconds / 2
    }

    /// A program's calls; a few whose answers are read as they are written are a person's, at a terminal.
    fn is_calls(&self) -> bool {
        let calls =
            self.client == ClientKind::Program || self.client == ClientKind::Unknown && self.role == Role::Api;
        calls && self.turns > 0 && (!self.streamed || self.turns >= LOOP_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Totals = Totals {
        role: Role::App,
        client: ClientKind::Browser,
        turns: 0,
        down: 4_000,
        upload: 160,
        largest_burst: 100,
        smallest_turn: 0,
        grown: 0,
        shrunk: 0,
        reports: 0,
        streamed: false,
        speech_seconds: 0,
        seconds: 60,
    };
    const PROGRAM: Totals = Totals { role: Role::Api, client: ClientKind::Program, ..NOTHING };

    #[test]
    fn each_class_has_its_flow() {
        let chat = Totals { turns: 2, streamed: true, down: 90_000, ..NOTHING };
        let calls =
            Totals { turns: 40, smallest_turn: 2000, largest_burst: 3000, grown: 20, shrunk: 19, ..PROGRAM };
        let growing = Totals { smallest_turn: 2000, largest_burst: 60_000, grown: 38, shrunk: 1, ..calls };
        let flows = [
            (NOTHING, Behaviour::Idle),
            (Totals { down: 80_000, reports: 9, ..NOTHING }, Behaviour::PageView),
            (Totals { reports: 3, ..NOTHING }, Behaviour::Telemetry),
            (Totals { role: Role::Telemetry, upload: 900, ..NOTHING }, Behaviour::Telemetry),
            (Totals { role: Role::Telemetry, ..NOTHING }, Behaviour::Idle),
            (Totals { role: Role::ModelRegistry, down: 9_000_000, ..PROGRAM }, Behaviour::ModelDownload),
            (Totals { down: 9_000_000, ..NOTHING }, Behaviour::PageView),
            (chat, Behaviour::Chat),
            (Totals { turns: 3, streamed: true, ..PROGRAM }, Behaviour::Chat),
            (Totals { turns: 1, ..PROGRAM }, Behaviour::ApiBatch),
            (calls, Behaviour::ApiBatch),
            (growing, Behaviour::AgentLoop),
            (Totals { turns: 5, grown: 4, shrunk: 0, ..growing }, Behaviour::AgentLoop),
            (Totals { turns: 5, grown: 3, shrunk: 1, ..growing }, Behaviour::ApiBatch),
            (Totals { turns: 8, grown: 6, shrunk: 1, ..growing }, Behaviour::AgentLoop),
            (Totals { client: ClientKind::Browser, role: Role::App, ..growing }, Behaviour::Chat),
            (Totals { upload: 300_000, largest_burst: 250_000, ..chat }, Behaviour::FileUpload),
            (Totals { upload: 30_000_000, largest_burst: 250_000, ..chat }, Behaviour::Bulk),
            (Totals { turns: 1, speech_seconds: 40, ..NOTHING }, Behaviour::Voice),
            (Totals { speech_seconds: 6, seconds: 600, ..chat }, Behaviour::Chat),
        ];
        for (flow, behaviour) in flows {
            assert_eq!(classify(&flow), behaviour, "{flow:?}");
        }
    }

    #[test]
    fn a_day_is_what_was_weightiest_in_it() {
        let day = [Behaviour::PageView, Behaviour::FileUpload, Behaviour::Chat];
        assert_eq!(Behaviour::of_day(day), Behaviour::FileUpload);
        assert_eq!(Behaviour::of_day([]), Behaviour::Idle);
    }
}
