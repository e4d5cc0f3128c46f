//! What hides names is counted as such, by each of the means that tell it: name, port, application protocol.

use sensor::record::Tally;

use crate::bench::{Bench, SECOND};
use crate::quic::{Peer, VERSIONS, crypto};
use crate::wire::{ACK, End, SYN, client_hello, record, tcp, udp};

const CLIENT: End = ([10, 0, 0, 7], 50_000);
const SERVER: [u8; 4] = [198, 51, 100, 30];

/// A host of each class.
const HOSTS: [(&str, &str); 6] = [
    ("mozilla.cloudflare-dns.com", "doh"),
    ("one.one.one.one", "dot"),
    ("mask.icloud.com", "relay"),
    ("www.torproject.org", "tor"),
    ("a-b-c.trycloudflare.com", "tunnel"),
    ("engage.cloudflareclient.com", "vpn"),
];

/// What the client's device has under what hides names after these frames.
fn hidden(show: impl FnOnce(&mut Bench)) -> Vec<(String, Tally)> {
    let mut bench = Bench::new();
    show(&mut bench);
    // What waits for DNS is decided a second later.
    bench.frame(20 * SECOND, &udp(([10, 0, 0, 99], 1000), ([10, 0, 0, 98], 1001), b"x"));
    let seen = bench.done();
    assert!(seen.visibility.iter().all(|one| one.client_ip.to_string() == "10.0.0.7" && one.ai_flows == 0));
    seen.visibility.into_iter().flat_map(|one| one.hidden).collect()
}

#[track_caller]
fn is(class: &str, what: &str, show: impl FnOnce(&mut Bench)) {
    let words: Vec<_> = hidden(show).into_iter().map(|(word, tally)| (word, tally.flows)).collect();
    let wanted: Vec<_> = (!class.is_empty()).then(|| (class.to_owned(), 1)).into_iter().collect();
    assert_eq!(words, wanted, "{what}");
}

/// A connection over TCP: handshake, what the client sends, an answer.
fn over_tcp(port: u16, payload: Vec<u8>) -> impl FnOnce(&mut Bench) {
    move |bench| {
        let server = (SERVER, port);
        bench.frame(10 * SECOND, &tcp(CLIENT, server, 99, SYN, b""));
        bench.frame(10 * SECOND + 1, &tcp(server, CLIENT, 499, SYN | ACK, b""));
        bench.frame(10 * SECOND + 2, &tcp(CLIENT, server, 100, ACK, &payload));
        bench.frame(10 * SECOND + 3, &tcp(server, CLIENT, 500, ACK, &[23, 3, 3, 0, 1, 0]));
    }
}

/// Datagrams of the client, and as many answers as that.
fn over_udp(port: u16, payload: Vec<u8>, answered: bool) -> impl FnOnce(&mut Bench) {
    move |bench| {
        for n in 0..20 {
            let time = 10 * SECOND + 2 * n;
            bench.frame(time, &udp(CLIENT, (SERVER, port), &payload));
            if answered {
                bench.frame(time + 1, &udp((SERVER, port), CLIENT, &[0x5a; 60]));
            }
        }
    }
}

fn tls(sni: Option<&str>, ech: bool, alpn: &[&str]) -> Vec<u8> {
    record(&client_hello(sni, ech, alpn))
}

fn quic(sni: Option<&str>, alpn: &[&str]) -> Vec<u8> {
    Peer::client(&VERSIONS[0], b"12345678").initial(&crypto(0, &client_hello(sni, false, alpn)))
}

#[test]
fn by_the_name_of_a_hello() {
    for (host, class) in HOSTS {
        is(class, host, over_tcp(443, tls(Some(host), false, &["h2"])));
        is(class, host, over_udp(443, quic(Some(host), &["h3"]), true));
    }
    is("ech-real", "an outer name", over_tcp(443, tls(Some("cloudflare-ech.com"), true, &["h2"])));
    is("", "GREASE", over_tcp(443, tls(Some("news.example"), true, &["h2"])));
}

#[test]
fn by_the_name_that_dns_told() {
    for (host, class) in HOSTS {
        is(class, host, |bench| {
            bench.told(SECOND, (CLIENT.0, 40_000), host, SERVER, 60);
            over_tcp(443, tls(None, false, &[]))(bench);
        });
    }
}

#[test]
fn by_the_port_of_encrypted_dns() {
    is("dot", "a hello without a name", over_tcp(853, tls(None, false, &[])));
    is("dot", "a hello with one", over_tcp(853, tls(Some("dns.example"), false, &[])));
    is("dot", "no hello at all", over_tcp(853, vec![0xa5; 400]));
    is("dot", "over QUIC", over_udp(853, quic(Some("dns.example"), &[]), true));
}

#[test]
fn by_the_protocol_that_is_offered() {
    for sni in [None, Some("dns.example")] {
        is("dot", "over TLS", over_tcp(8853, tls(sni, false, &["dot"])));
        is("dot", "over QUIC", over_udp(8853, quic(sni, &["doq"]), true));
    }
    is("", "another protocol", over_tcp(8853, tls(Some("dns.example"), false, &["h2", "dott"])));
}

#[test]
fn by_the_port_of_a_tunnel_that_shows_no_name() {
    for port in [500, 1194, 1701, 4500, 51_820] {
        is("vpn", &port.to_string(), over_udp(port, vec![0xa5; 148], true));
        is("", "nobody answers", over_udp(port, vec![0xa5; 148], false));
    }
    for port in [1194, 1723] {
        is("vpn", &port.to_string(), over_tcp(port, vec![0xa5; 400]));
        is("", "a name of its own", over_tcp(port, tls(Some("news.example"), false, &["h2"])));
    }
    is("vpn", "the name of the tunnel's end", |bench| {
        bench.told(SECOND, (CLIENT.0, 40_000), "gate.office.example", SERVER, 60);
        over_udp(4500, vec![0xa5; 148], true)(bench);
    });
    is("", "another port", over_udp(40_001, vec![0xa5; 148], true));
}

/// Frames and bytes of a tunnel are those of its flow, and in no other line.
#[test]
fn a_tunnel_is_counted_whole() {
    let [(word, tally)] = &hidden(over_udp(51_820, vec![0xa5; 148], true))[..] else { panic!("one class") };
    assert_eq!((word.as_str(), tally.frames, tally.bytes), ("vpn", 40, 20 * (28 + 148 + 28 + 60)));
}
