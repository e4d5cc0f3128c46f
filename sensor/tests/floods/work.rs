//! Bytes that are put in order cost about the same whatever order a stranger chooses. Each path of reassembly gets the
//! worst input for it that we know: the work must end, and where the input is a whole hello its name must be there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::{Name, Output};
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

use crate::frames::{ACK, End, SYN, hello_message, part, tcp, udp, v4};
use crate::initial::{crypto, sealed};
use crate::random::Random;

const NAME: &str = "good.example";

/// Takes the frames of an input, one after the other.
type Send<'a> = dyn FnMut(&[u8]) + 'a;

struct Path {
    name: &'static str,
    /// Gives the frames of an input of so many bytes.
    input: fn(usize, &mut Send<'_>),
    bytes: usize,
    named: bool,
}

const PATHS: [Path; 12] = [
    Path {
        name: "single bytes in order",
        input: |n, send| bytes(443, &hello(n, 16_384), 0..n + 400, send),
        bytes: 60_000,
        named: true,
    },
    Path { name: "single bytes in reverse", input: reversed, bytes: 60_000, named: true },
    Path { name: "every other byte first", input: alternating, bytes: 1_600, named: true },
    Path {
        name: "records of one byte",
        input: |n, send| bytes(443, &hello(n / 6, 1), 0..n + 2_000, send),
        bytes: 60_000,
        named: true,
    },
    Path {
        name: "records of one byte, full segments",
        input: |n, send| segments(&hello(n / 6, 1), send),
        bytes: 60_000,
        named: true,
    },
    Path { name: "CRYPTO frames of one byte, shuffled", input: shuffled, bytes: 900, named: true },
    Path { name: "a head of short lines", input: |n, send| head(b"a:\r\n", n, send), bytes: 16_000, named: false },
    Path { name: "a head of one line", input: |n, send| head(b"a", n, send), bytes: 16_000, named: false },
    Path { name: "DNS messages before a thousand pieces", input: messages, bytes: 60_000, named: false },
    Path { name: "questions of no class, with long names", input: odd_questions, bytes: 1_400, named: false },
    Path { name: "parts of eight bytes in reverse", input: parts, bytes: 4_000, named: false },
    Path { name: "the same bytes again and again", input: again, bytes: 60_000, named: false },
];

#[test]
fn the_worst_order_ends() {
    for path in &PATHS {
        let (_, named) = run(path, path.bytes);
        assert_eq!(named, usize::from(path.named), "{}", path.name);
    }
}

#[test]
#[ignore = "prints times: linear paths take four times as long for four times the bytes"]
#[allow(clippy::print_stderr, reason = "a table for people")]
fn four_times_the_bytes() {
    for path in &PATHS {
        let best = |bytes| (0..7).map(|_| run(path, bytes).0).min().unwrap();
        let (one, four) = (best(path.bytes / 4), best(path.bytes));
        let times = four.as_secs_f64() / one.as_secs_f64();
        eprintln!("{:40} {:>6} bytes {four:>10.1?}, {times:.1} times a fourth of it", path.name, path.bytes);
    }
}

#[derive(Default)]
struct Seen(usize);

impl Output for Seen {
    fn record(&mut self, _: Record) {}

    fn name(&mut self, name: &Name<'_>) {
        self.0 += usize::from(name.name == Some(NAME));
    }
}

fn run(path: &Path, bytes: usize) -> (Duration, usize) {
    let mut worker = Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())));
    let (mut seen, mut time, mut elapsed) = (Seen::default(), 0, Duration::ZERO);
    (path.input)(bytes, &mut |data| {
        time += 1;
        let frame = Frame { time, data, wire_len: data.len() as u32, link: LinkType::RawIp };
        let begun = Instant::now();
        worker.frame(&frame, &mut seen);
        elapsed += begun.elapsed();
    });
    worker.finish(&mut seen);
    (elapsed, seen.0)
}

fn ends(port: u16) -> (End, End) {
    ((v4(0x0a00_0007), 40_000), (v4(0xc633_641e), port))
}

/// A hello whose message has about `len` bytes, in records of at most `limit`.
fn hello(len: usize, limit: usize) -> Vec<u8> {
    let message = hello_message(NAME.as_bytes(), &vec![&[b'p'; 250][..]; len / 251]);
    let record = |part: &[u8]| [&[22, 3, 1], &(part.len() as u16).to_be_bytes()[..], part].concat();
    message.chunks(limit).flat_map(record).collect()
}

