//! One table of a rule file.
//!
//! Keys are taken one by one; what is left over when a block is closed is unknown and refused, because a
//! misspelt key that is ignored is a rule that silently does not hold.

use std::sync::Arc;

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::{Place, Word};
use crate::fault::Fault;

/// One TOML table whose keys are taken one by one.
pub(crate) struct Block<'t> {
    pub(crate) at: Place,
    lines: Arc<[usize]>,
    entries: Vec<Entry<'t>>,
    known: Vec<&'static str>,
}

struct Entry<'t> {
    name: String,
    at: Place,
    value: DeValue<'t>,
    start: usize,
}

impl<'t> Block<'t> {
    /// The whole file.
    pub(crate) fn read(file: &str, text: &'t str) -> Result<Self, Fault> {
        let lines: Arc<[usize]> = text.match_indices('\n').map(|(at, _)| at).collect();
        let file: Arc<str> = file.into();
        let table = DeTable::parse(text).map_err(|error| Fault {
            file: file.to_string(),
            line: line_of(&lines, error.span().map_or(0, |span| span.start)),
            key: String::new(),
            text: format!("not TOML: {}", error.message().trim()),
        })?;
        Ok(Self::over(Place { file, line: 1, key: String::new() }, lines, table.into_inner()))
    }

    fn over(at: Place, lines: Arc<[usize]>, table: DeTable<'t>) -> Self {
        let mut entries: Vec<Entry<'t>> = table
            .into_iter()
            .map(|(key, value)| {
                let start = key.span().start;
                let name = key.into_inner().into_owned();
                let line = line_of(&lines, start);
                let at = Place { line, ..at.below(&name) };
                Entry { name, at, value: value.into_inner(), start }
            })
            .collect();
        entries.sort_by_key(|entry| entry.start);
        Block { at, lines, entries, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.name == key)?;
        Some(self.entries.remove(index))
    }

    /// A string that may be absent; an empty one is a mistake.
    pub(crate) fn word(&mut self, key: &'static str) -> Result<Option<Word>, Fault> {
        self.take(key).map(|entry| Word::read(entry.value, entry.at)).transpose()
    }

    /// A string that must be there.
    pub(crate) fn need(&mut self, key: &'static str) -> Result<Word, Fault> {
        let missing = self.at.below(key);
        self.word(key)?.ok_or_else(|| missing.fault("missing: every entry needs this key"))
    }

    /// A string that may be absent; a bare value counts as its text.
    pub(crate) fn bare_word(&mut self, key: &'static str) -> Result<Option<Word>, Fault> {
        self.take(key).map(|entry| Word::read_bare(entry.value, entry.at)).transpose()
    }

