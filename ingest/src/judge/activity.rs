//! Events about flows, for sinks that ask for them. A sink that is down gathers so many of them and no more: they are a
//! copy of facts that are in the store. Findings always wait.

use super::core::Core;
use super::flow::Seen;
use super::ledger::{Ledger, Outgoing};
use super::note::Note;
use super::{Cases, Judge};
use crate::siem;

/// Events about flows that may wait for one sink: about 150 MB.
const WAITING_MAX: u64 = 100_000;

/// A sink that wants activity, during one round.
pub(super) struct Listening<'a> {
    sink: &'a str,
    room: u64,
    left_out: u64,
}

impl Core<'_> {
    /// Tells of the record itself, where a sink asks for that.
    pub(super) fn activity(&mut self, seen: &Seen<'_>) {
        if !self.cases.silent && self.judge.sinks.iter().any(|sink| sink.activity) {
            let event = siem::activity_event(seen.flow, seen.service, seen.status).into();
            let (uid, revision) = (seen.flow.flow_id.clone(), u64::from(seen.flow.seq) + 1);
            self.cases.notes.push(Note::Activity { uid, revision, event });
        }
    }
}

/// Who listens to the activity of this round; nobody where there was none.
pub(super) fn listening<'a>(
    judge: &'a Judge,
    cases: &Cases,
    ledger: &Ledger<'_>,
) -> rusqlite::Result<Vec<Listening<'a>>> {
    if !cases.notes.iter().any(|note| matches!(note, Note::Activity { .. })) {
        return Ok(Vec::new());
    }
    let listeners = judge.sinks.iter().filter(|sink| sink.activity);
    let one = |sink: &'a str| {
        let room = WAITING_MAX.saturating_sub(ledger.waiting_activity(sink)?);
        Ok(Listening { sink, room, left_out: 0 })
    };
    listeners.map(|sink| one(&sink.name)).collect()
}

/// Puts an event about a flow into the outbox of whoever has room for it.
pub(super) fn tell(row: &Outgoing<'_>, to: &mut [Listening<'_>], ledger: &Ledger<'_>) -> rusqlite::Result<()> {
    for listening in to {
        match listening.room.checked_sub(1) {
            Some(room) => {
                ledger.enqueue(row, listening.sink)?;
                listening.room = room;
            }
            None => listening.left_out += 1,
        }
    }
    Ok(())
}

/// Adds what was left out to what is remembered of each sink.
pub(super) fn remember(from: &[Listening<'_>], cases: &mut Cases) {
    for listening in from.iter().filter(|one| one.left_out > 0) {
        let key = format!("{LEFT_OUT}{}", listening.sink);
        let before: u64 = cases.memory.marks.get(&key).and_then(|count| count.parse().ok()).unwrap_or_default();
        cases.memory.marks.put(&key, i64::MAX, before.saturating_add(listening.left_out).to_string());
    }
}

/// Under this and the sink's name the count is kept.
pub(crate) const LEFT_OUT: &str = "left out for ";
