//! Is the mirror a good one? Judged by what a worker made of its frames.
//!
//! | file | noun |
//! |---|---|
//! | `listen` | fills a worker, from a live interface or a capture |
//! | `heard` | what the worker found, and sums over its flows |
//! | `verdict` | the checks in their order |
//! | `frames`, `flows` | the checks by frames alone, and by flows between two hosts |

mod flows;
mod frames;
mod heard;
mod listen;
mod verdict;

pub(super) use heard::Heard;
pub(super) use listen::file;
#[cfg(feature = "live")]
pub(super) use listen::live;
pub(super) use verdict::{Place, unheard, verdict};
