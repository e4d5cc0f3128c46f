//! Frames that hold a part of an IP datagram.

use super::Worker;
use crate::capture::Frame;
use crate::decode::{Fragment, NotFlow, decode_datagram};
use crate::output::Output;

impl Worker {
    /// A part of a datagram. The frame that completes it is the packet's; the others are counted as parts.
    pub(super) fn fragment(&mut self, frame: &Frame<'_>, fragment: &Fragment<'_>, out: &mut impl Output) {
        match self.fragments.add(frame.time, fragment) {
            Some(datagram) => self.decoded(frame, decode_datagram(frame, &datagram), out),
            None => self.core.ledger.not_flow(NotFlow::Fragment, frame.wire_len),
        }
        self.core.ledger.fragments(self.fragments.take_lost());
    }

    /// Gives up what waits for its rest.
    pub(super) fn drop_fragments(&mut self) {
        self.fragments.clear();
        self.core.ledger.fragments(self.fragments.take_lost());
    }
}
