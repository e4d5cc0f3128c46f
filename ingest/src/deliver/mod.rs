//! Delivery: facts to the store, opinions to the findings file, events to the SIEM. Each is a part with a thread of its
//! own where there is time ([`Deliverer::parts`]), so that a store or a sink that is down delays nobody else.

mod parts;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sensor::spool::{Spool, SpoolError};

pub use self::parts::{Judging, Parts, Sinking, Storing};

use crate::batch::{BatchError, Folded};
use crate::db::DbError;
use crate::files::FileError;
use crate::judge::Judged;
use crate::siem::{self, SiemReport, SinkTarget};
use crate::store::{SqliteStore, Store};

/// The spool's queue of facts for the store.
pub const STORE_QUEUE: &str = "store";
/// The spool's queue of facts to be judged.
pub const JUDGE_QUEUE: &str = "judge";
/// Every queue that delivery reads: what the spool has to be opened with.
pub const QUEUES: [&str; 2] = [STORE_QUEUE, JUDGE_QUEUE];

/// What delivery needs.
#[derive(Debug)]
pub struct DeliverConfig {
    /// Where `shadowtap.db` and `findings.db` are kept.
    pub data_dir: PathBuf,
    /// The spool, opened with [`QUEUES`].
    pub spool: Spool,
    /// What an AI service is.
    pub catalogue: Arc<Catalogue>,
    /// Who may use it.
    pub policy: Arc<Policy>,
    /// SIEM sinks; none is fine.
    pub sinks: Vec<SinkTarget>,
    /// The site's time zone: hours of the roll-up, days of the policy.
    pub time_zone: TimeZone,
}

/// Delivers what waits in the spool.
pub struct Deliverer {
    parts: Parts,
}

/// What one round did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Batches and records that the store took.
    pub store: Folded,
    /// Segments judged.
    pub judged: u64,
    /// Flow records of services that the catalogue does not know; they are stored and not judged.
    pub unknown: u64,
    /// Lines that were no records; they are kept in the spool's folder `rejects`.
    pub rejected: u64,
    /// Facts, and readings of the clock, whose time is implausibly far ahead: they were not judged.
    pub strange: u64,
    /// Sums that the baselines of uploads had no room for, or whose day cannot be.
    pub unmeasured: u64,
    /// Findings that opened, by uid, in the order of detection.
    pub opened: Vec<String>,
    /// Findings that opened again.
    pub reopened: Vec<String>,
    /// Findings that closed by themselves.
    pub closed: Vec<String>,
    /// Findings whose deadline passed without anybody taking them on.
    pub missed: Vec<String>,
    /// What each SIEM sink did. A sink that is down is no failure of the round: its events wait.
    pub siem: Vec<SiemReport>,
}

/// A round in which a part failed; the other parts have done their work.
#[derive(Debug, thiserror::Error)]
pub struct DeliverError {
    /// What was done all the same.
    pub delivered: Box<Delivered>,
    /// What failed; never empty.
    pub failures: Vec<Failure>,
}

/// One part that failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store, or the batches on their way to it.
    #[error("store: {0}")]
    Store(#[from] BatchError),
    /// The queue of facts to be judged.
    #[error("judge: {0}")]
    Queue(#[from] SpoolError),
    /// A segment of that queue, or a lock of the data directory.
    #[error("delivery: {0}")]
    File(#[from] FileError),
    /// The findings file.
    #[error("findings: {0}")]
    Findings(#[from] DbError),
}

impl Failure {
    /// True when the next round may succeed without anybody's help.
    pub fn retry(&self) -> bool {
        match self {
            Self::Store(BatchError::Store(e)) => e.retry(),
            Self::Store(BatchError::Spool(_) | BatchError::File(_)) | Self::Queue(_) | Self::File(_) => true,
            Self::Findings(e) => e.retry(),
        }
    }
}

impl DeliverError {
    /// True when another round may succeed without anybody's help.
    pub fn retry(&self) -> bool {
        self.failures.iter().all(Failure::retry)
    }
}

impl fmt::Display for DeliverError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, failure) in self.failures.iter().enumerate() {
            write!(out, "{}{failure}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// Why delivery could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A database file.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A sink.
    #[error(transparent)]
    Sink(#[from] siem::OpenError),
}

impl Deliverer {
    /// Opens both database files; a damaged one is refused here.
    pub fn open(config: DeliverConfig) -> Result<Self, OpenError> {
        let store = SqliteStore::open(&config.data_dir, config.time_zone.clone())?;
        Self::with_store(config, Box::new(store))
    }

    /// The same with a store of the caller's.
    pub fn with_store(config: DeliverConfig, store: Box<dyn Store>) -> Result<Self, OpenError> {
        Ok(Self { parts: Parts::open(config, store)? })
    }

    /// Takes it apart, for a thread each.
    pub fn parts(self) -> Parts {
        self.parts
    }

    /// The judge's part, whose catalogue and policy can be renewed.
    pub fn judging(&mut self) -> &mut Judging {
        &mut self.parts.judging
    }

    /// Delivers everything that waits: findings first because they have clocks, then facts and events side by side.
    /// Returns when all of them are through or have failed. Two processes on one data directory take turns, a round of
    /// a part each. `now`, µs UTC, lets the time pass beyond the newest fact, for a live sensor; without it packet time
    /// alone counts, as it must when captures are read.
    pub fn drain(&mut self, now: Option<i64>) -> Result<Delivered, DeliverError> {
        let mut delivered = Delivered::default();
        let mut failures = Vec::new();
        let Parts { judging, storing, sinks } = &mut self.parts;
        failures.extend(judging.round(now, &mut delivered).err());
        thread::scope(|scope| {
            let sinks: Vec<_> = sinks.iter_mut().map(|sink| scope.spawn(move || sink.round(now))).collect();
            match storing.round(now) {
                Ok(folded) => {
                    delivered.store = folded;
                    delivered.rejected = folded.rejected;
                }
                Err(failure) => failures.push(failure),
            }
            for sink in sinks {
                // Who joins a thread has to pass its panic on: the scope does not.
                let ended = sink.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                match ended {
                    Ok(report) => delivered.siem.push(report),
                    Err(failure) => failures.push(failure),
                }
            }
        });
        if failures.is_empty() {
            Ok(delivered)
        } else {
            Err(DeliverError { delivered: delivered.into(), failures })
        }
    }
}

impl Delivered {
    pub(crate) fn take(&mut self, judged: Judged) {
        self.unknown += judged.unknown;
        self.strange = self.strange.saturating_add(judged.strange);
        self.unmeasured = self.unmeasured.saturating_add(judged.unmeasured);
        self.opened.extend(judged.opened);
        self.reopened.extend(judged.reopened);
        self.closed.extend(judged.closed);
        self.missed.extend(judged.missed);
    }
}
