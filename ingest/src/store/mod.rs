//! Where facts are kept: one trait, so that a report is the same whatever database is behind it.

pub mod clickhouse;
mod facts;
mod insert;
mod query;
mod rollup;
mod sqlite;
mod sweep;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rules::catalogue::{Access, Plan};
use rules::usage::{Use, combine};
use sensor::record::Record;

pub use facts::Facts;
pub(crate) use rollup::judge;
pub use sqlite::{STORE_FILE, SqliteStore};
pub use sweep::{Sweeping, Swept};

use crate::db::DbError;
use crate::time::Window;

/// Facts in, grouped answers out. A query answers for one site; an empty site name means all of them.
pub trait Store: Send {
    /// Adds one batch in one transaction. A token that is in already changes nothing; nor does a record that is.
    fn insert(&mut self, token: &str, records: &[Record]) -> Result<Inserted, StoreError>;

    /// How long facts may gather before a batch is made of them: a column store wants few large inserts.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Who used what: one row per device, address, service and access.
    fn usage(&self, site: &str, window: Window) -> Result<Vec<UsageRow>, StoreError>;

    /// When each service was first used or visited, looking at everything before `before`.
    fn first_seen(&self, site: &str, before: i64) -> Result<BTreeMap<String, i64>, StoreError>;

    /// DNS questions for AI names, by service.
    fn lookups(&self, site: &str, window: Window) -> Result<Vec<LookupRow>, StoreError>;

    /// The totals of the visibility ledger.
    fn ledger(&self, site: &str, window: Window) -> Result<Ledger, StoreError>;

    /// The ledger's tallies, by kind and word.
    fn tallies(&self, site: &str, window: Window) -> Result<Vec<TallyRow>, StoreError>;

    /// Unlisted domains that look like AI services, by domain.
    fn candidates(&self, site: &str, window: Window) -> Result<Vec<CandidateRow>, StoreError>;

    /// What each device called itself last, by device.
    fn device_names(&self, _site: &str, _window: Window) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(BTreeMap::new())
    }

    /// The time of the newest fact before `before` (any fact when absent), µs UTC.
    fn newest(&self, site: &str, before: Option<i64>) -> Result<Option<i64>, StoreError>;

    /// The facts that were known in a window, in the order in which they are judged.
    fn facts(&self, site: &str, window: Window) -> Result<Facts, StoreError>;

    /// Deletes a part of what is older than it may become by a live clock's time, µs UTC. A server does it by itself.
    fn sweep(&mut self, _now: i64) -> Result<Swept, StoreError> {
        Ok(Swept::default())
    }
}

/// What one batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inserted {
    /// Records that were new.
    pub new: u64,
    /// Records that were there already.
    pub known: u64,
}

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The embedded store.
    #[error(transparent)]
    Sqlite(#[from] DbError),
    /// The ClickHouse server.
    #[error(transparent)]
    ClickHouse(#[from] self::clickhouse::ClickHouseError),
}

impl StoreError {
    /// True when the same call may succeed later without anybody's help.
    pub fn retry(&self) -> bool {
        match self {
            Self::Sqlite(e) => e.retry(),
            Self::ClickHouse(e) => e.retry(),
        }
    }

    /// True when the store can never take this batch, while it would take another one.
    pub fn poison(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::ClickHouse(e) => e.poison(),
        }
    }
}

/// Use of one service by one device in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Site.
    pub site: String,
    /// Stable device id.
    pub device: String,
    /// Client address: what the policy's groups are made of.
    pub client_ip: IpAddr,
    /// Service id.
    pub service: String,
    /// How the service was reached.
    pub access: Access,
    /// Licence that the host's name told.
    pub plan: Option<Plan>,
    /// VLAN that the client was seen on.
    pub vlan: Option<u16>,
    /// Hardware address that the client's frames showed.
    pub mac: Option<String>,
    /// Best evidence of use.
    pub usage: Use,
    /// Flows that began.
    pub flows: u64,
    /// Exchanges.
    pub turns: u64,
    /// Payload bytes from the clients.
    pub bytes_up: u64,
    /// Payload bytes from the servers.
    pub bytes_down: u64,
    /// The part of `bytes_up` that can carry content.
    pub upload_bytes: u64,
    /// Largest single burst of upload content.
    pub largest_burst: u64,
    /// Kinds of client: bit n stands for the n-th of `ClientKind::ALL`.
    pub clients: u64,
    /// What its flows were for: bit n stands for the n-th of `Behaviour::ALL`. None in facts of version 0.1.
    pub behaviours: u64,
    /// First packet, µs UTC.
    pub first_seen: i64,
    /// Last packet, µs UTC.
    pub last_seen: i64,
}

