//! What people do with a finding: take it on, close it.

use super::core::Core;
use super::{Cases, FindError, Finding, FindingsDb, Judge, State};
use crate::db::DbError;
use crate::time::utc;

/// Who does what, when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act<'a> {
    /// Name of the person or system.
    pub who: &'a str,
    /// A note, or the reason for closing.
    pub text: &'a str,
    /// When, µs UTC.
    pub at: i64,
}

impl FindingsDb {
    /// Marks a finding as taken on: its clock has met its deadline, or missed it. The event goes to the judge's sinks.
    pub fn acknowledge(&mut self, uid: &str, act: &Act<'_>, judge: &Judge) -> Result<Finding, FindError> {
        let found = self.find(uid)?;
        match found.state {
            State::Acknowledged => Err(FindError::Acknowledged {
                uid: found.uid,
                at: utc(found.acknowledged_at.unwrap_or_default()),
                who: found.acknowledged_by.unwrap_or_default(),
            }),
            State::Closed => Err(closed(found)),
            State::Open | State::Watch => {
                self.with_cases(judge, |core, uid| core.acknowledge(uid, act), &found.uid)?;
                self.find(&found.uid)
            }
        }
    }

    /// Closes a finding. The event goes to the judge's sinks.
    pub fn close(&mut self, uid: &str, act: &Act<'_>, judge: &Judge) -> Result<Finding, FindError> {
        let found = self.find(uid)?;
        if found.state == State::Closed {
            return Err(closed(found));
        }
        self.with_cases(judge, |core, uid| core.close(uid, act), &found.uid)?;
        self.find(&found.uid)
    }

    fn with_cases(
        &mut self,
        judge: &Judge,
        work: impl FnOnce(&mut Core<'_>, u64),
        uid: &str,
    ) -> Result<(), DbError> {
        let uid = u64::from_str_radix(uid, 16).unwrap_or_default();
        self.round(judge, |core, _| {
            work(core, uid);
            Ok(())
        })
    }

    /// One transaction on the working set: what `work` changes is written, and its events are put into the outbox.
    /// The set is read again when somebody else has had a round on the file, and after a failure. Who marks
    /// events as sent has none.
    pub(super) fn round<T>(
        &mut self,
        judge: &Judge,
        work: impl FnOnce(&mut Core<'_>, &super::ledger::Ledger<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DbError> {
        let cached = self.cached.take();
        let (result, kept) = self.transaction(|ledger| {
            let last = super::db::number(ledger.step, super::ROUND)?.unwrap_or_default();
            let mut cases = match cached {
                Some(cases) if cases.rounds() == last => cases,
                _ => Box::new(Cases::load(ledger.step)?),
            };
            let result = work(&mut Core::new(judge, &mut cases), ledger)?;
            super::tell::outgoing(judge, &mut cases, ledger)?;
            cases.save(ledger.step)?;
            Ok((result, cases))
        })?;
        self.cached = Some(kept);
        Ok(result)
    }
}

fn closed(found: Finding) -> FindError {
    FindError::Closed {
        uid: found.uid,
        at: utc(found.closed_at.unwrap_or_default()),
        who: found.closed_by.unwrap_or_default(),
        reason: found.closed_reason.unwrap_or_default(),
    }
}
