//! Domains that people have looked at and found to be no AI services.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The file in the data directory.
const FILE: &str = "candidates.rejected.toml";

/// All of them, by domain.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejected {
    #[serde(default)]
    rejected: BTreeMap<String, Rejection>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    reason: String,
    /// As text: `2026-11-21`.
    date: String,
}

impl Rejected {
    /// Reads the file; none is none.
    pub(super) fn load(data_dir: &Path) -> Result<Self, Failure> {
        let path = data_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Failure::Failed(format!("cannot read {}: {e}", path.display()))),
        };
        toml::from_str(&text).map_err(|e| Failure::Usage(format!("{}: {}", path.display(), e.message())))
    }

    /// True when the domain was rejected.
    pub(super) fn holds(&self, domain: &str) -> bool {
        self.rejected.contains_key(domain)
    }

    /// Adds one.
    pub(super) fn add(&mut self, domain: &str, reason: &str, date: Date) {
        let rejection = Rejection { reason: reason.trim().to_owned(), date: date.to_string() };
        self.rejected.insert(domain.to_owned(), rejection);
    }

    /// Writes the file aside and puts it in place.
    pub(super) fn write(&self, data_dir: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self)?;
        Ok(ingest::files::write_whole_among_others(&data_dir.join(FILE), text.as_bytes())?)
    }
}
