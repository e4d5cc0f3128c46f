//! Yes-or-no keys of a host line.
//!
//! A [`Block`] hands out words, dates, numbers and tables. The one boolean of the catalogue is read from a
//! second look at the file's table, which costs nothing for the many files that never write the key.

use toml::de::{DeTable, DeValue};

use crate::{fault::Fault, file::Block};

const KEY: &str = "tenant";

/// The table around the hosts of one service, or of the whole file; empty when the file has no such key.
pub(super) struct Flags<'t>(Option<DeValue<'t>>);

impl<'t> Flags<'t> {
    /// The flags of a file that is TOML already.
    pub(super) fn read(text: &'t str) -> Self {
        let table = text.contains(KEY).then(|| DeTable::parse(text).ok()).flatten();
        Flags(table.map(|table| DeValue::Table(table.into_inner())))
    }

    /// The flags of one service, counted in the order of the file.
    pub(super) fn service(&self, index: usize) -> Flags<'t> {
        Flags(self.0.as_ref().and_then(|file| Some(file.get("service")?.get_ref().get(index)?.get_ref().clone())))
    }

    /// True when the host with this index holds a customer's label. The block learns that the key is known.
    pub(super) fn tenant(&self, index: usize, block: &mut Block<'_>) -> Result<bool, Fault> {
        // The block refuses whatever is not a string; what the key may hold is decided below.
        let word = block.word(KEY);
        let host = self.0.as_ref().and_then(|service| service.get("hosts")?.get_ref().get(index));
        match host.and_then(|host| host.get_ref().get(KEY)).map(|value| value.get_ref()) {
            None => word.map(|_| false),
            Some(DeValue::Boolean(tenant)) => Ok(*tenant),
            Some(_) => Err(block.at.below(KEY).fault("must be true, or left out")),
        }
    }
}
