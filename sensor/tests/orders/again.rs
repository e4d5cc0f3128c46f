//! What comes twice: a hello that is sent again names once, a connection on the same ports names again.

use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, Place, message, record};
use crate::wire::packet::{ACK, FIN, RST, SERVER_BASE};
use crate::wire::quic::{CLIENT, Keys, Peer, VERSIONS, crypto};

const BASE: u32 = 31_000;
const LEN: usize = 517;

/// RFC 8446 section 4.1.4: a HelloRetryRequest asks for a second hello on the same connection.
#[test]
fn a_second_hello_on_a_connection_names_once() {
    let mut bench = Bench::new(0);
    let hello = record(NAME, LEN, Place::Middle);
    let request = [&[22, 3, 3, 0, 58, 2, 0, 0, 54, 3, 3][..], &[0xcf; 52]].concat();
    let second = [b"\x14\x03\x03\x00\x01\x01".to_vec(), record(NAME, LEN + 80, Place::Middle)].concat();
    for at in (1..LEN).step_by(5) {
        let ends = bench.tls(format_args!("a second hello, cut at {at}"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &cut::at(&hello, &[at]), &[0, 1]);
        let next = BASE + LEN as u32;
        bench.frame(&ends.back(next).tcp(SERVER_BASE, ACK, &request));
        bench.segments(ends, next, &cut::at(&second, &[at]), &[1, 0]);
        bench.segments(ends, BASE, &cut::at(&hello, &[at]), &[1, 0]);
    }
    bench.done();
}

/// Ports that are used again: by a SYN with another number, after an end of either kind or none.
#[test]
fn the_next_connection_on_the_same_ports_names_again() {
    let mut bench = Bench::new(0);
    let hello = record(NAME, LEN, Place::Last);
    for at in (1..LEN).step_by(5) {
        for (how, flags) in [("FIN", FIN | ACK), ("RST", RST), ("nothing", ACK)] {
            for order in cut::orders(2) {
                let what = format!("{how} between, cut at {at}, order {order:?}");
                let ends = bench.case(443, &[("tls", NAME), ("tls", NAME)], what);
                let pieces = cut::at(&hello, &[at]);
                for base in [BASE, BASE.wrapping_sub(70_000)] {
                    bench.handshake(ends, base);
                    bench.segments(ends, base, &pieces, &order);
                    let next = base.wrapping_add(LEN as u32);
                    bench.frame(&ends.tcp(next, flags, b""));
                    bench.frame(&ends.back(next + 1).tcp(SERVER_BASE, flags, b""));
                }
            }
        }
    }
    bench.done();
}

/// A hello that never becomes whole does not name, and does not keep the next connection from it.
#[test]
fn behind_a_hello_that_never_became_whole() {
    let mut bench = Bench::new(0);
    let hello = record(NAME, LEN, Place::First);
    for at in 1..LEN {
        let ends = bench.tls(format_args!("{at} bytes, and another connection"));
        bench.handshake(ends, BASE);
        bench.frame(&ends.tcp(BASE, ACK, &hello[..at]));
        bench.frame(&ends.back(BASE).tcp(SERVER_BASE, RST, b""));
        bench.handshake(ends, BASE + 900_000);
        bench.segments(ends, BASE + 900_000, &cut::at(&hello, &[at]), &[1, 0]);
    }
    bench.done();
}

/// A connection over QUIC that begins with a token of the one before, on the same ports and at once. That is no answer
/// to a Retry: the server has accepted the one before.
#[test]
fn the_next_quic_connection_brings_a_token() {
    let mut bench = Bench::new(0);
    let hello = message(NAME, 300, Place::Middle);
    for version in &VERSIONS {
        for at in (1..300).step_by(20) {
            let what = format!("{}, cut at {at}", version.name);
            let ends = bench.case(443, &[("quic", NAME), ("quic", NAME)], what);
            for token in [&b""[..], b"a token of the server"] {
                let id = [&bench.connection_id()[..], token].concat();
                let mut client =
                    Peer { token: token.to_vec(), ..Peer::client(version, &id[..8 + token.len() / 2]) };
                let mut server = Peer::server(&client, b"server");
                bench.frame(&ends.udp(&client.initial(&crypto(0, &hello[..at]))));
                bench.frame(&ends.udp(&client.initial(&crypto(at, &hello[at..]))));
                bench.frame(&ends.back(0).udp(&server.initial(&[2, 0, 0, 0, 0])));
            }
        }
    }
    bench.done();
}

/// A server may keep the id of its Retry: what the client sends to it later opens no connection.
#[test]
fn a_retried_connection_goes_on() {
    let mut bench = Bench::new(0);
    let hello = crypto(0, &message(NAME, 300, Place::Last));
    for version in &VERSIONS {
        let ends = bench.quic(format_args!("{} under the id of the Retry", version.name));
        let mut client = Peer::client(version, &bench.connection_id());
        bench.frame(&ends.udp(&client.initial(&hello)));
        let retry = Peer::server(&client, b"server's").retry(b"a token");
        bench.frame(&ends.back(0).udp(&retry));
        (client.dcid, client.token) = (b"server's".to_vec(), b"a token".to_vec());
        client.keys = Keys::new(version, b"server's", CLIENT);
        bench.frame(&ends.udp(&client.initial(&hello)));
        let mut server = Peer::server(&client, b"server's");
        for _ in 0..3 {
            bench.frame(&ends.back(0).udp(&server.initial(&[2, 0, 0, 0, 0])));
            bench.frame(&ends.udp(&client.initial(&hello)));
        }
    }
    bench.done();
}
