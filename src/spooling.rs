//! Carries a worker's records into the spool, and counts them and what is lost of them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ingest::text::{counted, number};
use sensor::ledger::{MINUTE, SPOOL, SPOOL_JUDGE, SPOOL_REJECTS};
use sensor::output::Output;
use sensor::record::{MinuteRecord, Record};
use sensor::spool::{Limits, SegmentWriter, Spool, SpoolError};
use serde::Deserialize;

use crate::exit::Failure;
use crate::terminal;
use crate::time;

/// A loss is said again when there was none for so long.
const SAY_AGAIN: Duration = Duration::from_secs(3600);
/// What the last seal throws away gets a minute of its own, which is sealed, too.
const LAST_WORDS: usize = 3;

/// The `[spool]` block of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SpoolFile {
    max_mb: NonZeroU32,
    min_free_mb: u32,
}

impl Default for SpoolFile {
    /// Two and a half days at ten records a second, five days and more at less. Half a GiB of the disk is for the rest of
    /// the machine.
    fn default() -> Self {
        Self { max_mb: NonZeroU32::MIN.saturating_add(2047), min_free_mb: 512 }
    }
}

impl SpoolFile {
    pub(crate) fn limits(&self) -> Limits {
        let bytes = |mib: u32| u64::from(mib) << 20;
        Limits { max_bytes: bytes(self.max_mb.get()), min_free: bytes(self.min_free_mb) }
    }
}

/// An [`Output`] that writes into the spool. What is lost there is told in the next `minute` record.
#[derive(Debug)]
pub(crate) struct Spooling {
    writer: SegmentWriter,
    limits: Limits,
    records: u64,
    failure: Option<SpoolError>,
    /// Lost since the start, by drop word.
    lost: BTreeMap<&'static str, u64>,
    /// Of these, and of what had been told in records that went, what the next minute has to tell.
    untold: BTreeMap<&'static str, u64>,
    /// Frames that minutes have told of.
    frames: u64,
    /// Records that could not be written, as far as they are in the counts above.
    unwritten: u64,
    /// The newest minute, without its counts.
    minute: Option<MinuteRecord>,
    said: Option<Instant>,
}

impl Spooling {
    /// Begins a new run of segments, ordered behind all earlier ones.
    ///
    /// # Errors
    /// A queue that cannot be listed.
    pub(crate) fn new(spool: &Spool, limits: Limits) -> Result<Self, SpoolError> {
        let milliseconds = time::now() / 1000;
        let writer = spool.limited_writer(milliseconds.unsigned_abs(), limits)?;
        Ok(Self {
            writer,
            limits,
            records: 0,
            frames: 0,
            failure: None,
            lost: BTreeMap::new(),
            untold: BTreeMap::new(),
            unwritten: 0,
            minute: None,
            said: None,
        })
    }

    /// Makes everything so far visible to delivery.
    pub(crate) fn seal(&mut self) -> Result<(), SpoolError> {
        let sealed = self.writer.seal();
        self.account();
        sealed
    }

