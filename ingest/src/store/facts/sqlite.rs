//! Facts of the embedded store: four sorted streams, merged.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, named_params};
use sensor::record::Record;

use super::rows::{Children, flow, minute, visibility};
use super::{Facts, Sink, Stream, merge};
use crate::db::{BUSY, DbError};
use crate::store::{SqliteStore, StoreError};
use crate::time::Window;

/// Rows are looked up by a hash, all over the file: mapped, that costs a memory access and no system call.
const MAPPED: i64 = 8 << 30;

impl SqliteStore {
    pub(crate) fn read_facts(&self, site: &str, window: Window) -> Result<Facts, StoreError> {
        let total = self.db.query_row(
            &of_site(COUNT, site),
            named_params! {":site": site, ":from": window.from, ":to": window.to},
            |row| row.get(0),
        );
        let total: i64 = total.map_err(self.failed())?;
        let (path, site) = (self.path.clone(), site.to_owned());
        Ok(Facts::read(u64::try_from(total).unwrap_or(0), move |sink| {
            read(&path, &site, window, sink).map_err(|e| StoreError::from(DbError::of(&path)(e)))
        }))
    }
}

fn read(path: &Path, site: &str, window: Window, sink: &mut Sink) -> rusqlite::Result<()> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "mmap_size", MAPPED)?;
    // One snapshot for all streams.
    db.execute_batch("BEGIN")?;
    let prepare = |sql| db.prepare(&of_site(sql, site));
    let mut statements = [prepare(FLOWS)?, prepare(OLD_FLOWS)?, prepare(VISIBILITY)?, prepare(MINUTES)?];
    let mut hidden = Children::of(&db, "visibility_hidden")?;
    let mut tallies = Children::of_minutes(&db)?;
    let [flows, old, seen, minutes] = &mut statements;
    let within = named_params! {":site": site, ":from": window.from, ":to": window.to};
    let mut streams = [
        Rows::boxed(flows.query(within)?, flow),
        Rows::boxed(old.query(within)?, flow),
        Rows::boxed(seen.query(within)?, move |row| visibility(row, &mut hidden)),
        Rows::boxed(minutes.query(within)?, move |row| minute(row, &mut tallies)),
    ];
    merge(&mut streams, sink)
}

type Read<'s> = Box<dyn FnMut(&Row<'_>) -> rusqlite::Result<Record> + 's>;

/// Rows of one kind, the next one read already.
struct Rows<'s> {
    rows: rusqlite::Rows<'s>,
    read: Read<'s>,
    head: Option<Record>,
}

impl<'s> Rows<'s> {
    fn boxed(rows: rusqlite::Rows<'s>, read: impl FnMut(&Row<'_>) -> rusqlite::Result<Record> + 's) -> Box<Self> {
        Box::new(Self { rows, read: Box::new(read), head: None })
    }
}

impl Stream for Rows<'_> {
    type Error = rusqlite::Error;

    fn head(&self) -> Option<&Record> {
        self.head.as_ref()
    }

    fn advance(&mut self) -> rusqlite::Result<Option<Record>> {
        let after = match self.rows.next()? {
            Some(row) => Some((self.read)(row)?),
            None => None,
        };
        Ok(std::mem::replace(&mut self.head, after))
    }
}

/// A question about one site, or about all of them: then no row is looked up for its site.
fn of_site(sql: &str, site: &str) -> String {
    sql.replace("OF_SITE", if site.is_empty() { ":site = ''" } else { "site = :site" })
}

/// Columns are read by their place in the table.
const FLOWS: &str = "
SELECT * FROM flow INDEXED BY flow_by_emission
WHERE emitted > 0 AND emitted >= :from AND emitted < :to AND OF_SITE
ORDER BY emitted, flow_id, seq";

/// Written before records told when they were.
const OLD_FLOWS: &str = "
SELECT * FROM flow INDEXED BY flow_by_emission
WHERE emitted = 0 AND end >= :from AND end < :to AND OF_SITE
ORDER BY end, flow_id, seq";

/// Known when their ten minutes are over.
const VISIBILITY: &str = "
SELECT * FROM visibility WHERE start + 600000000 >= :from AND start + 600000000 < :to AND OF_SITE
ORDER BY start, device, source, sensor";

/// Known when they are over.
const MINUTES: &str = "
SELECT * FROM minute WHERE minute + 60000000 >= :from AND minute + 60000000 < :to AND OF_SITE
ORDER BY minute, source, sensor";

const COUNT: &str = "
SELECT (SELECT count(*) FROM flow WHERE emitted > 0 AND emitted >= :from AND emitted < :to AND OF_SITE)
     + (SELECT count(*) FROM flow WHERE emitted = 0 AND end >= :from AND end < :to AND OF_SITE)
     + (SELECT count(*) FROM visibility WHERE start + 600000000 >= :from AND start + 600000000 < :to AND OF_SITE)
     + (SELECT count(*) FROM minute WHERE minute + 60000000 >= :from AND minute + 60000000 < :to AND OF_SITE)";
