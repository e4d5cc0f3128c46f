//! The hosts file: which names exist in the lab and where they point.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What DNS says about one name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// Aliases in the order in which they are followed; the addresses belong to the last one.
    pub cname: Vec<String>,
    pub a: Vec<Ipv4Addr>,
    pub aaaa: Vec<Ipv6Addr>,
    /// ALPN ids of the HTTPS record; no record when empty.
    pub alpn: Vec<String>,
}

/// All names of the lab.
pub struct Hosts(HashMap<String, Host>);

impl Hosts {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self(serde_json::from_slice(&text)?))
    }

    pub fn find(&self, name: &str) -> Option<&Host> {
        self.0.get(name)
    }
}
