//! The report's questions to the embedded store. The SQL stands in `dashboards/sql`, one question per file.

use std::collections::BTreeMap;

use rusqlite::{Row, named_params};
use sensor::record::Record;

use super::rollup::from_rank;
use super::{
    CandidateRow, Facts, Inserted, Ledger, LookupRow, SqliteStore, Store, StoreError, Swept, TallyRow, UsageRow,
};
use crate::db::{DbError, count, word};
use crate::time::Window;

const USAGE: &str = include_str!("../../../dashboards/sql/usage.sql");
const FIRST_SEEN: &str = include_str!("../../../dashboards/sql/first_seen.sql");
const LOOKUPS: &str = include_str!("../../../dashboards/sql/lookups.sql");
const LEDGER: &str = include_str!("../../../dashboards/sql/ledger.sql");
const TALLIES: &str = include_str!("../../../dashboards/sql/tallies.sql");
const CANDIDATES: &str = include_str!("../../../dashboards/sql/candidates.sql");
const DEVICE_NAMES: &str = include_str!("../../../dashboards/sql/device_names.sql");
const NEWEST: &str = include_str!("../../../dashboards/sql/newest.sql");

impl Store for SqliteStore {
    fn insert(&mut self, token: &str, records: &[Record]) -> Result<Inserted, StoreError> {
        Ok(self.insert_batch(token, records)?)
    }

    fn usage(&self, site: &str, window: Window) -> Result<Vec<UsageRow>, StoreError> {
        Ok(UsageRow::added_up(self.rows(USAGE, site, window, usage_row)?))
    }

    fn first_seen(&self, site: &str, before: i64) -> Result<BTreeMap<String, i64>, StoreError> {
        let window = Window { from: i64::MIN, to: before };
        let rows = self.rows(FIRST_SEEN, site, window, |row| Ok((row.get("service")?, row.get("first_seen")?)))?;
        Ok(rows.into_iter().collect())
    }

    fn lookups(&self, site: &str, window: Window) -> Result<Vec<LookupRow>, StoreError> {
        Ok(self.rows(LOOKUPS, site, window, |row| {
            Ok(LookupRow {
                service: row.get("service")?,
                questions: count(row, "questions")?,
                devices: count(row, "devices")?,
            })
        })?)
    }

    fn ledger(&self, site: &str, window: Window) -> Result<Ledger, StoreError> {
        Ok(self.rows(LEDGER, site, window, ledger_row)?.into_iter().next().unwrap_or_default())
    }

    fn tallies(&self, site: &str, window: Window) -> Result<Vec<TallyRow>, StoreError> {
        Ok(self.rows(TALLIES, site, window, |row| {
            Ok(TallyRow {
                kind: row.get("kind")?,
                word: row.get("word")?,
                flows: count(row, "flows")?,
                frames: count(row, "frames")?,
                bytes: count(row, "bytes")?,
            })
        })?)
    }

    fn candidates(&self, site: &str, window: Window) -> Result<Vec<CandidateRow>, StoreError> {
        Ok(self.rows(CANDIDATES, site, window, candidate_row)?)
    }

    fn device_names(&self, site: &str, window: Window) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = self.rows(DEVICE_NAMES, site, window, |row| Ok((row.get("device")?, row.get("host_name")?)))?;
        Ok(rows.into_iter().collect())
    }

    fn newest(&self, site: &str, before: Option<i64>) -> Result<Option<i64>, StoreError> {
        let window = Window { from: i64::MIN, to: before.unwrap_or(i64::MAX) };
        Ok(self.rows(NEWEST, site, window, |row| row.get("newest"))?.into_iter().next().flatten())
    }

    fn facts(&self, site: &str, window: Window) -> Result<Facts, StoreError> {
        self.read_facts(site, window)
    }

    fn sweep(&mut self, now: i64) -> Result<Swept, StoreError> {
        Ok(self.sweep_part(now)?)
    }
}

impl SqliteStore {
    fn rows<T>(
        &self,
        sql: &str,
        site: &str,
        window: Window,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DbError> {
        let failed = self.failed();
        let mut query = self.db.prepare_cached(sql).map_err(&failed)?;
        let rows = query.query_map(named_params! {":site": site, ":from": window.from, ":to": window.to}, read);
        rows.and_then(Iterator::collect).map_err(&failed)
    }
}

fn candidate_row(row: &Row<'_>) -> rusqlite::Result<CandidateRow> {
    Ok(CandidateRow {
        domain: row.get("domain")?,
        host: row.get("host")?,
        devices: count(row, "devices")?,
        flows: count(row, "flows")?,
        streaming_flows: count(row, "streaming_flows")?,
        program_flows: count(row, "program_flows")?,
        turns: count(row, "turns")?,
        upload_bytes: count(row, "upload_bytes")?,
        bytes_down: count(row, "bytes_down")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
    })
}

fn usage_row(row: &Row<'_>) -> rusqlite::Result<UsageRow> {
    let plan: String = row.get("plan")?;
    let mac: String = row.get("mac")?;
    let vlan: i64 = row.get("vlan")?;
    Ok(UsageRow {
        site: row.get("site")?,
        plan: plan.parse().ok(),
        vlan: u16::try_from(vlan).ok(),
        mac: Some(mac).filter(|mac| !mac.is_empty()),
        device: row.get("device")?,
        client_ip: word(row, "client_ip")?,
        service: row.get("service")?,
        access: word(row, "access")?,
        usage: from_rank(row.get("best_use")?),
        flows: count(row, "flows")?,
        turns: count(row, "turns")?,
        bytes_up: count(row, "bytes_up")?,
        bytes_down: count(row, "bytes_down")?,
        upload_bytes: count(row, "upload_bytes")?,
        largest_burst: count(row, "largest_burst")?,
        clients: count(row, "clients")?,
        behaviours: count(row, "behaviours")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
    })
}

fn ledger_row(row: &Row<'_>) -> rusqlite::Result<Ledger> {
    Ok(Ledger {
        minutes: count(row, "minutes")?,
        frames: count(row, "frames")?,
        bytes: count(row, "bytes")?,
        one_way_flows: count(row, "one_way_flows")?,
        late_flows: count(row, "late_flows")?,
        dns_questions: count(row, "dns_questions")?,
        tcp_bytes: count(row, "tcp_bytes")?,
        tcp_missing: count(row, "tcp_missing")?,
        tcp_reordered: count(row, "tcp_reordered")?,
        tcp_resent: count(row, "tcp_resent")?,
        duplicates: count(row, "duplicates")?,
        clock_steps: count(row, "clock_steps")?,
    })
}
