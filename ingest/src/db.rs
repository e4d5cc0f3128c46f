//! What every SQLite file of the product has in common: how it is opened, brought up to date and refused.

mod backup;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

/// A writer waits this long for another one: a report must not fail because a batch is being written.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// What can go wrong with a database file. No variant ever leads to the file being replaced.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite could not do it now: disk full, locked, folder not writable.
    #[error("{path}: {source}")]
    Sql {
        /// The database file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "{path}: damaged ({source}); nothing was changed. Mend: stop shadowtap, copy the file with its -wal and -shm \
         aside, restore a backup or run `sqlite3 {path} .recover`, or move it away to begin a new one"
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// The file was written by a newer program.
    #[error(
        "{path}: has schema version {found}, this program knows {known}; nothing was changed. Mend: use the newer \
         program, or another data directory"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Newest version of this program.
        known: i64,
    },
    /// The file is of an older program, and the disk has no room for the copy that is made before it is changed.
    #[error(
        "{path}: is of an older version and is copied before it is brought up to date, which needs {needed} MiB of free \
         disk; there are {free}; nothing was changed. Mend: make room"
    )]
    NoRoom {
        /// The database file.
        path: PathBuf,
        /// MiB that the copy takes and leaves.
        needed: u64,
        /// MiB that there are.
        free: u64,
    },
    /// That copy could not be written.
    #[error("{path}: cannot be copied before it is brought up to date: {source}; nothing was changed")]
    Backup {
        /// The database file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is a database of something else.
    #[error("{path}: is a database, but not this one; nothing was changed. Mend: use another data directory")]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
}

impl DbError {
    /// True when the same call may succeed later without anybody's help.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Sql { .. } | Self::NoRoom { .. } | Self::Backup { .. })
    }

    /// The error of a call on this file.
    pub(crate) fn of(path: &Path) -> impl Fn(rusqlite::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.clone(), source }
            }
            _ => Self::Sql { path: path.clone(), source },
        }
    }
}

/// The numbered steps that make a file.
pub(crate) struct Schema {
    /// Marks the file as ours (`PRAGMA application_id`).
    pub(crate) application_id: i32,
    /// One SQL text per version; the first is version 1.
    pub(crate) steps: &'static [&'static str],
}

/// Opens a database file, makes it when absent, and runs the steps that it lacks. One that is older is copied before.
pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Connection, DbError> {
    let failed = DbError::of(path);
    if let Some(folder) = path.parent() {
        // A folder that cannot be made shows itself in the open below, with the file's name.
        let _ = fs::create_dir_all(folder);
    }
    let mut db = Connection::open(path).map_err(&failed)?;
    db.busy_timeout(BUSY).map_err(&failed)?;
    let found = version(&db, path, schema)?;
    let known = schema.steps.len() as i64;
    if found > known {
        return Err(DbError::Newer { path: path.to_path_buf(), found, known });
    }
    // FULL: a segment is unlinked after the commit, so the commit must survive a power cut.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(&failed)?;
    if (1..known).contains(&found) {
        backup::keep(&db, path, found)?;
    }
    backup::forget(path);
    if found < known {
        migrate(&mut db, schema).map_err(&failed)?;
    }
    Ok(db)
}

/// Version of the file; 0 for one that holds nothing yet. Reads only.
fn version(db: &Connection, path: &Path, schema: &Schema) -> Result<i64, DbError> {
    let failed = DbError::of(path);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&failed)?;
    if tables == 0 {
        return Ok(0);
    }
    let id: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(&failed)?;
    if id != schema.application_id {
        return Err(DbError::Foreign { path: path.to_path_buf() });
    }
    let newest = db.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0)).optional();
    Ok(newest.map_err(&failed)?.unwrap_or(0))
}

/// Runs the missing steps in one transaction; two processes that open a new file at once do it once.
fn migrate(db: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step.execute_batch("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)")?;
    step.pragma_update(None, "application_id", schema.application_id)?;
    let found: i64 =
        step.query_row("SELECT coalesce(max(version), 0) FROM schema_version", [], |row| row.get(0))?;
    for (number, sql) in (1..).zip(schema.steps).filter(|(number, _)| *number > found) {
        step.execute_batch(sql)?;
        step.execute("INSERT INTO schema_version (version) VALUES (?1)", [number])?;
    }
    step.commit()
}

/// The greatest counter of one row: 70 TB, more than a link carries in a row's time, and small enough that a hundred
/// thousand forged rows still add up without overflow.
const COUNTER_MAX: u64 = 1 << 46;

/// A counter as SQLite holds it.
pub(crate) fn int(value: u64) -> i64 {
    value.min(COUNTER_MAX) as i64
}

/// A column that holds a counter.
pub(crate) fn count(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// A column that holds a word of an enum or an address.
pub(crate) fn word<T>(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}
