//! A flood with good connections in it: what becomes of both, and what they cost.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::ledger::Counts;
use sensor::output::{Name, Output};
use sensor::record::{FlowRecord, Record};
use sensor::worker::{Worker, WorkerConfig};

use crate::frames::{ACK, End, SYN, hello, tcp, udp, v4};
use crate::memory::Peak;
use crate::random::Random;

const SERVER: u32 = 0xc633_641e;
/// Good clients are the addresses from here on; the first of them has a conversation that lasts.
const GOOD: u32 = 0x0ac8_0000;
const MOST_GOOD: u32 = 1 << 16;

/// How large a flood is, and how much room the worker has.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) max_flows: usize,
    pub(crate) max_held: usize,
    /// Frames of the flood.
    pub(crate) frames: u64,
    /// Frames of the flood between two of a good connection.
    pub(crate) gap: u64,
    /// µs from one frame to the next.
    pub(crate) step: i64,
}

/// Writes the next frame of a flood into the buffer.
pub(crate) type Flood = dyn FnMut(&mut Random, &mut Vec<u8>);

/// What came of it.
pub(crate) struct Outcome {
    /// Bytes beyond what an idle worker has.
    pub(crate) peak: usize,
    pub(crate) good: usize,
    pub(crate) named: usize,
    /// Flows that the conversation which lasts was cut into.
    pub(crate) talks: usize,
    pub(crate) totals: Counts,
    pub(crate) elapsed: Duration,
}

struct Seen {
    named: Vec<bool>,
    talk: Option<String>,
    talks: usize,
}

impl Output for Seen {
    fn record(&mut self, record: Record) {
        if let Record::Flow(flow) = record {
            self.flow_record(&flow);
        }
    }

    fn name(&mut self, name: &Name<'_>) {
        let std::net::IpAddr::V4(client) = name.flow.client_end().0 else { return };
        let index = u32::from(client).wrapping_sub(GOOD);
        if let Some(named) = self.named.get_mut(index as usize).filter(|_| name.name.is_some()) {
            *named = true;
        }
    }
}

impl Seen {
    fn flow_record(&mut self, flow: &FlowRecord) {
        if flow.client_ip == v4(GOOD) && self.talk.as_ref() != Some(&flow.flow_id) {
            self.talk = Some(flow.flow_id.clone());
            self.talks += 1;
        }
    }
}

/// Sends a flood past a worker, which writes its next frame into the buffer each time, with good connections between.
pub(crate) fn run(setup: Setup, flood: &mut Flood) -> Outcome {
    let config = WorkerConfig::new(Arc::new(Catalogue::builtin()));
    let (max_flows, max_held) = (setup.max_flows, setup.max_held);
    let mut worker = Worker::new(WorkerConfig { max_flows, max_held, ..config });
    let mut seen = Seen { named: vec![false; MOST_GOOD as usize], talk: None, talks: 0 };
    let (mut good, mut random) = (Good::new(), Random(0x9e37_79b9));
    let (mut data, mut time) = (Vec::with_capacity(4096), 1_000_000_000);
    let (peak, begun) = (Peak::begin(), Instant::now());
    for n in 0..setup.frames {
        if n % setup.gap == 0 {
            good.next(&mut data);
            frame(&mut worker, &mut seen, &mut time, setup.step, &data);
        }
        flood(&mut random, &mut data);
        frame(&mut worker, &mut seen, &mut time, setup.step, &data);
    }
    while !good.is_whole() {
        good.next(&mut data);
        frame(&mut worker, &mut seen, &mut time, setup.step, &data);
    }
    worker.finish(&mut seen);
    Outcome {
        peak: peak.bytes(),
        good: good.begun as usize,
        named: seen.named.iter().filter(|named| **named).count(),
        talks: seen.talks,
        totals: worker.totals(),
        elapsed: begun.elapsed(),
    }
}

fn frame(worker: &mut Worker, seen: &mut Seen, time: &mut i64, step: i64, data: &[u8]) {
    *time += step;
    worker.frame(&Frame { time: *time, data, wire_len: data.len() as u32, link: LinkType::RawIp }, seen);
}

