//! Rows of the embedded store as records. Columns are read by place, in the order of the schema: looking them up by
//! name costs more than reading them.

use std::collections::BTreeMap;
use std::error::Error;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, Statement, params};
use sensor::record::{FlowRecord, MinuteRecord, Record, Tally, VisibilityRecord};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

/// A row of `flow`.
pub(super) fn flow(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record::Flow(Box::new(FlowRecord {
        flow_id: row.get(0)?,
        seq: row.get(1)?,
        last: row.get(2)?,
        community_id: row.get(3)?,
        sensor: row.get(4)?,
        site: row.get(5)?,
        start: row.get(6)?,
        end: row.get(7)?,
        client_ip: parsed(row, 8)?,
        client_port: row.get(9)?,
        client_mac: row.get(10)?,
        vlan: row.get(11)?,
        device: row.get(12)?,
        server_ip: parsed(row, 13)?,
        server_port: row.get(14)?,
        transport: word(row, 15)?,
        protocol: word(row, 16)?,
        host: row.get(17)?,
        evidence: word(row, 18)?,
        candidates: list(row, 19)?,
        service: row.get(20)?,
        role: parsed(row, 21)?,
        strength: parsed(row, 22)?,
        plan: maybe(row, 23)?,
        tenant: row.get(24)?,
        access: parsed(row, 25)?,
        modality: parsed(row, 26)?,
        ech: word(row, 27)?,
        alpn: list(row, 28)?,
        ja4: row.get(29)?,
        bytes_up: count(row, 30)?,
        bytes_down: count(row, 31)?,
        upload_bytes: count(row, 32)?,
        packets_up: count(row, 33)?,
        packets_down: count(row, 34)?,
        turns: count(row, 35)?,
        largest_burst: count(row, 36)?,
        catalogue: row.get(37)?,
        emitted: row.get(38)?,
        client: parsed(row, 39)?,
        behaviour: parsed(row, 40)?,
        endpoint: maybe(row, 41)?,
    })))
}

/// A row of `visibility`, with its rows of `visibility_hidden`.
pub(super) fn visibility(row: &Row<'_>, hidden: &mut Children<'_>) -> rusqlite::Result<Record> {
    let (sensor, source, device): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let start: i64 = row.get(2)?;
    Ok(Record::Visibility(Box::new(VisibilityRecord {
        site: row.get(4)?,
        client_ip: parsed(row, 5)?,
        ai_flows: count(row, 6)?,
        named: tally(row, 7)?,
        nameless: tally(row, 10)?,
        hidden: hidden.of_device(&sensor, &source, start, &device)?,
        sensor,
        source,
        start,
        device,
    })))
}

/// A row of `minute`, with its rows of `minute_method`, `minute_not_flow`, `minute_malformed`, `minute_drop`
/// and `minute_broken`.
pub(super) fn minute(row: &Row<'_>, children: &mut [Children<'_>; 5]) -> rusqlite::Result<Record> {
    let (sensor, source): (String, String) = (row.get(0)?, row.get(1)?);
    let minute: i64 = row.get(2)?;
    let [methods, not_flow, malformed, drops, broken] = children;
    Ok(Record::Minute(Box::new(MinuteRecord {
        site: row.get(3)?,
        frames: count(row, 4)?,
        bytes: count(row, 5)?,
        one_way_flows: count(row, 6)?,
        late_flows: count(row, 7)?,
        dns_questions: count(row, 8)?,
        tcp_bytes: count(row, 9)?,
        tcp_missing: count(row, 10)?,
        tcp_reordered: count(row, 11)?,
        tcp_resent: count(row, 12)?,
        duplicates: count(row, 13)?,
        clock_steps: count(row, 14)?,
        methods: methods.of_minute(&sensor, &source, minute)?,
        not_flow: not_flow.of_minute(&sensor, &source, minute)?,
        malformed: malformed.of_minute(&sensor, &source, minute)?,
        drops: drops.counts(&sensor, &source, minute)?,
        broken: broken.counts(&sensor, &source, minute)?,
        sensor,
        source,
        minute,
    })))
}

