//! Do the databases answer? Nothing is written into them, and nothing is made that is not there.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use ingest::judge::FINDINGS_FILE;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget, Keep};
use ingest::store::{STORE_FILE, Store as _};
use ingest::text::bytes;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags};

use super::check::{Check, Id};
use super::system::quoted;
use crate::config::Setup;
use crate::store::StoreChoice;

pub(super) const STORE: Id = Id("store");
pub(super) const FINDINGS: Id = Id("findings");

/// A server that says nothing for so long is in trouble: it is asked for one number.
const ANSWER: Duration = Duration::from_secs(5);

/// Facts and findings.
pub(super) fn checks(setup: &Setup, config: Option<&Path>) -> Vec<Check> {
    let store = match &setup.store {
        StoreChoice::Embedded(_) => sqlite(STORE, &setup.data_dir.join(STORE_FILE)),
        StoreChoice::ClickHouse { target, keep, .. } => clickhouse(target, *keep, config),
    };
    vec![store, sqlite(FINDINGS, &setup.data_dir.join(FINDINGS_FILE))]
}

fn sqlite(id: Id, path: &Path) -> Check {
    let shown = path.display();
    let size = match File::open(path).and_then(|file| file.metadata()) {
        Ok(meta) => meta.len(),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return id.ok(format!("{shown}: none yet, the first run makes it"));
        }
        Err(e) => {
            return id.unknown(format!("{shown}: {e}")).with(format!("sudo ls -l {}", quoted(path.display())));
        }
    };
    match version(path) {
        Ok(version) => id.ok(format!("{shown}: opens, {}, schema {version}", bytes(size))),
        Err(error) => {
            let mend = format!(
                "sudo sqlite3 {} .recover > {}",
                quoted(path.display()),
                quoted(format!("{shown}.recovered.sql"))
            );
            id.fail(format!("{shown}: {error}"), mend)
        }
    }
}

/// The version of the schema. A file that is damaged, or another program's, does not say one.
fn version(path: &Path) -> rusqlite::Result<i64> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(ANSWER)?;
    db.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))
}

/// Asks for the newest fact, which needs the user, the database and its tables.
fn clickhouse(target: &ClickHouseTarget, keep: Keep, config: Option<&Path>) -> Check {
    let mut bounded = target.clone();
    bounded.timeout = ANSWER;
    let edit = config.map_or_else(
        || "shadowtap doctor --help".to_owned(),
        |path| format!("sudoedit {}  # [store]", quoted(path.display())),
    );
    let store = match ClickHouseStore::new(bounded, keep, TimeZone::UTC) {
        Ok(store) => store,
        Err(error) => return STORE.fail(format!("{target}: {error}"), edit),
    };
    match store.newest("", None) {
        Ok(Some(_)) => STORE.ok(format!("{target}: answers, and holds facts")),
        Ok(None) => STORE.ok(format!("{target}: answers, and holds no facts yet")),
        Err(error) => STORE.fail(error.to_string(), edit),
    }
}
