//! The `[[siem]]` blocks of the configuration: one sink each.
//!
//! | file | noun |
//! |---|---|
//! | `keys` | the keys of a block, and which of them belong together |
//! | `secret` | where a block's secret is, and who else may read it |

mod keys;
mod secret;

use std::collections::HashSet;
use std::path::PathBuf;

use ingest::siem::{Format, STORE_SINK, SinkTarget};
use serde::Deserialize;

use self::keys::{FormatWord, Keys, Kind, is_name};
use crate::exit::Failure;

/// One block, checked for what its type needs and knows. Secrets are not read yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Keys")]
pub(crate) struct SiemBlock {
    keys: Keys,
    kind: Kind,
    /// `shadowtap.toml:12`, where it stands.
    place: String,
}

/// The sinks of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Sinks {
    /// Each with a name of its own.
    pub(crate) targets: Vec<SinkTarget>,
    /// What works and should be another way: who else may read a secret.
    pub(crate) remarks: Vec<String>,
}

impl TryFrom<Keys> for SiemBlock {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let kind = keys.r#type.ok_or(
            "a [[siem]] block needs type = \"syslog\", \"splunk\", \"elastic\", \"sentinel\", \"webhook\" or \"file\"",
        )?;
        keys.check(kind)?;
        Ok(Self { keys, kind, place: String::new() })
    }
}

impl SiemBlock {
    /// Says where the block stands, for messages.
    pub(crate) fn stands_at(&mut self, place: String) {
        self.place = place;
    }

    /// The paths in the block, which count from the configuration's folder.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = &mut self.keys;
        let paths =
            [&mut keys.secret_file, &mut keys.path, &mut keys.ca, &mut keys.client_cert, &mut keys.client_key];
        paths.into_iter().flatten()
    }

    fn target(self) -> Result<SinkTarget, String> {
        let Self { keys, kind, .. } = self;
        let name = keys.called(kind);
        if !is_name(&name) {
            return Err(format!("the sink {name:?} needs a name of its own: name = \"...\""));
        }
        let format = match keys.format {
            Some(FormatWord::Ocsf) => Format::Ocsf,
            Some(FormatWord::Cef) => Format::Cef,
            Some(FormatWord::Ecs) | None => Format::Ecs,
        };
        let secret = secret::read(&keys).map_err(|why| format!("the sink {name}: {why}"))?;
        let activity = keys.activity;
        Ok(SinkTarget { name, format, activity, to: keys.to(kind, secret) })
    }
}

/// Every sink of the configuration; two of one name are an error, because events wait by name.
pub(crate) fn sinks(blocks: Vec<SiemBlock>) -> Result<Sinks, Failure> {
    let mut names = HashSet::new();
    let mut sinks = Sinks::default();
    for block in blocks {
        let place = block.place.clone();
        let wrong = |why: String| Failure::Usage(format!("{place}: {why}"));
        let remarks = secret::remarks(&block.keys, block.kind);
        let sink = block.target().map_err(wrong)?;
        if sink.name == STORE_SINK {
            return Err(wrong(format!(
                "the name {STORE_SINK:?} belongs to the findings' way to ClickHouse: give this [[siem]] block another"
            )));
        }
        if !names.insert(sink.name.clone()) {
            return Err(wrong(format!(
                "two [[siem]] blocks are called {:?}: give each a name of its own, name = \"...\"",
                sink.name
            )));
        }
        sinks.remarks.extend(remarks.into_iter().map(|what| format!("{place}: the sink {}: {what}", sink.name)));
        sinks.targets.push(sink);
    }
    Ok(sinks)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn remarks(text: &str) -> Vec<String> {
        let mut block: SiemBlock = toml::from_str(text).unwrap();
        block.stands_at("st.toml:1".to_owned());
        sinks(vec![block]).unwrap().remarks
    }

    #[test]
    fn who_else_may_read_a_secret_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        fs::write(&token, "t").unwrap();
        let path = token.display();
        let hec = |url: &str| format!("type = \"splunk\"\nurl = \"{url}\"\nsecret_file = \"{path}\"\n");
        fs::set_permissions(&token, Permissions::from_mode(0o640)).unwrap();
        assert!(remarks(&hec("https://siem.example:8088")).is_empty());
        assert!(remarks(&hec("http://127.0.0.1:8088")).is_empty(), "it stays on this machine");
        let clear = remarks(&hec("http://siem.example:8088"));
        assert!(clear.len() == 1 && clear[0].starts_with("st.toml:1: the sink splunk:siem.example:8088: url: "));
        let hook = format!("type = \"webhook\"\nurl = \"http://siem.example/\"\nsecret_file = \"{path}\"\n");
        assert!(remarks(&hook).is_empty(), "its secret signs and stays here");
        fs::set_permissions(&token, Permissions::from_mode(0o644)).unwrap();
        let open = remarks(&hec("https://siem.example:8088"));
        assert!(
            open.len() == 1
                && open[0].contains(&format!("secret_file: every user of this machine may read {path}"))
        );
    }
}
