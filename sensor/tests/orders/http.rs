//! A request head is found as a hello is: cut anywhere, in any order, with a body behind it.

use crate::random::Random;
use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::NAME;

const SEED: u64 = 0x0a77_b0d1;
const BASE: u32 = u32::MAX - 90;

/// Requests with the Host first, in the middle and last; one of them with a body.
fn requests() -> [Vec<u8>; 4] {
    let long = format!("Cookie: {}\r\n", "c".repeat(900));
    let fields = "Accept: */*\r\nUser-Agent: probe/1\r\n";
    [
        format!("GET / HTTP/1.1\r\nHost: {NAME}\r\n{fields}\r\n"),
        format!("GET /a?b=c HTTP/1.1\r\n{fields}host:{NAME}\r\nX: 1\r\n\r\n"),
        format!("PUT /x HTTP/1.1\r\n{fields}{long}Host: {NAME}:80\r\n\r\n"),
        format!(
            "POST /p HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 30\r\n\r\n{}",
            "{\"a\": 1234567890123456789012}"
        ),
    ]
    .map(String::into_bytes)
}

fn deliver(bench: &mut Bench, syn: bool, request: &[u8], cuts: &[usize], order: &[usize]) {
    let ends = bench.case(80, &[("http", NAME)], format_args!("syn {syn}, cuts {cuts:?}, order {order:?}"));
    if syn {
        bench.handshake(ends, BASE);
    }
    bench.segments(ends, BASE, &cut::at(request, cuts), order);
}

fn two_pieces(syn: bool) {
    let mut bench = Bench::new(0);
    for request in requests() {
        for at in 1..request.len() {
            for order in cut::orders(2) {
                deliver(&mut bench, syn, &request, &[at], &order);
            }
        }
    }
    bench.done();
}

#[test]
fn two_pieces_behind_a_syn() {
    two_pieces(true);
}

#[test]
fn two_pieces_without_a_syn() {
    two_pieces(false);
}

fn more_pieces(syn: bool) {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for request in requests() {
        for n in 3..=5 {
            for _ in 0..6 {
                let cuts = cut::somewhere(&mut random, request.len(), n - 1);
                for order in cut::orders(n) {
                    deliver(&mut bench, syn, &request, &cuts, &order);
                }
            }
        }
    }
    bench.done();
}

#[test]
fn three_to_five_pieces_in_every_order_behind_a_syn() {
    more_pieces(true);
}

#[test]
fn three_to_five_pieces_in_every_order_without_a_syn() {
    more_pieces(false);
}

#[test]
fn one_byte_per_segment() {
    let (mut bench, mut random) = (Bench::new(SEED), Random(SEED));
    for request in requests() {
        for (how, order) in cut::some_orders(&mut random, request.len()) {
            let what = format_args!("{} bytes, {how}", request.len());
            let ends = bench.case(80, &[("http", NAME)], what);
            bench.handshake(ends, BASE);
            bench.segments(ends, BASE, &cut::every(&request, 1), &order);
        }
    }
    bench.done();
}
