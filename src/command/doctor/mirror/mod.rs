//! Is the mirror a good one? Judged by what a worker made of its frames.

mod heard;
mod listen;
mod verdict;

pub(super) use heard::Heard;
pub(super) use listen::file;
#[cfg(feature = "live")]
pub(super) use listen::live;
pub(super) use verdict::{Place, unheard, verdict};
