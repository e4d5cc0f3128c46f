//! The traffic lab: real clients with the server's own account of what they did.

use std::path::Path;

use serde_json::Value;

use crate::support::{Store, corpus, json, run, shadowtap};

/// Recordings without encapsulation that cannot be decoded yet.
const PLAIN: [&str; 14] = [
    "t_tcp",
    "t_quic",
    "t_ech",
    "firefox",
    "sdk",
    "upctl",
    "dl",
    "dns",
    "v6",
    "local",
    "span_base",
    "span_vlan",
    "span_qinq8100",
    "span_dup",
];

#[test]
fn each_ai_service_is_found_with_the_right_transport() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    for capture in PLAIN {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        for session in sessions(&captures, capture) {
            let Some(service) = service_of(text(&session, "sni")) else { continue };
            // A name that only an encrypted hello held is hidden by design; DNS may still tell.
            let hidden = session["ech_accepted"] == true;
            let protocol = if session["transport"] == "quic-h3" { "quic" } else { "tls" };
            for port in ports(&session) {
                let found = store.rows(&format!(
                    "SELECT DISTINCT service, protocol, evidence FROM flow
                     WHERE client_ip = '{}' AND client_port = {port}",
                    text(&session, "client_ip")
                ));
                let evidence = if hidden {
                    "dns"
                } else if protocol == "quic" {
                    "quic-sni"
                } else {
                    "sni"
                };
                let right = found.iter().any(|row| row[..] == [&service[..], protocol, evidence]);
                // Over DoH not even the question is visible.
                let dark = hidden && found.is_empty() && capture == "dns";
                assert!(right || dark, "{capture}: {session} is {found:?}");
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "{checked} connections");
}

#[test]
fn telemetry_and_other_traffic_is_not_use() {
    let Some(captures) = corpus("lab/captures") else { return };
    for capture in PLAIN {
        let out = tempfile::TempDir::new().unwrap();
        let out_dir = out.path().to_str().unwrap();
        Store::read(&captures.join(format!("{capture}.pcap")), &["--report", out_dir]);
        let asked = |service: &str| {
            sessions(&captures, capture).iter().any(|session| {
                let kind = text(session, "kind");
                // Servers on the local network have no name in the catalogue; `local_models` checks who they are.
                kind == "local-model"
                    || matches!(kind, "chat" | "api" | "upload")
                        && service_of(text(session, "sni")).as_deref() == Some(service)
            })
        };
        for row in json(&out.path().join("report.json"))["services"].as_array().unwrap() {
            let service = text(row, "service");
            assert!(row["use"] != "used" || asked(service), "{capture}: {row}");
        }
    }
}

#[test]
fn a_large_upload_elsewhere_is_no_ai_finding() {
    let Some(captures) = corpus("lab/captures") else { return };
    let store = Store::read(&captures.join("upctl.pcap"), &["--fail-on", "findings"]);
    assert_eq!(store.summary["ai_flows"], 0);
    assert!(store.rows("SELECT * FROM flow").is_empty());
}

#[test]
fn uploads_over_tcp_are_within_two_percent() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    // span_dup has every frame twice: the sequence numbers tell.
    for capture in ["span_base", "span_vlan", "span_qinq8100", "span_dup"] {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        for session in sessions(&captures, capture) {
            if session["kind"] != "upload" || session["transport"] == "quic-h3" {
                continue;
            }
            let [port] = ports(&session)[..] else { panic!("{session}") };
            let rows = store.rows(&format!("SELECT sum(upload_bytes) FROM flow WHERE client_port = {port}"));
            let (seen, sent) = (rows[0][0].parse::<f64>().unwrap(), session["upload_bytes"].as_f64().unwrap());
            assert!((seen / sent - 1.0).abs() < 0.02, "{capture}: {seen} of {sent}");
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

fn sessions(captures: &Path, capture: &str) -> Vec<Value> {
    json(&captures.join(format!("{capture}.truth.json")))["sessions"].as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn ports(session: &Value) -> Vec<u64> {
    session["client_ports"].as_array().unwrap().iter().map(|port| port.as_u64().unwrap()).collect()
}

/// The service of a host by the binary's own catalogue.
fn service_of(host: &str) -> Option<String> {
    if host.is_empty() {
        return None;
    }
    let ran = run(shadowtap().args(["catalog", "find", "--format", "json", host])).ok();
    ran.lines()[0]["service"].as_str().map(str::to_owned)
}
