//! Connections that are seen from their middle on, and requests that follow others: what was asked is found, and what
//! stands in a file is not.

use crate::wire::bench::Bench;
use crate::wire::cut;
use crate::wire::hello::{NAME, Place, record};
use crate::wire::packet::{ACK, Ends, SERVER_BASE};

const BASE: u32 = 77_000;
const OTHER: &str = "other.example";

fn request(host: &str) -> Vec<u8> {
    format!("GET /a HTTP/1.1\r\nAccept: */*\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// Bytes of nothing, segment by segment; answers where the stream goes on.
fn body(bench: &mut Bench, from: Ends, seq: u32, segments: u32) -> u32 {
    let segment = [0xa5; 1000];
    for n in 0..segments {
        bench.frame(&from.tcp(seq + n * 1000, ACK, &segment));
    }
    seq + segments * 1000
}

#[test]
fn a_request_behind_the_rest_of_a_long_answer() {
    let mut bench = Bench::new(0);
    for segments in [1, 63, 64, 65, 300] {
        let ends =
            bench.case(80, &[("http", NAME), ("http", OTHER)], format_args!("{segments} segments of an answer"));
        body(&mut bench, ends.back(BASE), SERVER_BASE, segments);
        let one = request(NAME);
        bench.frame(&ends.tcp(BASE, ACK, &one));
        body(&mut bench, ends.back(BASE), SERVER_BASE + segments * 1000, 100);
        bench.frame(&ends.tcp(BASE + one.len() as u32, ACK, &request(OTHER)));
    }
    bench.done();
}

#[test]
fn a_hello_behind_the_rest_of_a_long_talk() {
    let mut bench = Bench::new(0);
    let ends = bench.tls("the server alone has spoken");
    body(&mut bench, ends.back(BASE), SERVER_BASE, 300);
    for _ in 0..40 {
        bench.frame(&ends.tcp(BASE, ACK, b""));
    }
    bench.segments(ends, BASE, &cut::at(&record(NAME, 600, Place::Last), &[300]), &[0, 1]);
    bench.done();
}

/// The answer tells that the client's stream is requests, whatever the rest of the first one was.
#[test]
fn a_request_behind_the_rest_of_a_body() {
    let mut bench = Bench::new(0);
    for segments in [1, 3, 20] {
        for syn in [false, true] {
            let what = format_args!("{segments} segments of a body, syn {syn}");
            let ends = bench.case(80, &[("http", NAME), ("http", OTHER)], what);
            if syn {
                bench.handshake(ends, BASE);
            }
            let next = body(&mut bench, ends, BASE, segments);
            bench.frame(&ends.back(next).tcp(SERVER_BASE, ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
            let one = request(NAME);
            bench.frame(&ends.tcp(next, ACK, &one));
            bench.frame(&ends.tcp(next + one.len() as u32, ACK, &request(OTHER)));
        }
    }
    bench.done();
}

#[test]
fn a_body_that_nobody_answers_as_a_web_server_does_holds_no_request() {
    let mut bench = Bench::new(0);
    for segments in [1, 3, 20] {
        let ends = bench.case(445, &[], format_args!("{segments} segments of a file"));
        let next = body(&mut bench, ends, BASE, segments);
        bench.frame(&ends.back(next).tcp(SERVER_BASE, ACK, b"\0\0\0\x04done"));
        bench.frame(&ends.tcp(next, ACK, &request(NAME)));
    }
    bench.done();
}

/// Between the parts of a request the server may send a file, with a request in it.
#[test]
fn what_a_server_sends_is_no_request() {
    let mut bench = Bench::new(0);
    let (one, two) = (request(NAME), request(OTHER));
    for at in 20..two.len() {
        let ends = bench.case(80, &[("http", NAME), ("http", OTHER)], format_args!("cut at {at}"));
        bench.handshake(ends, BASE);
        bench.frame(&ends.tcp(BASE, ACK, &one));
        let next = BASE + one.len() as u32;
        bench.frame(&ends.tcp(next, ACK, &two[..at]));
        bench.frame(&ends.back(next).tcp(SERVER_BASE, ACK, &request("false.example")));
        bench.frame(&ends.tcp(next + at as u32, ACK, &two[at..]));
    }
    bench.done();
}

/// RFC 9112 section 2.2: a client may send an empty line that belongs to nothing.
#[test]
fn a_request_behind_an_empty_line() {
    let mut bench = Bench::new(0);
    let (one, two) = (request(NAME), [b"\r\n".to_vec(), request(OTHER)].concat());
    for at in (1..two.len()).step_by(3) {
        let ends = bench.case(80, &[("http", OTHER)], format_args!("the first, cut at {at}"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &cut::at(&two, &[at]), &[0, 1]);
    }
    let ends = bench.case(80, &[("http", NAME), ("http", OTHER)], "the second");
    bench.handshake(ends, BASE);
    bench.frame(&ends.tcp(BASE, ACK, &one));
    bench.frame(&ends.tcp(BASE + one.len() as u32, ACK, &two));
    bench.done();
}

#[test]
fn a_web_server_on_the_port_of_dns() {
    let mut bench = Bench::new(0);
    for syn in [false, true] {
        let ends = bench.case(53, &[("http", NAME)], format_args!("syn {syn}"));
        if syn {
            bench.handshake(ends, BASE);
        }
        bench.frame(&ends.tcp(BASE, ACK, &request(NAME)));
    }
    bench.done();
}

/// It is read and thrown away: what follows stands behind it.
#[test]
fn a_hello_behind_one_that_is_broken() {
    let mut bench = Bench::new(0);
    let broken = record(&"a".repeat(300), 700, Place::First);
    let hello = record(NAME, 517, Place::Last);
    for at in 1..20 {
        let ends = bench.tls(format_args!("cut at {at}"));
        bench.handshake(ends, BASE);
        bench.frame(&ends.tcp(BASE, ACK, &broken));
        bench.segments(ends, BASE + 700, &cut::at(&hello, &[at]), &[0, 1]);
    }
    bench.done();
}

/// RFC 9112 section 9.3.2: a client need not wait for an answer before it asks again.
#[test]
fn requests_in_one_segment() {
    let mut bench = Bench::new(0);
    let third = "third.example";
    let post = format!("POST / HTTP/1.1\r\nHost: {OTHER}\r\nContent-Length: 47\r\n\r\n");
    let post = [post.as_bytes(), b"GET / HTTP/1.1\r\nHost: false.example\r\n\r\n\r\n\r\n\r\n\r\n"].concat();
    let stream = [request(NAME), post, request(third)].concat();
    for at in (stream.len() - request(third).len() + 18..=stream.len()).step_by(5) {
        let names = [("http", NAME), ("http", OTHER), ("http", third)];
        let ends = bench.case(80, &names, format_args!("cut at {at}"));
        bench.handshake(ends, BASE);
        bench.segments(ends, BASE, &cut::at(&stream, &[at]), &[0, 1]);
    }
    bench.done();
}
