//! Sigma rules as text: a file per rule, by the specification of Sigma 2.

pub(crate) mod findings;
pub(crate) mod hosts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use rules::catalogue::Catalogue;
use sha2::{Digest, Sha256};

/// How to make the rules again.
pub(crate) const COMMAND: &str = "cargo run -p rules --example sigma_rules";

/// Folders of rules below [`folder`].
const FOLDERS: [&str; 4] = ["dns", "shadowtap", "zeek-dns", "zeek-ssl"];

/// Where the rules stand.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/sigma")
}

/// The rules that are there, as `folder/name.yml`.
pub(crate) fn files(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for below in FOLDERS {
        let Ok(entries) = fs::read_dir(folder.join(below)) else { continue };
        for entry in entries {
            names.insert(format!("{below}/{}", entry?.file_name().to_string_lossy()));
        }
    }
    Ok(names)
}

/// Every rule by file.
pub(crate) fn all(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let mut rules = findings::all();
    rules.extend(hosts::all(catalogue));
    rules
}

/// One rule, before it is text.
pub(crate) struct Rule<'a> {
    /// `folder/name`: the id comes from it.
    pub(crate) name: &'a str,
    pub(crate) title: String,
    pub(crate) description: String,
    /// Day of the newest fact in it.
    pub(crate) date: String,
    pub(crate) tags: &'a [&'a str],
    pub(crate) logsource: &'a [(&'a str, &'a str)],
    /// The block below `detection`, indented.
    pub(crate) detection: String,
    pub(crate) false_positives: &'a str,
    pub(crate) level: &'a str,
}

impl Rule<'_> {
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "# Made by `{COMMAND}`: do not edit.\ntitle: {}\nid: {}\nstatus: experimental\ndescription: {}\n\
             author: shadowtap\ndate: {}\n",
            self.title,
            id(self.name),
            quoted(&self.description),
            self.date,
        );
        if !self.tags.is_empty() {
            text += "tags:\n";
            text.extend(self.tags.iter().map(|tag| format!("    - {tag}\n")));
        }
        text += "logsource:\n";
        text.extend(self.logsource.iter().map(|(key, value)| format!("    {key}: {value}\n")));
        text += &format!(
            "detection:\n{}falsepositives:\n    - {}\nlevel: {}\n",
            self.detection,
            quoted(self.false_positives),
            self.level
        );
        text
    }
}

/// A YAML string in single quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A UUID that follows from the rule's name and never changes: version 8 of RFC 9562 (section 5.8) over SHA-256.
pub(crate) fn id(name: &str) -> String {
    let hash = Sha256::digest(format!("shadowtap sigma {name}"));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
