//! Three names behind one address, in any order of lookups and connections: what is confirmed is right.

use std::collections::HashMap;

use crate::bench::{A, Bench, HTTPS, SECOND};
use crate::random::Random;
use crate::wire::{ACK, End, RESOLVER, RST, SYN, answer, hello, https, query, tcp, udp};

const ADDRESS: End = ([198, 51, 100, 20], 443);
const COVER: &str = "cloudflare-ech.com";
/// The names, and whether their HTTPS record has a configuration with the cover.
const NAMES: [(&str, bool); 3] = [("chatgpt.com", true), ("www.perplexity.ai", false), ("news.example", true)];
const ROUNDS: usize = 10_000;
/// Seconds that a client goes on using an answer after its TTL, at most.
const LATE: i64 = 290;

/// What a client knows: until when it uses the address of each name, and its configuration.
#[derive(Default)]
struct Client {
    address: [i64; 3],
    config: [i64; 3],
}

struct World {
    bench: Bench,
    random: Random,
    time: i64,
    port: u16,
    /// Answers that the mirror has not shown yet.
    late: Vec<Vec<u8>>,
    /// The name that each connection was for, by client and port.
    truth: HashMap<(String, u16), usize>,
}

impl World {
    fn lookup(&mut self, ip: [u8; 4], client: &mut Client) {
        let (n, ttl) = (self.random.below(3), [0, 5, 60, 300][self.random.below(4)]);
        let until = self.time + (i64::from(ttl) + LATE) * SECOND;
        let (name, has_config) = NAMES[n];
        self.port = self.port % 20_000 + 20_001;
        let dns = (ip, self.port);
        client.address[n] = client.address[n].max(until);
        self.ask(dns, name, A, (A, ttl, ADDRESS.0.to_vec()));
        // Browsers ask for both, programs for the address alone.
        if self.random.below(3) > 0 {
            let record = (HTTPS, ttl, https(&[], has_config.then_some(COVER)));
            client.config[n] = if has_config { client.config[n].max(until) } else { 0 };
            self.ask(dns, name, HTTPS, record);
        }
    }

    fn ask(&mut self, dns: End, name: &str, qtype: u16, record: (u16, u32, Vec<u8>)) {
        self.time += 1000;
        let id = self.random.next() as u16;
        self.bench.frame(self.time, &udp(dns, RESOLVER, &query(id, name, qtype)));
        let told = udp(RESOLVER, dns, &answer(id, name, qtype, &[record]));
        // A mirror that shows some answers late.
        match self.random.below(4) {
            0 => self.late.push(told),
            _ => self.bench.frame(self.time + 500, &told),
        }
    }

    /// What is late on the mirror comes within a second.
    fn catch_up(&mut self) {
        self.time += 400_000;
        for told in std::mem::take(&mut self.late) {
            self.bench.frame(self.time, &told);
        }
    }

    /// The client goes to a name that it knows, and the hello does not say which.
    fn connect(&mut self, ip: [u8; 4], client: &Client) {
        let known: Vec<_> = (0..3).filter(|&n| client.address[n] > self.time).collect();
        if known.is_empty() {
            return;
        }
        let n = known[self.random.below(known.len())];
        let encrypted = client.config[n] > self.time;
        self.port = self.port % 20_000 + 20_001;
        let end = (ip, self.port);
        self.truth.insert((std::net::Ipv4Addr::from(ip).to_string(), self.port), n);
        let hello = hello(encrypted.then_some(COVER), encrypted);
        self.time += 1000;
        self.bench.frame(self.time, &tcp(end, ADDRESS, 99, SYN, b""));
        self.bench.frame(self.time + 1, &tcp(end, ADDRESS, 100, ACK, &hello));
        self.bench.frame(self.time + 2, &tcp(ADDRESS, end, 500, ACK, &[23, 3, 3, 0, 1, 0]));
        self.bench.frame(self.time + 3, &tcp(ADDRESS, end, 506, RST | ACK, b""));
        self.catch_up();
    }
}

#[test]
fn three_names_on_one_address_confirm_nothing_false() {
    let bench = Bench::new();
    let (random, time) = (Random(0x51ed_270b_a5a5_2026), 1_000 * SECOND);
    let mut world = World { bench, random, time, port: 20_001, late: Vec::new(), truth: HashMap::new() };
    for round in 0..ROUNDS as u32 {
        let [_, a, b, c] = round.to_be_bytes();
        let ip = [10, a + 1, b, c];
        let mut client = Client::default();
        for _ in 0..2 + world.random.below(8) {
            let step = world.random.below(60) as i64 * SECOND;
            if step > 0 {
                world.catch_up();
            }
            world.time += step;
            match world.random.below(2) {
                0 => world.lookup(ip, &mut client),
                _ => world.connect(ip, &client),
            }
        }
    }
    let truth = world.truth;
    let seen = world.bench.done();
    let (mut confirmed, mut open) = (0, 0);
    for flow in seen.flows.iter().filter(|flow| flow.last) {
        let (name, _) = NAMES[truth[&(flow.client_ip.to_string(), flow.client_port)]];
        match (flow.evidence.as_str(), flow.host.as_deref()) {
            ("dns", Some(host)) => {
                assert_eq!(host, name, "{flow:?}");
                confirmed += 1;
            }
            ("ambiguous", None) => {
                assert!(flow.candidates.iter().any(|candidate| candidate == name), "{flow:?}");
                open += 1;
            }
            other => panic!("{other:?}: {flow:?}"),
        }
    }
    assert!(confirmed > 3000 && open > 1000, "{confirmed} confirmed, {open} open, {} connections", truth.len());
}
