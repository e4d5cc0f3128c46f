//! What holds for any bytes. The fuzz targets in `tests/fuzz` and the plain tests of `replay.rs` run the same functions:
//! each takes bytes and panics when its property does not hold.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::decode::{Decoded, decode as decode_frame};
use sensor::dissect::client_hello::ClientHello;
use sensor::dissect::ja4::{Over, ja4};
use sensor::dissect::{
    Parse, arp, dhcp, dhcp6, dns as dns_parser, http as http_parser, mdns, ndp, quic as quic_parser, tls,
};
use sensor::output::{Name, Output};
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

const LINKS: [LinkType; 9] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Loopback,
    LinkType::Ppp,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Ieee80211,
    LinkType::Radiotap,
    LinkType::Nflog,
];

/// Takes bytes, and panics when what has to hold does not.
pub(crate) type Property = fn(&[u8]);

/// Every target by its name.
#[allow(dead_code, reason = "a fuzz target runs one of them")]
pub(crate) const TARGETS: [(&str, Property); 9] = [
    ("decode", decode),
    ("hello", hello),
    ("quic", quic),
    ("http", http),
    ("dns", dns),
    ("identity", identity),
    ("file", file),
    ("stream", stream),
    ("worker", worker),
];

/// Link type, then a frame. A packet lies within its frame, and a frame that is cut never tells of more.
pub(crate) fn decode(bytes: &[u8]) {
    let Some((link, data)) = bytes.split_first() else { return };
    let link = LINKS[usize::from(*link) % LINKS.len()];
    for kept in [data.len(), data.len() / 2, data.len().min(64)] {
        let frame = Frame { time: 1, data: &data[..kept], wire_len: data.len() as u32, link };
        if let Decoded::Packet(packet) = decode_frame(&frame) {
            assert!(packet.payload.len() <= packet.payload_len as usize);
            assert!(packet.payload.len() <= kept && packet.payload_len <= frame.wire_len);
            assert_eq!((packet.frame_len, packet.time), (frame.wire_len, 1));
        }
    }
}

/// A stream of TLS records. What a part of it says stays true when more comes: a hello is the same, and what is no hello
/// does not become one.
pub(crate) fn hello(stream: &[u8]) {
    let whole = tls::client_hello(stream);
    for cut in cuts(stream.len()) {
        match tls::client_hello(&stream[..cut]) {
            Parse::Done(early) => assert_eq!(Parse::Done(early), whole, "cut at {cut}"),
            Parse::NotMine => assert_eq!(whole, Parse::NotMine, "cut at {cut}"),
            Parse::More | Parse::Malformed => {}
        }
    }
    if let Parse::Done(message) = &whole
        && let Some(hello) = ClientHello::parse(message)
    {
        let print = ja4(&hello, Over::Tcp);
        assert_eq!((print.len(), print.is_ascii()), (36, true), "{print}");
        let _ = (hello.sni(), hello.has_ech(), hello.alpn_text());
    }
}

/// A datagram. Each Initial takes some of its bytes, and no CRYPTO frame tells of more than the packet holds.
pub(crate) fn quic(datagram: &[u8]) {
    let mut scratch = Vec::new();
    let mut packets = 0;
    for initial in quic_parser::initials(datagram) {
        packets += 1;
        assert!(initial.dcid.len() <= 20);
        let Some(keys) = initial.client_keys() else { continue };
        if initial.open(&keys, &mut scratch) {
            crypto(initial.frames(&scratch));
        }
    }
    assert!(packets <= datagram.len());
    // Few bytes open under their keys: the frames are looked at by themselves as well.
    crypto(datagram);
}

fn crypto(frames: &[u8]) {
    let mut held = 0;
    let _ = quic_parser::crypto_frames(frames, |frame| held += frame.data.len());
    assert!(held <= frames.len());
}

/// A stream of HTTP/1. A head that is whole is the same with more behind it.
pub(crate) fn http(stream: &[u8]) {
    let whole = http_parser::request(stream);
    for cut in cuts(stream.len()) {
        if let Parse::Done(early) = http_parser::request(&stream[..cut]) {
            assert_eq!(Parse::Done(early), whole, "cut at {cut}");
        }
    }
    let _ = (http_parser::path(stream), http_parser::posts(stream), http_parser::answer(stream).is_some());
}

