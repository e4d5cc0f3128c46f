//! The captures of this repository against the account of the server that answered in them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Store, json, own, run, shadowtap};

const CAPTURES: [&str; 6] = [
    "office-week.pcap",
    "browser-tcp.pcap",
    "browser-quic.pcap",
    "clients-vlan-v6.pcapng",
    "shapes-tcp.pcap",
    "shapes-quic.pcap",
];

fn truth(capture: &str) -> Value {
    let stem = capture.split('.').next().unwrap();
    json(&own(&format!("{stem}.truth.json")))
}

#[test]
fn every_name_and_no_other() {
    for capture in CAPTURES {
        let mut seen: BTreeMap<[String; 3], u64> = BTreeMap::new();
        for line in run(shadowtap().args(["inspect", "--format", "ndjson"]).arg(own(capture))).ok().lines() {
            *seen.entry(key(&line, "src_ip")).or_default() += 1;
        }
        let mut wanted: BTreeMap<[String; 3], u64> = BTreeMap::new();
        for row in truth(capture)["names"].as_array().unwrap() {
            *wanted.entry(key(row, "client_ip")).or_default() += row["count"].as_u64().unwrap();
        }
        assert_eq!(seen, wanted, "{capture}");
    }
}

#[test]
fn use_is_told_from_contact() {
    for capture in CAPTURES {
        let store = Store::read(&own(capture), &[]);
        for connection in truth(capture)["connections"].as_array().unwrap() {
            let turns = store.rows(&format!(
                "SELECT coalesce(sum(turns), 0), count(*) FROM flow
                 WHERE client_ip = '{}' AND client_port = {} AND start / 1000000 = {}",
                connection["client_ip"].as_str().unwrap(),
                connection["client_port"],
                connection["start"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second(),
            ));
            let (turns, records): (u64, u64) = (turns[0][0].parse().unwrap(), turns[0][1].parse().unwrap());
            let prompts = connection["prompts"].as_u64().unwrap();
            if records > 0 && connection["kind"] != "upload" && connection["kind"] != "voice" {
                assert_eq!(turns > 0, prompts > 0, "{capture}: {turns} turns on {connection}");
            }
        }
    }
}

#[test]
fn uploads_are_the_bytes_that_the_server_counted() {
    for capture in CAPTURES {
        let store = Store::read(&own(capture), &[]);
        for upload in truth(capture)["uploads"].as_array().unwrap() {
            let rows = store.rows(&format!(
                "SELECT coalesce(sum(upload_bytes), 0) FROM flow WHERE client_ip = '{}' AND client_port = {}",
                upload["client_ip"].as_str().unwrap(),
                upload["client_port"]
            ));
            let (seen, sent) = (rows[0][0].parse::<f64>().unwrap(), upload["bytes"].as_f64().unwrap());
            let ai = upload["name"] != "backup.example";
            match upload["proto"].as_str().unwrap() {
                _ if !ai => assert_eq!(seen, 0.0),
                "tls" => assert!((seen / sent - 1.0).abs() < 0.01, "{capture}: {seen} of {sent}"),
                // QUIC hides which packets repeat lost data (here a fifth of them), so all of them count.
                _ => assert!(
                    seen >= 0.97 * sent && seen < wire_bytes(&truth(capture), upload),
                    "{capture}: {seen} of {sent}"
                ),
            }
        }
    }
}

#[test]
fn the_ledger_adds_up() {
    for capture in CAPTURES {
        let store = Store::read(&own(capture), &[]);
        let [frames, bytes] = &store.rows("SELECT sum(frames), sum(bytes) FROM minute")[0][..] else { panic!() };
        assert_eq!(*frames, store.summary["packets"].to_string());
        assert_eq!(*bytes, store.summary["bytes"].to_string());
        let lines = store.rows(
            "SELECT sum(frames), sum(bytes) FROM (
                 SELECT frames, bytes FROM minute_method
                 UNION ALL SELECT frames, bytes FROM minute_not_flow
                 UNION ALL SELECT frames, bytes FROM minute_malformed)",
        );
        assert_eq!(lines[0], [frames.clone(), bytes.clone()], "{capture}");
    }
}

/// A ring of captures, as `tcpdump -C` writes it: flows go on from one file to the next.
#[test]
fn rotated_captures_are_read_as_one() {
    let dir = tempfile::TempDir::new().unwrap();
    let whole = std::fs::read(own("office-week.pcap")).unwrap();
    let (mut parts, mut at, mut count) = (vec![whole[..24].to_vec()], 24, 0);
    while at < whole.len() {
        let captured = u32::from_le_bytes(whole[at + 8..at + 12].try_into().unwrap()) as usize;
        if count == 5000 {
            parts.push(whole[..24].to_vec());
            count = 0;
        }
        parts.last_mut().unwrap().extend(&whole[at..at + 16 + captured]);
        (at, count) = (at + 16 + captured, count + 1);
    }
    let mut command = shadowtap();
    command.arg("read").arg("--data-dir").arg(dir.path().join("data"));
    for (i, part) in parts.iter().enumerate() {
        let path = dir.path().join(format!("{i}.pcap"));
        std::fs::write(&path, part).unwrap();
        command.arg(path);
    }
    assert_eq!(parts.len(), 6);
    run(&mut command).ok();
    let sums =
        "SELECT flow_id, service, sum(bytes_up), sum(bytes_down), sum(turns) FROM flow GROUP BY 1 ORDER BY 1";
    let frames = "SELECT sum(frames), sum(bytes) FROM minute";
    let store = Store::read(&own("office-week.pcap"), &[]);
    for sql in [sums, frames] {
        assert_eq!(crate::support::rows(&dir.path().join("data"), sql), store.rows(sql));
    }
}

#[test]
fn reading_twice_changes_nothing() {
    let store = Store::read(&own("browser-tcp.pcap"), &[]);
    let tables = ["flow", "lookup", "minute", "usage"];
    let dump = || tables.map(|table| store.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6")));
    let once = dump();
    run(shadowtap().arg("read").arg(own("browser-tcp.pcap")).arg("--data-dir").arg(store.dir.path())).ok();
    assert_eq!(once, dump());
}

/// Frame bytes that the client of an upload sent on its connection.
fn wire_bytes(truth: &Value, upload: &Value) -> f64 {
    let connections = truth["connections"].as_array().unwrap();
    let own = connections
        .iter()
        .find(|c| c["client_port"] == upload["client_port"] && c["client_ip"] == upload["client_ip"]);
    own.unwrap()["bytes_up"].as_f64().unwrap()
}

fn key(row: &Value, client: &str) -> [String; 3] {
    [&row["proto"], &row[client], &row["name"]].map(|value| value.as_str().unwrap_or_default().to_owned())
}
