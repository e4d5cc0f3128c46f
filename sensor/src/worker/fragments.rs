//! Frames that hold a part of an IP datagram.

use super::Worker;
use crate::capture::Frame;
use crate::decode::{Decoded, Fragment, NotFlow, decode_datagram};
use crate::output::Output;

impl Worker {
    /// A part of a datagram. The frame that completes it is the packet's; the others are counted as parts.
    pub(super) fn fragment(&mut self, frame: &Frame<'_>, fragment: &Fragment<'_>, out: &mut impl Output) {
        let whole = self.fragments.add(frame.time, fragment);
        self.core.ledger.fragments(self.fragments.take_lost());
        let Some(datagram) = whole else {
            self.core.ledger.not_flow(NotFlow::Fragment, frame.wire_len);
            return;
        };
        match decode_datagram(frame, &datagram) {
            Decoded::Packet(packet) => self.packet(&packet, out),
            Decoded::Fragment(inner) => self.fragment(frame, &inner, out),
            Decoded::Neighbour(neighbour) => self.neighbour(frame, &neighbour),
            Decoded::NotFlow(what) => self.core.ledger.not_flow(what, frame.wire_len),
            Decoded::Malformed(why) => self.core.ledger.malformed(why, frame.wire_len),
        }
    }

    /// Gives up what waits for its rest.
    pub(super) fn drop_fragments(&mut self) {
        self.fragments.clear();
        self.core.ledger.fragments(self.fragments.take_lost());
    }
}
