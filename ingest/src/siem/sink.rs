//! One sink: its own queue in the outbox, its own channel, its own pauses. A sink that is down delays no other.

use std::time::{Duration, Instant};

use super::channel::{Channel, Message, Outcome, SendError};
use super::open::{OpenError, open};
use super::outbox::{Outbox, Waiting};
use super::target::SinkTarget;
use crate::db::DbError;
use crate::pause;

/// Events per chunk: a receiver that breaks off gets at most these twice.
const CHUNK: usize = 500;
/// A bounded round begins no further chunk after this time: what it did is told, and who wants to end can.
const ROUND: Duration = Duration::from_secs(10);
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
    /// Why it took no more, also while the pause behind it is kept; absent when all is well.
    pub error: Option<String>,
}

/// One sink with its pause after failures.
pub struct Sink {
    name: String,
    channel: Box<dyn Channel>,
    failures: u32,
    pause: Option<Pause>,
    /// Rows that are done and could not be marked yet, with the receiver's word about those it will never take.
    unmarked: Vec<(i64, Option<String>)>,
}

/// The receiver is left alone until then, because of this.
struct Pause {
    until: Instant,
    why: String,
}

impl Sink {
    /// Opens a sink: its certificates are read, nothing is sent.
    pub fn open(target: &SinkTarget) -> Result<Self, OpenError> {
        let channel = open(target)?;
        Ok(Self { name: target.name.clone(), channel, failures: 0, pause: None, unmarked: Vec::new() })
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends all that waits. A row is marked only after the receiver took it, so a break repeats events and never loses
    /// one; the receiver tells repeats by `event.id` and `event.sequence`. `now`, µs UTC, says which quiet hours are
    /// over.
    pub fn drain(&mut self, outbox: &mut Outbox, now: i64) -> Result<SiemReport, DbError> {
        self.send(outbox, now, None)
    }

    /// The same for some seconds: what still waits then is the next round's.
    pub fn round(&mut self, outbox: &mut Outbox, now: i64) -> Result<SiemReport, DbError> {
        self.send(outbox, now, Some(Instant::now() + ROUND))
    }

    fn send(&mut self, outbox: &mut Outbox, now: i64, until: Option<Instant>) -> Result<SiemReport, DbError> {
        let mut report = SiemReport { sink: self.name.clone(), ..SiemReport::default() };
        // What could not be marked, on a full disk for example, is not sent again each second.
        self.mark(outbox)?;
        while !self.is_pausing() && until.is_none_or(|until| Instant::now() < until) {
            let waiting = outbox.waiting(&self.name, now, CHUNK)?;
            if waiting.is_empty() {
                break;
            }
            let (ids, messages): (Vec<i64>, Vec<Message>) =
                waiting.into_iter().map(|Waiting { id, message }| (id, message)).unzip();
            let outcome = self.channel.send(&messages);
            report.take(&outcome);
            self.unmarked = done(&ids, &outcome);
            self.rest(outcome);
            self.mark(outbox)?;
        }
        report.error = self.pause.as_ref().map(|pause| pause.why.clone());
        (report.waiting, report.quiet) = outbox.waiting_count(&self.name, now)?;
        Ok(report)
    }

    fn is_pausing(&self) -> bool {
        self.pause.as_ref().is_some_and(|pause| Instant::now() < pause.until)
    }

    fn mark(&mut self, outbox: &mut Outbox) -> Result<(), DbError> {
        if !self.unmarked.is_empty() {
            outbox.done(&self.unmarked)?;
            self.unmarked.clear();
        }
        Ok(())
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

    /// Leaves a receiver that failed alone for a while: longer each time, or as long as it asks.
    fn rest(&mut self, outcome: Outcome) {
        let error = match outcome.error {
            None if outcome.done > 0 => {
                (self.failures, self.pause) = (0, None);
                return;
            }
            None => self.silent(),
            Some(error) => error,
        };
        let asked = match &error {
            SendError::Refused { after: Some(seconds), .. } => Duration::from_secs(*seconds).min(ASKED_MAX),
            _ => Duration::ZERO,
        };
        self.failures = self.failures.saturating_add(1);
        let until = Instant::now() + pause::after(self.failures).max(asked);
        self.pause = Some(Pause { until, why: error.to_string() });
    }

    fn silent(&self) -> SendError {
        SendError::Send { sink: self.name.clone(), why: "the receiver took nothing and said nothing".to_owned() }
    }
}

impl SiemReport {
    fn take(&mut self, outcome: &Outcome) {
        let refused = outcome.refused.len();
        self.sent += outcome.done.saturating_sub(refused) as u64;
        self.refused += refused as u64;
        if let Some((_, why)) = outcome.refused.last() {
            self.refused_why = Some(why.clone());
        }
    }
}

/// The rows that a chunk is through with.
fn done(ids: &[i64], outcome: &Outcome) -> Vec<(i64, Option<String>)> {
    let words = |at: usize| outcome.refused.iter().find(|(place, _)| *place == at).map(|(_, why)| why.clone());
    ids.iter().take(outcome.done).enumerate().map(|(at, id)| (*id, words(at))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::siem::{FileTarget, Format, To};

    /// An outbox in which three events wait for `soc`, and a second way into its file.
    fn waiting(dir: &Path) -> (Outbox, Connection) {
        let outbox = Outbox::open(dir).unwrap();
        let db = Connection::open(dir.join("findings.db")).unwrap();
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
                    INSERT INTO siem_outbox (uid, revision, action, sink, event, not_before)
                    SELECT 'a', i, 'update', 'soc', '{}', 0 FROM n";
        db.execute(fill, []).unwrap();
        (outbox, db)
    }

    #[test]
    fn what_cannot_be_marked_is_not_sent_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.ndjson");
        let (mut outbox, db) = waiting(dir.path());
        let to = To::File(FileTarget { path: path.clone() });
        let target = SinkTarget { name: "soc".to_owned(), format: Format::Ecs, activity: false, to };
        let mut sink = Sink::open(&target).unwrap();
        let full = "CREATE TRIGGER full BEFORE UPDATE ON siem_outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END";
        db.execute_batch(full).unwrap();
        for _ in 0..3 {
            assert!(sink.drain(&mut outbox, 0).unwrap_err().to_string().contains("disk full"));
        }
        db.execute_batch("DROP TRIGGER full").unwrap();
        let report = sink.drain(&mut outbox, 0).unwrap();
        assert_eq!((report.sent, report.waiting, report.error), (0, 0, None));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn while_a_pause_is_kept_the_report_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let (mut outbox, _db) = waiting(dir.path());
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = SinkTarget { name: "soc".to_owned(), ..SinkTarget::syslog(&nobody.to_string()) };
        let mut sink = Sink::open(&target).unwrap();
        let first = sink.round(&mut outbox, 0).unwrap();
        assert!(first.error.as_deref().is_some_and(|why| why.contains("cannot connect")), "{first:?}");
        assert_eq!((first.waiting, sink.round(&mut outbox, 0).unwrap()), (3, first));
    }
}