impl UsageRow {
    /// Adds up neighbours that differ in numbers and bit sets alone; rows come sorted.
    pub(crate) fn added_up(rows: Vec<Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::with_capacity(rows.len());
        for row in rows {
            match sums.last_mut() {
                Some(sum) if sum.of_same_use(&row) => sum.add(&row),
                _ => sums.push(row),
            }
        }
        sums
    }

    fn of_same_use(&self, other: &Self) -> bool {
        let who = |row: &Self| (row.client_ip, row.access, row.plan, row.vlan);
        who(self) == who(other)
            && self.site == other.site
            && self.device == other.device
            && self.service == other.service
            && self.mac == other.mac
    }

    fn add(&mut self, other: &Self) {
        self.usage = combine(self.usage, other.usage);
        self.flows = self.flows.saturating_add(other.flows);
        self.turns = self.turns.saturating_add(other.turns);
        self.bytes_up = self.bytes_up.saturating_add(other.bytes_up);
        self.bytes_down = self.bytes_down.saturating_add(other.bytes_down);
        self.upload_bytes = self.upload_bytes.saturating_add(other.upload_bytes);
        self.largest_burst = self.largest_burst.max(other.largest_burst);
        self.clients |= other.clients;
        self.behaviours |= other.behaviours;
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}

/// DNS questions for the names of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupRow {
    /// Service id.
    pub service: String,
    /// Questions.
    pub questions: u64,
    /// Devices that asked.
    pub devices: u64,
}

/// What was seen of one unlisted domain in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateRow {
    /// Registrable domain.
    pub domain: String,
    /// The host below it with most exchanges in one hour.
    pub host: String,
    /// Devices in the hour that had most of them: no record names a device, so hours cannot be joined.
    pub devices: u64,
    /// Flows.
    pub flows: u64,
    /// Of these, flows with an answer that trickled in.
    pub streaming_flows: u64,
    /// Of these, flows of programs.
    pub program_flows: u64,
    /// Exchanges.
    pub turns: u64,
    /// Content bytes sent.
    pub upload_bytes: u64,
    /// Payload bytes received.
    pub bytes_down: u64,
    /// Start of the first hour, µs UTC.
    pub first_seen: i64,
    /// Start of the last hour, µs UTC.
    pub last_seen: i64,
}

/// The ledger of a window, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Minutes of which the sensor wrote a record, each counted once.
    pub minutes: u64,
    /// Frames seen.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Flows of which one direction alone was seen.
    pub one_way_flows: u64,
    /// TCP flows that began before the sensor saw them.
    pub late_flows: u64,
    /// DNS questions.
    pub dns_questions: u64,
    /// TCP payload by which sequence numbers advanced, bytes.
    pub tcp_bytes: u64,
    /// Of these, what was on the wire and not captured.
    pub tcp_missing: u64,
    /// TCP payload that came out of order, bytes.
    pub tcp_reordered: u64,
    /// TCP payload that came again, bytes.
    pub tcp_resent: u64,
    /// Frames that were copies of one shortly before.
    pub duplicates: u64,
    /// How often a clock was set back.
    pub clock_steps: u64,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyRow {
    /// `method`, `not_flow`, `malformed`, `drop` or `broken`.
    pub kind: String,
    /// The method, protocol, reason or place.
    pub word: String,
    /// Flows.
    pub flows: u64,
    /// Frames (packets of a drop, messages of what is broken).
    pub frames: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

#[cfg(test)]
mod tests;
