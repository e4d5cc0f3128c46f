//! A hello that is not the first thing on its connection: behind STARTTLS, an SSLRequest, SOCKS5, CONNECT. The dialogue
//! arrives whole and in order; the hello behind it does not.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, PLACES, Place, record};
use crate::wire::packet::{ACK, Ends, SERVER_BASE};

const SEED: u64 = 0x1a7e_5eed;
const BASE: u32 = u32::MAX - 300;
const LEN: usize = 517;

/// What is said before the hello, by whom: `true` is the client.
struct Start {
    what: &'static str,
    port: u16,
    said: &'static [(bool, &'static [u8])],
    /// The names on the wire.
    names: &'static [(&'static str, &'static str)],
}

const STARTS: [Start; 5] = [
    Start {
        what: "SMTP",
        port: 587,
        said: &[
            (false, b"220 mail.example ESMTP\r\n"),
            (true, b"EHLO laptop.example\r\n"),
            (false, b"250-mail.example\r\n250-SIZE 35882577\r\n250 STARTTLS\r\n"),
            (true, b"STARTTLS\r\n"),
            (false, b"220 2.0.0 ready\r\n"),
        ],
        names: &[("tls", NAME)],
    },
    Start {
        what: "PostgreSQL",
        port: 5432,
        said: &[(true, b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), (false, b"S")],
        names: &[("tls", NAME)],
    },
    Start {
        what: "SOCKS5",
        port: 1080,
        said: &[
            (true, b"\x05\x01\x00"),
            (false, b"\x05\x00"),
            (true, b"\x05\x01\x00\x03\x09claude.ai\x01\xbb"),
            (false, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
        ],
        names: &[("tls", NAME)],
    },
    Start {
        what: "CONNECT",
        port: 3128,
        said: &[
            (true, b"CONNECT claude.ai:443 HTTP/1.1\r\nHost: claude.ai:443\r\n\r\n"),
            (false, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ],
        names: &[("http", NAME), ("tls", NAME)],
    },
    // A CONNECT in two segments: its end says nothing, and is the start of nothing.
    Start {
        what: "CONNECT in two",
        port: 3128,
        said: &[
            (true, b"CONNECT claude.ai:443 HTTP/1.1\r\nHost: claude.ai:443\r\n"),
            (true, b"Proxy-Connection: keep-alive\r\n\r\n"),
            (false, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ],
        names: &[("http", NAME), ("tls", NAME)],
    },
];

impl Start {
    /// Plays the dialogue; answers where the client's stream goes on.
    fn play(&self, bench: &mut Bench, syn: bool, what: &str) -> (Ends, u32) {
        let ends = bench.case(self.port, self.names, format_args!("{}, syn {syn}, {what}", self.what));
        let (mut up, mut down) = (BASE, SERVER_BASE);
        if syn {
            bench.handshake(ends, up);
        }
        for &(client, said) in self.said {
            let from = if client { Ends { ack: down, ..ends } } else { ends.back(up) };
            let next = if client { &mut up } else { &mut down };
            bench.frame(&from.tcp(*next, ACK, said));
            *next = next.wrapping_add(said.len() as u32);
        }
        (Ends { ack: down, ..ends }, up)
    }
}

fn behind_each_start(syn: bool, mut cuts_and_orders: impl FnMut(usize) -> Vec<(Vec<usize>, Vec<Vec<usize>>)>) {
    let mut bench = Bench::new(SEED);
    for start in &STARTS {
        for (sample, (cuts, orders)) in cuts_and_orders(LEN).into_iter().enumerate() {
            let stream = record(NAME, LEN, PLACES[sample % 3]);
            for order in orders {
                let (ends, seq) = start.play(&mut bench, syn, &format!("cuts {cuts:?}, order {order:?}"));
                bench.segments(ends, seq, &cut::at(&stream, &cuts), &order);
            }
        }
    }
    bench.done();
}

fn in_two(len: usize, order: &[usize]) -> Vec<(Vec<usize>, Vec<Vec<usize>>)> {
    (1..len).map(|at| (vec![at], vec![order.to_vec()])).collect()
}

#[test]
fn a_hello_in_one_segment() {
    behind_each_start(true, |_| vec![(vec![], cut::orders(1))]);
    behind_each_start(false, |_| vec![(vec![], cut::orders(1))]);
}

/// From here on the first segment shows that a hello begins.
const TOLD: usize = 11;

#[test]
fn a_hello_in_two_pieces_in_order() {
    behind_each_start(true, |len| in_two(len, &[0, 1]).split_off(TOLD));
}

#[test]
fn a_hello_in_two_pieces_the_first_tiny() {
    behind_each_start(true, |_| in_two(TOLD + 1, &[0, 1]));
}

#[test]
fn a_hello_in_two_pieces_reversed() {
    behind_each_start(true, |len| in_two(len, &[1, 0]));
}

#[test]
fn a_hello_in_two_pieces_without_a_syn() {
    behind_each_start(false, |len| in_two(len, &[0, 1]).into_iter().step_by(5).collect());
    behind_each_start(false, |len| in_two(len, &[1, 0]).into_iter().step_by(5).collect());
}

#[test]
fn a_hello_in_three_pieces_in_every_order() {
    let mut random = Random(SEED);
    behind_each_start(true, |len| {
        let tiny = (1..12).map(|first| vec![first, 12 + random.below(len - 20)]).collect::<Vec<_>>();
        let some = (0..40).map(|_| cut::somewhere(&mut random, len, 2));
        some.chain(tiny).map(|cuts| (cuts, cut::orders(3))).collect()
    });
}

/// The client's dialogue as often as TCP likes to send it again, between the pieces of the hello as well.
#[test]
fn the_dialogue_is_sent_again() {
    let mut bench = Bench::new(0);
    let stream = record(NAME, LEN, Place::Last);
    for start in &STARTS {
        for at in (20..LEN).step_by(50) {
            let (ends, seq) = start.play(&mut bench, true, &format!("the first words again, cut at {at}"));
            let words = start.said.iter().find(|(client, _)| *client).unwrap().1;
            bench.frame(&ends.tcp(BASE, ACK, words));
            bench.frame(&ends.tcp(seq, ACK, &stream[..at]));
            bench.frame(&ends.tcp(BASE, ACK, words));
            bench.frame(&ends.tcp(seq.wrapping_add(at as u32), ACK, &stream[at..]));
        }
    }
    bench.done();
}
