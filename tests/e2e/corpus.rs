//! Third-party captures with ground truth: every name, no other name, exact packets and bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{corpus, run, shadowtap};

/// A name on the wire: capture, protocol, both ends in order, name.
type Key = (String, String, [(String, u64); 2], String);

/// Headers take more than 64 bytes in a tunnel, and where a fragment header follows IPv6.
const CUTS: [(usize, &[&str]); 2] =
    [(64, &["vxlan", "gre", "erspan", "6402", "6in4", "4in6", "ipv6-frag", "gtp", "5437"]), (128, &["6402"])];

#[test]
fn every_name_is_found_and_no_other() {
    let Some(dev) = corpus("truth/dev") else { return };
    let seen: BTreeSet<Key> = inspect(&dev, &[])
        .iter()
        .filter_map(|line| name_key(line, ["src_ip", "src_port", "dst_ip", "dst_port"]))
        .collect();
    let (mut wanted, mut allowed) = (BTreeSet::new(), BTreeSet::new());
    for row in truth(&dev.join("names.jsonl")) {
        let Some(key) = name_key(&row, ["src", "sport", "dst", "dport"]) else { continue };
        allowed.insert(key.clone());
        if row["status"] == "truth" {
            wanted.insert(key);
        }
    }
    let missing: BTreeSet<_> = wanted.difference(&seen).map(|key| key.0.as_str()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let invented: Vec<_> = seen.difference(&allowed).collect();
    assert!(invented.is_empty(), "{invented:?}");
    assert!(wanted.len() > 290, "{} names", wanted.len());
}

#[test]
fn fingerprints_are_right() {
    let Some(dev) = corpus("truth/dev") else { return };
    let mut seen: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for line in inspect(&dev, &[]) {
        if let (Some(key), Some(ja4)) =
            (name_key(&line, ["src_ip", "src_port", "dst_ip", "dst_port"]), line["ja4"].as_str())
        {
            seen.entry(key).or_default().insert(ja4.to_owned());
        }
    }
    let mut checked = 0;
    for row in truth(&dev.join("names.jsonl")) {
        let (Some(key), Some(ja4)) = (name_key(&row, ["src", "sport", "dst", "dport"]), row["ja4"].as_str()) else {
            continue;
        };
        let Some(found) = seen.get(&key) else { continue };
        let alternatives = row["ja4_alt"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let right = std::iter::once(ja4).chain(alternatives).any(|ja4| found.contains(ja4));
        assert!(right, "{key:?}: {found:?}, not {ja4}");
        checked += 1;
    }
    assert!(checked > 130, "{checked} fingerprints");
}

#[test]
fn flows_have_exact_packets_and_bytes() {
    let Some(dev) = corpus("truth/dev") else { return };
    let seen = flows(&inspect(&dev, &["--flows"]));
    let mut checked = 0;
    for row in truth(&dev.join("flows.jsonl")) {
        if row["status"] != "truth" {
            continue;
        }
        let (key, counts) = flow_of(&row, ["a", "aport", "b", "bport"]);
        assert_eq!(seen.get(&key), Some(&counts), "{key:?}");
        checked += 1;
    }
    assert!(checked > 400, "{checked} flows");
}

#[test]
fn a_capture_that_is_cut_has_the_same_byte_counts() {
    let Some(dev) = corpus("truth/dev") else { return };
    let whole = flows(&inspect(&dev, &["--flows"]));
    for (limit, beyond) in CUTS {
        let scratch = tempfile::TempDir::new().unwrap();
        let mut files = Vec::new();
        let reachable = |path: &&PathBuf| !beyond.iter().any(|name| path.to_str().unwrap().contains(name));
        for path in captures(&dev).iter().filter(reachable) {
            if let Some(cut) = cut(&fs::read(path).unwrap(), limit) {
                let copy = scratch.path().join(path.file_name().unwrap());
                fs::write(&copy, cut).unwrap();
                files.push(copy);
            }
        }
        let ran = run(shadowtap().args(["inspect", "--format", "ndjson", "--flows"]).args(&files)).ok();
        let cut = flows(&ran.lines());
        assert!(cut.len() > 300);
        for (key, counts) in &cut {
            assert_eq!(whole.get(key), Some(counts), "{limit}: {key:?}");
        }
        let same = whole.keys().filter(|key| files.iter().any(|f| f.ends_with(&key.0))).count();
        assert_eq!(cut.len(), same, "{limit}");
    }
}

fn captures(dev: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dev.join("pcap")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn inspect(dev: &Path, args: &[&str]) -> Vec<Value> {
    run(shadowtap().args(["inspect", "--format", "ndjson"]).args(args).args(captures(dev))).ok().lines()
}

fn truth(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn name_key(row: &Value, [src, sport, dst, dport]: [&str; 4]) -> Option<Key> {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let mut ends = [(text(src)?, row[sport].as_u64()?), (text(dst)?, row[dport].as_u64()?)];
    ends.sort();
    Some((text("pcap")?, text("proto")?, ends, text("name")?))
}

/// Capture, transport and both ends in order.
type FlowKey = (String, String, [(String, u64); 2]);
/// Packets and bytes from the first end, and from the second.
type FlowCounts = [[u64; 2]; 2];

/// Flow lines added up per five-tuple.
fn flows(lines: &[Value]) -> BTreeMap<FlowKey, FlowCounts> {
    let mut sums = BTreeMap::new();
    for line in lines.iter().filter(|line| line["kind"] == "flow") {
        let (key, counts) = flow_of(line, ["a_ip", "a_port", "b_ip", "b_port"]);
        let sum: &mut FlowCounts = sums.entry(key).or_default();
        for (sum, count) in sum.iter_mut().flatten().zip(counts.iter().flatten()) {
            *sum += count;
        }
    }
    sums
}

fn flow_of(row: &Value, names: [&str; 4]) -> (FlowKey, FlowCounts) {
    let [a, a_port, b, b_port] = names;
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    let number = |key: &str| row[key].as_u64().unwrap();
    let ends = [(text(a), number(a_port)), (text(b), number(b_port))];
    let counts = [[number("pkts_ab"), number("bytes_ab")], [number("pkts_ba"), number("bytes_ba")]];
    let [first, second] = ends.clone();
    let in_order = first <= second;
    let key = (text("pcap"), text("proto"), if in_order { ends } else { [second, first] });
    let [up, down] = counts;
    (key, if in_order { counts } else { [down, up] })
}

/// A little-endian pcap with each frame cut to `limit` bytes.
fn cut(pcap: &[u8], limit: usize) -> Option<Vec<u8>> {
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap());
    if !matches!(word(0), 0xa1b2_c3d4 | 0xa1b2_3c4d) {
        return None;
    }
    let (mut out, mut at) = (pcap[..24].to_vec(), 24);
    while at + 16 <= pcap.len() {
        let captured = word(at + 8) as usize;
        let kept = captured.min(limit);
        out.extend(&pcap[at..at + 8]);
        out.extend((kept as u32).to_le_bytes());
        out.extend(&pcap[at + 12..at + 16]);
        out.extend(&pcap[at + 16..at + 16 + kept]);
        at += 16 + captured;
    }
    Some(out)
}
