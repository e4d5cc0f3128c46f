//! The embedded store: one SQLite file, readers beside the writer, no server.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rusqlite::Connection;

use super::clickhouse::Keep;
use crate::db::{self, DbError, Schema};

/// Name of the store's file in the data directory.
pub const STORE_FILE: &str = "shadowtap.db";

const SCHEMA: Schema = Schema {
    application_id: 0x5354_4601,
    steps: &[
        include_str!("../../schema/sqlite/0001_facts.sql"),
        include_str!("../../schema/sqlite/0002_behaviour.sql"),
        include_str!("../../schema/sqlite/0003_sweep.sql"),
        include_str!("../../schema/sqlite/0004_devices.sql"),
        include_str!("../../schema/sqlite/0005_ledger.sql"),
    ],
};

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) zone: TimeZone,
    pub(super) keep: Keep,
}

impl SqliteStore {
    /// Opens `shadowtap.db` in the data directory and brings it up to date. The zone gives the roll-up its hours.
    /// A damaged, newer or foreign file is refused with its mend and left as it is.
    pub fn open(data_dir: &Path, zone: TimeZone) -> Result<Self, DbError> {
        let path = data_dir.join(STORE_FILE);
        let db = db::open(&path, &SCHEMA)?;
        Ok(Self { db, path, zone, keep: Keep::default() })
    }

    /// How long a sweep leaves rows.
    #[must_use]
    pub fn keeping(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    pub(super) fn failed(&self) -> impl Fn(rusqlite::Error) -> DbError + use<> {
        DbError::of(&self.path)
    }
}

#[cfg(test)]
impl SqliteStore {
    /// From now on the file may not grow, as on a full disk.
    pub(crate) fn limit_pages_for_test(&self) {
        self.db.pragma_update(None, "max_page_count", 1).unwrap();
    }
}
