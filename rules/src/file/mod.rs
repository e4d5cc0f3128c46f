//! Reading a rule file: TOML with the line of each key, so that every mistake names its place and its mend.

mod block;
mod place;

pub(crate) use block::Block;
pub(crate) use place::{Place, Word};
