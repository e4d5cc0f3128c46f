//! What takes events out of the house, whatever protocol it speaks.

use serde_json::Value;

use super::Format;

/// One way out. A channel keeps no queue and makes no pauses: [`super::Sink`] does.
pub(crate) trait Channel: Send {
    /// Sends events, oldest first, and says how far it came. Time is bounded: a receiver that falls silent costs some
    /// seconds. What is not counted as done comes again, so a receiver may see an event twice and never loses one.
    fn send(&mut self, events: &[Message]) -> Outcome;
}

/// One event on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The finding's id, or the digest's.
    pub(crate) uid: String,
    /// Its revision: `uid` and `revision` together tell repeats.
    pub(crate) revision: u64,
    /// The event in ECS.
    pub(crate) event: Value,
}

impl Message {
    /// The key by which a receiver tells repeats: `0cfe7ef48ee25468-1`.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}", self.uid, self.revision)
    }

    /// A text field of the event by its JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.event.pointer(pointer).and_then(Value::as_str)
    }
}

/// How far a channel came.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Events from the front that need not be sent again: the receiver has them, or will never take them.
    pub(crate) done: usize,
    /// Of these, the ones that the receiver will never take, by their place, with its words.
    pub(crate) refused: Vec<(usize, String)>,
    /// Why it came no further. All of these are worth another try.
    pub(crate) error: Option<SendError>,
}

impl Outcome {
    /// Nothing went out.
    pub(crate) fn failed(error: SendError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

/// Why a sink did not take its events. All of them are worth another try, some after somebody has mended something.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address means no host.
    #[error("{sink}: cannot resolve: {why}")]
    Resolve {
        /// The sink.
        sink: String,
        /// The system's answer.
        why: String,
    },
    /// Nobody answers.
    #[error("{sink}: cannot connect: {why}")]
    Connect {
        /// The sink.
        sink: String,
        /// The system's answer.
        why: String,
    },
    /// The receiver is not who it should be, or wants a certificate.
    #[error("{sink}: TLS: {why}")]
    Tls {
        /// The sink.
        sink: String,
        /// What is wrong, with its mend where there is one.
        why: String,
    },
    /// The receiver closed or broke the connection, or takes nothing.
    #[error("{sink}: cannot send: {why}")]
    Send {
        /// The sink.
        sink: String,
        /// The system's answer.
        why: String,
    },
    /// The receiver answered and took nothing: a wrong token, a missing index, too many requests.
    #[error("{sink}: refused: {why}")]
    Refused {
        /// The sink.
        sink: String,
        /// Status and words of the answer, with the mend where one is known.
        why: String,
        /// How long it asks to be left alone, in seconds.
        after: Option<u64>,
    },
}

/// The events in a sink's format, one line each.
pub(crate) fn lines(format: Format, events: &[Message]) -> impl Iterator<Item = String> {
    events.iter().map(move |message| format.line(&message.event))
}
