//! Stored facts as records again, in the order in which they are judged anew.
//!
//! A reader of its own feeds a short queue, so that reading goes on while the facts before are judged, and no more
//! than a few thousand of them (of a server: some ten thousand) are ever in memory. The embedded store is read in one
//! snapshot: what is written meanwhile is not in it. A server has none over several questions
//! (`clickhouse/facts.rs`).

mod rows;
mod sqlite;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sensor::record::Record;

use super::StoreError;
use crate::judge::order;

/// Records per message: enough that the queue costs nothing, few enough to stay in the cache.
const CHUNK: usize = 1024;
/// Messages on their way.
const QUEUE: usize = 4;

/// Facts of a window, oldest first: by the time at which they were known, flows by `emitted`, `flow_id`, `seq`.
/// Those that the judge does not look at (DNS questions, candidates) are left out.
#[derive(Debug)]
pub struct Facts {
    total: u64,
    chunks: Receiver<Result<Vec<Record>, StoreError>>,
    chunk: std::vec::IntoIter<Record>,
}

impl Facts {
    /// Starts the reader. It ends when all is read, at its first error, or when nobody wants more.
    pub(crate) fn read(
        total: u64,
        reader: impl FnOnce(&mut Sink) -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        let (send, chunks) = sync_channel(QUEUE);
        thread::spawn(move || {
            let mut sink = Sink { chunk: Vec::with_capacity(CHUNK), send };
            let ended = reader(&mut sink);
            // Nobody listens any more when sending fails: then there is nobody to tell either.
            let _ = sink.flush();
            if let Err(error) = ended {
                let _ = sink.send.send(Err(error));
            }
        });
        Self { total, chunks, chunk: Vec::new().into_iter() }
    }

    /// How many facts there are in all.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Iterator for Facts {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.chunk.next() {
                return Some(Ok(record));
            }
            match self.chunks.recv().ok()? {
                Ok(chunk) => self.chunk = chunk.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Where a reader puts what it has read.
pub(crate) struct Sink {
    chunk: Vec<Record>,
    send: SyncSender<Result<Vec<Record>, StoreError>>,
}

impl Sink {
    /// Takes a record; false when nobody wants more.
    pub(crate) fn put(&mut self, record: Record) -> bool {
        self.chunk.push(record);
        self.chunk.len() < CHUNK || self.flush()
    }

    fn flush(&mut self) -> bool {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.send.send(Ok(chunk)).is_ok()
    }
}

/// Records of one kind in their order, the next one read already.
pub(crate) trait Stream {
    /// Why it broke off.
    type Error;

    /// The next record; none at the end, and before the first [`Stream::advance`].
    fn head(&self) -> Option<&Record>;

    /// Gives the next record and reads the one after it.
    fn advance(&mut self) -> Result<Option<Record>, Self::Error>;
}

/// Brings streams into the order of judging, until nobody wants more.
pub(crate) fn merge<S: Stream + ?Sized>(streams: &mut [Box<S>], sink: &mut Sink) -> Result<(), S::Error> {
    for stream in streams.iter_mut() {
        stream.advance()?;
    }
    while let Some(stream) = earliest(streams) {
        if !stream.advance()?.is_some_and(|record| sink.put(record)) {
            break;
        }
    }
    Ok(())
}

/// The stream whose next record comes first.
fn earliest<S: Stream + ?Sized>(streams: &mut [Box<S>]) -> Option<&mut Box<S>> {
    let with_more = streams.iter_mut().filter(|stream| stream.head().is_some());
    with_more.min_by(|a, b| a.head().map(order).cmp(&b.head().map(order)))
}

#[cfg(test)]
mod tests;
