//! Copies of third-party captures that a network could have made of the same traffic: segments cut and reordered,
//! fragments, tunnels. Each copy gives the names that the capture gives; `corpus` compares those with the truth.

pub(crate) mod capture;
mod fragments;
mod segments;
mod tunnels;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{corpus, run, shadowtap};
use capture::Timed;
use segments::Order::{Kept, Reversed, Shuffled};

/// Makes another capture of the same traffic.
type Transform = Box<dyn Fn(&[Timed]) -> Vec<Timed>>;

/// Protocol, client, server, name, query type, fingerprint.
type Row = [String; 6];
/// The rows of each capture, by its name without ending.
type Rows = BTreeMap<String, BTreeSet<Row>>;

#[test]
fn segments_cut_smaller() {
    same_names(vec![
        ("segments", Box::new(|frames| segments::cut(frames, Kept, 0))),
        ("segments that overlap", Box::new(|frames| segments::cut(frames, Kept, 20))),
    ]);
}

/// Captures with a hello behind a plain-text start, or with requests whose connection began before.
const LATER: [&str; 4] = ["ja4__http1", "ja4__https-connect", "ndpi__rdp_over_tls", "zeek__tls_pop3-starttls"];
/// Captures with a hello or a request in more than three pieces of that size.
const LONG: [&str; 2] = ["ndpi__instagram", "ndpi__netflix"];

#[test]
fn segments_in_another_order() {
    names_of(|name| !LATER.contains(&name), in_another_order());
}

#[test]
fn segments_of_later_starts_in_another_order() {
    names_of(|name| LATER.contains(&name), in_another_order());
}

fn in_another_order() -> Vec<(&'static str, Transform)> {
    vec![
        ("reversed", Box::new(|frames| segments::cut(frames, Reversed, 0))),
        ("reversed, overlapping", Box::new(|frames| segments::cut(frames, Reversed, 20))),
        ("shuffled", Box::new(|frames| segments::cut(frames, Shuffled(1), 0))),
        ("shuffled again", Box::new(|frames| segments::cut(frames, Shuffled(2), 0))),
        ("shuffled, overlapping", Box::new(|frames| segments::cut(frames, Shuffled(3), 20))),
        ("shuffled, each frame twice", Box::new(|frames| twice(&segments::cut(frames, Shuffled(4), 0), 5))),
    ]
}

/// A mirror that is switched on in the middle. A hello or a request tells who is the client without the SYN as well; DNS
/// has its port. No capture of the corpus needs the SYN for anything else that `inspect` says.
#[test]
fn captures_without_a_syn() {
    same_names(vec![
        ("no SYN", Box::new(segments::without_syn)),
        ("no SYN, segments", Box::new(|frames| segments::cut(&segments::without_syn(frames), Kept, 0))),
    ]);
}

#[test]
fn segments_in_another_order_without_a_syn() {
    names_of(|name| !LATER.contains(&name) && !LONG.contains(&name), in_another_order_without_a_syn());
}

#[test]
fn segments_of_later_starts_and_long_hellos_in_another_order_without_a_syn() {
    names_of(|name| LATER.contains(&name) || LONG.contains(&name), in_another_order_without_a_syn());
}

fn in_another_order_without_a_syn() -> Vec<(&'static str, Transform)> {
    vec![
        ("no SYN, reversed", Box::new(|frames| segments::cut(&segments::without_syn(frames), Reversed, 0))),
        ("no SYN, shuffled", Box::new(|frames| segments::cut(&segments::without_syn(frames), Shuffled(5), 0))),
    ]
}

/// A port that is mirrored in both directions shows frames twice: at once, or after some others.
#[test]
fn each_frame_twice() {
    same_names(vec![
        ("twice", Box::new(|frames| twice(frames, 1))),
        ("twice, the copy later", Box::new(|frames| twice(frames, 7))),
    ]);
}

#[test]
fn datagrams_in_fragments() {
    same_names(vec![
        ("fragments of 48", Box::new(|frames| fragments::cut(frames, 48, false))),
        ("fragments of 48, reversed", Box::new(|frames| fragments::cut(frames, 48, true))),
        ("fragments of 600", Box::new(|frames| fragments::cut(frames, 600, false))),
        ("fragments of 600, reversed", Box::new(|frames| fragments::cut(frames, 600, true))),
    ]);
}

#[test]
fn frames_and_packets_in_tunnels() {
    same_names(tunnels::all());
}

/// Each frame, and its copy so many frames later.
fn twice(frames: &[Timed], later: usize) -> Vec<Timed> {
    let copies = (0..frames.len() + later).flat_map(|i| [frames.get(i), i.checked_sub(later).map(|i| &frames[i])]);
    let mut time = 0;
    let in_time = |(at, frame): Timed| {
        time = at.max(time);
        (time, frame)
    };
    copies.flatten().cloned().map(in_time).collect()
}

/// Every natural capture through these transforms.
fn same_names(transforms: Vec<(&'static str, Transform)>) {
    names_of(|_| true, transforms);
}

/// Natural captures with these names through these transforms.
fn names_of(chosen: impl Fn(&str) -> bool, transforms: Vec<(&'static str, Transform)>) {
    let Some(dev) = corpus("truth/dev") else { return };
    let mut paths: Vec<_> = fs::read_dir(dev.join("pcap")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !stem(path).starts_with("derived__") && chosen(&stem(path)));
    let captures: Vec<_> = paths.iter().filter_map(|path| Some((stem(path), capture::read(path)?))).collect();
    let wanted = rows(&paths);
    let mut failures = Vec::new();
    for (transform, make) in transforms {
        let scratch = TempDir::new().unwrap();
        let mut changed = 0;
        let copy = |(name, frames): &(String, Vec<Timed>)| {
            let made = make(frames);
            changed += usize::from(made != *frames);
            capture::write(&scratch.path().join(format!("{name}.pcap")), &made)
        };
        let seen = rows(&captures.iter().map(copy).collect::<Vec<_>>());
        assert!(changed > captures.len() / 3, "{transform} changed {changed} of {} captures", captures.len());
        for (name, _) in &captures {
            let [wanted, seen] = [&wanted, &seen].map(|rows| rows.get(name).cloned().unwrap_or_default());
            let differ = wanted.symmetric_difference(&seen);
            failures.extend(differ.map(|row| {
                let how = if wanted.contains(row) { "missing" } else { "too many" };
                format!("{transform}, {name}: {how}: {}", row.join(" "))
            }));
        }
    }
    failures.sort();
    assert!(failures.is_empty(), "{} rows differ:\n{}", failures.len(), failures.join("\n"));
}

/// What `inspect` says of these captures.
fn rows(paths: &[PathBuf]) -> Rows {
    let mut rows = Rows::new();
    let ran = run(shadowtap().args(["inspect", "--format", "ndjson"]).args(paths)).ok();
    for line in ran.lines() {
        let text = |key: &str| line[key].to_string();
        let end = |ip: &str, port: &str| format!("{} {}", line[ip], line[port]);
        let (client, server) = (end("src_ip", "src_port"), end("dst_ip", "dst_port"));
        let row = [text("proto"), client, server, text("name"), text("qtype"), text("ja4")];
        let capture = stem(Path::new(line["pcap"].as_str().unwrap()));
        rows.entry(capture).or_default().insert(row);
    }
    rows
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