/// A DNS message, by itself and with the length before it that TCP has. What a part of it says, the whole says as
/// well; what is read of it is bounded whatever it claims; and what is sure of its own needs no port.
pub(crate) fn dns(bytes: &[u8]) {
    let whole = dns_parser::message(bytes);
    if let Parse::Done(message) = &whole {
        assert!(message.questions.len() <= 64 && message.addresses.len() <= 256);
        assert!(message.questions.iter().all(|question| question.name.chars().count() <= 255));
        assert!(message.public_names.len() <= 16 && message.services.len() <= 16);
        for service in &message.services {
            assert!(service.keys.len() <= 32 && service.keys.is_sorted_by(|one, next| one < next));
            assert!(
                service.alpn.len() <= 16 && service.alpn.iter().all(|id| (1..=255).contains(&id.chars().count()))
            );
            assert!(service.hints.len() <= 32 && service.public_names.len() <= 8);
        }
        assert!(message.public_names.iter().all(|public| public.name.is_ascii() && public.name.len() <= 253));
        for cut in cuts(bytes.len()) {
            if let Parse::Done(early) = dns_parser::message(&bytes[..cut]) {
                assert!(
                    message.questions.iter().zip(&early.questions).all(|(all, part)| all == part),
                    "cut at {cut}"
                );
                assert!(
                    message.addresses.iter().zip(&early.addresses).all(|(all, part)| all == part),
                    "cut at {cut}"
                );
            }
        }
    }
    if dns_parser::is_unmistakable(bytes) {
        let Parse::Done(message) = &whole else { panic!("sure of what cannot be read") };
        assert_eq!((message.questions.len(), message.questions[0].name.is_ascii()), (1, true));
        let longer = [bytes, &[0]].concat();
        assert!(!dns_parser::is_unmistakable(&longer), "something follows");
    }
    let length = bytes.len().min(65_535);
    let framed = [&(length as u16).to_be_bytes()[..], &bytes[..length]].concat();
    if let Parse::Done((_, taken)) = dns_parser::framed(&framed) {
        assert_eq!(taken, framed.len());
    }
    if dns_parser::begins(&framed) {
        assert!(
            cuts(framed.len()).all(|cut| dns_parser::begins(&framed[..cut])),
            "a part may begin where the whole does"
        );
    }
}

/// Which message, then a message that tells of a device: ARP, neighbour discovery, DHCP, mDNS. Texts are short and print,
/// and no message has more addresses than a device.
pub(crate) fn identity(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let text = |text: Option<String>| {
        assert!(text.is_none_or(|text| {
            (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        }));
    };
    match kind % 5 {
        0 => {
            if let Parse::Done(message) = dhcp::message(bytes) {
                text(message.host_name);
                text(message.vendor_class);
            }
        }
        1 => {
            if let Parse::Done(message) = dhcp6::message(bytes) {
                text(message.host_name);
                assert!(message.addresses.len() <= 8);
            }
        }
        2 => {
            // A capture's sender is not at hand: the last bytes are where the address of a record may be.
            let sender = bytes.last_chunk::<4>().map_or([10, 0, 0, 1].into(), |last| std::net::IpAddr::from(*last));
            if let Parse::Done(name) = mdns::own_name(bytes, sender) {
                text(Some(name));
            }
        }
        3 => drop(ndp::message(bytes)),
        _ => drop(arp::sender(bytes)),
    }
}

/// A capture file. It ends, with fewer frames than bytes.
pub(crate) fn file(bytes: &[u8]) {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut capture) = CaptureFile::from_reader(Path::new("fuzz"), input, Some(bytes.len() as u64)) else {
        return;
    };
    let mut frames = 0;
    while let Ok(Some(frame)) = capture.next_frame() {
        assert!(frame.data.len() <= bytes.len());
        frames += 1;
        assert!(frames <= bytes.len());
    }
}

