//! One batch into the server: one INSERT per table, each with the batch's token, then the batch's own row.

use std::collections::HashSet;
use std::time::Instant;

use clickhouse::Row;
use sensor::record::Record;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ClickHouseStore;
use super::connection::Connection;
use super::device_rows::DeviceRow;
use super::error::ClickHouseError;
use super::known::{Key, known};
use super::ledger_rows::{CandidateRow, HiddenRow, MinuteRow, TallyTableRow, VisibilityRow};
use super::rows::{Context, FlowRow, LookupTableRow};
use crate::store::Inserted;

#[derive(Row, Serialize)]
struct BatchRow<'a> {
    token: &'a str,
    records: u64,
}

#[derive(Row, Deserialize)]
struct Count {
    count: u64,
}

impl ClickHouseStore {
    /// Inserts a batch, with pauses between tries that fail.
    pub(super) fn insert_batch(&mut self, token: &str, records: &[Record]) -> Result<Inserted, ClickHouseError> {
        if let Some(error) = self.backoff.error(Instant::now()) {
            return Err(error);
        }
        let done = self.prepare().and_then(|()| self.send(token, records));
        match &done {
            Ok(_) => self.backoff.success(),
            // The batch goes out of the way; the next one may be fine.
            Err(error) if error.poison() => {}
            Err(error) => {
                self.set_ready(false);
                self.backoff.failure(Instant::now(), error);
            }
        }
        done
    }

    fn send(&self, token: &str, records: &[Record]) -> Result<Inserted, ClickHouseError> {
        let all = records.len() as u64;
        if is_in(&self.connection, token)? {
            return Ok(Inserted { new: 0, known: all });
        }
        let context = Context { zone: &self.zone, batch: hash(token) };
        let keys: HashSet<Key> = records.iter().map(Key::of).collect();
        let mut taken = known(&self.connection, &keys, context)?;
        let new: Vec<&Record> = records.iter().filter(|record| taken.insert(Key::of(record))).collect();
        Tables::of(&new, context).send(&self.connection, token)?;
        let done = BatchRow { token, records: all };
        self.connection.insert::<BatchRow<'_>>("batch", token, &[done])?;
        Ok(Inserted { new: new.len() as u64, known: all - new.len() as u64 })
    }
}

/// True when the whole batch is in, however long ago.
fn is_in(connection: &Connection, token: &str) -> Result<bool, ClickHouseError> {
    let sql = "SELECT count() AS count FROM batch WHERE token = {token:String}";
    let rows: Vec<Count> = connection.rows(sql, &[("token", token.to_owned())])?;
    Ok(rows.first().is_some_and(|row| row.count > 0))
}

fn hash(token: &str) -> u64 {
    Sha256::digest(token).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// The rows of a batch, by table.
#[derive(Default)]
struct Tables<'a> {
    flows: Vec<FlowRow<'a>>,
    lookups: Vec<LookupTableRow<'a>>,
    minutes: Vec<MinuteRow<'a>>,
    tallies: Vec<TallyTableRow<'a>>,
    visibility: Vec<VisibilityRow<'a>>,
    hidden: Vec<HiddenRow<'a>>,
    candidates: Vec<CandidateRow<'a>>,
    devices: Vec<DeviceRow<'a>>,
}

impl<'a> Tables<'a> {
    fn of(records: &[&'a Record], context: Context<'_>) -> Self {
        let mut tables = Self::default();
        for record in records {
            match record {
                Record::Flow(flow) => tables.flows.push(FlowRow::of(flow, context)),
                Record::Lookup(lookup) => tables.lookups.push(LookupTableRow::of(lookup, context)),
                Record::Minute(minute) => {
                    tables.minutes.push(MinuteRow::of(minute, context));
                    tables.tallies.extend(TallyTableRow::all(minute, context));
                }
                Record::Visibility(seen) => {
                    tables.visibility.push(VisibilityRow::of(seen, context));
                    tables.hidden.extend(HiddenRow::all(seen, context));
                }
                Record::Candidate(seen) => tables.candidates.push(CandidateRow::of(seen, context)),
                Record::Device(seen) => tables.devices.push(DeviceRow::of(seen, context)),
            }
        }
        tables
    }

    fn send(&self, connection: &Connection, token: &str) -> Result<(), ClickHouseError> {
        some::<FlowRow<'_>>(connection, "flow", token, &self.flows)?;
        some::<LookupTableRow<'_>>(connection, "lookup", token, &self.lookups)?;
        some::<MinuteRow<'_>>(connection, "minute", token, &self.minutes)?;
        some::<TallyTableRow<'_>>(connection, "tally", token, &self.tallies)?;
        some::<VisibilityRow<'_>>(connection, "visibility", token, &self.visibility)?;
        some::<HiddenRow<'_>>(connection, "visibility_hidden", token, &self.hidden)?;
        some::<CandidateRow<'_>>(connection, "candidate", token, &self.candidates)?;
        some::<DeviceRow<'_>>(connection, "device", token, &self.devices)
    }
}

/// Sends rows where there are some.
fn some<T: Row + clickhouse::RowWrite>(
    connection: &Connection,
    table: &str,
    token: &str,
    rows: &[T::Value<'_>],
) -> Result<(), ClickHouseError> {
    if rows.is_empty() { Ok(()) } else { connection.insert::<T>(table, token, rows) }
}
