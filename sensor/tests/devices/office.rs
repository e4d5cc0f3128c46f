//! An office on a wire: clients, a router, a DHCP server, and the worker that sees them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::Output;
use sensor::record::{DeviceRecord, FlowRecord, LookupRecord, Record, VisibilityRecord};
use sensor::worker::{Worker, WorkerConfig};

pub(crate) type Mac = [u8; 6];

pub(crate) const ANNA: Mac = [0x00, 0x1b, 0x21, 0, 0, 0x11];
pub(crate) const BEN: Mac = [0x02, 0x77, 0, 0, 0, 0x12];
pub(crate) const ROUTER: Mac = [0x00, 0x1b, 0x21, 0, 0, 0x01];
pub(crate) const ANNA_TEXT: &str = "00:1b:21:00:00:11";
pub(crate) const BEN_TEXT: &str = "02:77:00:00:00:12";

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
const START: i64 = 1_795_225_900_000_000;

const SERVER: &str = "198.51.100.30";
const SERVER6: &str = "2001:db8:100::30";

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));

/// How a mirror hands frames on.
pub(crate) type Wrap = fn(Vec<u8>) -> Vec<u8>;

pub(crate) struct Office {
    worker: Worker,
    pub(crate) seen: Seen,
    pub(crate) time: i64,
    wrap: Wrap,
    /// How often the mirror gives each frame.
    copies: u8,
    port: u16,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) flows: Vec<FlowRecord>,
    pub(crate) lookups: Vec<LookupRecord>,
    pub(crate) devices: Vec<DeviceRecord>,
    pub(crate) visibility: Vec<VisibilityRecord>,
}

impl Output for Seen {
    fn record(&mut self, record: Record) {
        match record {
            Record::Flow(flow) => self.flows.push(*flow),
            Record::Lookup(lookup) => self.lookups.push(*lookup),
            Record::Device(device) => self.devices.push(*device),
            Record::Visibility(visibility) => self.visibility.push(*visibility),
            Record::Minute(_) | Record::Candidate(_) => {}
        }
    }
}

impl Office {
    pub(crate) fn new() -> Self {
        Self::behind(|frame| frame, 1)
    }

    /// An office behind a mirror that wraps frames, and gives each so often.
    pub(crate) fn behind(wrap: Wrap, copies: u8) -> Self {
        let worker = Worker::new(WorkerConfig::new(CATALOGUE.clone()));
        Self { worker, seen: Seen::default(), time: START, wrap, copies, port: 30_000 }
    }

    /// Shows the worker a frame.
    pub(crate) fn frame(&mut self, data: Vec<u8>) {
        self.time += 1000;
        let data = (self.wrap)(data);
        for _ in 0..self.copies {
            let (time, wire_len) = (self.time, data.len() as u32);
            self.worker.frame(&Frame { time, data: &data, wire_len, link: LinkType::Ethernet }, &mut self.seen);
        }
    }

    /// Lets packet time pass.
    pub(crate) fn wait(&mut self, time: i64) {
        let end = self.time + time;
        while self.time < end {
            self.time = end.min(self.time + 4 * MINUTE);
            self.frame(eth(ROUTER, [0xff; 6], 0x9999, b"nothing to see"));
        }
    }

    /// One request to an AI service and its answer, in frames of these senders.
    pub(crate) fn chat(&mut self, client: IpAddr, ttl: u8, mac: Mac) {
        self.chat_through(client, ttl, mac, ROUTER);
    }

    pub(crate) fn chat_through(&mut self, client: IpAddr, ttl: u8, mac: Mac, router: Mac) {
        self.port += 1;
        let server: IpAddr = if client.is_ipv4() { SERVER } else { SERVER6 }.parse().unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: claude.ai\r\n\r\n";
        let up =
            |seq, flags, payload: &[u8]| ip(client, server, 6, ttl, &tcp([self.port, 80], seq, flags, payload));
        let down =
            |seq, flags, payload: &[u8]| ip(server, client, 6, 57, &tcp([80, self.port], seq, flags, payload));
        let ether_type = if client.is_ipv4() { 0x0800 } else { 0x86dd };
        let frames = [
            eth(mac, router, ether_type, &up(99, 0x02, b"")),
            eth(router, mac, ether_type, &down(499, 0x12, b"")),
            eth(mac, router, ether_type, &up(100, 0x18, request)),
            eth(router, mac, ether_type, &down(500, 0x18, b"HTTP/1.1 200 OK\r\n\r\n")),
            eth(mac, router, ether_type, &up(100 + request.len() as u32, 0x11, b"")),
            eth(router, mac, ether_type, &down(519, 0x11, b"")),
        ];
        frames.into_iter().for_each(|frame| self.frame(frame));
    }