/// The whole packet path: frames with two bytes of length, one of link type and one of time before each. Every frame is
/// counted in one line of the ledger.
pub(crate) fn worker(bytes: &[u8]) {
    let mut worker = Worker::new(WorkerConfig::new(CATALOGUE.clone()));
    let (mut out, mut rest, mut time) = (Records(0), bytes, 1_795_225_912_000_000_i64);
    while let [high, low, link, step, data @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]) % 4096).min(data.len());
        let (data, behind) = data.split_at(length);
        // Mostly small steps; large ones end flows.
        time += i64::from(*step) * if *step > 250 { 100_000_000 } else { 1_000 };
        let frame = Frame { time, data, wire_len: length as u32, link: LINKS[usize::from(*link) % LINKS.len()] };
        worker.frame(&frame, &mut out);
        rest = behind;
    }
    worker.finish(&mut out);
    let (totals, lines) = (worker.totals(), worker.totals().accounted());
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
}

/// Segments of one TCP connection: two bytes of place, one of length and flags, one that says whose bytes they carry, and
/// the bytes of a hello or of the input. Whatever they are, the ledger adds up, and the next connection has its name.
pub(crate) fn stream(bytes: &[u8]) {
    let mut worker = Worker::new(WorkerConfig::new(CATALOGUE.clone()));
    let (mut out, mut rest, mut time) = (Names::default(), bytes, 1_795_225_912_000_000_i64);
    let hello = small_hello();
    while let [high, low, flags, source, data @ ..] = rest {
        let place = u16::from_be_bytes([*high, *low]);
        let wanted = usize::from(*flags >> 2) * 4;
        let from = if source & 1 == 0 { &hello } else { data };
        let begin = if source & 1 == 0 { usize::from(place).min(from.len()) } else { 0 };
        let end = from.len().min(begin + wanted);
        let control = [0x10, 0x02, 0x18, 0x04][usize::from(*flags & 3)];
        let frame = segment(40_000, source & 2 == 0, u32::from(place), control, &from[begin..end]);
        time += 1_000;
        give(&mut worker, &mut out, time, &frame);
        rest = if source & 1 == 0 { data } else { &data[end..] };
    }
    out.0.clear();
    give(&mut worker, &mut out, time + 1, &segment(40_001, true, 0, 0x18, &hello));
    assert_eq!(out.0, ["claude.ai"]);
    worker.finish(&mut out);
    let (totals, lines) = (worker.totals(), worker.totals().accounted());
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
}

fn give(worker: &mut Worker, out: &mut Names, time: i64, data: &[u8]) {
    worker.frame(&Frame { time, data, wire_len: data.len() as u32, link: LinkType::RawIp }, out);
}

/// An IPv4 packet from the client at `port`, or back to it.
fn segment(port: u16, up: bool, seq: u32, control: u8, payload: &[u8]) -> Vec<u8> {
    let (client, server) = (([10, 0, 0, 7], port), ([198, 51, 100, 30], 443));
    let (from, to) = if up { (client, server) } else { (server, client) };
    let length = (40 + payload.len() as u16).to_be_bytes();
    let ip = [&[0x45, 0][..], &length, &[0, 0, 0, 0, 64, 6, 0, 0], &from.0, &to.0].concat();
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let tcp = [&ports[..], &seq.to_be_bytes(), &[0, 0, 0, 0, 0x50, control, 0xff, 0xff, 0, 0, 0, 0]].concat();
    [&ip, &tcp, payload].concat()
}

/// A record with a ClientHello for claude.ai.
fn small_hello() -> Vec<u8> {
    let vec16 = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let sni = vec16(&[&[0], &vec16(b"claude.ai")[..]].concat());
    let extensions = vec16(&[&[0, 0], &vec16(&sni)[..]].concat());
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &extensions].concat();
    let message = [&[1, 0], &vec16(&body)[..]].concat();
    [&[22, 3, 1], &vec16(&message)[..]].concat()
}

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));

/// The names that were found.
#[derive(Default)]
struct Names(Vec<String>);

impl Output for Names {
    fn record(&mut self, _: Record) {}

    fn name(&mut self, name: &Name<'_>) {
        self.0.extend(name.name.map(str::to_owned));
    }
}

struct Records(usize);

impl Output for Records {
    fn record(&mut self, record: Record) {
        // What cannot be written as JSON would be lost in the spool.
        self.0 += serde_json::to_vec(&record).map_or(0, |line| line.len());
    }
}

/// Every cut of what is short, and some of what is long: time stays bounded.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length / 256 + 1)
}
