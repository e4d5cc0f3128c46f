//! Captures that lie: lengths and counts of every layer, cuts, broken bytes. Each is read to its end or refused; nothing
//! panics, every frame is accounted for, and no name comes out that the whole capture does not have.

mod fields;
mod payload;

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::output::{Name, Output};
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};
use tempfile::TempDir;

use crate::support::{corpus, own, run, shadowtap};
use payload::Parts;

/// So much of a capture is enough to lie about.
const ENOUGH: usize = 200_000;
const OWN: [&str; 6] = [
    "browser-tcp.pcap",
    "browser-quic.pcap",
    "clients-vlan-v6.pcapng",
    "office-week.pcap",
    "shapes-tcp.pcap",
    "shapes-quic.pcap",
];

/// What is written where a number stood; the largest one that fits is known.
type Lie = (&'static str, fn(u32, u32) -> u32);

const LIES: [Lie; 6] = [
    ("zero", |_, _| 0),
    ("one less", |value, _| value.wrapping_sub(1)),
    ("one more", |value, _| value.wrapping_add(1)),
    ("half", |value, _| value / 2),
    ("twice", |value, _| value.wrapping_mul(2)),
    ("the most", |_, most| most),
];

/// A capture, what can be broken in it, and what it names.
struct Capture {
    name: String,
    bytes: Vec<u8>,
    parts: Parts,
    names: Names,
}

/// Protocol and name.
type Names = BTreeSet<(&'static str, String)>;

#[derive(Default)]
struct Seen(Names);

impl Output for Seen {
    fn record(&mut self, _: Record) {}

    fn name(&mut self, name: &Name<'_>) {
        self.0.extend(name.name.map(|text| (name.protocol, text.to_owned())));
    }
}

/// What a capture names, read as `inspect` reads it. A refusal is right as well: then it names nobody.
fn names(bytes: &[u8]) -> Names {
    static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));
    let (mut seen, mut worker) = (Seen::default(), Worker::new(WorkerConfig::new(CATALOGUE.clone())));
    let input = Box::new(Cursor::new(bytes.to_vec()));
    if let Ok(mut file) = CaptureFile::from_reader(Path::new("broken"), input, Some(bytes.len() as u64)) {
        while let Ok(Some(frame)) = file.next_frame() {
            worker.frame(&frame, &mut seen);
        }
    }
    worker.finish(&mut seen);
    let (totals, lines) = (worker.totals(), worker.totals().accounted());
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
    seen.0
}

/// Captures of this repository, and those of others where they are at hand.
fn captures() -> Vec<Capture> {
    let mut paths: Vec<PathBuf> = OWN.map(own).into();
    if let Some(dev) = corpus("truth/dev") {
        let others = fs::read_dir(dev.join("pcap")).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(others.filter(|path| fs::metadata(path).unwrap().len() < ENOUGH as u64));
        paths.sort();
    }
    paths.iter().filter_map(|path| Capture::read(path)).collect()
}

impl Capture {
    /// `None` where the file's format or link is none that `fields` knows.
    fn read(path: &Path) -> Option<Self> {
        let mut bytes = fs::read(path).unwrap();
        let mut records = fields::records(&bytes)?;
        records.retain(|record| record.data.end <= ENOUGH);
        bytes.truncate(records.last()?.end);
        let mut parts = Parts::default();
        for record in records {
            parts.fields.extend(record.fields);
            parts.add(payload::parts(&bytes[record.data.clone()]).behind(record.data.start));
        }
        let (name, names) = (path.file_name()?.to_string_lossy().into_owned(), names(&bytes));
        Some(Self { name, bytes, parts, names })
    }

    /// The capture with each second number of a kind, or each, made a lie.
    fn with_lie(&self, kind: &str, lie: Lie, random: &mut Random) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        let each = random.below(3) == 0;
        for field in self.parts.fields.iter().filter(|field| field.kind == kind) {
            if each || random.below(2) == 0 {
                field.change(&mut bytes, lie.1);
            }
        }
        (bytes != self.bytes).then_some(bytes)
    }

    fn with_broken_bytes(&self, random: &mut Random) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        for part in self.parts.nameless.iter().filter(|part| !part.is_empty()) {
            if random.below(3) == 0 {
                let at = part.start + random.below(part.len());
                bytes[at] = [random.next() as u8, 0, 0xff, bytes[at] ^ 1 << random.below(8)][random.below(4)];
            }
        }
        (bytes != self.bytes).then_some(bytes)
    }
}

