//! Records: the facts that leave the sensor, one JSON object per line in the spool.
//!
//! Times are microseconds since the Unix epoch, UTC, taken from packets, never from a clock. Byte and packet counts of
//! [`FlowRecord`] are *deltas* since the flow's previous record, so that a sum over the records of a flow is its total
//! and a lost process loses at most the last interval. No record may hold a payload, a path, or a sequence of lengths
//! or times: those would tell what a prompt was about.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rules::behaviour::{Behaviour, ClientKind};
use rules::catalogue::local::EndpointClass;
use rules::catalogue::{Access, Modality, Plan, Role, Strength};
use serde::{Deserialize, Serialize};

/// One line of the spool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// Traffic of one AI-tagged flow since its previous record.
    Flow(Box<FlowRecord>),
    /// A DNS question for an AI name.
    Lookup(Box<LookupRecord>),
    /// What the sensor saw, and could not see, in one minute.
    Minute(Box<MinuteRecord>),
    /// How much of one device's traffic could be named in ten minutes.
    Visibility(Box<VisibilityRecord>),
    /// Traffic of one unlisted domain that looks like an AI service, in one hour.
    Candidate(Box<CandidateRecord>),
    /// What is known of a device that reached an AI service.
    Device(Box<DeviceRecord>),
}

/// Where a flow's name comes from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Server name of a TLS ClientHello (RFC 6066 section 3).
    Sni,
    /// Server name of a ClientHello inside QUIC Initial packets (RFC 9001 section 4).
    QuicSni,
    /// Host field of a cleartext HTTP request (RFC 9110 section 7.2).
    HttpHost,
    /// What a server on the local network is asked for in cleartext, or how it answers: see [`FlowRecord::endpoint`].
    /// The name in `host` says nothing about the service.
    #[serde(rename = "local-endpoint")]
    Endpoint,
    /// The same client's DNS answers for this address name exactly one AI service and nothing else.
    Dns,
    /// The same client's DNS answers for this address name an AI service and other names: see `candidates`.
    Ambiguous,
}

impl Evidence {
    /// The name that records and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sni => "sni",
            Self::QuicSni => "quic-sni",
            Self::HttpHost => "http-host",
            Self::Endpoint => "local-endpoint",
            Self::Dns => "dns",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// What the encrypted_client_hello extension (RFC 9849, 0xfe0d) means on this flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ech {
    /// The extension is absent.
    #[default]
    None,
    /// Present, but the outer name is no ECH public name: the server name is the truth.
    Grease,
    /// Present and the outer name is an ECH public name: the true name is hidden.
    Real,
}

/// What the client speaks on the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TLS over TCP.
    Tls,
    /// QUIC over UDP.
    Quic,
    /// Cleartext HTTP/1 over TCP.
    Http,
    /// Nothing that could be recognised; the name comes from DNS.
    Other,
}

impl Protocol {
    /// The name that records and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Http => "http",
            Self::Other => "other",
        }
    }
}

