//! Stored facts in the order in which they were known, for judging again. Read beside a running service.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, Row, named_params};
use sensor::record::{FlowRecord, MinuteRecord, Record, Tally, VisibilityRecord};
use serde::de::DeserializeOwned;

use super::core::order;
use super::ledger::from_json;
use crate::db::{DbError, count};
use crate::store::STORE_FILE;

/// Facts that are read at once: enough that a query costs nothing, few enough for any machine.
const PAGE: i64 = 10_000;

/// The facts of the embedded store from an instant on: flows, the ledger's minutes and devices' visibility.
#[derive(Debug)]
pub struct StoredFacts {
    db: Connection,
    path: PathBuf,
    streams: [Stream; 4],
}

/// One kind of fact, read page by page.
#[derive(Debug)]
struct Stream {
    sql: &'static str,
    read: fn(&Row<'_>) -> rusqlite::Result<Record>,
    page: VecDeque<Record>,
    /// The key of the last fact: time, id, number.
    last: (i64, String, i64),
    over: bool,
}

impl StoredFacts {
    /// Opens the store of a data directory for reading; facts known before `since` (µs UTC) are left out.
    pub fn open(data_dir: &Path, since: i64) -> Result<Self, DbError> {
        let path = data_dir.join(STORE_FILE);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = DbError::of(&path);
        let db = Connection::open_with_flags(&path, flags).map_err(&failed)?;
        db.execute_batch(READING).map_err(&failed)?;
        // Never below 0: flows of a version that did not say when they were written are a stream of their own.
        let stream = |sql, read| Stream {
            sql,
            read,
            page: VecDeque::new(),
            last: (since.saturating_sub(1).max(0), "\u{10ffff}".to_owned(), i64::MAX),
            over: false,
        };
        let streams =
            [stream(FLOWS, flow), stream(OLD_FLOWS, flow), stream(MINUTES, minute), stream(VISIBILITY, visibility)];
        Ok(Self { db, path, streams })
    }
}

impl Iterator for StoredFacts {
    type Item = Result<Record, DbError>;

    fn next(&mut self) -> Option<Self::Item> {
        for stream in &mut self.streams {
            if let Err(error) = stream.fill(&self.db) {
                self.streams.iter_mut().for_each(Stream::end);
                return Some(Err(DbError::of(&self.path)(error)));
            }
        }
        let fronts = self.streams.iter().enumerate().filter_map(|(at, stream)| Some((at, stream.page.front()?)));
        let (first, _) = fronts.min_by(|(_, a), (_, b)| order(a).cmp(&order(b)))?;
        self.streams.get_mut(first)?.page.pop_front().map(Ok)
    }
}

impl Stream {
    fn fill(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if self.over || !self.page.is_empty() {
            return Ok(());
        }
        let mut query = db.prepare_cached(self.sql)?;
        let (time, id, number) = &self.last;
        let mut rows = query.query(named_params! {":time": time, ":id": id, ":number": number, ":limit": PAGE})?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            last = Some((row.get("key_time")?, row.get("key_id")?, row.get("key_number")?));
            self.page.push_back((self.read)(row)?);
        }
        self.over = (self.page.len() as i64) < PAGE;
        self.last = last.unwrap_or_default();
        Ok(())
    }

    fn end(&mut self) {
        self.over = true;
        self.page.clear();
    }
}

fn flow(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record::Flow(Box::new(FlowRecord {
        flow_id: row.get(0)?,
        seq: row.get(1)?,
        last: row.get(2)?,
        community_id: row.get(3)?,
        sensor: row.get(4)?,
        site: row.get(5)?,
        start: row.get(6)?,
        end: row.get(7)?,
        emitted: row.get(8)?,
        client_ip: address(row, 9)?,
        client_port: row.get(10)?,
        client_mac: row.get(11)?,
        vlan: row.get(12)?,
        device: row.get(13)?,
        server_ip: address(row, 14)?,
        server_port: row.get(15)?,
        transport: text(row, 16)?,
        protocol: text(row, 17)?,
        host: row.get(18)?,
        evidence: text(row, 19)?,
        candidates: Vec::new(),
        service: row.get(20)?,
        role: text(row, 21)?,
        strength: text(row, 22)?,
        plan: maybe(row, 23)?,
        tenant: row.get(24)?,
        access: text(row, 25)?,
        modality: text(row, 26)?,
        ech: text(row, 27)?,
        alpn: Vec::new(),
        ja4: None,
        client: text(row, 28)?,
        behaviour: text(row, 29)?,
        endpoint: maybe(row, 30)?,
        bytes_up: unsigned(row, 31)?,
        bytes_down: unsigned(row, 32)?,
        upload_bytes: unsigned(row, 33)?,
        packets_up: unsigned(row, 34)?,
        packets_down: unsigned(row, 35)?,
        turns: unsigned(row, 36)?,
        largest_burst: unsigned(row, 37)?,
        catalogue: row.get(38)?,
    })))
}

