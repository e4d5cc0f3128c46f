//! Frames on their way from the reader to the workers.

use crate::capture::{Frame, LinkType};

/// Frames that travel together: so many that handing them over costs a packet next to nothing ...
const FRAMES: usize = 1024;
/// ... and bytes that fit into the cache of a core.
const BYTES: usize = 512 << 10;

/// Frames in the order of the wire, copied out of the reader's buffer.
#[derive(Debug, Default)]
pub(super) struct Batch {
    heads: Vec<Head>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Head {
    time: i64,
    wire_len: u32,
    link: LinkType,
    /// Where its bytes end; they begin where those of the frame before end.
    end: usize,
}

impl Batch {
    /// Adds a frame.
    pub(super) fn push(&mut self, frame: &Frame<'_>) {
        self.bytes.extend_from_slice(frame.data);
        let Frame { time, wire_len, link, .. } = *frame;
        self.heads.push(Head { time, wire_len, link, end: self.bytes.len() });
    }

    /// True when the next frame belongs into another batch.
    pub(super) fn is_full(&self) -> bool {
        self.heads.len() >= FRAMES || self.bytes.len() >= BYTES
    }

    /// How many frames.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Makes room for other frames.
    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.bytes.clear();
    }

    /// The frames.
    pub(super) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut start = 0;
        self.heads.iter().map(move |head| {
            let data = self.bytes.get(start..head.end).unwrap_or_default();
            start = head.end;
            Frame { time: head.time, data, wire_len: head.wire_len, link: head.link }
        })
    }
}