/// A stream's bytes at these places, each in a segment of its own.
fn bytes(port: u16, stream: &[u8], places: impl IntoIterator<Item = usize>, send: &mut Send<'_>) {
    let ((from, to), mut frame) = (ends(port), Vec::new());
    tcp(&mut frame, from, to, 99, SYN, b"");
    send(&frame);
    for at in places {
        if let Some(byte) = stream.get(at) {
            tcp(&mut frame, from, to, 100 + at as u32, ACK, &[*byte]);
            send(&frame);
        }
    }
}

fn reversed(n: usize, send: &mut Send<'_>) {
    let stream = hello(n, 16_384);
    bytes(443, &stream, (0..stream.len()).rev(), send);
}

fn alternating(n: usize, send: &mut Send<'_>) {
    let stream = hello(n, 16_384);
    let every_other = |from: usize| (from..stream.len()).step_by(2);
    bytes(443, &stream, every_other(1).chain(every_other(0)), send);
}

fn segments(stream: &[u8], send: &mut Send<'_>) {
    let ((from, to), mut frame) = (ends(443), Vec::new());
    for (i, part) in stream.chunks(1_380).enumerate() {
        tcp(&mut frame, from, to, 100 + 1_380 * i as u32, ACK, part);
        send(&frame);
    }
}

fn shuffled(n: usize, send: &mut Send<'_>) {
    let hello = hello_message(NAME.as_bytes(), &vec![&[b'p'; 250][..]; n / 251]);
    let mut places: Vec<usize> = (0..hello.len()).collect();
    let mut random = Random(7);
    for i in (1..places.len()).rev() {
        places.swap(i, random.below(i + 1));
    }
    let ((from, to), mut frame) = (ends(443), Vec::new());
    for (number, places) in places.chunks(180).enumerate() {
        let frames: Vec<u8> = places.iter().flat_map(|&at| crypto(at as u16, &[hello[at]])).collect();
        udp(&mut frame, from, to, &sealed(b"whatever", number as u8, &frames));
        send(&frame);
    }
}

fn head(line: &[u8], n: usize, send: &mut Send<'_>) {
    let head = [b"GET / HTTP/1.1\r\n", &line.repeat(n / line.len())[..]].concat();
    bytes(80, &head, 0..n, send);
}

/// A thousand pieces wait behind a gap, while what comes before it is read message by message.
fn messages(n: usize, send: &mut Send<'_>) {
    let message = [&[0, 12, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0][..]].concat();
    let stream = message.repeat(5_000);
    let waiting = (n..n + 2_000).step_by(2);
    bytes(53, &stream, waiting.chain(0..n - 1), send);
}

/// A message that has to be whole to be believed, of which each question and record has to be walked to know that.
fn odd_questions(n: usize, send: &mut Send<'_>) {
    let (questions, records) = (60, n.saturating_sub(700) / 12);
    let mut message = [0, 7, 1, 0, 0, questions, 0, records as u8, 0, 0, 0, 0].to_vec();
    message.extend(b"\x01a".repeat(127));
    message.extend([0, 0, 1, 0, 77]);
    message.extend([0xc0, 12, 0, 1, 0, 77].repeat(usize::from(questions) - 1));
    message.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0].repeat(records));
    let ((from, to), mut frame) = (ends(53), Vec::new());
    udp(&mut frame, from, to, &message);
    send(&frame);
}

fn parts(n: usize, send: &mut Send<'_>) {
    let ((from, _), (to, _)) = ends(0);
    let mut frame = Vec::new();
    for at in (0..n / 8).rev() {
        part(&mut frame, (from, to), 7, at as u16 * 8, at + 1 < n / 8, &[7; 8]);
        send(&frame);
    }
}

/// Segments of a hello of which a tenth is new.
fn again(n: usize, send: &mut Send<'_>) {
    let stream = hello(60_000, 16_384);
    let ((from, to), mut frame) = (ends(443), Vec::new());
    for at in (0..n - 1_400).step_by(138) {
        tcp(&mut frame, from, to, 100 + at as u32, ACK, &stream[at..at + 1_380]);
        send(&frame);
    }
}