fn minute(row: &Row<'_>) -> rusqlite::Result<Record> {
    let stray = count(row, "stray")?;
    let malformed = (stray > 0).then(|| ("time".to_owned(), Tally { frames: stray, ..Tally::default() }));
    Ok(Record::Minute(Box::new(MinuteRecord {
        sensor: row.get("sensor")?,
        site: row.get("site")?,
        source: row.get("source")?,
        minute: row.get("minute")?,
        frames: count(row, "frames")?,
        bytes: count(row, "bytes")?,
        malformed: malformed.into_iter().collect(),
        drops: from_json(&row.get::<_, String>("drops")?)?,
        ..MinuteRecord::default()
    })))
}

fn visibility(row: &Row<'_>) -> rusqlite::Result<Record> {
    let tally = |kind: &str| -> rusqlite::Result<Tally> {
        Ok(Tally {
            flows: count(row, &format!("{kind}_flows"))?,
            frames: count(row, &format!("{kind}_frames"))?,
            bytes: count(row, &format!("{kind}_bytes"))?,
        })
    };
    Ok(Record::Visibility(Box::new(VisibilityRecord {
        sensor: row.get("sensor")?,
        site: row.get("site")?,
        source: row.get("source")?,
        start: row.get("start")?,
        client_ip: crate::db::word(row, "client_ip")?,
        device: row.get("device")?,
        ai_flows: count(row, "ai_flows")?,
        named: tally("named")?,
        nameless: tally("nameless")?,
        hidden: from_json(&row.get::<_, String>("hidden")?)?,
    })))
}

/// A word of a record's enum, read where it stands: no copy is made of it.
fn text<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let word = row.get_ref(column)?.as_str()?;
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word))
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

fn maybe<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => text(row, column).map(Some),
    }
}

fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<IpAddr> {
    let word = row.get_ref(column)?.as_str()?;
    word.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// Facts lie in the order of their ids and are read in the order of time: without room for pages each would be read anew.
const READING: &str = "PRAGMA busy_timeout = 10000; PRAGMA mmap_size = 17179869184; PRAGMA cache_size = -65536;";

const FLOWS: &str = "
SELECT flow_id, seq, last, community_id, sensor, site, start, end, emitted, client_ip, client_port, client_mac, vlan,
    device, server_ip, server_port, transport, protocol, host, evidence, service, role, strength, plan, tenant,
    access, modality, ech, client, behaviour, endpoint, bytes_up, bytes_down, upload_bytes, packets_up, packets_down, turns,
    largest_burst, catalogue, emitted AS key_time, flow_id AS key_id, seq AS key_number
FROM flow
WHERE (emitted, flow_id, seq) > (:time, :id, :number)
ORDER BY emitted, flow_id, seq LIMIT :limit";

/// Flows of a version that did not say when a record was written.
const OLD_FLOWS: &str = "
SELECT flow_id, seq, last, community_id, sensor, site, start, end, emitted, client_ip, client_port, client_mac, vlan,
    device, server_ip, server_port, transport, protocol, host, evidence, service, role, strength, plan, tenant,
    access, modality, ech, client, behaviour, endpoint, bytes_up, bytes_down, upload_bytes, packets_up, packets_down, turns,
    largest_burst, catalogue, end AS key_time, flow_id AS key_id, seq AS key_number
FROM flow
WHERE emitted = 0 AND (end, flow_id, seq) > (:time, :id, :number)
ORDER BY end, flow_id, seq LIMIT :limit";

const MINUTES: &str = "
SELECT m.*, m.minute AS key_time, m.sensor || ' ' || m.source AS key_id, 0 AS key_number,
    coalesce((SELECT frames FROM minute_malformed AS f WHERE f.sensor = m.sensor AND f.source = m.source
        AND f.minute = m.minute AND f.word = 'time'), 0) AS stray,
    (SELECT json_group_object(word, packets) FROM minute_drop AS d WHERE d.sensor = m.sensor AND d.source = m.source
        AND d.minute = m.minute) AS drops
FROM minute AS m
WHERE (m.minute, m.sensor || ' ' || m.source, 0) > (:time, :id, :number)
ORDER BY m.minute, key_id LIMIT :limit";

const VISIBILITY: &str = "
SELECT v.*, v.start AS key_time, v.sensor || ' ' || v.source || ' ' || v.device AS key_id, 0 AS key_number,
    (SELECT json_group_object(word, json_object('flows', flows, 'frames', frames, 'bytes', bytes))
        FROM visibility_hidden AS h WHERE h.sensor = v.sensor AND h.source = v.source AND h.start = v.start
        AND h.device = v.device) AS hidden
FROM visibility AS v
WHERE (v.start, v.sensor || ' ' || v.source || ' ' || v.device, 0) > (:time, :id, :number)
ORDER BY v.start, key_id LIMIT :limit";
