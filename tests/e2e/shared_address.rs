//! Several names behind one address: where the hellos are lost, the address alone confirms nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Store, corpus, json, own};

/// Behind it stand chatgpt.com, www.perplexity.ai and news.example, as sites behind one network of caches do.
const SHARED: [u8; 4] = [198, 51, 100, 20];
/// Length of the head of a pcap file, and of the head of each packet in it.
const FILE_HEAD: usize = 24;
const PACKET_HEAD: usize = 16;
const ETHERNET: usize = 14;

#[test]
fn an_address_behind_which_several_names_stand_confirms_none_of_them() {
    let mut captures = vec![(own("office-week.pcap"), "connections")];
    captures.extend(corpus("lab/captures").map(|folder| (folder.join("t_tcp.pcap"), "sessions")));
    for (capture, rows) in captures {
        let dir = tempfile::TempDir::new().unwrap();
        let (nameless, flows) = without_hellos(&capture, dir.path());
        assert!(flows > 1, "{} has {flows} flows to the address", capture.display());
        let store = Store::read(&nameless, &[]);
        let truth = json(&capture.with_extension("truth.json"));
        let seen = store.rows(
            "SELECT DISTINCT client_ip, client_port, evidence, host FROM flow WHERE transport = 'tcp' AND server_ip = '198.51.100.20'",
        );
        assert!(!seen.is_empty());
        for row in seen {
            let [client, port, evidence, host] = &row[..] else { panic!("{row:?}") };
            // Named only where this client asked for one name of the address and no other, and then rightly.
            let names = names(&truth[rows], client, port);
            let right = evidence == "dns" && names.contains(host) || evidence == "ambiguous" && host.is_empty();
            assert!(right, "{}: {row:?} was {names:?}", capture.display());
        }
        let used = store.rows("SELECT count(*) FROM usage WHERE evidence = 16 AND best_use > 0");
        assert_eq!(used, [["0"]], "an ambiguous name is no use");
    }
}

/// What the server says the client asked for on that port.
fn names(rows: &Value, client: &str, port: &str) -> BTreeSet<String> {
    let port: u64 = port.parse().unwrap();
    let on_port = |row: &&Value| {
        let ports = row["client_ports"].as_array();
        row["client_ip"] == client
            && (row["client_port"] == port || ports.is_some_and(|ports| ports.iter().any(|p| *p == port)))
    };
    let name = |row: &Value| row["name"].as_str().or(row["sni"].as_str()).unwrap_or_default().to_owned();
    rows.as_array().unwrap().iter().filter(on_port).map(name).collect()
}

/// The capture without the packets that begin a connection to the address (SYN, hello), and how many those were.
fn without_hellos(capture: &Path, dir: &Path) -> (PathBuf, usize) {
    let bytes = fs::read(capture).unwrap();
    assert_eq!(bytes[..4], 0xa1b2_c3d4_u32.to_le_bytes(), "a pcap of µs in this order of bytes");
    let (head, mut rest) = bytes.split_at(FILE_HEAD);
    let mut kept = head.to_vec();
    let mut flows = BTreeSet::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (packet, next) = rest.split_at(PACKET_HEAD + len);
        rest = next;
        match beginning(&packet[PACKET_HEAD..]) {
            Some(port) => _ = flows.insert(port),
            None => kept.extend(packet),
        }
    }
    let path = dir.join("nameless.pcap");
    fs::write(&path, kept).unwrap();
    (path, flows.len())
}

/// The client's address and port when a frame is its SYN, or one of the first segments of its stream.
fn beginning(frame: &[u8]) -> Option<(Vec<u8>, u16)> {
    let ip = frame.get(ETHERNET..)?;
    if frame[12..14] != [8, 0] || ip[9] != 6 || ip[16..20] != SHARED {
        return None;
    }
    let tcp = &ip[usize::from(ip[0] & 15) * 4..];
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let payload = tcp.get(usize::from(tcp[12] >> 4) * 4..).unwrap_or_default();
    let syn = tcp[13] & 2 != 0;
    // A ClientHello, and what of it did not fit into its first segment: no record of TLS begins there.
    let hello = payload.starts_with(&[22, 3]) && total > 200;
    let rest_of_hello = !payload.is_empty() && !matches!(payload[0], 20..=23);
    (syn || hello || rest_of_hello).then(|| (ip[12..16].to_vec(), u16::from_be_bytes([tcp[0], tcp[1]])))
}
