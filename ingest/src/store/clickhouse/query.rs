//! The report's questions to the server. The SQL stands in `dashboards/sql/clickhouse`, one question per file, each with
//! a namesake for the embedded store.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use clickhouse::{Row, RowOwned, RowRead};
use sensor::record::Record;
use serde::Deserialize;

use super::migrate::{STEPS, version};
use super::rows::micros;
use super::{ClickHouseError, ClickHouseStore, facts};
use crate::store::rollup::from_rank;
use crate::store::{CandidateRow, Facts, Inserted, Ledger, LookupRow, Store, StoreError, TallyRow, UsageRow};
use crate::time::Window;

const USAGE: &str = include_str!("../../../../dashboards/sql/clickhouse/usage.sql");
const FIRST_SEEN: &str = include_str!("../../../../dashboards/sql/clickhouse/first_seen.sql");
const LOOKUPS: &str = include_str!("../../../../dashboards/sql/clickhouse/lookups.sql");
const LEDGER: &str = include_str!("../../../../dashboards/sql/clickhouse/ledger.sql");
const TALLIES: &str = include_str!("../../../../dashboards/sql/clickhouse/tallies.sql");
const CANDIDATES: &str = include_str!("../../../../dashboards/sql/clickhouse/candidates.sql");
const DEVICE_NAMES: &str = include_str!("../../../../dashboards/sql/clickhouse/device_names.sql");
const NEWEST: &str = include_str!("../../../../dashboards/sql/clickhouse/newest.sql");

impl Store for ClickHouseStore {
    fn insert(&mut self, token: &str, records: &[Record]) -> Result<Inserted, StoreError> {
        Ok(self.insert_batch(token, records)?)
    }

    fn patience(&self) -> Duration {
        self.patience.value()
    }

    fn usage(&self, site: &str, window: Window) -> Result<Vec<UsageRow>, StoreError> {
        let rows: Vec<UsageColumns> = self.ask(USAGE, site, window)?;
        Ok(rows.into_iter().map(|row| row.usage(self.connection.name())).collect::<Result<_, _>>()?)
    }

    fn first_seen(&self, site: &str, before: i64) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows: Vec<FirstColumns> = self.ask(FIRST_SEEN, site, Window { from: 0, to: before })?;
        Ok(rows.into_iter().map(|row| (row.service, row.first_seen)).collect())
    }

    fn lookups(&self, site: &str, window: Window) -> Result<Vec<LookupRow>, StoreError> {
        let rows: Vec<LookupColumns> = self.ask(LOOKUPS, site, window)?;
        let row = |r: LookupColumns| LookupRow { service: r.service, questions: r.questions, devices: r.devices };
        Ok(rows.into_iter().map(row).collect())
    }

    fn ledger(&self, site: &str, window: Window) -> Result<Ledger, StoreError> {
        let rows: Vec<LedgerColumns> = self.ask(LEDGER, site, window)?;
        Ok(rows.into_iter().next().map(Ledger::from).unwrap_or_default())
    }

    fn tallies(&self, site: &str, window: Window) -> Result<Vec<TallyRow>, StoreError> {
        let rows: Vec<TallyColumns> = self.ask(TALLIES, site, window)?;
        Ok(rows.into_iter().map(TallyRow::from).collect())
    }

    fn candidates(&self, site: &str, window: Window) -> Result<Vec<CandidateRow>, StoreError> {
        let rows: Vec<CandidateColumns> = self.ask(CANDIDATES, site, window)?;
        Ok(rows.into_iter().map(CandidateRow::from).collect())
    }

    fn device_names(&self, site: &str, window: Window) -> Result<BTreeMap<String, String>, StoreError> {
        #[derive(Row, Deserialize)]
        struct Name {
            device: String,
            host_name: String,
        }
        let rows: Vec<Name> = self.ask(DEVICE_NAMES, site, window)?;
        Ok(rows.into_iter().map(|row| (row.device, row.host_name)).collect())
    }

    fn facts(&self, site: &str, window: Window) -> Result<Facts, StoreError> {
        if !self.has_schema()? {
            return Ok(Facts::read(0, |_| Ok(())));
        }
        Ok(facts::read(&self.connection, site, window)?)
    }

    fn newest(&self, site: &str, before: Option<i64>) -> Result<Option<i64>, StoreError> {
        let window = Window { from: 0, to: before.unwrap_or(i64::MAX) };
        let rows: Vec<NewestColumns> = self.ask(NEWEST, site, window)?;
        Ok(rows.first().map(|row| row.newest))
    }
}

impl ClickHouseStore {
    /// Asks one question. A database without a schema has no facts; a user who may only read can ask all the same.
    fn ask<T: RowOwned + RowRead>(&self, sql: &str, site: &str, window: Window) -> Result<Vec<T>, ClickHouseError> {
        if !self.has_schema()? {
            return Ok(Vec::new());
        }
        let parameters = [
            ("from", micros(window.from).to_string()),
            ("to", micros(window.to).to_string()),
            ("site", site.to_owned()),
        ];
        self.connection.rows(sql, &parameters)
    }