/// Transport protocol of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// The name that records and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Traffic of one AI-tagged flow since its previous record (`seq` 0: since it began).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowRecord {
    /// Stable id: 16 hex digits of a hash over sensor, five-tuple and start. (`flow_id`, `seq`) is unique.
    pub flow_id: String,
    /// 0 for the record written as soon as the name is known, then rising by one.
    pub seq: u32,
    /// True on the last record of the flow.
    #[serde(rename = "final")]
    pub last: bool,
    /// Community ID v1 of the five-tuple, the join key to Zeek and Suricata logs.
    pub community_id: String,
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// First packet of the flow, µs UTC.
    pub start: i64,
    /// Last packet that this record counts, µs UTC.
    pub end: i64,
    /// Packet time at which the record was written, µs UTC: facts are judged again in this order. 0 in records of
    /// earlier versions.
    #[serde(default)]
    pub emitted: i64,
    /// Client address.
    pub client_ip: IpAddr,
    /// Client port.
    pub client_port: u16,
    /// Hardware address of the client's own, `02:77:00:00:00:11`; absent when it is not known: a router's is nobody's.
    pub client_mac: Option<String>,
    /// Innermost VLAN id; absent on untagged frames.
    pub vlan: Option<u16>,
    /// Stable device id: the hardware address where it is known when the flow's first record is written, else the
    /// client address. The same in all records of a flow.
    pub device: String,
    /// Server address.
    pub server_ip: IpAddr,
    /// Server port.
    pub server_port: u16,
    /// Transport.
    pub transport: Transport,
    /// Application protocol that carried the name.
    pub protocol: Protocol,
    /// Name of the server as the evidence gave it: lower case, no final dot. Absent when hidden or ambiguous. Of a local
    /// model server what the Host field says: a name or an address.
    pub host: Option<String>,
    /// How the name is known.
    pub evidence: Evidence,
    /// The names that the evidence allows; empty unless `evidence` is `ambiguous`.
    pub candidates: Vec<String>,
    /// Id of the AI service in the catalogue.
    pub service: String,
    /// Role of the host within the service.
    pub role: Role,
    /// Strength of the catalogue's claim.
    pub strength: Strength,
    /// Licence that the host's name tells: GitHub Copilot's `business` label, for example. Absent where it tells none.
    pub plan: Option<Plan>,
    /// The customer's own label in the host's name, such as the resource before `.openai.azure.com`.
    pub tenant: Option<String>,
    /// How the service is used through this host.
    pub access: Access,
    /// What the service mainly takes and gives.
    pub modality: Modality,
    /// Encrypted ClientHello state.
    pub ech: Ech,
    /// Application protocols that the client offered, in its order.
    pub alpn: Vec<String>,
    /// JA4 fingerprint of the ClientHello; absent without one.
    pub ja4: Option<String>,
    /// What kind of software the client is.
    #[serde(default = "unknown_client")]
    pub client: ClientKind,
    /// What the flow was for so far (not a delta).
    #[serde(default = "idle")]
    pub behaviour: Behaviour,
    /// What a local model server speaks: all that is kept of the paths asked for. Absent on other flows.
    #[serde(default)]
    pub endpoint: Option<EndpointClass>,
    /// Payload bytes from the client: TCP by sequence number (retransmissions and doubled frames count once), UDP
    /// datagram bytes. Handshake and encryption overhead included.
    pub bytes_up: u64,
    /// Payload bytes from the server, counted alike.
    pub bytes_down: u64,
    /// The part of `bytes_up` that can carry content: without datagrams so small that they only acknowledge (QUIC).
    pub upload_bytes: u64,
    /// Packets from the client.
    pub packets_up: u64,
    /// Packets from the server.
    pub packets_down: u64,
    /// Exchanges that began in this interval: an upstream burst of content answered by the server, not counting
    /// what loading a page takes.
    pub turns: u64,
    /// Largest burst of upload content so far, bytes (not a delta).
    pub largest_burst: u64,
    /// Version of the catalogue that made the tag.
    pub catalogue: String,
}

/// A DNS question for an AI name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookupRecord {
    /// Stable id: 16 hex digits, unique per question on the wire.
    pub lookup_id: String,
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// Time of the question (of the answer where the question was not seen), µs UTC.
    pub ts: i64,
    /// Client address.
    pub client_ip: IpAddr,
    /// Stable device id, as in [`FlowRecord`].
    pub device: String,
    /// Address of the resolver.
    pub resolver_ip: IpAddr,
    /// Transport of the question.
    pub transport: Transport,
    /// Name asked for: lower case, no final dot.
    pub name: String,
    /// Query type as a number (1 = A, 28 = AAAA, 65 = HTTPS).
    pub qtype: u16,
    /// Response code; absent when no answer was seen.
    pub rcode: Option<u16>,
    /// Addresses in the answer.
    pub answers: Vec<IpAddr>,
    /// Id of the AI service in the catalogue.
    pub service: String,
    /// Role of the name within the service.
    pub role: Role,
    /// Version of the catalogue that made the tag.
    pub catalogue: String,
}

/// Frames, bytes and flows of one kind in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Flows whose naming was decided in this minute.
    pub flows: u64,
    /// Frames.
    pub frames: u64,
    /// Frame bytes on the wire.
    pub bytes: u64,
}

/// The visibility ledger of one minute. `frames` = frames of all `methods` + all `not_flow` + all `malformed`; bytes
/// alike. A flow's frames count under the method that named it once that is decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MinuteRecord {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// What was read: a fingerprint of the capture file, or the start of the live capture. (`sensor`, `source`,
    /// `minute`) is unique.
    pub source: String,
    /// Start of the minute, µs UTC.
    pub minute: i64,
    /// Frames seen.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Per naming method: `sni`, `quic`, `http`, `dns`, `ambiguous`, `ech-real`, `none` (a flow without any name),
    /// `resolver` (the flow is name resolution itself), `infrastructure` (DHCP, NTP, discovery: never a service),
    /// `untracked` (the flow table was full), `pending` (not decided when the minute ended).
    pub methods: BTreeMap<String, Tally>,
    /// Frames that are no TCP or UDP: `arp`, `icmp`, `other-ip`, `other-link`, `ip-fragment`, `protected`.
    pub not_flow: BTreeMap<String, Tally>,
    /// Frames that could not be decoded, by reason.
    pub malformed: BTreeMap<String, Tally>,
    /// Lost before it was seen, by place: `kernel` (packets dropped by the interface or its driver), `ring` (packets for
    /// which the capture ring had no room), `queue` (packets for which the workers behind a ring had no time), `restart` (packets
    /// that passed while the sensor was killed and started again), `file`
    /// (captures that are cut off or damaged). And records that were lost behind the sensor since the minute before:
    /// [`crate::ledger::RECORD_WORDS`].
    pub drops: BTreeMap<String, u64>,
    /// Flows that ended in this minute and of which one direction alone was seen.
    pub one_way_flows: u64,
    /// TCP flows decided in this minute that began before the sensor saw them.
    pub late_flows: u64,
    /// DNS questions seen.
    pub dns_questions: u64,
    /// TCP payload by which sequence numbers advanced, bytes; what was left out included.
    #[serde(default)]
    pub tcp_bytes: u64,
    /// The part of `tcp_bytes` that was on the wire and was never captured, as far as sequence numbers and
    /// acknowledgements tell: [`crate::flow::holes`].
    #[serde(default)]
    pub tcp_missing: u64,
    /// TCP payload that came out of order, bytes.
    #[serde(default)]
    pub tcp_reordered: u64,
    /// TCP payload that came again, or came only after it was sent again, bytes.
    #[serde(default)]
    pub tcp_resent: u64,
    /// Frames that were copies of one shortly before, on flows to AI services or not yet decided.
    #[serde(default)]
    pub duplicates: u64,
    /// How often the clock was set back before this minute.
    #[serde(default)]
    pub clock_steps: u64,
    /// Messages that could not be read (`tls-hello`, `quic-initial`, `http-request`, `dns-message`) or never became whole
    /// (`tls-unfinished` and so on), datagrams that did not (`fragments-*`), and what was given up for want of room
    /// (`reassembly-full`, `flows-evicted`, `visibility-full`, `candidates-full`). Their frames count elsewhere.
    #[serde(default)]
    pub broken: BTreeMap<String, u64>,
}

