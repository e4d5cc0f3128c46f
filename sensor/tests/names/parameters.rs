//! What HTTPS and SVCB records say, compared with the truth of third-party captures field by field.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sensor::capture::file::CaptureFile;
use sensor::decode::{Decoded, Fragments, Packet, decode, decode_datagram};
use sensor::dissect::Parse;
use sensor::dissect::dns::{self, Message, Service, key};
use serde_json::Value;

/// Address and port of the asker, name and type of the question.
type Asked = (IpAddr, u16, String, u16);

#[test]
fn parameters_are_those_of_the_truth() {
    let Some(dev) = dev() else { return };
    let text = fs::read_to_string(dev.join("names.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut captures: BTreeMap<String, BTreeMap<Asked, Vec<Service>>> = BTreeMap::new();
    let (mut compared, mut encrypted) = (0, 0);
    for row in rows.filter(|row| row["https"].is_array() && row["status"] == "truth") {
        let pcap = row["pcap"].as_str().unwrap();
        let answers = captures.entry(pcap.to_owned()).or_insert_with(|| answers(&dev.join("pcap").join(pcap)));
        let number = |field: &str| row[field].as_u64().unwrap() as u16;
        let name = row["name"].as_str().unwrap().to_owned();
        let asked = (row["src"].as_str().unwrap().parse().unwrap(), number("sport"), name, number("qtype"));
        let seen = answers.get(&asked).unwrap_or_else(|| panic!("{pcap}: no answer for {asked:?}"));
        let told: Vec<Value> = seen.iter().map(as_truth).collect();
        assert_eq!(Value::from(told), row["https"], "{pcap}: {asked:?}");
        compared += seen.len();
        for service in seen {
            assert!(!service.broken, "{pcap}: {service:?}");
            let real = service.keys.contains(&key::ECH);
            // What Wireshark reads in the one configuration of these captures.
            assert_eq!(service.public_names, if real { vec!["cloudflare-ech.com"] } else { vec![] }, "{pcap}");
            assert_eq!(service.keys.contains(&key::IPV6_HINT), service.hints.iter().any(IpAddr::is_ipv6), "{pcap}");
            encrypted += usize::from(real);
        }
    }
    assert!(compared >= 5 && encrypted >= 1, "{compared} records, {encrypted} with ECH");
}

/// The fields that the truth has.
fn as_truth(service: &Service) -> Value {
    let hints = service.hints.iter().filter(|ip| ip.is_ipv4()).map(ToString::to_string);
    serde_json::json!({
        "prio": service.priority,
        "target": service.target,
        "alpn": service.alpn,
        "ech": service.keys.contains(&key::ECH),
        "keys": service.keys,
        "ipv4hint": hints.collect::<Vec<_>>(),
    })
}

/// HTTPS and SVCB records of all answers over UDP, by who asked for what.
fn answers(path: &Path) -> BTreeMap<Asked, Vec<Service>> {
    let mut file = CaptureFile::open(path).unwrap();
    let (mut fragments, mut found) = (Fragments::default(), BTreeMap::new());
    let mut read = |packet: &Packet<'_>| {
        let Parse::Done(message) = dns::message(packet.payload) else { return };
        let Message { response: true, questions, services, .. } = message else { return };
        if let (Some(question), false) = (questions.into_iter().next(), services.is_empty()) {
            found.insert((packet.dst.0, packet.dst.1, question.name, question.qtype), services);
        }
    };
    while let Some(frame) = file.next_frame().unwrap() {
        match decode(&frame) {
            Decoded::Packet(packet) => read(&packet),
            Decoded::Fragment(part) => {
                let Some(datagram) = fragments.add(frame.time, &part) else { continue };
                if let Decoded::Packet(packet) = decode_datagram(&frame, &datagram) {
                    read(&packet);
                }
            }
            _ => {}
        }
    }
    found
}

#[allow(clippy::print_stderr, reason = "a test that skips says so")]
fn dev() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SHADOWTAP_CORPUS") else {
        assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "may not skip in CI: SHADOWTAP_CORPUS is not set");
        eprintln!("skipped: SHADOWTAP_CORPUS names no folder of captures");
        return None;
    };
    Some(PathBuf::from(root).join("truth/dev"))
}
