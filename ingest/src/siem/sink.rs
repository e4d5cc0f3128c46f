//! One sink: its own queue in the outbox, its own channel, its own pauses. A sink that is down delays no other.

use std::time::{Duration, Instant};

use super::channel::{self, Channel, Message, OpenError, Outcome, SendError};
use super::outbox::{Outbox, Waiting};
use super::target::SinkTarget;
use crate::db::DbError;
use crate::pause;

/// Events per chunk: a receiver that breaks off gets at most these twice.
const CHUNK: usize = 500;
/// The longest pause that a receiver may ask for.
const ASKED_MAX: Duration = Duration::from_secs(600);

/// What one sink did in a round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiemReport {
    /// The sink.
    pub sink: String,
    /// Events that it took.
    pub sent: u64,
    /// Events that it will never take. They are kept for 30 days with its words.
    pub refused: u64,
    /// Its words about the last of them.
    pub refused_why: Option<String>,
    /// Events that still wait for it and may go.
    pub waiting: u64,
    /// Events that wait for the end of the policy's quiet hours.
    pub quiet: u64,
    /// Why it took no more; absent when all is well or a pause is kept.
    pub error: Option<String>,
}

impl SiemReport {
    /// True when events wait and nothing was tried.
    pub fn is_pausing(&self) -> bool {
        self.waiting > 0 && self.error.is_none() && self.sent == 0 && self.refused == 0
    }
}

/// One sink with its pause after failures.
pub struct Sink {
    name: String,
    channel: Box<dyn Channel>,
    failures: u32,
    not_before: Option<Instant>,
}

impl Sink {
    /// Opens a sink: its certificates are read, nothing is sent.
    pub fn open(target: &SinkTarget) -> Result<Self, OpenError> {
        let channel = channel::open(target)?;
        Ok(Self { name: target.name.clone(), channel, failures: 0, not_before: None })
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends what waits. A row is marked only after the receiver took it, so a break repeats events and never loses
    /// one; the receiver tells repeats by `event.id` and `event.sequence`. `now`, µs UTC, says which quiet hours are
    /// over.
    pub fn drain(&mut self, outbox: &mut Outbox, now: i64) -> Result<SiemReport, DbError> {
        let mut report = SiemReport { sink: self.name.clone(), ..SiemReport::default() };
        while self.not_before.is_none_or(|at| Instant::now() >= at) {
            let waiting = outbox.waiting(&self.name, now, CHUNK)?;
            if waiting.is_empty() {
                break;
            }
            let (ids, messages): (Vec<i64>, Vec<Message>) =
                waiting.into_iter().map(|Waiting { id, message }| (id, message)).unzip();
            let outcome = self.channel.send(&messages);
            mark(outbox, &ids, &outcome)?;
            report.sent += (outcome.done - outcome.refused.len()) as u64;
            report.refused += outcome.refused.len() as u64;
            report.refused_why = outcome.refused.into_iter().next_back().map(|(_, why)| why).or(report.refused_why);
            match outcome.error {
                None if outcome.done > 0 => (self.failures, self.not_before) = (0, None),
                None => report.error = Some(self.rest(&self.silent())),
                Some(error) => report.error = Some(self.rest(&error)),
            }
        }
        (report.waiting, report.quiet) = outbox.waiting_count(&self.name, now)?;
        Ok(report)
    }

    /// Sends one event past the queue, for `shadowtap siem test`.
    pub fn probe(&mut self, uid: &str, event: serde_json::Value) -> Result<(), String> {
        let message = Message { uid: uid.to_owned(), revision: 1, event };
        let mut outcome = self.channel.send(std::slice::from_ref(&message));
        match (outcome.error, outcome.refused.pop()) {
            (Some(error), _) => Err(error.to_string()),
            (None, Some((_, why))) => Err(format!("{}: refused for good: {why}", self.name)),
            (None, None) => Ok(()),
        }
    }

    /// Leaves the receiver alone for a while: longer each time, or as long as it asks.
    fn rest(&mut self, error: &SendError) -> String {
        let asked = match error {
            SendError::Refused { after: Some(seconds), .. } => Duration::from_secs(*seconds).min(ASKED_MAX),
            _ => Duration::ZERO,
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(Instant::now() + pause::after(self.failures).max(asked));
        error.to_string()
    }

    fn silent(&self) -> SendError {
        SendError::Send { sink: self.name.clone(), why: "the receiver took nothing and said nothing".to_owned() }
    }
}

fn mark(outbox: &mut Outbox, ids: &[i64], outcome: &Outcome) -> Result<(), DbError> {
    let words = |at: usize| outcome.refused.iter().find(|(place, _)| *place == at).map(|(_, why)| why.as_str());
    let done: Vec<_> = ids.iter().take(outcome.done).enumerate().map(|(at, id)| (*id, words(at))).collect();
    if done.is_empty() { Ok(()) } else { outbox.done(&done) }
}
