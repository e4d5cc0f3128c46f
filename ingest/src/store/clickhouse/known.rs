//! Which records of a batch another batch has brought already: the same capture read a second time. The server knows
//! blocks by their token, not records by their key, so the keys are compared here.

use std::collections::HashSet;
use std::hash::Hash;

use clickhouse::Row;
use jiff::tz::TimeZone;
use sensor::record::Record;
use serde::Deserialize;

use super::connection::Connection;
use super::error::ClickHouseError;
use super::rows::{Context, day, micros};

/// What makes a record unique in its table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Row, Deserialize)]
pub(super) struct Key {
    table: String,
    a: String,
    b: String,
    at: i64,
    word: String,
}

impl Key {
    /// The key of a record, and the time that finds it.
    pub(super) fn of(record: &Record) -> Self {
        let key = |table: &str, a: &str, b: &str, at: i64, word: &str| Self {
            table: table.to_owned(),
            a: a.to_owned(),
            b: b.to_owned(),
            at: micros(at),
            word: word.to_owned(),
        };
        match record {
            Record::Flow(flow) => key("flow", &flow.flow_id, &flow.seq.to_string(), flow.end, ""),
            Record::Lookup(lookup) => key("lookup", &lookup.lookup_id, "", lookup.ts, ""),
            Record::Minute(minute) => key("minute", &minute.sensor, &minute.source, minute.minute, ""),
            Record::Visibility(seen) => key("visibility", &seen.sensor, &seen.source, seen.start, &seen.device),
            Record::Candidate(seen) => key("candidate", &seen.sensor, &seen.source, seen.start, &seen.domain),
            Record::Device(seen) => key("device", &seen.sensor, &seen.device, seen.last_seen, ""),
        }
    }
}

/// The parts of each table's key as columns of [`Key`].
const KEYS: [(&str, &str, &str, &str, &str); 6] = [
    ("flow", "flow_id", "toString(seq)", "end", "''"),
    ("lookup", "lookup_id", "''", "ts", "''"),
    ("minute", "sensor", "source", "minute", "''"),
    ("visibility", "sensor", "source", "start", "device"),
    ("candidate", "sensor", "source", "start", "domain"),
    ("device", "sensor", "device", "last_seen", "''"),
];

/// The keys of these records that other batches have brought, of all tables together. What an earlier try of this batch
/// brought is not among them: the server tells that by its token, and would miss the rest if rows went from the block.
pub(super) fn known(
    connection: &Connection,
    keys: &HashSet<Key>,
    context: Context<'_>,
) -> Result<HashSet<Key>, ClickHouseError> {
    let mut known = HashSet::new();
    for (table, a, b, at, word) in KEYS {
        let times = || keys.iter().filter(|key| key.table == table).map(|key| key.at);
        let (Some(from), Some(to)) = (times().min(), times().max()) else { continue };
        let sql = format!(
            "SELECT '{table}' AS table, toString({a}) AS a, toString({b}) AS b, \
             toUnixTimestamp64Micro({at}) AS at, toString({word}) AS word FROM {table} \
             WHERE day >= toDate({{first:UInt16}}) AND day <= toDate({{last:UInt16}}) AND batch != {{batch:UInt64}} \
             AND {at} >= fromUnixTimestamp64Micro({{from:Int64}}) AND {at} <= fromUnixTimestamp64Micro({{to:Int64}})"
        );
        let (first, last) = days(from, to, context.zone);
        let parameters = [
            ("first", first.to_string()),
            ("last", last.to_string()),
            ("batch", context.batch.to_string()),
            ("from", from.to_string()),
            ("to", to.to_string()),
        ];
        let found: Vec<Key> = connection.rows(&sql, &parameters)?;
        known.extend(found.into_iter().filter(|key| keys.contains(key)));
    }
    Ok(known)
}

/// The days that hold these times on whatever clock the site has: another sender of the site may have been set to
/// another time zone.
fn days(from: i64, to: i64, zone: &TimeZone) -> (u16, u16) {
    (day(from, zone).saturating_sub(1), day(to, zone).saturating_add(1))
}
