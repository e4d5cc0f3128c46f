//! How much of a device's traffic could be named: classes of what hides names, and sums that are the flows' totals.

use std::collections::BTreeMap;

use crate::support::{Store, corpus, run, shadowtap};

/// A device of the lab by the last number of its address: they have these hardware addresses.
fn device(address: &str) -> String {
    format!("02:77:00:00:00:{}", address.rsplit('.').next().unwrap())
}

/// Ports whose flows are name resolution or infrastructure: not counted per device.
const ASIDE: [u64; 10] = [53, 67, 68, 123, 137, 138, 546, 547, 5353, 5355];

#[test]
fn what_hides_names_is_counted_by_class() {
    let Some(captures) = corpus("lab/captures") else { return };
    let words = ["doh", "dot", "ech-real"];
    // In t_ech the client's DNS answers name what the hello hides.
    for (capture, address, words) in
        [("dns", "10.77.0.18", &words[..]), ("t_ech", "10.77.0.18", &[]), ("sdk", "10.77.0.14", &[])]
    {
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        let found = store.rows(&format!(
            "SELECT DISTINCT word FROM visibility_hidden WHERE device = '{}' ORDER BY word",
            device(address)
        ));
        assert_eq!(found.concat(), words, "{capture}");
    }
}

#[test]
fn the_sums_are_the_flows_totals() {
    let Some(captures) = corpus("lab/captures") else { return };
    for (capture, address) in
        [("t_tcp", "10.77.0.11"), ("sdk", "10.77.0.14"), ("sdk", "10.77.0.15"), ("dl", "10.77.0.14")]
    {
        let path = captures.join(format!("{capture}.pcap"));
        let store = Store::read(&path, &[]);
        let device = device(address);
        let seen = store.rows(&format!(
            "SELECT sum(named_flows + nameless_flows), sum(named_frames + nameless_frames), sum(named_bytes + nameless_bytes)
             FROM visibility WHERE device = '{device}'"
        ));
        let hidden = store.rows(&format!("SELECT count(*) FROM visibility_hidden WHERE device = '{device}'"));
        assert_eq!(hidden[0][0], "0", "{capture}");
        let mut totals = BTreeMap::from([("flows", 0), ("frames", 0), ("bytes", 0)]);
        for flow in run(shadowtap().args(["inspect", "--format", "ndjson", "--flows"]).arg(&path)).ok().lines() {
            let ports = [&flow["a_port"], &flow["b_port"]].map(|port| port.as_u64().unwrap_or(0));
            if flow["kind"] != "flow" || flow["a_ip"] != address || ports.iter().any(|port| ASIDE.contains(port)) {
                continue;
            }
            let number = |key: &str| flow[key].as_u64().unwrap();
            *totals.get_mut("flows").unwrap() += 1;
            *totals.get_mut("frames").unwrap() += number("pkts_ab") + number("pkts_ba");
            *totals.get_mut("bytes").unwrap() += number("bytes_ab") + number("bytes_ba");
        }
        let wanted = ["flows", "frames", "bytes"].map(|key| totals[key].to_string());
        assert_eq!(seen[0], wanted, "{capture} {address}");
    }
}