    /// False where no schema was made yet. What has one is not ready for inserts by that: nothing was migrated.
    fn has_schema(&self) -> Result<bool, ClickHouseError> {
        if self.is_ready() {
            return Ok(true);
        }
        match version(&self.connection)? {
            None | Some(0) => Ok(false),
            Some(found) => self.check(found).map(|()| true),
        }
    }

    fn check(&self, found: u32) -> Result<(), ClickHouseError> {
        let (server, known) = (self.connection.name().to_owned(), STEPS.len() as u32);
        match found {
            _ if found > known => Err(ClickHouseError::Newer { server, found, known }),
            _ if found < known => Err(ClickHouseError::Drift {
                server,
                why: format!("it has version {found} of {known}, which the next delivery brings up to date"),
            }),
            _ => Ok(()),
        }
    }
}

#[derive(Row, Deserialize)]
struct UsageColumns {
    site: String,
    device: String,
    client_ip: String,
    service: String,
    access: String,
    plan: String,
    vlan: i32,
    mac: String,
    best_use: u8,
    flows: u64,
    turns: u64,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
    largest_burst: u64,
    clients: u64,
    behaviours: u64,
    first_seen: i64,
    last_seen: i64,
}

impl UsageColumns {
    fn usage(self, server: &str) -> Result<UsageRow, ClickHouseError> {
        Ok(UsageRow {
            client_ip: word(server, &self.client_ip)?,
            access: word(server, &self.access)?,
            plan: self.plan.parse().ok(),
            vlan: u16::try_from(self.vlan).ok(),
            mac: Some(self.mac).filter(|mac| !mac.is_empty()),
            usage: from_rank(i64::from(self.best_use)),
            site: self.site,
            device: self.device,
            service: self.service,
            flows: self.flows,
            turns: self.turns,
            bytes_up: self.bytes_up,
            bytes_down: self.bytes_down,
            upload_bytes: self.upload_bytes,
            largest_burst: self.largest_burst,
            clients: self.clients,
            behaviours: self.behaviours,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
        })
    }
}

/// A word of an enum or an address, as this program wrote it.
pub(super) fn word<T: FromStr<Err: Display>>(server: &str, text: &str) -> Result<T, ClickHouseError> {
    let drift = |e: T::Err| ClickHouseError::Drift { server: server.to_owned(), why: format!("{text:?}: {e}") };
    text.parse().map_err(drift)
}

#[derive(Row, Deserialize)]
struct FirstColumns {
    service: String,
    first_seen: i64,
}

#[derive(Row, Deserialize)]
struct LookupColumns {
    service: String,
    questions: u64,
    devices: u64,
}

#[derive(Row, Deserialize)]
struct LedgerColumns {
    minutes: u64,
    frames: u64,
    bytes: u64,
    one_way_flows: u64,
    late_flows: u64,
    dns_questions: u64,
    tcp_bytes: u64,
    tcp_missing: u64,
    tcp_reordered: u64,
    tcp_resent: u64,
    duplicates: u64,
    clock_steps: u64,
}

impl From<LedgerColumns> for Ledger {
    fn from(row: LedgerColumns) -> Self {
        Self {
            minutes: row.minutes,
            frames: row.frames,
            bytes: row.bytes,
            one_way_flows: row.one_way_flows,
            late_flows: row.late_flows,
            dns_questions: row.dns_questions,
            tcp_bytes: row.tcp_bytes,
            tcp_missing: row.tcp_missing,
            tcp_reordered: row.tcp_reordered,
            tcp_resent: row.tcp_resent,
            duplicates: row.duplicates,
            clock_steps: row.clock_steps,
        }
    }
}

#[derive(Row, Deserialize)]
struct TallyColumns {
    kind: String,
    word: String,
    flows: u64,
    frames: u64,
    bytes: u64,
}

impl From<TallyColumns> for TallyRow {
    fn from(row: TallyColumns) -> Self {
        Self { kind: row.kind, word: row.word, flows: row.flows, frames: row.frames, bytes: row.bytes }
    }
}

#[derive(Row, Deserialize)]
struct NewestColumns {
    newest: i64,
}

#[derive(Row, Deserialize)]
struct CandidateColumns {
    domain: String,
    host: String,
    devices: u64,
    flows: u64,
    streaming_flows: u64,
    program_flows: u64,
    turns: u64,
    upload_bytes: u64,
    bytes_down: u64,
    first_seen: i64,
    last_seen: i64,
}

impl From<CandidateColumns> for CandidateRow {
    fn from(row: CandidateColumns) -> Self {
        Self {
            domain: row.domain,
            host: row.host,
            devices: row.devices,
            flows: row.flows,
            streaming_flows: row.streaming_flows,
            program_flows: row.program_flows,
            turns: row.turns,
            upload_bytes: row.upload_bytes,
            bytes_down: row.bytes_down,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
        }
    }
}
