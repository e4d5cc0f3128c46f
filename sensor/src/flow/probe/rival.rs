//! The other reading of a stream whose segments contradict each other: the last of overlapping bytes stays.
//!
//! Which of two copies the server took cannot be seen: the other one had a wrong checksum, was too old, or died on the
//! way. So both readings go on until one is a hello. Of two hellos the one with a name is believed, and the later bytes
//! where both have one: who wants to mislead a sensor sends the lie first.

use crate::assemble::Assembler;
use crate::dissect::{Parse, tls};

/// How often bytes that were read already may change.
const MAX_CHANGES: u8 = 8;

/// A stream with the last of contradicting bytes.
#[derive(Debug)]
pub(super) struct Rival {
    bytes: Assembler,
    hello: tls::HelloReader,
    changes: u8,
}

impl Rival {
    /// Begins with what the stream has so far.
    pub(super) fn new(bytes: Assembler) -> Self {
        Self { bytes, hello: tls::HelloReader::default(), changes: 0 }
    }

    /// Reads a segment: `Done` with the hello message, and anything but `More` when there is nothing in it.
    pub(super) fn segment(&mut self, at: i64, payload: &[u8]) -> Parse<Vec<u8>> {
        let Ok(placed) = self.bytes.overwrite(at, payload) else { return Parse::NotMine };
        if placed.differs {
            // What stood behind the contradicted bytes came with them.
            self.bytes.cut(at + payload.len() as i64);
            self.hello = tls::HelloReader::default();
            self.changes += 1;
            if self.changes > MAX_CHANGES {
                return Parse::NotMine;
            }
        }
        self.hello.read(self.bytes.ready()).map(|message| message.into_owned())
    }

    /// What it has.
    pub(super) fn into_bytes(self) -> Assembler {
        self.bytes
    }

    /// Bytes held, and what holding them costs.
    pub(super) fn held(&self) -> usize {
        self.bytes.held() + self.hello.held()
    }
}