    /// The same for the last time: losses that no minute has told get one of their own.
    pub(crate) fn finish(&mut self) -> Result<(), SpoolError> {
        let mut sealed = self.seal();
        for _ in 0..LAST_WORDS {
            let Some(minute) = self.minute.clone().filter(|_| !self.untold.is_empty()) else { break };
            let next = minute.minute.saturating_add(MINUTE);
            self.record(Record::Minute(Box::new(MinuteRecord { minute: next, ..minute })));
            sealed = sealed.and(self.seal());
        }
        self.writer.give_up();
        self.account();
        sealed
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
    pub(crate) fn unwritten(&self) -> u64 {
        self.writer.lost()
    }

    /// Records lost under one of the drop words of [`sensor::ledger`].
    pub(crate) fn lost(&self, word: &str) -> u64 {
        self.lost.get(word).copied().unwrap_or(0)
    }

    /// Notes records that were lost before they came here.
    #[cfg(feature = "live")]
    pub(crate) fn missed(&mut self, records: u64) {
        if records > 0 {
            self.records += records;
            *self.lost.entry(SPOOL).or_default() += records;
            *self.untold.entry(SPOOL).or_default() += records;
        }
    }

    /// Frames that minutes have told of.
    #[cfg(feature = "live")]
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of the disk that waiting segments take.
    #[cfg(feature = "live")]
    pub(crate) fn waiting(&self) -> u64 {
        self.writer.waiting()
    }

    /// How much they may take.
    #[cfg(feature = "live")]
    pub(crate) fn limit(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Segments that were sealed because they were full.
    pub(crate) fn sealed(&self) -> u32 {
        self.writer.sealed()
    }

    /// Takes over what the writer lost.
    fn account(&mut self) {
        let unwritten = self.writer.lost() - self.unwritten;
        self.unwritten += unwritten;
        let thrown = self.writer.thrown();
        if !thrown.is_empty() {
            self.say(&thrown.records);
        }
        for (word, records) in thrown.records.into_iter().chain([(SPOOL, unwritten)]).filter(|(_, n)| *n > 0) {
            *self.lost.entry(word).or_default() += records;
            *self.untold.entry(word).or_default() += records;
        }
        for (word, records) in thrown.told {
            *self.untold.entry(word).or_default() += records;
        }
    }

    fn say(&mut self, records: &BTreeMap<&'static str, u64>) {
        let fresh = self.said.is_none_or(|at| at.elapsed() >= SAY_AGAIN);
        self.said = Some(Instant::now());
        if !fresh {
            return;
        }
        let of = |word, what: &str| records.get(word).map(|n| format!("{} {what}", counted(*n, "record")));
        let words = [(SPOOL, "never stored"), (SPOOL_JUDGE, "never judged"), (SPOOL_REJECTS, "set aside before")];
        let lost: Vec<String> = words.into_iter().filter_map(|(word, what)| of(word, what)).collect();
        terminal::warning(&format!(
            "the spool is full ({} MiB, or the disk has less than {} MiB left): the oldest go, so far {}; the totals \
             and the report count them",
            number(self.limits.max_bytes >> 20),
            number(self.limits.min_free >> 20),
            lost.join(", "),
        ));
    }

    /// A minute tells what was lost since the one before.
    fn tell(&mut self, minute: &mut MinuteRecord) {
        self.frames += minute.frames;
        self.minute = Some(MinuteRecord {
            sensor: minute.sensor.clone(),
            site: minute.site.clone(),
            source: minute.source.clone(),
            minute: minute.minute,
            ..MinuteRecord::default()
        });
        for (word, records) in std::mem::take(&mut self.untold) {
            *minute.drops.entry(word.to_owned()).or_default() += records;
        }
    }
}

impl Output for Spooling {
    fn record(&mut self, mut record: Record) {
        self.records += 1;
        if let Record::Minute(minute) = &mut record {
            self.tell(minute);
        }
        if let Err(error) = self.writer.append(&record) {
            self.failure.get_or_insert(error);
        }
        self.account();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: i64) -> Record {
        let (sensor, source) = ("tap".to_owned(), "s".repeat(900));
        Record::Minute(Box::new(MinuteRecord {
            minute: number * MINUTE,
            sensor,
            source,
            ..MinuteRecord::default()
        }))
    }

    /// Drops that the waiting records of a queue tell of, and how many records wait.
    fn waiting(spool: &Spool, queue: &str, word: &str) -> (u64, u64) {
        let (mut told, mut records) = (0, 0);
        for path in spool.queue(queue).segments().unwrap() {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let Record::Minute(minute) = serde_json::from_str(line).unwrap() else { continue };
                told += minute.drops.get(word).copied().unwrap_or(0);
                records += 1;
            }
        }
        (told, records)
    }

    /// A store that stands still for good: minutes that told of losses are lost in turn, and no loss is forgotten.
    #[test]
    fn the_minutes_that_are_left_tell_of_everything_that_was_lost() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), &["store", "judge"]).unwrap();
        let limits = Limits { max_bytes: 1 << 20, min_free: 0 };
        let mut spooling = Spooling::new(&spool, limits).unwrap();
        for number in 0..3000 {
            spooling.record(minute(number));
            if number % 17 == 0 {
                spooling.seal().unwrap();
                for path in spool.queue("judge").segments().unwrap() {
                    spool.queue("judge").done(&path).unwrap();
                }
            }
        }
        spooling.finish().unwrap();
        let (told, records) = waiting(&spool, "store", SPOOL);
        assert!(told > 2000, "{told}");
        assert_eq!(told, spooling.lost(SPOOL));
        assert_eq!(records + told, spooling.records());
        assert_eq!(spooling.lost(SPOOL_JUDGE), 0);
    }

    #[test]
    fn a_minute_of_their_own_is_for_losses_alone() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), &["store", "judge"]).unwrap();
        let mut spooling = Spooling::new(&spool, SpoolFile::default().limits()).unwrap();
        spooling.record(minute(1));
        spooling.finish().unwrap();
        assert_eq!((spooling.records(), waiting(&spool, "store", SPOOL)), (1, (0, 1)));
    }
}
