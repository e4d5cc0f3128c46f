//! Floods from strangers: memory stays below a ceiling that follows from the limits, the right counter tells, and the
//! good connections in between have their names. The ceilings are those of docs/operations.md, "Memory".

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a test's failure message")]

mod bench;
mod frames;
mod gaps;
mod identities;
mod initial;
mod kinds;
mod memory;
#[path = "../random/mod.rs"]
mod random;
mod work;

use bench::{Flood, Outcome, Setup, run};
use kinds::Endless;
use sensor::flow::Flow;
use sensor::flow::table::MAX_FLOWS;
use sensor::worker::MAX_HELD;

/// What a test of a few seconds can fill.
const SMALL: Setup = Setup { max_flows: 20_000, max_held: 4 << 20, frames: 0, gap: 100, step: 20 };
/// What a worker has by default.
const WHOLE: Setup = Setup { max_flows: MAX_FLOWS, max_held: MAX_HELD, frames: 0, gap: 1_000, step: 5 };

const MIB: usize = 1 << 20;
/// A worker in which good connections alone are seen, and their records.
const IDLE: usize = MIB;
/// A place of the table's map.
const PLACE: usize = 57;
/// A flow, and what the search for the oldest needs of it.
const FLOW: usize = size_of::<Flow>() + 32;
/// What reads a flow, and the lists of pieces of its two directions.
const READ: usize = 272 + 2 * 48;
/// What reads a QUIC handshake: the keys.
const QUIC: usize = 272 + 1_400;
/// What watches a flow whose name is not listed, and the name.
const WATCHED: usize = 272 + 272;
/// What is kept of a flow to an AI service: sixteen protocols, and names.
const TAGGED: usize = 576 + 16 * (24 + 48) + 672;
/// Devices of ten minutes, at the end of them twice.
const DEVICES: usize = 72 * MIB;
/// Hosts of an hour, with a name and a client each.
const HOSTS: usize = 32 * MIB;

/// A flood, what it fills and which counters tell.
struct Kind {
    name: &'static str,
    flood: fn(Setup) -> Box<Flood>,
    /// Frames of the small and of the whole size.
    frames: [u64; 2],
    /// What a flow of it has beside its place and itself.
    state: usize,
    /// It fills what may be held for reassembly.
    held: bool,
    /// What the other lists that it fills take, whatever the size.
    lists: usize,
    words: &'static [&'static str],
}

const NONE: Kind = Kind {
    name: "",
    flood: |_| Box::new(kinds::syns),
    frames: [0, 0],
    state: 0,
    held: false,
    lists: 0,
    words: &[],
};
const EVICTED: &[&str] = &["flows-evicted"];
const FULL: &[&str] = &["reassembly-full"];

