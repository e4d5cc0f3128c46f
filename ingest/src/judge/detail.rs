//! What a finding stands on: the flow that showed it, and what its rule measured.

use std::net::IpAddr;

use rules::behaviour::{Behaviour, ClientKind};
use rules::catalogue::local::EndpointClass;
use rules::catalogue::{Access, Plan, Strength};
use rules::policy::Per;
use sensor::record::{Evidence, FlowRecord, Protocol, Transport};
use serde::{Deserialize, Serialize};

/// The flow that showed a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Name of the server; absent when hidden.
    pub host: Option<String>,
    /// How the name is known.
    pub evidence: Evidence,
    /// How sure the catalogue is.
    pub strength: Strength,
    /// How the service was reached.
    pub access: Access,
    /// Licence that the host's name told.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Client address.
    pub client_ip: IpAddr,
    /// Client hardware address; absent when the link carries none.
    pub client_mac: Option<String>,
    /// VLAN that the client was seen on.
    #[serde(default)]
    pub vlan: Option<u16>,
    /// Server address.
    pub server_ip: IpAddr,
    /// Server port.
    pub server_port: u16,
    /// Transport.
    pub transport: Transport,
    /// Application protocol.
    pub protocol: Protocol,
    /// Community ID: the join to Zeek and Suricata.
    pub community_id: String,
    /// What the flow was for so far; absent in findings of version 0.1.
    #[serde(default)]
    pub behaviour: Option<Behaviour>,
    /// What kind of software the client is; absent in findings of version 0.1.
    #[serde(default)]
    pub client: Option<ClientKind>,
}

impl Contact {
    pub(crate) fn of(flow: &FlowRecord) -> Self {
        Self {
            host: flow.host.clone(),
            evidence: flow.evidence,
            strength: flow.strength,
            access: flow.access,
            plan: flow.plan,
            client_ip: flow.client_ip,
            client_mac: flow.client_mac.clone(),
            vlan: flow.vlan,
            server_ip: flow.server_ip,
            server_port: flow.server_port,
            transport: flow.transport,
            protocol: flow.protocol,
            community_id: flow.community_id.clone(),
            behaviour: Some(flow.behaviour),
            client: Some(flow.client),
        }
    }
}

/// What a rule measured. Times are µs UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Detail {
    /// Nothing beyond the counts.
    #[default]
    None,
    /// First sight of a service at a site.
    FirstSight {
        /// The device that was first.
        device: String,
        /// True when the host also serves other things, so that use is not confirmed.
        shared: bool,
    },
    /// More was sent than a limit allows.
    Limit {
        /// The limit, bytes.
        limit: u64,
        /// Sent in the span so far, bytes.
        bytes: u64,
        /// The span.
        per: Per,
        /// When it began.
        since: i64,
        /// Who answers for the limit.
        owner: String,
        /// Spans in which the limit was passed since the finding opened.
        episodes: u64,
    },
    /// Much more was sent than is usual.
    Anomaly {
        /// What is unusual, in one word.
        what: String,
        /// Sent in the span, bytes.
        bytes: u64,
        /// When it began.
        since: i64,
        /// When it ended, or the last that was seen of it.
        until: i64,
        /// What was usual before, in words with numbers.
        references: Vec<String>,
        /// How unusual, in tenths: 35 is 3.5 times the width of what is usual.
        score: u64,
        /// True while the device's habits are still being learnt.
        learning: bool,
    },
    /// A local model server.
    Local {
        /// What it speaks; absent where only the port tells.
        endpoint: Option<EndpointClass>,
        /// Its port.
        port: u16,
        /// Devices that asked it.
        clients: u64,
        /// Up to [`CLIENTS_SHOWN`] of them.
        shown: Vec<String>,
    },
    /// Model weights were fetched.
    Download {
        /// Fetched in the day, bytes.
        bytes: u64,
        /// What the policy lets pass, bytes.
        limit: u64,
        /// The host; absent when hidden.
        host: Option<String>,
        /// When the day began.
        since: i64,
    },
    /// Names are hidden, and fewer can be told than before.
    Dark {
        /// What hides them: `doh`, `dot`, `relay`, `tor`, `tunnel`, `vpn`, `ech-real`.
        class: String,
        /// When it began.
        since: i64,
        /// Share of bytes with a name before, percent; absent when unknown.
        before: Option<u64>,
        /// Since then, percent.
        after: u64,
        /// Days with AI use within the four weeks before.
        ai_days: u64,
    },
    /// The sensor does not see everything.
    Health {
        /// What is wrong: `loss`, `mirror`, `silence`, `clock`, `spool`.
        what: String,
        /// Frames seen in the time looked at.
        frames: u64,
        /// Lost in it, or stepped back, or without frames: drops, steps, minutes.
        amount: u64,
        /// When it began.
        since: i64,
    },
    /// A review of the policy is due.
    Review {
        /// What is to be looked at.
        what: String,
        /// The day, `2026-11-20`.
        due: String,
        /// Line in the policy file.
        line: u64,
        /// True when six months have passed since.
        overdue: bool,
    },
}

/// How many clients of a local model server are named: enough to see who they are, and no list of people.
pub const CLIENTS_SHOWN: usize = 5;
