//! How large the spool may become, and how that is shared out.

use super::SEGMENT_BYTES;

/// A batch of the store ends at this size.
pub const BATCH_BYTES: u64 = 32 << 20;
/// What the spool may hold although the disk is short of room: a store that is well takes it within seconds.
const SHORT: u64 = 32 << 20;

/// How large the spool may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of everything in it: segments, batches, what lies aside. From 1 MiB on it is kept to.
    pub max_bytes: u64,
    /// Bytes of the disk that stay free for others. Below it the spool holds some seconds' worth.
    pub min_free: u64,
}

impl Limits {
    /// A sixteenth at most: what goes is a small part of what waits.
    pub(super) fn segment_bytes(self) -> u64 {
        SEGMENT_BYTES.min(self.max_bytes / 16)
    }

    /// What may lie aside.
    pub(super) fn aside(self) -> u64 {
        self.max_bytes / 8
    }

    /// What sealed segments may take: room is left for the open one, for what lies aside, and for a batch twice, because
    /// it is written while its segments are still there and halved when the store refuses it.
    pub(super) fn waiting(self) -> u64 {
        let usable = self.max_bytes.saturating_sub(self.aside()).saturating_sub(self.segment_bytes());
        usable.saturating_sub(2 * BATCH_BYTES).max(usable / 3)
    }

    /// How much of `held` bytes is too much when the disk has `free` bytes left.
    pub(super) fn excess(self, held: u64, free: u64) -> u64 {
        let short = self.min_free.saturating_sub(free);
        let spare = held.saturating_sub(SHORT.min(self.max_bytes / 16));
        held.saturating_sub(self.waiting()).max(short.min(spare))
    }
}
