//! The parts of delivery. Each holds a lock of the data directory during a round, so that `read` beside a running
//! service takes nothing out of its hands.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rules::catalogue::Catalogue;
use rules::policy::Policy;
use sensor::spool::Queue;

use super::{DeliverConfig, Delivered, Failure, JUDGE_QUEUE, OpenError, STORE_QUEUE};
use crate::batch::{self, BatchError, Folded};
use crate::discover::{Discovered, Inventory};
use crate::files::FileError;
use crate::judge::{FindingsDb, Judge};
use crate::segment;
use crate::siem::{Outbox, SiemReport, Sink, SinkTarget};
use crate::store::{Store, Sweeping};

/// All parts.
pub struct Parts {
    /// Facts to findings.
    pub judging: Judging,
    /// Facts to the store.
    pub storing: Storing,
    /// Events to the SIEM, a part for each sink.
    pub sinks: Vec<Sinking>,
}

/// Facts to findings.
pub struct Judging {
    queue: Queue,
    findings: FindingsDb,
    judge: Judge,
    lock: Lock,
}

/// Facts to the store.
pub struct Storing {
    queue: Queue,
    store: Box<dyn Store>,
    sweeping: Sweeping,
    lock: Lock,
}

/// Events to one sink.
pub struct Sinking {
    sink: Sink,
    outbox: Outbox,
    lock: Lock,
}

impl Parts {
    pub(super) fn open(config: DeliverConfig, store: Box<dyn Store>) -> Result<Self, OpenError> {
        let DeliverConfig { data_dir, spool, catalogue, policy, sinks, time_zone } = config;
        let listeners = sinks.iter().map(SinkTarget::listener).collect();
        let judge = Judge { catalogue, policy, time_zone, sinks: listeners };
        let judging = Judging {
            queue: spool.queue(JUDGE_QUEUE),
            findings: FindingsDb::open(&data_dir)?,
            judge,
            lock: Lock::new(&data_dir, "judge"),
        };
        let storing = Storing {
            queue: spool.queue(STORE_QUEUE),
            store,
            sweeping: Sweeping::default(),
            lock: Lock::new(&data_dir, "store"),
        };
        let sinks = sinks.iter().map(|sink| Sinking::open(sink, &data_dir)).collect::<Result<_, _>>()?;
        Ok(Self { judging, storing, sinks })
    }
}

impl Judging {
    /// Judges by another catalogue from now on.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.judge.catalogue = catalogue;
    }

    /// Judges by another policy from now on; open findings about what it approves close.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.judge.set_policy(policy);
    }

    /// Judges each waiting segment and unlinks it once its findings are on disk, then lets the time pass to `now`.
    /// What was done is added to `delivered`, also when the rest fails.
    pub fn round(&mut self, now: Option<i64>, delivered: &mut Delivered) -> Result<(), Failure> {
        let _turn = self.lock.turn()?;
        self.judge_waiting(delivered)?;
        if let Some(now) = now {
            delivered.take(self.judge.tick(&mut self.findings, now)?);
        }
        Ok(())
    }

    /// Takes each waiting segment into an inventory in place of judging it. The baselines of uploads learn from it;
    /// nothing opens and nobody is told. What was found is added to `discovered`, also when the rest fails.
    pub fn discover(&mut self, inventory: &mut Inventory, discovered: &mut Discovered) -> Result<(), Failure> {
        let _turn = self.lock.turn()?;
        for path in self.queue.segments()? {
            // None: the spool was full, and the sensor has counted it.
            let Some(_in_hand) = self.queue.take(&path)? else { continue };
            let segment = segment::read(&path)?;
            self.judge.learn(&mut self.findings, &segment.records)?;
            self.queue.done(&path)?;
            discovered.segments += 1;
            discovered.services.extend(inventory.take(&segment.records));
        }
        Ok(())
    }

    fn judge_waiting(&mut self, delivered: &mut Delivered) -> Result<(), Failure> {
        for path in self.queue.segments()? {
            // None: the spool was full, and the sensor has counted it.
            let Some(_in_hand) = self.queue.take(&path)? else { continue };
            let segment = segment::read(&path)?;
            let judged = self.judge.segment(&mut self.findings, &segment.records)?;
            self.queue.done(&path)?;
            delivered.judged += 1;
            delivered.take(judged);
        }
        Ok(())
    }
}

impl Storing {
    /// Folds what waits and brings it to the store, then lets the store forget what is too old at `now`, µs UTC.
    pub fn round(&mut self, now: Option<i64>) -> Result<Folded, Failure> {
        let _turn = self.lock.turn()?;
        let folded = batch::deliver(&self.queue, self.store.as_mut())?;
        if let Some(now) = now {
            self.sweeping.round(self.store.as_mut(), now).map_err(BatchError::from)?;
        }
        Ok(folded)
    }
}

impl Sinking {
    fn open(target: &SinkTarget, data_dir: &Path) -> Result<Self, OpenError> {
        let lock = Lock::new(data_dir, &format!("siem-{}", target.name));
        Ok(Self { sink: Sink::open(target)?, outbox: Outbox::open(data_dir)?, lock })
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        self.sink.name()
    }

    /// Sends what waits. `now`, µs UTC, says which quiet hours are over, and who has it has a next round: this one ends
    /// after some seconds. Without it the newest fact says so, and everything goes.
    pub fn round(&mut self, now: Option<i64>) -> Result<SiemReport, Failure> {
        let _turn = self.lock.turn()?;
        Ok(match now {
            Some(now) => self.sink.round(&mut self.outbox, now)?,
            None => {
                let newest = self.outbox.newest()?;
                self.sink.drain(&mut self.outbox, newest)?
            }
        })
    }
}

/// A lock file of the data directory.
struct Lock(PathBuf);

impl Lock {
    fn new(data_dir: &Path, part: &str) -> Self {
        Self(data_dir.join(format!("deliver-{part}.lock")))
    }

    /// Waits for the lock and holds it until dropped.
    fn turn(&self) -> Result<File, FileError> {
        let file = File::create(&self.0).map_err(FileError::of("create", &self.0))?;
        file.lock().map_err(FileError::of("lock", &self.0))?;
        Ok(file)
    }
}
