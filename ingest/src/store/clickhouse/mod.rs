//! A ClickHouse server as the store: many sites, years of facts, Grafana beside it.
//!
//! A batch is one INSERT per table with a token made from its name, and the server forgets a block whose token it has
//! seen, in the tables and through the views. So a batch that is sent again after a crash, a lost answer or an outage
//! counts once. `schema/clickhouse` makes the tables, `dashboards/sql/clickhouse` asks the questions.
//!
//! All calls block; the socket work runs on a small runtime inside the store.

mod backoff;
mod connection;
mod ddl;
mod device_rows;
mod error;
mod fact_rows;
mod facts;
mod findings;
mod grants;
mod insert;
mod known;
mod ledger_rows;
mod migrate;
mod names;
mod query;
mod rows;
mod target;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;

pub use ddl::Ddl;
pub use error::ClickHouseError;
pub use findings::FindingRow;
pub use grants::Grants;
pub use names::DdlError;
pub use target::{ClickHouseTarget, Keep, PASSWORD_VARIABLE, TargetError};

use backoff::Backoff;
use connection::Connection;

/// A database on a ClickHouse server.
pub struct ClickHouseStore {
    connection: Arc<Connection>,
    keep: Keep,
    zone: TimeZone,
    /// The schema is known to be there and in step; unknown again after each error.
    ready: Mutex<bool>,
    backoff: Backoff,
    patience: Patience,
}

/// How long facts gather before a batch, shared with whoever may be in a hurry. At first they do not gather at all.
#[derive(Debug, Clone, Default)]
pub struct Patience(Arc<AtomicU64>);

impl Patience {
    /// From now on facts gather for this long.
    pub fn set(&self, patience: Duration) {
        self.0.store(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn value(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl ClickHouseStore {
    /// Prepares a store; nothing is sent before the first call. The zone gives the roll-ups their hours and days.
    ///
    /// # Errors
    /// A certificate or key file that cannot be read or is none.
    pub fn new(target: ClickHouseTarget, keep: Keep, zone: TimeZone) -> Result<Self, TargetError> {
        let connection = Arc::new(Connection::new(target)?);
        Ok(Self {
            connection,
            keep,
            zone,
            ready: Mutex::new(false),
            backoff: Backoff::default(),
            patience: Patience::default(),
        })
    }

    /// The handle that says how long facts gather.
    pub fn patience_handle(&self) -> Patience {
        self.patience.clone()
    }

    /// Makes the schema, or brings it up to date, unless that was done since the last error.
    fn prepare(&self) -> Result<(), ClickHouseError> {
        if !self.is_ready() {
            migrate::migrate(&self.connection, self.keep)?;
            self.set_ready(true);
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        *self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn set_ready(&self, ready: bool) {
        *self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = ready;
    }
}

impl std::fmt::Debug for ClickHouseStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ClickHouseStore").field("connection", &self.connection).finish_non_exhaustive()
    }
}
