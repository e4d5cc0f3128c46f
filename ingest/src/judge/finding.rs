//! A finding: one rule, one device, one service, one clock.

use std::net::IpAddr;

use rules::catalogue::{Access, Category, Strength};
use rules::policy::{FindingRule, Status};
use sensor::record::{Evidence, Protocol, Transport};
use sha2::{Digest, Sha256};

/// Where a finding stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Contact that would be a finding if it were use. Never shown.
    Watch,
    /// Use was seen; the clock runs.
    Open,
    /// Somebody has dealt with it.
    Closed,
}

impl State {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// A finding as it stands now. Counts hold everything since the first contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable id: 16 hex digits of a hash over site, rule, device and service.
    pub uid: String,
    /// Site.
    pub site: String,
    /// Sensor that saw the use.
    pub sensor: String,
    /// Rule.
    pub rule: FindingRule,
    /// Stable device id.
    pub device: String,
    /// Service id.
    pub service: String,
    /// Where it stands.
    pub state: State,
    /// What the policy said.
    pub status: Status,
    /// How much it matters, 0 to 10.
    pub severity: u8,
    /// The policy's reason, with file and line.
    pub why: String,
    /// Id of the client's group; absent when the policy names none for the address.
    pub group_id: Option<String>,
    /// Its label.
    pub group_name: Option<String>,
    /// The service's name.
    pub service_name: String,
    /// Who runs it.
    pub vendor: String,
    /// What it is mainly for.
    pub category: Category,
    /// Host of the flow that showed the use; absent when hidden.
    pub host: Option<String>,
    /// How the name is known.
    pub evidence: Evidence,
    /// How sure the catalogue is.
    pub strength: Strength,
    /// How the service was reached.
    pub access: Access,
    /// Client address.
    pub client_ip: IpAddr,
    /// Client hardware address; absent when the link carries none.
    pub client_mac: Option<String>,
    /// Server address.
    pub server_ip: IpAddr,
    /// Server port.
    pub server_port: u16,
    /// Transport.
    pub transport: Transport,
    /// Application protocol.
    pub protocol: Protocol,
    /// Community ID of the flow that showed the use.
    pub community_id: String,
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
    /// Packet time of the record that showed use, µs UTC.
    pub detected_at: i64,
    /// When the report is due, µs UTC.
    pub report_due_at: i64,
    /// Name and version of the policy that judged.
    pub policy: String,
    /// Version of the catalogue that made the tag.
    pub catalogue: String,
}

/// The finding's stable id. Parts are told apart by a byte that no part holds.
pub(crate) fn uid(site: &str, rule: FindingRule, device: &str, service: &str) -> String {
    let mut hash = Sha256::new();
    for part in [site, rule.as_str(), device, service] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uid_depends_on_each_part_and_on_nothing_else() {
        let rule = FindingRule::UnapprovedUse;
        let uids = [
            uid("hq", rule, "10.0.0.1", "claude"),
            uid("hq2", rule, "10.0.0.1", "claude"),
            uid("hq", FindingRule::ProhibitedUse, "10.0.0.1", "claude"),
            uid("hq", rule, "10.0.0.1c", "laude"),
        ];
        for (at, one) in uids.iter().enumerate() {
            assert_eq!(one.len(), 16);
            assert!(uids.iter().skip(at + 1).all(|other| other != one));
        }
        assert_eq!(uids[0], uid("hq", rule, "10.0.0.1", "claude"));
    }
}
