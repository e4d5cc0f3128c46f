//! What is older than it may become goes: for the embedded store what a TTL is for a server.
//!
//! A few hundred rows are one transaction, so that nobody who writes waits for long; readers never wait (WAL). One call
//! does a part and says whether more is to be done. The pages that become free are used again: the file stops growing,
//! and does not shrink.

use jiff::ToSpan;
use rusqlite::{Transaction, TransactionBehavior, params};

use super::{SqliteStore, Store, StoreError};
use crate::db::DbError;
use crate::time::{HOUR, date, timestamp};

const DAY: i64 = 24 * HOUR;
/// Rows of one transaction.
const CHUNK: usize = 500;
/// Transactions of one call: a round of delivery is held up by about a second.
const CHUNKS: usize = 40;
/// A batch comes a second time within a round or two after a crash, and its rows are known by their keys anyway.
const TOKENS: i64 = DAY;

/// What one call of [`Store::sweep`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Facts and rows of roll-ups that went.
    pub rows: u64,
    /// Another call has more to do.
    pub more: bool,
}

/// Sweeps a store once a day, a part in each round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sweeping {
    /// The last day that was done, in days since 1970.
    done: Option<i64>,
}

impl Sweeping {
    /// The part of one round; `now` is a live clock's time, µs UTC.
    ///
    /// # Errors
    /// Those of the store; the next round tries again.
    pub fn round(&mut self, store: &mut dyn Store, now: i64) -> Result<(), StoreError> {
        let today = now.div_euclid(DAY);
        if self.done.is_none_or(|done| done < today) && !store.sweep(now)?.more {
            self.done = Some(today);
        }
        Ok(())
    }
}

/// A table whose old rows go, with the tables that hang on it.
struct Aged {
    /// Facts or roll-up: which of the two ages counts.
    raw: bool,
    /// Keys of up to `?2` rows before `?1`.
    find: &'static str,
    /// Statements that delete by such a key, the table's own last.
    delete: &'static [&'static str],
}

/// The sites of a table, one look at the index each, and their rows before `?1`.
macro_rules! by_site {
    ($table:literal, $index:literal, $key:literal, $time:literal) => {
        concat!(
            "WITH RECURSIVE place (name) AS (SELECT min(site) FROM ",
            $table,
            " UNION ALL SELECT (SELECT min(site) FROM ",
            $table,
            " WHERE site > place.name) FROM place",
            " WHERE place.name IS NOT NULL) SELECT ",
            $key,
            " FROM place CROSS JOIN ",
            $table,
            " INDEXED BY ",
            $index,
            " WHERE site = place.name AND ",
            $time,
            " < ?1 LIMIT ?2"
        )
    };
}

const AGED: [Aged; 8] = [
    Aged {
        raw: true,
        find: "SELECT flow_id, seq FROM flow INDEXED BY flow_by_emission
               WHERE emitted > 0 AND emitted < ?1 ORDER BY emitted LIMIT ?2",
        delete: &["DELETE FROM flow WHERE flow_id = ?1 AND seq = ?2"],
    },
    Aged {
        raw: true,
        find: "SELECT flow_id, seq FROM flow INDEXED BY flow_by_end WHERE emitted = 0 AND end < ?1 LIMIT ?2",
        delete: &["DELETE FROM flow WHERE flow_id = ?1 AND seq = ?2"],
    },
    Aged {
        raw: true,
        find: by_site!("lookup", "lookup_by_time", "lookup_id", "ts"),
        delete: &["DELETE FROM lookup WHERE lookup_id = ?1"],
    },
    Aged {
        raw: true,
        find: by_site!("visibility", "visibility_by_time", "sensor, source, start, device", "start"),
        delete: &[
            "DELETE FROM visibility_hidden WHERE sensor = ?1 AND source = ?2 AND start = ?3 AND device = ?4",
            "DELETE FROM visibility WHERE sensor = ?1 AND source = ?2 AND start = ?3 AND device = ?4",
        ],
    },
    Aged {
        raw: true,
        find: by_site!("device", "device_by_time", "sensor, device, last_seen", "last_seen"),
        delete: &["DELETE FROM device WHERE sensor = ?1 AND device = ?2 AND last_seen = ?3"],
    },
    Aged {
        raw: false,
        find: by_site!("minute", "minute_by_time", "sensor, source, minute", "minute"),
        delete: &[
            "DELETE FROM minute_method WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
            "DELETE FROM minute_not_flow WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
            "DELETE FROM minute_malformed WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
            "DELETE FROM minute_drop WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
            "DELETE FROM minute_broken WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
            "DELETE FROM minute WHERE sensor = ?1 AND source = ?2 AND minute = ?3",
        ],
    },
    Aged {
        raw: false,
        find: by_site!("candidate", "candidate_by_time", "sensor, source, start, domain", "start"),
        delete: &["DELETE FROM candidate WHERE sensor = ?1 AND source = ?2 AND start = ?3 AND domain = ?4"],
    },
    Aged {
        raw: false,
        find: "SELECT hour, site, device, client_ip, service, access, plan, vlan, mac FROM usage
               WHERE hour < ?1 LIMIT ?2",
        delete: &[
            "DELETE FROM usage WHERE hour = ?1 AND site = ?2 AND device = ?3 AND client_ip = ?4 AND service = ?5
                   AND access = ?6 AND plan = ?7 AND vlan = ?8 AND mac = ?9",
        ],
    },
];

