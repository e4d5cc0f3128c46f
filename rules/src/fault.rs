//! What is wrong in a rule file, where, and how to mend it.

use std::fmt;

pub use crate::words::UnknownWord;

/// One mistake in a catalogue or policy file. Shown as ``policy.toml:12: `rule.status`: unknown status ...``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the file, as it was given to the parser.
    pub file: String,
    /// Line of the key at fault, counted from 1.
    pub line: usize,
    /// The key at fault with the tables around it, such as `rule.status`; empty for broken TOML syntax.
    pub key: String,
    /// What is wrong and what to write instead.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(out, "`{}`: ", self.key)?;
        }
        out.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}
