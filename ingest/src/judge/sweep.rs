//! What the findings file no longer needs goes once a day. Only a live clock sweeps: where captures are read, time
//! leaps from file to file, and a file that is read again is still to be known.

use rusqlite::params;

use super::State;
use super::core::Core;
use super::ledger::Ledger;
use crate::time::HOUR;

const DAY: i64 = 24 * HOUR;
/// Under which the day of the last sweep is kept.
const MARK: &str = "swept";
/// Marks of counted records outlive every repetition: a segment comes twice when the process dies between commit and
/// unlink, and the next round judges it before it sweeps. The month is for people who read a capture twice.
const JUDGED: i64 = 35 * DAY;
/// A sent event may be asked for while the SIEM's own month lasts.
const SENT: i64 = 30 * DAY;
/// A contact that was no use and did not come back for five weeks is no first step of anything.
const WATCH: i64 = 35 * DAY;

impl Core<'_> {
    /// Deletes what is older than its time, with the first tick of a day.
    pub(super) fn sweep(&mut self, ledger: &Ledger<'_>) -> rusqlite::Result<()> {
        let now = self.cases.now;
        let today = now.div_euclid(DAY);
        let last = self.cases.memory.marks.get(MARK).and_then(|day| day.parse().ok());
        if last.is_some_and(|last: i64| today <= last) {
            return Ok(());
        }
        self.cases.memory.marks.put(MARK, i64::MAX, today.to_string());
        let before = now.saturating_sub(WATCH);
        self.cases.findings.retain(|_, one| one.state != State::Watch || one.last_seen >= before);
        ledger.sweep_watched(before)?;
        ledger.sweep_judged(now.saturating_sub(JUDGED))?;
        ledger.sweep_sent(now, now.saturating_sub(SENT))
    }
}

impl Ledger<'_> {
    fn sweep_watched(&self, before: i64) -> rusqlite::Result<()> {
        let sql = "DELETE FROM finding WHERE state = 'watch' AND last_seen < ?1";
        self.step.execute(sql, params![before]).map(|_| ())
    }

    fn sweep_judged(&self, before: i64) -> rusqlite::Result<()> {
        self.step.execute("DELETE FROM judged WHERE at < ?1", params![before]).map(|_| ())
    }

    /// Who marks an event as sent has no clock: its time counts from the first sweep that sees it.
    fn sweep_sent(&self, now: i64, before: i64) -> rusqlite::Result<()> {
        let sql = "UPDATE siem_outbox SET sent_at = ?1 WHERE sent = 1 AND sent_at IS NULL";
        self.step.execute(sql, params![now])?;
        self.step.execute("DELETE FROM siem_outbox WHERE sent = 1 AND sent_at < ?1", params![before]).map(|_| ())
    }
}