/// How much of one device's traffic could be named in ten minutes of packet time. Written for a device that reached an
/// AI service, or that used something which hides names, and for no other: totals only, never a name.
/// (`sensor`, `source`, `start`, `device`) is unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRecord {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// What was read, as in [`MinuteRecord`].
    pub source: String,
    /// Start of the ten minutes, µs UTC.
    pub start: i64,
    /// Client address.
    pub client_ip: IpAddr,
    /// Stable device id, as in [`FlowRecord`].
    pub device: String,
    /// Flows to AI services that were named in this time.
    pub ai_flows: u64,
    /// Flows, frames and bytes that carry a name, AI or not.
    pub named: Tally,
    /// The same without a name and without a known reason.
    pub nameless: Tally,
    /// The same for what hides names, by class: the words of [`rules::catalogue::infra::InfraClass`] that do (`doh`,
    /// `dot`, `relay`, `tor`, `tunnel`, `vpn`), and `ech-real`.
    pub hidden: BTreeMap<String, Tally>,
}

/// Traffic of one registrable domain that is not in the catalogue and looks like an AI service, in one hour of packet
/// time. It names no device. (`sensor`, `source`, `start`, `domain`) is unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateRecord {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// What was read, as in [`MinuteRecord`].
    pub source: String,
    /// Start of the hour, µs UTC.
    pub start: i64,
    /// Registrable domain (public suffix list) of the names that were seen.
    pub domain: String,
    /// The host below it with most turns, as an example for people.
    pub host: String,
    /// Devices that reached it in this hour.
    pub devices: u64,
    /// Flows.
    pub flows: u64,
    /// Of these, flows with an answer that trickled in as it was written.
    pub streaming_flows: u64,
    /// Of these, flows of programs.
    pub program_flows: u64,
    /// Exchanges, counted as in [`FlowRecord`].
    pub turns: u64,
    /// Content bytes sent.
    pub upload_bytes: u64,
    /// Payload bytes received.
    pub bytes_down: u64,
}

/// What is known of a device: written beside its first `flow` or `lookup` record, when one of these comes and something
/// has changed, and otherwise at most once an hour. Devices that never reach an AI service have none.
/// (`sensor`, `device`, `last_seen`) is unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Name of the sensor.
    pub sensor: String,
    /// Name of the site.
    pub site: String,
    /// Stable device id, as in [`FlowRecord`].
    pub device: String,
    /// Its hardware address.
    pub mac: String,
    /// No manufacturer gave the hardware address (the bit 0x02 of its first byte): a phone or a laptop that hides its
    /// own, or a virtual machine.
    pub private_mac: bool,
    /// The addresses that it has now, in order: at most 4 of IPv4 and 16 of IPv6.
    pub addresses: Vec<IpAddr>,
    /// What it calls itself in DHCP, mDNS or LLMNR: the first label, lower case.
    pub host_name: Option<String>,
    /// Kind of client software, as it tells a DHCP server.
    pub vendor_class: Option<String>,
    /// The strongest way in which its addresses are known: `dhcp`, `dhcp6`, `arp`, `ndp`, `frame`.
    pub source: String,
    /// When the sensor saw it first, µs UTC.
    pub first_seen: i64,
    /// Packet time of this record, µs UTC.
    pub last_seen: i64,
}

fn unknown_client() -> ClientKind {
    ClientKind::Unknown
}

fn idle() -> Behaviour {
    Behaviour::Idle
}
