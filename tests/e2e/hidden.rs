//! Names behind encrypted ClientHellos of real browsers: told by the client's own DNS where that can be read, and hidden
//! where it cannot.

use serde_json::Value;

use crate::support::{Store, corpus, run, shadowtap};

/// Host, evidence, strength, protocol and kind of encrypted hello of the flows of a capture, once each.
fn flows(store: &Store) -> Vec<Vec<String>> {
    store.rows("SELECT DISTINCT host, evidence, strength, protocol, ech FROM flow ORDER BY host, evidence, ech")
}

#[test]
fn a_hidden_name_is_told_by_the_clients_own_dns() {
    let Some(captures) = corpus("lab/captures") else { return };
    let store = Store::read(&captures.join("t_ech.pcap"), &[]);
    let grades = [
        ["character.ai", "dns", "likely", "quic", "real"],
        ["claude.ai", "sni", "definite", "tls", "grease"],
        ["poe.com", "dns", "likely", "tls", "real"],
    ];
    assert_eq!(flows(&store), grades);
}

#[test]
fn over_encrypted_dns_a_hidden_name_stays_hidden() {
    let Some(captures) = corpus("lab/captures") else { return };
    let capture = captures.join("dns.pcap");
    let store = Store::read(&capture, &[]);
    let seen = flows(&store);
    assert!(seen.iter().all(|row| row[0] == "claude.ai" && row[1] == "sni"), "{seen:?}");
    let dark = store.rows("SELECT count(*) FROM flow WHERE server_ip = '198.51.100.110'");
    assert_eq!(dark, [["0"]], "no name is made up");
    let lines = run(shadowtap().args(["inspect", "--format", "ndjson"]).arg(&capture)).ok().lines();
    let hidden: Vec<&Value> = lines.iter().filter(|line| line["ech"] == "real").collect();
    assert!(!hidden.is_empty());
    for line in hidden {
        assert_eq!((&line["name"], &line["service"]), (&"cloudflare-ech.com".into(), &Value::Null));
    }
}

/// What `inspect` prints for a question is what a checker needs.
#[test]
fn questions_have_a_name_a_type_and_their_asker() {
    let Some(captures) = corpus("lab/captures") else { return };
    let args = ["inspect", "--format", "ndjson"];
    let lines = run(shadowtap().args(args).arg(captures.join("dns.pcap"))).ok().lines();
    let questions: Vec<_> = lines.iter().filter(|line| line["proto"] == "dns").collect();
    let asked =
        |name: &str, qtype: u64| questions.iter().any(|line| line["name"] == name && line["qtype"] == qtype);
    assert!(asked("nosuch.example", 28) && asked("poe.com", 65) && asked("gemini.google.com", 65));
    assert!(questions.iter().all(|line| line["src_ip"] == "10.77.0.18" && line["dst_port"] == 53));
}