/// A small generator (xorshift64), so that a failure comes back.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Broken captures: how many, those that invent a name, and some as files for the command.
#[derive(Default)]
struct Broken {
    count: usize,
    /// Those that still name somebody.
    naming: usize,
    inventions: Vec<String>,
    files: Vec<Vec<u8>>,
}

impl Broken {
    fn add(&mut self, what: &str, capture: &Capture, bytes: Option<Vec<u8>>) {
        let Some(bytes) = bytes else { return };
        let names = names(&bytes);
        self.naming += usize::from(!names.is_empty());
        for (protocol, name) in names.difference(&capture.names) {
            self.inventions.push(format!("{}, {what}: {protocol} {name:?}", capture.name));
        }
        if self.count.is_multiple_of(40) {
            self.files.push(bytes);
        }
        self.count += 1;
    }

    /// The command says what it thinks of some of them: it reads what it can, or fails with a reason.
    fn done(self, least: usize) {
        assert!(self.count >= least, "{} broken captures", self.count);
        assert!(self.naming * 5 > self.count, "{} of {} name somebody", self.naming, self.count);
        let inventions = &self.inventions;
        assert!(inventions.is_empty(), "{} inventions:\n{}", inventions.len(), inventions.join("\n"));
        let scratch = TempDir::new().unwrap();
        for (i, bytes) in self.files.iter().enumerate() {
            let path = scratch.path().join(format!("{i}.pcap"));
            fs::write(&path, bytes).unwrap();
            let ran = run(shadowtap().args(["inspect", "--flows", "--format", "ndjson"]).arg(&path));
            let refused = ran.code <= 2 && ran.stderr.contains(".pcap");
            assert!(ran.code == 0 || refused, "{i}: {} {}", ran.code, ran.stderr);
        }
    }
}

/// Lies about these kinds of numbers in every capture.
fn lies(kinds: &[&str], least: usize) {
    let (mut broken, mut random) = (Broken::default(), Random(0x11e5));
    for capture in captures() {
        for kind in kinds {
            for lie in LIES {
                let bytes = capture.with_lie(kind, lie, &mut random);
                broken.add(&format!("{kind} {}", lie.0), &capture, bytes);
            }
        }
    }
    broken.done(least);
}

#[test]
fn lengths_of_ip_tcp_and_udp() {
    lies(&["IP length", "IHL", "TCP offset", "UDP length"], 100);
}

#[test]
fn lengths_of_tls() {
    lies(&["record", "handshake", "session id", "ciphers", "compression", "extensions", "extension"], 60);
}

/// A list of names that is longer than its one name is no list: servers refuse it.
#[test]
fn lengths_of_a_server_name() {
    lies(&["server name list", "server name"], 10);
}

#[test]
fn lengths_of_quic() {
    lies(&["dcid", "scid", "token", "QUIC length"], 20);
}

#[test]
fn counts_of_records_and_pointers_of_dns() {
    lies(&["answers", "authorities", "additionals", "pointer"], 40);
}

#[test]
fn counts_of_questions_of_dns() {
    lies(&["questions"], 10);
}

#[test]
fn lengths_of_the_files_own_records() {
    lies(&["captured length", "original length", "block length", "second block length"], 30);
}

#[test]
fn bytes_broken_at_random() {
    let (mut broken, mut random) = (Broken::default(), Random(0xb20c));
    for capture in captures() {
        for round in 0..20 {
            let bytes = capture.with_broken_bytes(&mut random);
            broken.add(&format!("broken bytes, round {round}"), &capture, bytes);
        }
    }
    broken.done(40);
}

#[test]
fn files_cut_anywhere() {
    let (mut broken, mut random) = (Broken::default(), Random(0xc075));
    for capture in captures() {
        for _ in 0..20 {
            let end = random.below(capture.bytes.len());
            broken.add(&format!("cut at {end}"), &capture, Some(capture.bytes[..end].to_vec()));
        }
    }
    broken.done(40);
}