const KINDS: [Kind; 17] = [
    Kind { name: "half-open", frames: [150_000, 10_000_000], words: EVICTED, ..NONE },
    Kind {
        name: "opened, then silence",
        flood: |_| Box::new(kinds::openings(b"")),
        frames: [150_000, 5_000_000],
        // What tells copies from what follows.
        state: 160,
        words: EVICTED,
        ..NONE
    },
    Kind {
        name: "a byte from each end",
        flood: |_| Box::new(kinds::openings(&[22])),
        frames: [150_000, 7_000_000],
        state: READ,
        held: true,
        words: EVICTED,
        ..NONE
    },
    Kind {
        name: "hellos that never end",
        flood: |setup| Box::new(hellos(setup, 1_380, 0)),
        frames: [100_000, 2_000_000],
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "hellos in single bytes with gaps",
        flood: |setup| Box::new(hellos(setup, 1, 1)),
        frames: [150_000, 7_000_000],
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "HTTP heads that never end",
        flood: |setup| Box::new(heads(setup)),
        frames: [100_000, 2_000_000],
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "DNS over TCP that never ends",
        flood: |setup| Box::new(messages(setup)),
        frames: [100_000, 2_000_000],
        held: true,
        // A stream without a message is no DNS after some packets: it never comes to hold too much.
        words: &[],
        ..NONE
    },
    Kind {
        name: "fragments of IPv4",
        flood: |_| Box::new(kinds::parts(false)),
        frames: [100_000, 2_000_000],
        lists: 40 * MIB,
        words: &["fragments-full"],
        ..NONE
    },
    Kind {
        name: "fragments of IPv6",
        flood: |_| Box::new(kinds::parts(true)),
        frames: [100_000, 2_000_000],
        lists: 40 * MIB,
        words: &["fragments-full", "fragments-conflict"],
        ..NONE
    },
    Kind {
        name: "Initials with half a hello",
        flood: |_| Box::new(kinds::halves_over_quic(1)),
        frames: [30_000, 1_500_000],
        state: QUIC,
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "Initials with a hello that never ends",
        flood: |_| Box::new(kinds::halves_over_quic(4)),
        frames: [30_000, 1_500_000],
        state: QUIC,
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "Initials that no key opens",
        flood: |_| Box::new(kinds::junk_over_quic()),
        frames: [60_000, 2_000_000],
        state: QUIC,
        held: true,
        words: FULL,
        ..NONE
    },
    Kind {
        name: "answers that nobody asked for",
        flood: |_| Box::new(kinds::answers),
        frames: [30_000, 2_000_000],
        state: 144,
        // Claims with the longest names, one of each pair.
        lists: 96 * MIB,
        words: EVICTED,
        ..NONE
    },
    Kind {
        name: "HTTPS records that nobody asked for",
        flood: |_| Box::new(kinds::covers),
        frames: [30_000, 2_000_000],
        state: 144,
        // Claims as above, configurations, and the longest public names.
        lists: 112 * MIB,
        words: &["flows-evicted", "ech-names-full"],
        ..NONE
    },
    Kind {
        name: "random names of random clients",
        flood: |_| Box::new(names()),
        frames: [140_000, 3_000_000],
        state: WATCHED,
        lists: DEVICES + HOSTS,
        words: &["visibility-full", "candidates-full"],
        ..NONE
    },
    Kind {
        name: "AI services of random clients",
        flood: |_| Box::new(tagged()),
        frames: [60_000, 3_000_000],
        state: TAGGED,
        lists: DEVICES,
        words: EVICTED,
        ..NONE
    },
    Kind {
        name: "connection ids",
        flood: |_| Box::new(kinds::ids()),
        frames: [50_000, 1_000_000],
        lists: 10 * MIB,
        ..NONE
    },
];

fn hellos(setup: Setup, segment: usize, hole: u32) -> impl FnMut(&mut random::Random, &mut Vec<u8>) {
    let head = [22, 3, 1, 0x40, 0, 1, 0, 0xf0, 0, 3, 3].to_vec();
    Endless { port: 443, many: setup.max_flows / 40, head, fill: 0, segment, hole }.flood()
}

fn heads(setup: Setup) -> impl FnMut(&mut random::Random, &mut Vec<u8>) {
    let head = b"GET / HTTP/1.1\r\nX: ".to_vec();
    Endless { port: 80, many: setup.max_flows / 40, head, fill: b'a', segment: 1_380, hole: 0 }.flood()
}

fn messages(setup: Setup) -> impl FnMut(&mut random::Random, &mut Vec<u8>) {
    let head = vec![0xff, 0xff];
    Endless { port: 53, many: setup.max_flows / 40, head, fill: 0, segment: 1_380, hole: 0 }.flood()
}

fn names() -> impl FnMut(&mut random::Random, &mut Vec<u8>) {
    kinds::names(|n| format!("{n:063x}.{n:063x}.{n:063x}.example").into(), &[b"h2"])
}

fn tagged() -> impl FnMut(&mut random::Random, &mut Vec<u8>) {
    kinds::names(|_| b"claude.ai".to_vec(), &[b"protocol-of-32-bytes-of-a-letter" as &[u8]; 16])
}

