//! What a worker counted in a span of time that is over.
//!
//! One worker's part is the whole, and is written as it is. Of several workers that saw the same frames each counted its
//! own clients: their parts are added up before anything is left out of a record or judged by its size.

use super::{candidates, visibility};
use crate::flow::tag::Origin;
use crate::ledger::{MINUTE, Minute};
use crate::record::Record;

/// A worker's part of a span's records.
#[derive(Debug)]
pub struct Part {
    origin: Origin,
    source: String,
    counted: Counted,
}

#[derive(Debug)]
pub(super) enum Counted {
    /// A minute of the ledger.
    Minute(Box<Minute>),
    /// Ten minutes of what could be named.
    Visibility(visibility::Ended),
    /// An hour of names that are in no catalogue.
    Candidates(candidates::Ended),
}

impl Part {
    pub(super) fn new(origin: Origin, source: String, counted: Counted) -> Self {
        Self { origin, source, counted }
    }

    /// Adds the part of another worker when it is about the same span, else gives it back.
    pub fn join(&mut self, other: Self) -> Option<Self> {
        if self.source != other.source {
            return Some(other);
        }
        match (&mut self.counted, other.counted) {
            (Counted::Minute(mine), Counted::Minute(theirs)) if mine.start() == theirs.start() => {
                mine.join(&theirs)
            }
            (Counted::Visibility(mine), Counted::Visibility(theirs)) if mine.start == theirs.start => {
                mine.join(theirs);
            }
            (Counted::Candidates(mine), Counted::Candidates(theirs)) if mine.start == theirs.start => {
                mine.join(theirs);
            }
            (_, counted) => return Some(Self { counted, ..other }),
        }
        None
    }

    /// When the span is over, µs.
    pub fn end(&self) -> i64 {
        match &self.counted {
            Counted::Minute(minute) => minute.start().saturating_add(MINUTE),
            Counted::Visibility(ended) => ended.start.saturating_add(visibility::LENGTH),
            Counted::Candidates(ended) => ended.start.saturating_add(candidates::LENGTH),
        }
    }

    /// The records of the span.
    pub fn records(self) -> Vec<Record> {
        let Self { origin, source, counted } = self;
        match counted {
            Counted::Minute(minute) => vec![minute.record().into()],
            Counted::Visibility(ended) => ended.records(&origin, &source).into_iter().map(Record::from).collect(),
            Counted::Candidates(ended) => ended.records(&origin, &source).into_iter().map(Record::from).collect(),
        }
    }
}