const MARK_TOKENS: &str =
    "UPDATE batch SET seen = ?1 WHERE token IN (SELECT token FROM batch WHERE seen IS NULL LIMIT ?2)";
const DROP_TOKENS: &str = "DELETE FROM batch WHERE token IN (SELECT token FROM batch WHERE seen < ?1 LIMIT ?2)";

impl SqliteStore {
    pub(super) fn sweep_part(&mut self, now: i64) -> Result<Swept, DbError> {
        let failed = self.failed();
        let (raw, rollup) = (self.before(now, self.keep.raw_days), self.before(now, self.keep.rollup_days));
        let mut swept = Swept::default();
        let mut chunks = 0;
        let mut part = |chunk: &dyn Fn(&Transaction<'_>) -> rusqlite::Result<usize>| -> Result<u64, DbError> {
            let mut rows = 0;
            while chunks < CHUNKS {
                chunks += 1;
                let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
                let found = chunk(&step).map_err(&failed)?;
                step.commit().map_err(&failed)?;
                rows += found as u64;
                if found < CHUNK {
                    return Ok(rows);
                }
            }
            swept.more = true;
            Ok(rows)
        };
        let mut rows = 0;
        for table in &AGED {
            if let Some(before) = if table.raw { raw } else { rollup } {
                rows += part(&|step| table.sweep(step, before))?;
            }
        }
        part(&|step| step.prepare_cached(DROP_TOKENS)?.execute(params![now - TOKENS, CHUNK as i64]))?;
        part(&|step| step.prepare_cached(MARK_TOKENS)?.execute(params![now, CHUNK as i64]))?;
        swept.rows = rows;
        Ok(swept)
    }

    /// The start of the oldest day that is kept, on the site's clock; none when all are.
    fn before(&self, now: i64, days: u32) -> Option<i64> {
        let others = i64::from(days).checked_sub(1).filter(|others| *others >= 0)?;
        let oldest = date(now, &self.zone).checked_sub(others.days()).ok()?;
        let start = oldest.to_zoned(self.zone.clone()).ok()?;
        Some(start.timestamp().as_microsecond().min(timestamp(now).as_microsecond()))
    }
}

impl Aged {
    /// Deletes one chunk and says how many rows it had.
    fn sweep(&self, step: &Transaction<'_>, before: i64) -> rusqlite::Result<usize> {
        let mut find = step.prepare_cached(self.find)?;
        let columns = find.column_count();
        let mut keys: Vec<Vec<rusqlite::types::Value>> = Vec::new();
        let mut rows = find.query(params![before, CHUNK as i64])?;
        while let Some(row) = rows.next()? {
            keys.push((0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?);
        }
        for sql in self.delete {
            let mut delete = step.prepare_cached(sql)?;
            for key in &keys {
                delete.execute(rusqlite::params_from_iter(key))?;
            }
        }
        Ok(keys.len())
    }
}

#[cfg(test)]
mod tests;
