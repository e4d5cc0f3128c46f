//! Records, rules and folders for tests. The end-to-end tests include this file by path.

#![allow(clippy::unwrap_used, reason = "a panic is the failure message")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use rules::behaviour::{Behaviour, ClientKind};
use rules::catalogue::local::EndpointClass;
use rules::catalogue::{Access, Catalogue, Modality, Role, Strength};
use rules::policy::Policy;
use sensor::record::{
    CandidateRecord, DeviceRecord, Ech, Evidence, FlowRecord, LookupRecord, MinuteRecord, Protocol, Record, Tally,
    Transport, VisibilityRecord,
};
use sensor::spool::Spool;

/// Monday of 2026-W46, 09:00 in Berlin.
pub const MONDAY: i64 = 1_794_211_200_000_000;
pub const SECOND: i64 = 1_000_000;
pub const HOUR: i64 = 3600 * SECOND;
pub const DAY: i64 = 24 * HOUR;

const CATALOGUE: &str = r#"
[[service]]
id = "assistant"
name = "Office Assistant"
vendor = "Office Inc"
category = "embedded-saas"
access = ["embedded"]
modality = ["text"]
hosts = [{ suffix = "office.example", role = "shared", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "chat"
name = "Chat & <Co>"
vendor = "Chat Inc"
category = "chat"
access = ["web"]
modality = ["text"]
hosts = [{ suffix = "chat.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "deep"
name = "Deep"
vendor = "Deep Ltd"
category = "chat"
access = ["web", "api"]
modality = ["text"]
hosts = [{ suffix = "deep.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "good"
name = "Good"
vendor = "Good plc"
category = "chat"
access = ["web"]
modality = ["text"]
hosts = [{ suffix = "good.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "llama"
name = "Llama Box"
vendor = "Llama Org"
category = "local-model"
access = ["local"]
modality = ["text"]
hosts = [{ suffix = "llama.example", role = "api", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "hub"
name = "Model Hub"
vendor = "Hub Inc"
category = "local-model"
access = ["web"]
modality = ["text"]
hosts = [{ suffix = "hub.example", role = "model-registry", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "painter"
name = "Painter"
vendor = "Paint SA"
category = "image"
access = ["web"]
modality = ["image"]
hosts = [{ suffix = "painter.example", role = "app", strength = "likely", source = "test", date = 2026-11-01 }]
"#;

const POLICY: &str = r#"
[policy]
name = "test policy"

[groups.finance]
name = "Finance"
subnets = ["10.20.1.0/24"]

[groups.sales]
name = "Sales"
subnets = ["10.20.2.0/24"]

[[rule]]
services = ["deep"]
status = "prohibited"
owner = "IT"

[[rule]]
services = ["good"]
status = "approved"

[[rule]]
services = ["painter"]
status = "requires_approval"
"#;

/// The policy of the tests with more behind it.
pub fn policy_with(more: &str) -> Arc<Policy> {
    Arc::new(Policy::parse(&format!("{POLICY}{more}"), "policy.toml", &catalogue()).unwrap())
}

pub fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::parse([("test.toml", CATALOGUE)]).unwrap())
}

pub fn policy() -> Arc<Policy> {
    Arc::new(Policy::parse(POLICY, "policy.toml", &catalogue()).unwrap())
}

pub fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// The last record of a flow with three exchanges; id, client and times follow from the arguments.
pub fn flow(client: &str, service: &str, at: i64) -> FlowRecord {
    let client_ip: IpAddr = client.parse().unwrap();
    FlowRecord {
        flow_id: format!("{:016x}", at as u64 ^ hash(&format!("{client} {service}"))),
        seq: 0,
        last: true,
        community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=".to_owned(),
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        start: at - 30 * SECOND,
        end: at,
        emitted: at,
        client_ip,
        client_port: 50_000,
        client_mac: Some("02:77:00:00:00:11".to_owned()),
        vlan: None,
        device: client.to_owned(),
        server_ip: "192.0.2.10".parse().unwrap(),
        server_port: 443,
        transport: Transport::Tcp,
        protocol: Protocol::Tls,
        host: Some(format!("www.{service}.example")),
        evidence: Evidence::Sni,
        candidates: Vec::new(),
        service: service.to_owned(),
        role: if service == "assistant" { Role::Shared } else { Role::App },
        strength: Strength::Definite,
        plan: None,
        tenant: None,
        access: if service == "assistant" { Access::Embedded } else { Access::Web },
        modality: Modality::Text,
        ech: Ech::Grease,
        alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
        ja4: Some("t13d1516h2_8daaf6152771_02713d6af862".to_owned()),
        client: ClientKind::Browser,
        behaviour: Behaviour::Chat,
        endpoint: None,
        bytes_up: 12_000,
        bytes_down: 340_000,
        upload_bytes: 9_000,
        packets_up: 40,
        packets_down: 300,
        turns: 3,
        largest_burst: 4_000,
        catalogue: "test".to_owned(),
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

pub fn lookup(client: &str, service: &str, at: i64) -> LookupRecord {
    LookupRecord {
        lookup_id: format!("{:016x}", at as u64 ^ hash(&format!("lookup {client} {service}"))),
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        ts: at,
        client_ip: client.parse().unwrap(),
        device: client.to_owned(),
        resolver_ip: "10.20.0.53".parse().unwrap(),
        transport: Transport::Udp,
        name: format!("www.{service}.example"),
        qtype: 1,
        rcode: Some(0),
        answers: vec!["192.0.2.10".parse().unwrap()],
        service: service.to_owned(),
        role: Role::App,
        catalogue: "test".to_owned(),
    }
}

pub fn minute(at: i64) -> MinuteRecord {
    let tally = |flows, frames, bytes| Tally { flows, frames, bytes };
    let words = |list: &[(&str, Tally)]| list.iter().map(|(word, tally)| ((*word).to_owned(), *tally)).collect();
    MinuteRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        minute: at - at.rem_euclid(60 * SECOND),
        frames: 1000,
        bytes: 800_000,
        methods: words(&[
            ("sni", tally(50, 500, 500_000)),
            ("quic", tally(20, 200, 200_000)),
            ("dns", tally(10, 50, 40_000)),
            ("none", tally(20, 140, 40_000)),
            ("resolver", tally(30, 60, 10_000)),
        ]),
        not_flow: words(&[("arp", tally(0, 45, 9_000))]),
        malformed: words(&[("ip-length", tally(0, 5, 1_000))]),
        drops: [("kernel".to_owned(), 7)].into_iter().collect(),
        one_way_flows: 2,
        late_flows: 3,
        dns_questions: 60,
        tcp_bytes: 500_000,
        tcp_missing: 1_000,
        tcp_reordered: 300,
        tcp_resent: 2_000,
        duplicates: 4,
        clock_steps: 0,
        broken: [("tls-hello".to_owned(), 1), ("tls-unfinished".to_owned(), 2)].into_iter().collect(),
    }
}

/// A question to a model server in the local network.
pub fn local_flow(client: &str, server: &str, at: i64) -> FlowRecord {
    FlowRecord {
        server_ip: server.parse().unwrap(),
        server_port: 11_434,
        protocol: Protocol::Http,
        host: None,
        evidence: Evidence::HttpHost,
        role: Role::Api,
        access: Access::Local,
        endpoint: Some(EndpointClass::OllamaApi),
        client: ClientKind::Program,
        flow_id: format!("{:016x}", at as u64 ^ hash(&format!("{client} {server}"))),
        ..flow(client, "llama", at)
    }
}

/// A download from a model registry.
pub fn download(client: &str, bytes: u64, at: i64) -> FlowRecord {
    FlowRecord {
        role: Role::ModelRegistry,
        behaviour: Behaviour::ModelDownload,
        bytes_down: bytes,
        turns: 0,
        ..flow(client, "hub", at)
    }
}

/// Ten minutes of a device: bytes with a name, without, and hidden by a class.
pub fn visibility(device: &str, [named, nameless, hidden]: [u64; 3], class: &str, at: i64) -> Record {
    let tally = |bytes| Tally { flows: 1, frames: 10, bytes };
    let hidden = [(class.to_owned(), tally(hidden))].into_iter().filter(|(_, tally)| tally.bytes > 0).collect();
    Record::Visibility(Box::new(VisibilityRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        start: at - at.rem_euclid(600 * SECOND),
        client_ip: device.parse().unwrap(),
        device: device.to_owned(),
        ai_flows: 0,
        named: tally(named),
        nameless: tally(nameless),
        hidden,
    }))
}

/// An unlisted domain that looks like an AI service, in the hour from `start` on.
pub fn candidate(domain: &str, start: i64) -> CandidateRecord {
    CandidateRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        source: "live-1".to_owned(),
        start,
        domain: domain.to_owned(),
        host: format!("api.{domain}"),
        devices: 2,
        flows: 9,
        streaming_flows: 4,
        program_flows: 1,
        turns: 12,
        upload_bytes: 40_000,
        bytes_down: 500_000,
    }
}

/// What is known of a device.
pub fn device_record(device: &str, host_name: Option<&str>, at: i64) -> Record {
    Record::Device(Box::new(DeviceRecord {
        sensor: "tap1".to_owned(),
        site: "hq".to_owned(),
        device: device.to_owned(),
        mac: "02:20:01:00:00:11".to_owned(),
        private_mac: true,
        addresses: vec!["10.20.1.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        host_name: host_name.map(str::to_owned),
        vendor_class: Some("MSFT 5.0".to_owned()),
        source: "dhcp".to_owned(),
        first_seen: at - HOUR,
        last_seen: at,
    }))
}

pub fn flow_record(flow: FlowRecord) -> Record {
    Record::Flow(Box::new(flow))
}

pub fn minute_record(at: i64) -> Record {
    Record::Minute(Box::new(minute(at)))
}

pub fn lookup_record(client: &str, service: &str, at: i64) -> Record {
    Record::Lookup(Box::new(lookup(client, service, at)))
}

/// A week with every kind of use, one record per line of the table.
pub fn week() -> Vec<Record> {
    let mut records: Vec<Record> = (0..30).map(|m| minute_record(MONDAY + m * 60 * SECOND)).collect();
    for host in 1..=6 {
        records.push(flow_record(flow(&format!("10.20.1.{host}"), "good", MONDAY + host * HOUR)));
        records.push(flow_record(flow(&format!("10.20.2.{host}"), "chat", MONDAY + host * HOUR)));
    }
    records.push(flow_record(flow("10.20.1.2", "deep", MONDAY + DAY)));
    records.push(flow_record(flow("10.20.1.3", "assistant", MONDAY + DAY)));
    records.push(flow_record(FlowRecord {
        turns: 0,
        upload_bytes: 900,
        ..flow("10.20.2.4", "painter", MONDAY + DAY)
    }));
    records.push(lookup_record("10.20.1.9", "painter", MONDAY + HOUR));
    records
}

/// A spool below `dir` with the given records, one segment per slice.
pub fn spool(dir: &Path, segments: &[&[Record]]) -> Spool {
    let spool = Spool::open(&dir.join("spool"), &["store", "judge"]).unwrap();
    let mut writer = spool.writer(7);
    for segment in segments {
        for record in *segment {
            writer.append(record).unwrap();
        }
        writer.seal().unwrap();
    }
    spool
}
