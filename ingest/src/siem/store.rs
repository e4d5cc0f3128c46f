//! Findings to the ClickHouse server that keeps the facts, so that one place can show all sites and their deadlines.

use super::channel::{Channel, Message, Outcome, SendError};
use crate::store::clickhouse::{ClickHouseError, ClickHouseStore, FindingRow};

/// Told revisions of findings become rows of the table `finding`.
pub(super) struct StoreChannel {
    name: String,
    store: ClickHouseStore,
}

impl StoreChannel {
    pub(super) fn new(name: String, store: ClickHouseStore) -> Self {
        Self { name, store }
    }

    /// Events that are no findings, digests and activity, have no row there and count as taken.
    fn insert(&self, events: &[Message]) -> Result<(), ClickHouseError> {
        let rows: Vec<FindingRow> = events.iter().filter_map(|one| FindingRow::of_event(&one.event)).collect();
        self.store.insert_findings(&rows)
    }

    /// The server refuses the rows themselves: one after the other, so that only those it cannot take are left out.
    fn one_by_one(&self, events: &[Message]) -> Outcome {
        let mut outcome = Outcome::default();
        for event in events {
            match self.insert(std::slice::from_ref(event)) {
                Ok(()) => {}
                Err(error) if error.poison() => outcome.refused.push((outcome.done, error.to_string())),
                Err(error) => {
                    outcome.error = Some(self.failed(&error));
                    return outcome;
                }
            }
            outcome.done += 1;
        }
        outcome
    }

    fn failed(&self, error: &ClickHouseError) -> SendError {
        SendError::Send { sink: self.name.clone(), why: error.to_string() }
    }
}

impl Channel for StoreChannel {
    fn send(&mut self, events: &[Message]) -> Outcome {
        match self.insert(events) {
            Ok(()) => Outcome { done: events.len(), ..Outcome::default() },
            Err(error) if error.poison() => self.one_by_one(events),
            Err(error) => Outcome::failed(self.failed(&error)),
        }
    }
}