    /// A bare true or false that may be absent.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Fault> {
        let read = |entry: Entry<'t>| match entry.value {
            DeValue::Boolean(flag) => Ok(flag),
            _ => Err(entry.at.fault("must be true, or left out")),
        };
        self.take(key).map(read).transpose()
    }

    /// A list of strings; `None` when the key is absent. An empty list is a mistake: it would mean nothing.
    pub(crate) fn words(&mut self, key: &'static str) -> Result<Option<Vec<Word>>, Fault> {
        self.list(key, Word::read)
    }

    /// A list of strings in which whole numbers may stand bare.
    pub(crate) fn words_or_numbers(&mut self, key: &'static str) -> Result<Option<Vec<Word>>, Fault> {
        self.list(key, |value, at| match value {
            DeValue::Integer(_) => Word::read_bare(value, at),
            _ => Word::read(value, at),
        })
    }

    fn list(
        &mut self,
        key: &'static str,
        read: impl Fn(DeValue<'t>, Place) -> Result<Word, Fault>,
    ) -> Result<Option<Vec<Word>>, Fault> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let DeValue::Array(items) = entry.value else {
            return Err(entry.at.fault("must be a list of strings, such as [\"one\", \"two\"]"));
        };
        let mut words = Vec::new();
        for item in items {
            let line = line_of(&self.lines, item.span().start);
            words.push(read(item.into_inner(), Place { line, ..entry.at.clone() })?);
        }
        if words.is_empty() {
            return Err(entry.at.fault("the list is empty: name at least one, or leave the key out"));
        }
        Ok(Some(words))
    }

    /// A date that may be absent, written bare or as a string.
    pub(crate) fn date(&mut self, key: &'static str) -> Result<Option<Date>, Fault> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let text = match entry.value {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.into_owned(),
            _ => String::new(),
        };
        // jiff would read a time stamp's date and drop its time: only a plain date is meant here.
        let date = if text.len() == 10 { text.parse().ok() } else { None };
        date.map(Some).ok_or_else(|| {
            entry.at.fault(format!("{text:?} is not a date: write year-month-day, such as 2026-11-20"))
        })
    }

    /// A whole number from 0 to `most` that may be absent.
    pub(crate) fn number(&mut self, key: &'static str, most: u8) -> Result<Option<u8>, Fault> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let number = match &entry.value {
            DeValue::Integer(number) => number.as_str().parse().ok().filter(|&number| number <= most),
            _ => None,
        };
        number.map(Some).ok_or_else(|| entry.at.fault(format!("must be a whole number from 0 to {most}")))
    }

    /// A table that may be absent.
    pub(crate) fn block(&mut self, key: &'static str) -> Result<Option<Block<'t>>, Fault> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        self.open(entry).map(Some)
    }

    /// A list of tables (`[[key]]` or inline); empty when the key is absent.
    pub(crate) fn blocks(&mut self, key: &'static str) -> Result<Vec<Block<'t>>, Fault> {
        let Some(entry) = self.take(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = entry.value else {
            return Err(entry.at.fault(format!("must be a list of tables: write [[{key}]]")));
        };
        let mut blocks = Vec::new();
        for item in items {
            let line = line_of(&self.lines, item.span().start);
            let at = Place { line, ..entry.at.clone() };
            blocks.push(self.open(Entry { name: String::new(), at, value: item.into_inner(), start: 0 })?);
        }
        Ok(blocks)
    }

    /// Every remaining key as a table of its own, in the order of the file.
    pub(crate) fn rest(mut self) -> Result<Vec<(String, Block<'t>)>, Fault> {
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().map(|entry| Ok((entry.name.clone(), self.open(entry)?))).collect()
    }

    /// Ends the block: whatever was not taken is unknown.
    pub(crate) fn close(self) -> Result<(), Fault> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => Err(entry.at.fault(format!("unknown key: use {}", self.known.join(", ")))),
        }
    }

    fn open(&self, entry: Entry<'t>) -> Result<Block<'t>, Fault> {
        match entry.value {
            DeValue::Table(table) => Ok(Block::over(entry.at, self.lines.clone(), table)),
            _ => Err(entry.at.fault("must be a table")),
        }
    }
}

/// Line of a byte offset, counted from 1; `lines` holds the offsets of the line feeds.
fn line_of(lines: &[usize], offset: usize) -> usize {
    lines.partition_point(|&feed| feed < offset) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_toml_names_its_line() {
        let fault = Block::read("a.toml", "x = 1\ny = = 2\n").map(|_| ()).unwrap_err();
        assert_eq!((fault.line, fault.key.as_str()), (2, ""));
        assert!(fault.to_string().starts_with("a.toml:2: not TOML: "), "{fault}");
    }

    #[test]
    fn a_left_over_key_is_refused_with_the_known_ones() {
        let mut block = Block::read("a.toml", "name = \"x\"\n\nnmae = \"y\"\n").unwrap();
        assert_eq!(block.need("name").unwrap().text, "x");
        assert_eq!(block.close().unwrap_err().to_string(), "a.toml:3: `nmae`: unknown key: use name");
    }

    #[test]
    fn a_date_with_a_time_is_refused() {
        let mut block = Block::read("a.toml", "day = 2026-11-20T10:00:00\n").unwrap();
        assert!(block.date("day").is_err());
    }

    #[test]
    fn bare_values_are_read_where_they_may_stand() {
        let text = "# personal = true\npersonal = true\nvlans = [30, \"40-49\"]\nexception=false # x\nname = 3\n";
        let mut block = Block::read("a.toml", text).unwrap();
        assert_eq!(block.bare_word("personal").unwrap().unwrap().text, "true");
        let vlans = block.words_or_numbers("vlans").unwrap().unwrap();
        assert_eq!(
            vlans.iter().map(|word| (word.text.as_str(), word.at.line)).collect::<Vec<_>>(),
            [("30", 3), ("40-49", 3)]
        );
        assert_eq!(block.flag("exception").unwrap(), Some(false));
        assert_eq!(block.word("name").unwrap_err().to_string(), "a.toml:5: `name`: must be a string in quotes");
        block.close().unwrap();
    }

    #[test]
    fn a_flag_is_bare_and_a_list_of_strings_takes_no_numbers() {
        let mut block = Block::read("a.toml", "tenant = \"true\"\nsites = [1]\npersonal = [true]\n").unwrap();
        assert_eq!(block.flag("tenant").unwrap_err().to_string(), "a.toml:1: `tenant`: must be true, or left out");
        assert!(block.words("sites").is_err() && block.bare_word("personal").is_err());
    }
}