impl Outcome {
    /// Every good connection has its name, the conversation was never cut, and each frame is in one line of the ledger.
    #[track_caller]
    pub(crate) fn is_good(&self) {
        assert_eq!(self.named, self.good, "good connections that were named");
        assert!(self.good > 10, "{} good connections", self.good);
        assert_eq!(self.talks, 1, "flows of the conversation that lasts");
        let lines = self.totals.accounted();
        assert_eq!((self.totals.frames, self.totals.bytes), (lines.frames, lines.bytes));
    }

    /// The ledger says what was given up.
    #[track_caller]
    pub(crate) fn counts(&self, word: &str) {
        let counted = self.totals.malformed().get(word).copied().unwrap_or(0);
        assert!(counted > 0, "{word}: {:?}", self.totals.malformed());
    }

    /// Memory stays below `bytes`.
    #[track_caller]
    pub(crate) fn stays_below(&self, bytes: usize) {
        assert!(self.peak < bytes, "{} of {bytes} bytes", self.peak);
    }
}

/// Good connections, one after the other, and one that lasts.
struct Good {
    begun: u32,
    step: usize,
    talked: u32,
    quic: Vec<(bool, Vec<u8>)>,
    /// Half of a hello in each.
    hello: [Vec<u8>; 2],
}

/// SYN, its answer, two halves of a hello, an answer.
const STEPS_OF_TLS: usize = 5;

impl Good {
    fn new() -> Self {
        let mut first = hello(b"claude.ai", &[b"h2"]);
        let second = first.split_off(first.len() / 2);
        Self { begun: 0, step: 0, talked: 0, quic: datagrams(), hello: [first, second] }
    }

    fn is_whole(&self) -> bool {
        self.step == 0
    }

    /// The next frame: of the connection at hand, or of the conversation when one is whole.
    fn next(&mut self, data: &mut Vec<u8>) {
        if self.step == 0 && self.begun > 0 && self.talked < self.begun {
            self.talked = self.begun;
            return self.talk(data);
        }
        assert!(self.begun < MOST_GOOD - 1);
        let client = (v4(GOOD + self.begun), 40_000 + (self.begun % 20_000) as u16);
        let steps = if self.begun % 3 == 2 { self.quic.len() } else { STEPS_OF_TLS };
        match self.begun % 3 {
            2 => self.of_quic(client, data),
            _ => self.of_tls(client, data),
        }
        self.step = (self.step + 1) % steps;
        self.begun += u32::from(self.step == 0);
    }

    fn of_tls(&self, client: End, data: &mut Vec<u8>) {
        let (server, [first, second]) = ((v4(SERVER), 443), &self.hello);
        let behind = 100 + first.len() as u32;
        match self.step {
            0 => tcp(data, client, server, 99, SYN, b""),
            1 => tcp(data, server, client, 499, SYN | ACK, b""),
            2 => tcp(data, client, server, 100, ACK, first),
            3 => tcp(data, client, server, behind, ACK, second),
            _ => tcp(data, server, client, 500, ACK, &[0; 900]),
        }
    }

    fn of_quic(&self, client: End, data: &mut Vec<u8>) {
        let (up, payload) = &self.quic[self.step];
        let server = (v4(SERVER), 443);
        let (from, to) = if *up { (client, server) } else { (server, client) };
        udp(data, from, to, payload);
    }

    /// A question or an answer of the first connection, which goes on.
    fn talk(&self, data: &mut Vec<u8>) {
        let (client, server) = ((v4(GOOD), 40_000), (v4(SERVER), 443));
        let [up, down] = [100 + self.hello.concat().len() as u32, 1_400].map(|at| at + self.begun / 2 * 300);
        match self.begun % 2 {
            0 => tcp(data, client, server, up, ACK, &[1; 300]),
            _ => tcp(data, server, client, down, ACK, &[2; 300]),
        }
    }
}

/// The first datagrams of a browser's QUIC connection, and whether the client sent each.
fn datagrams() -> Vec<(bool, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps/browser-quic.pcap");
    let mut file = CaptureFile::open(&path).unwrap();
    let (mut found, mut ports) = (Vec::new(), None);
    while let Some(frame) = file.next_frame().unwrap() {
        let data = &frame.data[14..];
        let [from, to] = [20, 22].map(|at| u16::from_be_bytes([data[at], data[at + 1]]));
        if data[9] != 17 || ![from, to].contains(&443) || *ports.get_or_insert(from.max(to)) != from.max(to) {
            continue;
        }
        found.push((to == 443, data[28..].to_vec()));
        if found.len() == 6 {
            break;
        }
    }
    found
}
