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
use sensor::output::Output;
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
pub(crate) const TARGETS: [(&str, Property); 8] = [
    ("decode", decode),
    ("hello", hello),
    ("quic", quic),
    ("http", http),
    ("dns", dns),
    ("identity", identity),
    ("file", file),
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

/// A DNS message, by itself and with the length before it that TCP has. Work is bounded by the message's size.
pub(crate) fn dns(bytes: &[u8]) {
    let _ = dns_parser::message(bytes);
    let length = bytes.len().min(65_535);
    let framed = [&(length as u16).to_be_bytes()[..], &bytes[..length]].concat();
    if let Parse::Done((_, taken)) = dns_parser::framed(&framed) {
        assert_eq!(taken, framed.len());
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
    static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));
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
