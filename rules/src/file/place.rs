//! Places in a rule file, and the strings that stand there.

use std::{str::FromStr, sync::Arc};

use toml::de::DeValue;

use crate::fault::{Fault, UnknownWord};

/// Where a key stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(super) file: Arc<str>,
    pub(crate) line: usize,
    pub(super) key: String,
}

impl Place {
    pub(crate) fn fault(&self, text: impl Into<String>) -> Fault {
        Fault { file: self.file.to_string(), line: self.line, key: self.key.clone(), text: text.into() }
    }

    /// The place of a key below this one, on the same line.
    pub(crate) fn below(&self, key: &str) -> Place {
        let key = if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) };
        Place { file: self.file.clone(), line: self.line, key }
    }
}

/// A string from the file and its place.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: Place,
}

impl Word {
    /// A string out of the file; an empty one is a mistake.
    pub(super) fn read(value: DeValue<'_>, at: Place) -> Result<Word, Fault> {
        let DeValue::String(text) = value else {
            return Err(at.fault("must be a string in quotes"));
        };
        if text.trim().is_empty() {
            return Err(at.fault("is empty: write a value, or leave the key out"));
        }
        Ok(Word { text: text.into_owned(), at })
    }

    /// A string, or the text of a value that people expect to write bare: `true`, `30`.
    pub(super) fn read_bare(value: DeValue<'_>, at: Place) -> Result<Word, Fault> {
        let text = match &value {
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Integer(value) => value.to_string(),
            DeValue::Float(value) => value.to_string(),
            DeValue::Datetime(value) => value.to_string(),
            DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_) => return Word::read(value, at),
        };
        Ok(Word { text, at })
    }

    /// The word as one of an enum's variants.
    pub(crate) fn parse<T: FromStr<Err = UnknownWord>>(&self) -> Result<T, Fault> {
        self.text.parse().map_err(|unknown: UnknownWord| self.at.fault(unknown.to_string()))
    }
}