impl Kind {
    fn run(&self, setup: Setup) -> Outcome {
        run(setup, &mut *(self.flood)(setup))
    }

    /// What a worker of this size may take: its flows, twice what it may hold (buffers double), and the lists.
    fn ceiling(&self, setup: Setup) -> usize {
        // Half of the map's places are never used, and while it grows it is there twice.
        let places = 2 * (setup.max_flows * 8 / 7).next_power_of_two();
        let flows = places * PLACE * 3 / 2 + setup.max_flows * (FLOW + self.state);
        IDLE + flows + self.lists + if self.held { 2 * setup.max_held } else { 0 }
    }
}

#[track_caller]
fn holds(name: &str) {
    let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
    let setup = Setup { frames: kind.frames[0], ..SMALL };
    let outcome = kind.run(setup);
    outcome.is_good();
    outcome.stays_below(kind.ceiling(setup));
    kind.words.iter().for_each(|word| outcome.counts(word));
}

macro_rules! floods {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            holds($name);
        })*

        #[test]
        fn every_flood_has_a_test() {
            assert_eq!([$($name),*], KINDS.each_ref().map(|kind| kind.name));
        }
    };
}

floods! {
    half_open: "half-open";
    opened_then_silence: "opened, then silence";
    a_byte_from_each_end: "a byte from each end";
    hellos_that_never_end: "hellos that never end";
    hellos_in_single_bytes_with_gaps: "hellos in single bytes with gaps";
    http_heads_that_never_end: "HTTP heads that never end";
    dns_over_tcp_that_never_ends: "DNS over TCP that never ends";
    fragments_of_ipv4: "fragments of IPv4";
    fragments_of_ipv6: "fragments of IPv6";
    initials_with_half_a_hello: "Initials with half a hello";
    initials_with_a_hello_that_never_ends: "Initials with a hello that never ends";
    initials_that_no_key_opens: "Initials that no key opens";
    answers_that_nobody_asked_for: "answers that nobody asked for";
    https_records_that_nobody_asked_for: "HTTPS records that nobody asked for";
    random_names_of_random_clients: "random names of random clients";
    ai_services_of_random_clients: "AI services of random clients";
    connection_ids: "connection ids";
}

#[test]
fn the_page_on_memory_has_the_defaults() {
    let page = include_str!("../../../docs/operations.md");
    let rows = [
        format!("| `sensor.max_flows`, {},{} |", MAX_FLOWS / 1_000, MAX_FLOWS % 1_000),
        format!("| `sensor.max_reassembly_mb`, {} MiB |", MAX_HELD / MIB),
    ];
    rows.iter().for_each(|row| assert!(page.contains(row), "{row}"));
    KINDS.iter().flat_map(|kind| kind.words).for_each(|word| assert!(page.contains(word), "{word}"));
}

/// `SHADOWTAP_FLOOD` names a part of the floods to run.
#[test]
#[ignore = "minutes and gigabytes: prints what floods of full size take, best with --release"]
#[allow(clippy::print_stderr, reason = "a table for people")]
fn full_size() {
    let only = std::env::var("SHADOWTAP_FLOOD").unwrap_or_default();
    for kind in KINDS.iter().filter(|kind| kind.name.contains(&only)) {
        let setup = Setup { frames: kind.frames[1], ..WHOLE };
        let outcome = kind.run(setup);
        let (ceiling, each) = (kind.ceiling(setup), outcome.elapsed.as_nanos() / u128::from(setup.frames));
        eprintln!(
            "{:38} {:>10} frames, {:>5} of {:>5} MB, {}/{} good named, {each} ns per frame, {:?}",
            kind.name,
            setup.frames,
            outcome.peak / 1_000_000,
            ceiling / 1_000_000,
            outcome.named,
            outcome.good,
            outcome.totals.malformed(),
        );
        outcome.is_good();
        outcome.stays_below(ceiling);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| eprintln!("resident at most: {line}"));
}
