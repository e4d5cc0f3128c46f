//! What is to be told and written down: made where it happens, turned into events and rows at the end of the round.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Finding;

/// Who did what nobody did by hand.
pub(crate) const OURSELVES: &str = "shadowtap";

/// What an event tells of its finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It opened, for the first time or again.
    Create,
    /// Something about it changed.
    Update,
    /// It is dealt with, or has passed.
    Close,
}

impl Action {
    /// The word of `event.action`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Close => "close",
        }
    }
}

/// One event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// About a finding, as it stood at that moment.
    Finding { at: i64, action: Action, finding: Box<Finding> },
    /// About what the budget held back.
    Digest(Digest),
    /// A record of a flow, for sinks that want all of them.
    Activity { uid: String, revision: u64, event: Box<Value> },
}

/// What the budget held back at one site in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Digest {
    /// Site.
    pub site: String,
    /// Start of the hour on the site's clock, µs UTC.
    pub from: i64,
    /// Its end.
    pub to: i64,
    /// Alerts held back, by rule.
    pub held: BTreeMap<String, u64>,
    /// Devices that they are about.
    pub devices: u64,
    /// The greatest severity among them.
    pub severity: u8,
}

/// One row of a finding's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryNote {
    pub(crate) uid: u64,
    pub(crate) at: i64,
    pub(crate) who: String,
    pub(crate) what: &'static str,
    pub(crate) text: String,
}
