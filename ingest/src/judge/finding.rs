//! A finding: one rule, one device, one service, one clock.

use rules::catalogue::Category;
use rules::policy::{FindingRule, Status};
use sha2::{Digest, Sha256};

use super::{Contact, Detail};

/// Where a finding stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Contact that would be a finding if it were use. Never shown.
    Watch,
    /// The condition was seen; the clock runs.
    Open,
    /// Somebody has taken it on.
    Acknowledged,
    /// It is dealt with, or has passed.
    Closed,
}

impl State {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "open" => Self::Open,
            "acknowledged" => Self::Acknowledged,
            "closed" => Self::Closed,
            _ => Self::Watch,
        }
    }
}

/// How the report's deadline stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// There is none.
    None,
    /// It runs.
    Running,
    /// Somebody took the finding on, or it was closed, before the deadline.
    Met,
    /// The deadline passed and nobody had.
    Missed,
}

impl Clock {
    /// The word in events and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Running => "running",
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }
}

/// A finding as it stands now. Counts hold everything since the first contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable id: 16 hex digits of a hash over site, rule, device and service.
    pub uid: String,
    /// Site; empty for what concerns all of them.
    pub site: String,
    /// Sensor that saw it; empty where no sensor did.
    pub sensor: String,
    /// Rule.
    pub rule: FindingRule,
    /// Stable device id; the sensor's name for `sensor-health`; empty where no device is concerned.
    pub device: String,
    /// Service id; what is wrong for `sensor-health`; what is to be reviewed for `review-due`; empty for `going-dark`.
    pub service: String,
    /// Where it stands.
    pub state: State,
    /// What the policy said; absent where no service was judged.
    pub status: Option<Status>,
    /// How much it matters, 0 to 10.
    pub severity: u8,
    /// The policy's reason, with file and line; for the sensor's health, what was measured.
    pub why: String,
    /// Id of the client's group; absent when the policy names none for the address.
    pub group_id: Option<String>,
    /// Its label.
    pub group_name: Option<String>,
    /// The service's name, for people.
    pub service_name: String,
    /// Who runs it; empty where no service is concerned.
    pub vendor: String,
    /// What it is mainly for; absent where no service is concerned.
    pub category: Option<Category>,
    /// The flow that showed it; absent where no flow did.
    pub contact: Option<Contact>,
    /// What the rule measured.
    pub detail: Detail,
    /// Findings of this device that were open before this one.
    pub earlier: u64,
    /// Flows.
    pub count: u64,
    /// Exchanges.
    pub turns: u64,
    /// Payload bytes from the client.
    pub bytes_up: u64,
    /// Payload bytes from the server.
    pub bytes_down: u64,
    /// The part of `bytes_up` that can carry content.
    pub upload_bytes: u64,
    /// First packet, µs UTC.
    pub first_seen: i64,
    /// Last packet, µs UTC.
    pub last_seen: i64,
    /// Packet time of the record that showed it, µs UTC. A finding that opens again starts a new clock.
    pub detected_at: i64,
    /// When the report is due, µs UTC; absent where there is no clock.
    pub report_due_at: Option<i64>,
    /// When somebody took it on, µs UTC.
    pub acknowledged_at: Option<i64>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When it was closed, µs UTC.
    pub closed_at: Option<i64>,
    /// By whom; `shadowtap` where it closed by itself.
    pub closed_by: Option<String>,
    /// Why.
    pub closed_reason: Option<String>,
    /// When the deadline passed without anybody taking it on, µs UTC.
    pub missed_at: Option<i64>,
    /// How often it opened: 1 for the first time, more when it came back after it had been closed.
    pub occurrences: u64,
    /// Changes that were told, or would have been had the budget let them: 1 when it opened, then rising by one.
    /// With the uid it is the key by which a receiver tells repeats.
    pub revision: u64,
    /// True when an event went out as it opened.
    pub alerted: bool,
    /// True when the caps of the budget held that event back. Neither: a later device of a site's first sight.
    pub held: bool,
    /// Devices of the site with this finding, where it stands for all of them; else 1.
    pub devices: u64,
    /// Name and version of the policy that judged.
    pub policy: String,
    /// Version of the catalogue that made the tag; empty where none was asked.
    pub catalogue: String,
    /// What the last event said, so that the next one says something new.
    pub(crate) told: Told,
}

/// What the last event of a finding said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Told {
    pub(crate) at: i64,
    pub(crate) devices: u64,
    pub(crate) severity: u8,
    pub(crate) upload_bytes: u64,
    pub(crate) status: Option<Status>,
}

impl Finding {
    /// How the deadline stands at an instant.
    pub fn clock(&self, at: i64) -> Clock {
        let Some(due) = self.report_due_at else { return Clock::None };
        let answered = [self.acknowledged_at, self.closed_at].into_iter().flatten().min();
        match answered.filter(|answered| *answered <= at) {
            _ if self.missed_at.is_some_and(|missed| missed <= at) => Clock::Missed,
            Some(answered) if answered < due => Clock::Met,
            Some(_) => Clock::Missed,
            None if at >= due => Clock::Missed,
            None => Clock::Running,
        }
    }

    /// True while something is to be done: open or acknowledged.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Acknowledged)
    }

    /// True when it came back after it had been closed.
    pub fn repeated(&self) -> bool {
        self.occurrences > 1
    }
}

/// The finding's stable id. Parts are told apart by a byte that no part holds.
pub(crate) fn uid(site: &str, rule: &str, device: &str, service: &str) -> u64 {
    let mut hash = Sha256::new();
    for part in [site, rule, device, service] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).fold(0, |uid, byte| uid << 8 | u64::from(*byte))
}

/// A uid as people and tables have it.
pub(crate) fn uid_text(uid: u64) -> String {
    format!("{uid:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_depends_on_each_part_and_on_nothing_else() {
        let uids = [
            uid("hq", "unapproved-use", "10.0.0.1", "claude"),
            uid("hq2", "unapproved-use", "10.0.0.1", "claude"),
            uid("hq", "prohibited-use", "10.0.0.1", "claude"),
            uid("hq", "unapproved-use", "10.0.0.1c", "laude"),
        ];
        for (at, one) in uids.iter().enumerate() {
            assert_eq!(uid_text(*one).len(), 16);
            assert!(uids.iter().skip(at + 1).all(|other| other != one));
        }
        assert_eq!(uid_text(uid("hq", "prohibited-use", "10.20.1.12", "deep")), "0cfe7ef48ee25468");
    }
}