/// Rows of a table that hang on one row of another.
pub(super) struct Children<'s>(Statement<'s>);

impl<'s> Children<'s> {
    pub(super) fn of(db: &'s Connection, table: &str) -> rusqlite::Result<Self> {
        let sql = match table {
            "visibility_hidden" => "SELECT flows, frames, bytes, word FROM visibility_hidden
                 WHERE sensor = ?1 AND source = ?2 AND start = ?3 AND device = ?4"
                .to_owned(),
            "minute_drop" => {
                "SELECT packets, word FROM minute_drop WHERE sensor = ?1 AND source = ?2 AND minute = ?3".to_owned()
            }
            "minute_broken" => {
                "SELECT messages, word FROM minute_broken WHERE sensor = ?1 AND source = ?2 AND minute = ?3"
                    .to_owned()
            }
            table => format!(
                "SELECT flows, frames, bytes, word FROM {table} WHERE sensor = ?1 AND source = ?2 AND minute = ?3"
            ),
        };
        Ok(Self(db.prepare(&sql)?))
    }

    pub(super) fn of_minutes(db: &'s Connection) -> rusqlite::Result<[Self; 5]> {
        let of = |table| Self::of(db, table);
        let tallies = [of("minute_method")?, of("minute_not_flow")?, of("minute_malformed")?];
        let [methods, not_flow, malformed] = tallies;
        Ok([methods, not_flow, malformed, of("minute_drop")?, of("minute_broken")?])
    }

    fn of_minute(&mut self, sensor: &str, source: &str, minute: i64) -> rusqlite::Result<BTreeMap<String, Tally>> {
        self.0.query_map(params![sensor, source, minute], |row| Ok((row.get(3)?, tally(row, 0)?)))?.collect()
    }

    fn of_device(
        &mut self,
        sensor: &str,
        source: &str,
        start: i64,
        device: &str,
    ) -> rusqlite::Result<BTreeMap<String, Tally>> {
        self.0.query_map(params![sensor, source, start, device], |row| Ok((row.get(3)?, tally(row, 0)?)))?.collect()
    }

    fn counts(&mut self, sensor: &str, source: &str, minute: i64) -> rusqlite::Result<BTreeMap<String, u64>> {
        self.0.query_map(params![sensor, source, minute], |row| Ok((row.get(1)?, count(row, 0)?)))?.collect()
    }
}

fn tally(row: &Row<'_>, at: usize) -> rusqlite::Result<Tally> {
    Ok(Tally { flows: count(row, at)?, frames: count(row, at + 1)?, bytes: count(row, at + 2)? })
}

fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<&'r str> {
    row.get_ref(at)?.as_str().map_err(|e| wrong(at, e))
}

/// A word of the rules, or an address.
fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    text(row, at)?.parse().map_err(|e: T::Err| wrong(at, e))
}

fn maybe<T: FromStr<Err: Error + Send + Sync + 'static>>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(at)?.as_str_or_null() {
        Ok(None) => Ok(None),
        Ok(Some(word)) => word.parse().map(Some).map_err(|e: T::Err| wrong(at, e)),
        Err(e) => Err(wrong(at, e)),
    }
}

/// A word of the records.
fn word<'de, T: Deserialize<'de>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let word: WordDeserializer<'_> = text(row, at)?.into_deserializer();
    T::deserialize(word).map_err(|e: WordError| wrong(at, e))
}

type WordDeserializer<'a> = serde::de::value::StrDeserializer<'a, WordError>;

/// A list as JSON; nearly all of them are empty.
fn list<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<T>> {
    match text(row, at)? {
        "[]" => Ok(Vec::new()),
        json => serde_json::from_str(json).map_err(|e| wrong(at, e)),
    }
}

fn wrong(at: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
}
