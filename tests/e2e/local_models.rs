//! Models on the local network and the weights they are fetched with: the lab's recordings with the servers' own account.

use std::path::Path;

use serde_json::Value;

use crate::support::{Store, corpus, json};

/// What each listener of the lab imitates.
const LISTENERS: [(&str, &str); 2] = [("ollama", "ollama"), ("openai-compat", "lm-studio")];
/// Assets of a page on the model server's port: nothing says that they are a model's.
const NO_REQUEST_OF_A_MODEL: [u64; 2] = [36_452, 36_468];

fn flows(captures: &Path, capture: &str) -> Vec<Value> {
    json(&captures.join(format!("{capture}.truth.json")))["flows"].as_array().unwrap().clone()
}

#[test]
fn who_uses_whom_is_found_and_nobody_else() {
    let Some(captures) = corpus("lab/captures") else { return };
    let store = Store::read(&captures.join("local.pcap"), &[]);
    let mut found = store.rows(
        "SELECT client_ip, client_port, server_ip, server_port, service, sum(bytes_up), sum(bytes_down), endpoint <> '',
                evidence, access
         FROM flow GROUP BY flow_id ORDER BY client_ip, client_port",
    );
    let mut wanted: Vec<Vec<String>> = flows(&captures, "local")
        .iter()
        .filter(|flow| !NO_REQUEST_OF_A_MODEL.contains(&flow["client_port"].as_u64().unwrap()))
        .map(|flow| {
            let text = |key: &str| flow[key].as_str().map_or_else(|| flow[key].to_string(), str::to_owned);
            let service = LISTENERS.iter().find(|(listener, _)| flow["listener"] == *listener).unwrap().1;
            let ends = ["client_ip", "client_port", "server_ip", "server_port"].map(text);
            let sums = [service.to_owned(), text("wire_up"), text("wire_down"), "1".to_owned()];
            [&ends[..], &sums[..], &["local-endpoint".to_owned(), "local".to_owned()]].concat()
        })
        .collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(wanted.len(), 7);
}

#[test]
fn a_chat_with_a_local_model_is_use() {
    let Some(captures) = corpus("lab/captures") else { return };
    let out = tempfile::TempDir::new().unwrap();
    Store::read(&captures.join("local.pcap"), &["--report", out.path().to_str().unwrap()]);
    let report = json(&out.path().join("report.json"));
    let services: Vec<_> =
        report["services"].as_array().unwrap().iter().map(|row| (&row["service"], &row["use"])).collect();
    assert_eq!(services.len(), 2, "{services:?}");
    assert!(services.iter().all(|(_, usage)| *usage == "used"), "{services:?}");
}

#[test]
fn no_other_recording_has_a_local_model() {
    let Some(captures) = corpus("lab/captures") else { return };
    for capture in ["t_tcp", "sdk", "dns", "firefox", "upctl", "v6", "span_vlan"] {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        let local =
            store.rows("SELECT client_ip, server_ip, service FROM flow WHERE access = 'local' AND endpoint <> ''");
        assert!(local.is_empty(), "{capture}: {local:?}");
    }
}

#[test]
fn weights_are_counted_by_the_byte() {
    let Some(captures) = corpus("lab/captures") else { return };
    let store = Store::read(&captures.join("dl.pcap"), &[]);
    let mut checked = 0;
    for flow in flows(&captures, "dl") {
        let port = &flow["client_port"];
        let rows = store.rows(&format!(
            "SELECT service, role, sum(bytes_down) FROM flow WHERE client_port = {port} GROUP BY service, role"
        ));
        if flow["tls"]["sni"] == "github.com" {
            assert!(rows.is_empty(), "{rows:?}");
            continue;
        }
        let [row] = &rows[..] else { panic!("{flow}: {rows:?}") };
        assert_eq!(row[..2], ["huggingface", "model-registry"]);
        let (seen, wire) = (row[2].parse::<f64>().unwrap(), flow["wire_down"].as_f64().unwrap());
        assert!((seen / wire - 1.0).abs() < 0.01, "{seen} of {wire}");
        let body = flow["app_down"].as_f64().unwrap();
        assert!(body < 1e6 || (seen / body - 1.0).abs() < 0.01, "{seen} of {body}");
        checked += 1;
    }
    assert_eq!(checked, 3);
}

/// Where weights come from: each host is a registry of the right service.
#[test]
fn every_registry_is_in_the_catalogue() {
    let catalogue = rules::catalogue::Catalogue::builtin();
    for (host, service) in [
        ("registry.ollama.ai", "ollama"),
        ("dd20bb891979d25aebc8bec07b2b3bbc.r2.cloudflarestorage.com", "ollama"),
        ("huggingface.co", "huggingface"),
        ("cdn-lfs.hf.co", "huggingface"),
        ("cdn-lfs-us-1.hf.co", "huggingface"),
        ("us.aws.cdn.hf.co", "huggingface"),
        ("cas-server.xethub.hf.co", "huggingface"),
        ("cas-bridge.xethub.hf.co", "huggingface"),
        ("transfer.xethub.hf.co", "huggingface"),
        ("openaipublic.azureedge.net", "openai-whisper"),
    ] {
        let hit = catalogue.find(host).map(|hit| (hit.service.id.as_str(), hit.pattern.role.as_str()));
        assert_eq!(hit, Some((service, "model-registry")), "{host}");
    }
    let programs =
        catalogue.find("installers.lmstudio.ai").map(|hit| (hit.service.id.as_str(), hit.pattern.role.as_str()));
    assert_eq!(programs, Some(("lm-studio", "download")));
}
