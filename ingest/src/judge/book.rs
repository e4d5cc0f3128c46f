//! The working set on disk: read whole, and written back as far as it changed, inside one transaction.

use rusqlite::{Transaction, params};

use super::Cases;
use super::cases::Timer;
use super::finding::uid_text;
use super::ledger::finding_row;
use super::memory::MemoryRow;

impl Cases {
    /// Everything that the file holds.
    pub(crate) fn load(step: &Transaction<'_>) -> rusqlite::Result<Self> {
        let mut cases = Self::default();
        let mut query = step.prepare("SELECT * FROM finding")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let finding = finding_row(row)?;
            if let Ok(uid) = u64::from_str_radix(&finding.uid, 16) {
                cases.add(uid, finding);
            }
        }
        let mut query = step.prepare("SELECT kind, key, until, value FROM memory")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, value): (String, String) = (row.get("kind")?, row.get("value")?);
            let read = cases.memory.read(&kind, row.get("key")?, row.get("until")?, &value);
            read.map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(e))
            })?;
        }
        cases.volume.load(step)?;
        cases.wake();
        Ok(cases)
    }

    /// Rounds that the file has seen: by this a working set knows whether it is the newest.
    pub(crate) fn rounds(&self) -> i64 {
        self.memory.marks.get(super::ROUND).and_then(|rounds| rounds.parse().ok()).unwrap_or_default()
    }

    /// Sets the timers that stand in the memory, and the clock.
    fn wake(&mut self) {
        self.now = self.memory.marks.get(super::NOW).and_then(|now| now.parse().ok()).unwrap_or_default();
        let sensors = self.memory.sensors.iter().filter_map(|(key, sensor)| Some((sensor.next()?, key.to_owned())));
        self.timers.extend(sensors.map(|(at, key)| (at, Timer::Sensor(key))));
        let devices = self.memory.devices.iter().filter_map(|(key, days)| Some((days.next()?, key.to_owned())));
        self.timers.extend(devices.map(|(at, key)| (at, Timer::Dark(key))));
        let held = self.memory.held.iter().map(|(key, held)| (held.digest.to, Timer::Digest(key.to_owned())));
        self.timers.extend(held.collect::<Vec<_>>());
    }

    /// Writes back what changed: findings, memory and history. Events are the caller's.
    pub(crate) fn save(&mut self, step: &Transaction<'_>) -> rusqlite::Result<()> {
        self.memory.marks.put(super::NOW, i64::MAX, self.now.to_string());
        self.memory.marks.put(super::ROUND, i64::MAX, (self.rounds() + 1).to_string());
        for uid in std::mem::take(&mut self.dirty) {
            if let Some(finding) = self.findings.get(&uid) {
                super::ledger::write(step, finding)?;
            }
        }
        self.save_rest(step)
    }

    fn save_rest(&mut self, step: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut put =
            step.prepare_cached("INSERT OR REPLACE INTO memory (kind, key, until, value) VALUES (?1, ?2, ?3, ?4)")?;
        let mut forget = step.prepare_cached("DELETE FROM memory WHERE kind = ?1 AND key = ?2")?;
        for MemoryRow { kind, key, value } in self.memory.rows() {
            match value {
                Some((until, value)) => put.execute(params![kind, key, until, value])?,
                None => forget.execute(params![kind, key])?,
            };
        }
        let mut tell =
            step.prepare_cached("INSERT INTO history (uid, at, who, what, text) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for row in std::mem::take(&mut self.history) {
            tell.execute(params![uid_text(row.uid), row.at, row.who, row.what, row.text])?;
        }
        self.volume.save(step)
    }
}
