//! The traffic lab: real clients with the server's own account of what they did.

use std::path::Path;

use rules::usage::Use;
use serde_json::Value;

use crate::shapes::Flow;
use crate::support::{Store, corpus, json, run, shadowtap};

/// The recordings.
const RECORDINGS: [&str; 16] = [
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
    "span_vxlan",
    "span_erspan2",
];

#[test]
fn each_ai_service_is_found_with_the_right_transport() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    for capture in RECORDINGS {
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
    for capture in RECORDINGS {
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

/// What a browser sends twice over QUIC counts twice, and these uploads overran the server's socket: a share of them was
/// sent again.
const RETRANSMITTED: [(&str, f64); 2] = [("t_quic", 0.06), ("firefox", 0.16)];

#[test]
fn uploads_are_within_one_percent_over_tcp_and_three_over_quic() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    // span_dup has every frame twice: sequence numbers tell, and of QUIC that no datagram repeats.
    let spans = ["span_base", "span_vlan", "span_qinq8100", "span_dup", "span_vxlan", "span_erspan2"];
    for capture in ["t_quic", "firefox"].into_iter().chain(spans) {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        let again = RETRANSMITTED.iter().find(|(name, _)| *name == capture).map_or(0.03, |(_, share)| *share);
        for session in sessions(&captures, capture) {
            if session["kind"] != "upload" {
                continue;
            }
            let seen: u64 = flows_of(&store, &session).iter().map(|flow| flow.upload).sum();
            let part = seen as f64 / session["upload_bytes"].as_f64().unwrap() - 1.0;
            let range = if session["transport"] == "quic-h3" { -0.03..=again } else { 0.0..=0.01 };
            assert!(range.contains(&part), "{capture}: {part} on {session}");
            checked += 1;
        }
    }
    assert_eq!(checked, 14);
}

#[test]
fn each_session_is_used_visited_or_nothing() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    for capture in RECORDINGS {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        let sessions = sessions(&captures, capture);
        for session in &sessions {
            let flows = flows_of(&store, session);
            let Some(seen) = flows.iter().map(|flow| flow.used).max() else { continue };
            let asked = sessions.iter().any(|other| is_use(other) && shares_a_port(session, other));
            let wanted = if asked { Use::Used } else { Use::Visited };
            let quiet = flows.iter().all(|flow| flow.is_never_use());
            assert!(seen == wanted || quiet, "{capture}: {seen} for {session}");
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked} sessions");
}

#[test]
fn the_turns_of_each_chat_are_the_requests_within_one() {
    let Some(captures) = corpus("lab/captures") else { return };
    let mut checked = 0;
    for capture in RECORDINGS {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        for session in sessions(&captures, capture) {
            let flows = flows_of(&store, &session);
            if !matches!(text(&session, "kind"), "chat" | "api") || flows.is_empty() {
                continue;
            }
            let turns: u64 = flows.iter().map(|flow| flow.turns).sum();
            let asked = session["requests"].as_u64().unwrap();
            assert!(turns.abs_diff(asked) <= 1, "{capture}: {turns} turns for {session}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked} chats");
}

#[test]
fn the_kind_of_client_is_right_or_unknown() {
    let Some(captures) = corpus("lab/captures") else { return };
    let (mut right, mut unknown) = (0, 0);
    for capture in RECORDINGS {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        for session in sessions(&captures, capture) {
            let kind =
                if ["chromium", "firefox"].contains(&text(&session, "tool")) { "browser" } else { "program" };
            for flow in flows_of(&store, &session) {
                assert!(["unknown", kind].contains(&&*flow.client), "{capture}: {} for {session}", flow.client);
                *(if flow.client == kind { &mut right } else { &mut unknown }) += 1;
            }
        }
    }
    assert!(right > 5 * unknown, "{right} right, {unknown} unknown");
}

/// The flows of a session that are tagged, each with all its records together.
fn flows_of(store: &Store, session: &Value) -> Vec<Flow> {
    let client = text(session, "client_ip");
    ports(session).into_iter().flat_map(|port| Flow::of(store, client, port)).collect()
}

fn is_use(session: &Value) -> bool {
    match text(session, "kind") {
        "chat" | "api" | "upload" => true,
        // A local server is also asked which models it has, which is no question to one.
        "local-model" => session["upload_bytes"].as_u64() > Some(0),
        _ => false,
    }
}

fn shares_a_port(a: &Value, b: &Value) -> bool {
    a["client_ip"] == b["client_ip"] && ports(a).iter().any(|port| ports(b).contains(port))
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
