//! One round of delivery: facts to the store, opinions to the findings file, events to the SIEM. Each goes as far as
//! it can whatever happens to the others.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sensor::spool::{Queue, Spool, SpoolError};

use crate::batch::{self, BatchError, Folded};
use crate::db::DbError;
use crate::files::FileError;
use crate::judge::{FindingsDb, Judge, Judged};
use crate::segment;
use crate::siem::{SiemReport, SyslogSink, SyslogTarget};
use crate::store::{SqliteStore, Store, Sweeping};

/// The spool's queue of facts for the store.
pub const STORE_QUEUE: &str = "store";
/// The spool's queue of facts to be judged.
pub const JUDGE_QUEUE: &str = "judge";
/// Every queue that delivery reads: what the spool has to be opened with.
pub const QUEUES: [&str; 2] = [STORE_QUEUE, JUDGE_QUEUE];

/// Held during a round, so that `read` beside a running service does not take a batch out of its hands.
const LOCK_FILE: &str = "deliver.lock";

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
    pub syslog: Vec<SyslogTarget>,
    /// The site's time zone: hours of the roll-up, days of the policy.
    pub time_zone: TimeZone,
}

/// Delivers what waits in the spool.
pub struct Deliverer {
    store_queue: Queue,
    judge_queue: Queue,
    store: Box<dyn Store>,
    sweeping: Sweeping,
    findings: FindingsDb,
    judge: Judge,
    sinks: Vec<SyslogSink>,
    lock: PathBuf,
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
    /// A segment of that queue, or the lock of the data directory.
    #[error("judge: {0}")]
    Segment(#[from] FileError),
    /// The findings file.
    #[error("findings: {0}")]
    Findings(#[from] DbError),
}

impl Failure {
    /// True when the next round may succeed without anybody's help.
    pub fn retry(&self) -> bool {
        match self {
            Self::Store(BatchError::Store(e)) => e.retry(),
            Self::Store(BatchError::Spool(_) | BatchError::File(_)) | Self::Queue(_) | Self::Segment(_) => true,
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

impl Deliverer {
    /// Opens both database files; a damaged one is refused here.
    pub fn open(config: DeliverConfig) -> Result<Self, DbError> {
        let store = SqliteStore::open(&config.data_dir, config.time_zone.clone())?;
        Self::with_store(config, Box::new(store))
    }

    /// The same with a store of the caller's.
    pub fn with_store(config: DeliverConfig, store: Box<dyn Store>) -> Result<Self, DbError> {
        let findings = FindingsDb::open(&config.data_dir)?;
        let judge = Judge {
            catalogue: config.catalogue,
            policy: config.policy,
            time_zone: config.time_zone,
            sinks: config.syslog.iter().map(|target| target.address.clone()).collect(),
        };
        Ok(Self {
            store_queue: config.spool.queue(STORE_QUEUE),
            judge_queue: config.spool.queue(JUDGE_QUEUE),
            store,
            sweeping: Sweeping::default(),
            findings,
            judge,
            sinks: config.syslog.into_iter().map(SyslogSink::new).collect(),
            lock: config.data_dir.join(LOCK_FILE),
        })
    }

    /// Judges by another catalogue from now on.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.judge.catalogue = catalogue;
    }

    /// Judges by another policy from now on; open findings about what it approves close.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.judge.set_policy(policy);
    }

    /// Delivers everything that waits: findings first because they have clocks, then facts, then events. Two processes
    /// on one data directory take turns, a round each. `now`, µs UTC, lets the time pass beyond the newest fact, for a
    /// live sensor; without it packet time alone counts, as it must when captures are read.
    pub fn drain(&mut self, now: Option<i64>) -> Result<Delivered, DeliverError> {
        let mut delivered = Delivered::default();
        let _turn = match self.turn() {
            Ok(held) => held,
            Err(error) => return Err(DeliverError { delivered: delivered.into(), failures: vec![error.into()] }),
        };
        let mut failures = Vec::new();
        if let Err(failure) = self.judge_waiting(&mut delivered) {
            failures.push(failure);
        }
        if let Some(now) = now
            && let Err(failure) = self.judge.tick(&mut self.findings, now).map(|judged| delivered.take(judged))
        {
            failures.push(failure.into());
        }
        match batch::deliver(&self.store_queue, self.store.as_mut()) {
            Ok(folded) => {
                delivered.store = folded;
                delivered.rejected = folded.rejected;
            }
            Err(error) => failures.push(error.into()),
        }
        if let Some(now) = now
            && let Err(error) = self.sweeping.round(self.store.as_mut(), now)
        {
            failures.push(BatchError::from(error).into());
        }
        let until = now.map_or_else(|| self.findings.newest(), Ok).unwrap_or_default();
        for sink in &mut self.sinks {
            match sink.drain(&mut self.findings, until) {
                Ok(report) => delivered.siem.push(report),
                Err(error) => failures.push(error.into()),
            }
        }
        if failures.is_empty() {
            Ok(delivered)
        } else {
            Err(DeliverError { delivered: delivered.into(), failures })
        }
    }

    /// Waits for the data directory's lock and holds it until dropped.
    fn turn(&self) -> Result<File, FileError> {
        let file = File::create(&self.lock).map_err(FileError::of("create", &self.lock))?;
        file.lock().map_err(FileError::of("lock", &self.lock))?;
        Ok(file)
    }

    /// Judges each waiting segment and unlinks it once its findings are on disk.
    fn judge_waiting(&mut self, delivered: &mut Delivered) -> Result<(), Failure> {
        for path in self.judge_queue.segments()? {
            // None: the spool was full, and the sensor has counted it.
            let Some(_in_hand) = self.judge_queue.take(&path)? else { continue };
            let segment = segment::read(&path)?;
            let judged = self.judge.segment(&mut self.findings, &segment.records)?;
            self.judge_queue.done(&path)?;
            delivered.judged += 1;
            delivered.take(judged);
        }
        Ok(())
    }
}

impl Delivered {
    fn take(&mut self, judged: Judged) {
        self.unknown += judged.unknown;
        self.strange = self.strange.saturating_add(judged.strange);
        self.unmeasured = self.unmeasured.saturating_add(judged.unmeasured);
        self.opened.extend(judged.opened);
        self.reopened.extend(judged.reopened);
        self.closed.extend(judged.closed);
        self.missed.extend(judged.missed);
    }
}
