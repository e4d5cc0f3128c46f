//! Helpers of the data files that are compiled in beside the catalogue: `data/local.toml`, `data/infra.toml`.
//!
//! Nobody edits them at a site, so they are read by serde; a test of each reads these very bytes.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::Error};

/// A bare TOML date.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = toml::value::Datetime::deserialize(deserializer)?.to_string();
    text.parse().map_err(|_| D::Error::custom("not a date such as 2026-11-20"))
}
