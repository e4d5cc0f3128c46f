//! Floods of made-up devices: what the table of devices takes, and that who is known stays known.

use std::sync::Arc;

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

use crate::frames::{ACK, End, SYN, hello, tcp, udp, v4};
use crate::memory::Peak;

type Mac = [u8; 6];

const ROUTER: Mac = [0x00, 0x1b, 0x21, 0, 0, 1];
const ANNA: Mac = [0x00, 0x1b, 0x21, 0, 0, 0x11];
const ANNA_AT: u32 = 0x0a4d_000b;
const DISCOVERY: u32 = 0xe000_00fb;
/// Devices of a flood: more than the table holds.
const MADE_UP: u32 = 80_000;
/// Addresses that each has: as many as are remembered of one.
const EACH: u32 = 4;
const EACH_V6: u16 = 16;
/// The table, as docs/operations.md says, and the flows of the announcements.
const CEILING: usize = (270 + 120) << 20;

/// A worker on an Ethernet, and the devices of its records.
struct Wire {
    worker: Worker,
    seen: Seen,
    time: i64,
    data: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    flows: Vec<String>,
    names: Vec<Option<String>>,
}

impl Output for Seen {
    fn record(&mut self, record: Record) {
        match record {
            Record::Flow(flow) if flow.seq == 0 => self.flows.push(flow.device),
            Record::Device(device) => self.names.push(device.host_name),
            _ => {}
        }
    }
}

impl Wire {
    fn new() -> Self {
        let worker = Worker::new(WorkerConfig::new(Arc::new(Catalogue::builtin())));
        Self { worker, seen: Seen::default(), time: 1_795_225_900_000_000, data: Vec::with_capacity(4096) }
    }

    fn frame(&mut self, src: Mac, ether_type: u16, payload: &[u8]) {
        self.time += 100;
        let data = [&[0xff; 6], &src[..], &ether_type.to_be_bytes(), payload].concat();
        let frame = Frame { time: self.time, data: &data, wire_len: data.len() as u32, link: LinkType::Ethernet };
        self.worker.frame(&frame, &mut self.seen);
    }

    fn arp(&mut self, mac: Mac, address: u32) {
        let told = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &mac, &address.to_be_bytes(), &[0; 10]].concat();
        self.frame(mac, 0x0806, &told);
    }

    /// A neighbour's advertisement of an address of IPv6.
    fn advertise(&mut self, mac: Mac, address: [u8; 16]) {
        let head = [0x60, 0, 0, 0, 0, 32, 58, 255];
        let message = [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &address, &[2, 1], &mac].concat();
        self.frame(mac, 0x86dd, &[&head[..], &address, &address, &message].concat());
    }

    fn udp(&mut self, mac: Mac, from: End, to: End, payload: &[u8]) {
        let mut data = std::mem::take(&mut self.data);
        udp(&mut data, from, to, payload);
        self.frame(mac, 0x0800, &data);
        self.data = data;
    }

    /// A client asks for a lease, calls itself as long as it may, and gets the address.
    fn lease(&mut self, mac: Mac, address: u32, name: &str) {
        let text = |code: u8, text: &str| [&[code, text.len() as u8], text.as_bytes()].concat();
        let asks = [&[53, 1, 3][..], &text(12, name), &text(60, &"\u{1f40b}".repeat(60))].concat();
        let given = [53, 1, 5, 51, 4, 0, 1, 0x51, 0x80];
        self.udp(mac, (v4(0), 68), (v4(u32::MAX), 67), &dhcp(1, mac, 0, &asks));
        self.udp(ROUTER, (v4(0x0a4d_0001), 67), (v4(u32::MAX), 68), &dhcp(2, mac, address, &given));
    }

    /// A host announces its name with its address.
    fn announce(&mut self, mac: Mac, address: u32, name: &str) {
        let head = b"\0\0\x84\0\0\0\0\x01\0\0\0\0";
        let owner = [&[name.len() as u8], name.as_bytes(), b"\x05local\0"].concat();
        let record = b"\0\x01\x80\x01\0\0\0\x78\0\x04";
        let message = [&head[..], &owner, record, &address.to_be_bytes()].concat();
        self.udp(mac, (v4(address), 5353), (v4(DISCOVERY), 5353), &message);
    }

    /// Anna reaches an AI service.
    fn chat(&mut self, port: u16) {
        let (client, server) = ((v4(ANNA_AT), port), (v4(0xc633_641e), 443));
        let mut data = Vec::new();
        for (mac, from, to, seq, flags, payload) in [
            (ANNA, client, server, 99, SYN, vec![]),
            (ROUTER, server, client, 499, SYN | ACK, vec![]),
            (ANNA, client, server, 100, ACK, hello(b"claude.ai", &[b"h2"])),
            (ROUTER, server, client, 500, ACK, vec![0; 100]),
        ] {
            tcp(&mut data, from, to, seq, flags, &payload);
            self.frame(mac, 0x0800, &data);
        }
    }
}

fn dhcp(op: u8, mac: Mac, given: u32, options: &[u8]) -> Vec<u8> {
    let head = [op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    let addresses = [&given.to_be_bytes()[..], &[0; 8]].concat();
    [&head[..], &addresses, &mac, &[0; 202], &[0x63, 0x82, 0x53, 0x63], options, &[255]].concat()
}

/// Shows a flood between two visits of a device that is known; it says what the flood of each made-up device is.
fn flood(what: impl Fn(&mut Wire, Mac, u32)) {
    let mut wire = Wire::new();
    wire.lease(ANNA, ANNA_AT, "anna");
    wire.chat(40_000);
    let peak = Peak::begin();
    for n in 0..MADE_UP {
        let [_, b, c, d] = n.to_be_bytes();
        what(&mut wire, [0x02, 0xee, 0, b, c, d], 0xac10_0000 + n * EACH);
    }
    let taken = peak.bytes();
    wire.chat(40_001);
    wire.worker.finish(&mut wire.seen);
    assert_eq!(wire.seen.flows, ["00:1b:21:00:00:11"; 2], "who was known is known");
    assert_eq!(wire.seen.names[0].as_deref(), Some("anna"));
    let totals = wire.worker.totals();
    let (lines, forgotten) = (totals.accounted(), totals.malformed().get("devices-full").copied());
    assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
    assert!(forgotten.is_some_and(|count| count > 10_000), "{forgotten:?}");
    assert!(taken < CEILING, "{taken} of {CEILING} bytes");
}

#[test]
fn leases_of_made_up_clients() {
    flood(|wire, mac, at| (0..EACH).for_each(|n| wire.lease(mac, at + n, &"\u{1f40b}".repeat(60))));
}

/// Each with all the addresses that one may have.
#[test]
fn neighbours_that_nobody_knows() {
    flood(|wire, mac, at| {
        (0..EACH).for_each(|n| wire.arp(mac, at + n));
        for n in 0..EACH_V6 {
            let place = [at.to_be_bytes().to_vec(), n.to_be_bytes().to_vec()].concat();
            let address = [&[0xfd; 10][..], &place].concat();
            wire.advertise(mac, address.try_into().unwrap());
        }
    });
}

#[test]
fn hosts_that_announce_names() {
    flood(|wire, mac, at| {
        wire.arp(mac, at);
        wire.announce(mac, at, &"n".repeat(63));
    });
}
