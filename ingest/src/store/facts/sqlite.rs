//! Facts of the embedded store: four sorted streams, merged.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, Rows, named_params};
use sensor::record::Record;

use super::rows::{Children, flow, minute, visibility};
use super::{Facts, Sink};
use crate::db::{BUSY, DbError};
use crate::judge::order;
use crate::store::{SqliteStore, StoreError};
use crate::time::Window;

/// Rows are looked up by a hash, all over the file: mapped, that costs a memory access and no system call.
const MAPPED: i64 = 8 << 30;

impl SqliteStore {
    pub(crate) fn read_facts(&self, window: Window) -> Result<Facts, StoreError> {
        let total =
            self.db.query_row(COUNT, named_params! {":from": window.from, ":to": window.to}, |row| row.get(0));
        let total: i64 = total.map_err(self.failed())?;
        let path = self.path.clone();
        Ok(Facts::read(u64::try_from(total).unwrap_or(0), move |sink| {
            read(&path, window, sink).map_err(|e| StoreError::from(DbError::of(&path)(e)))
        }))
    }
}

fn read(path: &Path, window: Window, sink: &mut Sink) -> rusqlite::Result<()> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "mmap_size", MAPPED)?;
    // One snapshot for all streams.
    db.execute_batch("BEGIN")?;
    let mut statements =
        [db.prepare(FLOWS)?, db.prepare(OLD_FLOWS)?, db.prepare(VISIBILITY)?, db.prepare(MINUTES)?];
    let mut hidden = Children::of(&db, "visibility_hidden")?;
    let mut tallies = Children::of_minutes(&db)?;
    let [flows, old, seen, minutes] = &mut statements;
    let within = named_params! {":from": window.from, ":to": window.to};
    let mut streams = [
        Stream::new(flows.query(within)?, flow),
        Stream::new(old.query(within)?, flow),
        Stream::new(seen.query(within)?, move |row| visibility(row, &mut hidden)),
        Stream::new(minutes.query(within)?, move |row| minute(row, &mut tallies)),
    ];
    for stream in &mut streams {
        stream.advance()?;
    }
    while let Some(stream) = earliest(&mut streams) {
        if !stream.advance()?.is_some_and(|record| sink.put(record)) {
            break;
        }
    }
    Ok(())
}

/// The stream whose next record comes first.
fn earliest<'a, 's>(streams: &'a mut [Stream<'s>]) -> Option<&'a mut Stream<'s>> {
    let with_more = streams.iter_mut().filter(|stream| stream.head.is_some());
    with_more.min_by(|a, b| a.head.as_ref().map(order).cmp(&b.head.as_ref().map(order)))
}

type Read<'s> = Box<dyn FnMut(&Row<'_>) -> rusqlite::Result<Record> + 's>;

/// Rows of one kind, the next one read already.
struct Stream<'s> {
    rows: Rows<'s>,
    read: Read<'s>,
    head: Option<Record>,
}

impl<'s> Stream<'s> {
    fn new(rows: Rows<'s>, read: impl FnMut(&Row<'_>) -> rusqlite::Result<Record> + 's) -> Self {
        Self { rows, read: Box::new(read), head: None }
    }

    /// Gives the next record and reads the one after it.
    fn advance(&mut self) -> rusqlite::Result<Option<Record>> {
        let after = match self.rows.next()? {
            Some(row) => Some((self.read)(row)?),
            None => None,
        };
        Ok(std::mem::replace(&mut self.head, after))
    }
}

/// Columns are read by their place in the table.
const FLOWS: &str = "
SELECT * FROM flow INDEXED BY flow_by_emission
WHERE emitted > 0 AND emitted >= :from AND emitted < :to ORDER BY emitted, flow_id, seq";

/// Written before records told when they were.
const OLD_FLOWS: &str = "
SELECT * FROM flow INDEXED BY flow_by_emission
WHERE emitted = 0 AND end >= :from AND end < :to ORDER BY end, flow_id, seq";

/// Known when their ten minutes are over.
const VISIBILITY: &str = "
SELECT * FROM visibility WHERE start + 600000000 >= :from AND start + 600000000 < :to
ORDER BY start, device, source, sensor";

/// Known when they are over.
const MINUTES: &str = "
SELECT * FROM minute WHERE minute + 60000000 >= :from AND minute + 60000000 < :to ORDER BY minute, source, sensor";

const COUNT: &str = "
SELECT (SELECT count(*) FROM flow WHERE emitted > 0 AND emitted >= :from AND emitted < :to)
     + (SELECT count(*) FROM flow WHERE emitted = 0 AND end >= :from AND end < :to)
     + (SELECT count(*) FROM visibility WHERE start + 600000000 >= :from AND start + 600000000 < :to)
     + (SELECT count(*) FROM minute WHERE minute + 60000000 >= :from AND minute + 60000000 < :to)";
