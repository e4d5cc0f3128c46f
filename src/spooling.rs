//! Carries a worker's records into the spool, and counts them.

use std::time::{SystemTime, UNIX_EPOCH};

use sensor::output::Output;
use sensor::record::Record;
use sensor::spool::{SegmentWriter, Spool, SpoolError};

use crate::exit::Failure;

/// An [`Output`] that writes into the spool.
#[derive(Debug)]
pub(crate) struct Spooling {
    writer: SegmentWriter,
    records: u64,
    failure: Option<SpoolError>,
}

impl Spooling {
    /// Begins a new run of segments, ordered behind all earlier ones.
    pub(crate) fn new(spool: &Spool) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        let writer = spool.writer(u64::try_from(now).unwrap_or(u64::MAX));
        Self { writer, records: 0, failure: None }
    }

    /// Makes everything so far visible to delivery.
    pub(crate) fn seal(&mut self) -> Result<(), SpoolError> {
        self.writer.seal()
    }

    /// The first failure since this was last asked.
    pub(crate) fn failed(&mut self) -> Result<(), Failure> {
        self.failure.take().map_or(Ok(()), |e| Err(e.into()))
    }

    /// Records that the worker gave, the lost ones included.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Records that could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.writer.lost()
    }

    /// Segments that were sealed because they were full.
    pub(crate) fn sealed(&self) -> u32 {
        self.writer.sealed()
    }
}

impl Output for Spooling {
    fn record(&mut self, record: Record) {
        self.records += 1;
        if let Err(error) = self.writer.append(&record) {
            self.failure.get_or_insert(error);
        }
    }
}