    /// An ARP message that `mac` sends about itself.
    pub(crate) fn arp(&mut self, mac: Mac, ip: Ipv4Addr) {
        let told = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &mac, &ip.octets(), &[0; 10]].concat();
        self.frame(eth(mac, [0xff; 6], 0x0806, &told));
    }

    /// What DHCP sends: operation, options, addresses, and the frame's sender.
    pub(crate) fn dhcp(&mut self, frame: Mac, ends: [Ipv4Addr; 2], message: &Dhcp<'_>) {
        let ports = if message.op == 1 { [68, 67] } else { [67, 68] };
        let ports = if message.relay.is_unspecified() { ports } else { [67, 67] };
        let packet = ip(ends[0].into(), ends[1].into(), 17, 64, &udp(ports, &message.bytes()));
        self.frame(eth(frame, [0xff; 6], 0x0800, &packet));
    }

    /// A server gives `ip` to `mac` for an hour.
    pub(crate) fn lease(&mut self, mac: Mac, ip: Ipv4Addr) {
        let ends = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::BROADCAST];
        let options = [53, 1, 5, 51, 4, 0, 0, 0x0e, 0x10];
        self.dhcp(ROUTER, ends, &Dhcp { op: 2, mac, given: ip, options: &options, ..Dhcp::EMPTY });
    }

    /// Ends the capture: every frame is accounted for.
    pub(crate) fn done(&mut self) -> &Seen {
        self.worker.finish(&mut self.seen);
        let (totals, lines) = (self.worker.totals(), self.worker.totals().accounted());
        assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes), "the ledger leaks");
        &self.seen
    }

    /// Counters of what was given up.
    pub(crate) fn broken(&self, what: &str) -> u64 {
        self.worker.totals().malformed().get(what).copied().unwrap_or(0)
    }
}

impl Seen {
    /// Device and hardware address of each flow, in order.
    pub(crate) fn who(&self) -> Vec<(&str, Option<&str>)> {
        let first = self.flows.iter().filter(|flow| flow.seq == 0);
        first.map(|flow| (flow.device.as_str(), flow.client_mac.as_deref())).collect()
    }
}

/// A message of DHCP.
#[derive(Clone, Copy)]
pub(crate) struct Dhcp<'a> {
    pub(crate) op: u8,
    pub(crate) mac: Mac,
    pub(crate) uses: Ipv4Addr,
    pub(crate) given: Ipv4Addr,
    pub(crate) relay: Ipv4Addr,
    pub(crate) options: &'a [u8],
}

impl Dhcp<'_> {
    pub(crate) const EMPTY: Self = Self {
        op: 1,
        mac: [0; 6],
        uses: Ipv4Addr::UNSPECIFIED,
        given: Ipv4Addr::UNSPECIFIED,
        relay: Ipv4Addr::UNSPECIFIED,
        options: &[],
    };

    fn bytes(&self) -> Vec<u8> {
        let head = [self.op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
        let addresses = [self.uses, self.given, Ipv4Addr::UNSPECIFIED, self.relay].map(|ip| ip.octets()).concat();
        [&head[..], &addresses, &self.mac, &[0; 202], &[0x63, 0x82, 0x53, 0x63], self.options, &[255]].concat()
    }
}

pub(crate) fn eth(src: Mac, dst: Mac, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&dst[..], &src, &ether_type.to_be_bytes(), payload].concat()
}

pub(crate) fn udp([from, to]: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u16;
    [&from.to_be_bytes()[..], &to.to_be_bytes(), &len.to_be_bytes(), &[0, 0], payload].concat()
}

fn tcp([from, to]: [u16; 2], seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
    [&ports[..], &seq.to_be_bytes(), &[0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat()
}

pub(crate) fn ip(src: IpAddr, dst: IpAddr, protocol: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u16;
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let head = [&[0x45, 0][..], &(20 + len).to_be_bytes(), &[0, 0, 0x40, 0, ttl, protocol, 0, 0]].concat();
            [&head[..], &src.octets(), &dst.octets(), payload].concat()
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let head = [&[0x60, 0, 0, 0][..], &len.to_be_bytes(), &[protocol, ttl]].concat();
            [&head[..], &src.octets(), &dst.octets(), payload].concat()
        }
        _ => panic!("both ends are of one family"),
    }
}

pub(crate) fn v4(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

pub(crate) fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}
