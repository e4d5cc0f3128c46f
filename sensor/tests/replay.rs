//! The properties of `properties/` on what is known: the corpora and the findings of the fuzzer, and what our own
//! captures hold. `tests/fuzz/README.md` says how to fuzz.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is the failure message")]

mod properties;
mod random;

use std::fs;
use std::path::{Path, PathBuf};

use properties::{Property, TARGETS};
use random::Random;
use sensor::capture::file::CaptureFile;
use sensor::decode::{Decoded, L4, Neighbour, decode};

/// Names a folder into which `seeds` writes what a fuzzer may begin with.
const SEEDS: &str = "SHADOWTAP_FUZZ_SEEDS";
const CAPTURES: [&str; 4] = ["browser-tcp.pcap", "browser-quic.pcap", "clients-vlan-v6.pcapng", "shapes-tcp.pcap"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn property(target: &str) -> Property {
    TARGETS.iter().find(|(name, _)| *name == target).unwrap().1
}

#[test]
fn corpora_and_findings_of_the_fuzzer() {
    let mut inputs = 0;
    for folder in ["corpus", "findings"] {
        for (target, property) in TARGETS {
            let Ok(files) = fs::read_dir(repository().join("tests/fuzz").join(folder).join(target)) else {
                continue;
            };
            for file in files {
                property(&fs::read(file.unwrap().path()).unwrap());
                inputs += 1;
            }
        }
    }
    assert!(inputs >= TARGETS.len(), "{inputs} inputs: the corpora are not there");
}

/// The inputs of each target that a capture holds.
fn inputs(path: &Path, mut each: impl FnMut(&'static str, &[u8])) {
    let mut file = CaptureFile::open(path).unwrap();
    let (mut burst, mut frames) = (Vec::new(), 0);
    while let Some(frame) = file.next_frame().unwrap() {
        each("decode", &[&[0], frame.data].concat());
        let length = frame.data.len().min(4095);
        burst.extend((length as u16).to_be_bytes());
        burst.extend([0, 1]);
        burst.extend(&frame.data[..length]);
        frames += 1;
        if frames % 40 == 0 {
            each("worker", &std::mem::take(&mut burst));
        }
        let packet = match decode(&frame) {
            Decoded::Packet(packet) => packet,
            Decoded::Neighbour(Neighbour::Ndp(ndp)) => {
                each("identity", &[&[3], ndp.message].concat());
                continue;
            }
            Decoded::Neighbour(Neighbour::Arp(arp)) => {
                each("identity", &[&[4], &arp[..]].concat());
                continue;
            }
            _ => continue,
        };
        match (packet.l4, packet.src.1, packet.dst.1) {
            (_, 53, _) | (_, _, 53) => each("dns", packet.payload),
            (_, 67 | 68, _) => each("identity", &[&[0], packet.payload].concat()),
            (_, 546 | 547, _) => each("identity", &[&[1], packet.payload].concat()),
            (_, 5353 | 5355, _) => each("identity", &[&[2], packet.payload].concat()),
            (L4::Udp, ..) => each("quic", packet.payload),
            (_, _, 443) if packet.payload.first() == Some(&22) => each("hello", packet.payload),
            (_, 80, _) | (_, _, 80) => each("http", packet.payload),
            _ => {}
        }
    }
    each("worker", &burst);
}

#[test]
fn what_our_own_captures_hold() {
    let mut counts = std::collections::BTreeMap::<&str, u32>::new();
    for name in CAPTURES {
        let path = repository().join("pcaps").join(name);
        property("file")(&fs::read(&path).unwrap());
        inputs(&path, |target, bytes| {
            let count = counts.entry(target).or_default();
            *count += 1;
            // Debug builds are slow: each frame is decoded, of the rest a part is enough.
            if ["decode", "identity"].contains(&target) || count.is_multiple_of(5) {
                property(target)(bytes);
            }
        });
    }
    for target in ["decode", "worker", "dns", "quic", "hello", "identity"] {
        assert!(counts[target] > 20, "{target}: {counts:?}");
    }
}

/// Bytes broken at random, with a seed that comes back with the failure.
#[test]
fn what_our_own_captures_hold_broken_at_random() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut next = |below| random.below(below);
    let mut seen = 0_u32;
    inputs(&repository().join("pcaps/clients-vlan-v6.pcapng"), |target, bytes| {
        seen += 1;
        if target == "decode" && !seen.is_multiple_of(8) {
            return;
        }
        let mut broken = bytes.to_vec();
        for _ in 0..=next(6) {
            let at = next(broken.len());
            match (next(3), broken.is_empty()) {
                (_, true) => {}
                (0, _) => broken[at] = next(256) as u8,
                (1, _) => broken.truncate(at),
                _ => broken.insert(at, [0, 0xff, 0x80, 0x7f][next(4)]),
            }
        }
        property(target)(&broken);
    });
}

/// Messages of each kind with random bytes behind a true start: deep enough to reach the options.
#[test]
fn messages_of_devices_with_random_bytes() {
    let mut random = Random(0x5eed_d0d0_0001);
    let dhcp = [&[0, 2, 1, 6, 0][..], &[7; 232], &[0x63, 0x82, 0x53, 0x63]].concat();
    let starts: [&[u8]; 5] = [
        &dhcp,
        &[1, 7, 1, 2, 3, 0, 3, 0, 60],
        &[2, 0, 0, 0x84, 0, 0, 0, 0, 9, 0, 0, 0, 9, 3, b'a', b'b', b'c', 0, 0, 1, 0, 1],
        &[3, 136, 0, 0, 0, 0, 0, 0, 0],
        &[1, 12, 0],
    ];
    for round in 0..40_000 {
        let length = random.below(120);
        // Small numbers are codes and lengths that fit.
        let tail = (0..length).map(|_| random.below(if round % 2 == 0 { 16 } else { 256 }) as u8);
        property("identity")(&starts[round % 5].iter().copied().chain(tail).collect::<Vec<u8>>());
    }
}

/// Not a test of its own: writes seeds for the fuzzer.
#[test]
fn seeds() {
    let Some(folder) = std::env::var_os(SEEDS).map(PathBuf::from) else { return };
    let mut number = 0_u32;
    for name in CAPTURES {
        let path = repository().join("pcaps").join(name);
        inputs(&path, |target, bytes| {
            number += 1;
            if number.is_multiple_of(50)
                || ["hello", "quic", "http", "identity"].contains(&target) && number.is_multiple_of(5)
            {
                fs::create_dir_all(folder.join(target)).unwrap();
                fs::write(folder.join(target).join(format!("{name}-{number}")), bytes).unwrap();
            }
        });
        fs::create_dir_all(folder.join("file")).unwrap();
        let start = fs::read(&path).unwrap();
        fs::write(folder.join("file").join(name), &start[..start.len().min(20_000)]).unwrap();
    }
}
