//! Questions on the wire: all of them, each once, and by whom.

use crate::bench::{A, Bench, SECOND};
use crate::wire::{ACK, End, RESOLVER, RST, SYN, answer, query, tcp, udp};

const CLIENT: End = ([10, 0, 0, 7], 40_000);
const SERVER: [u8; 4] = [198, 51, 100, 30];

/// Messages with their lengths before them.
fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|m| [&(m.len() as u16).to_be_bytes()[..], m].concat()).collect()
}

fn queries(names: &[&str]) -> Vec<u8> {
    stream(&names.iter().zip(1..).map(|(name, id)| query(id, name, A)).collect::<Vec<_>>())
}

/// The names in segments that begin where they say, with a SYN before them or not.
fn asked(syn: bool, segments: &[(usize, &[u8])]) -> Vec<String> {
    let mut bench = Bench::new();
    if syn {
        bench.frame(0, &tcp(CLIENT, RESOLVER, 99, SYN, b""));
    }
    for (time, &(at, bytes)) in (1..).zip(segments) {
        bench.frame(time, &tcp(CLIENT, RESOLVER, 100 + at as u32, ACK, bytes));
    }
    bench.done().asked().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_stream_may_be_split_anywhere_and_come_in_any_order() {
    let bytes = queries(&["claude.ai", "poe.com"]);
    for cut in 1..bytes.len() {
        let (first, second) = bytes.split_at(cut);
        assert_eq!(asked(true, &[(0, first), (cut, second)]), ["claude.ai", "poe.com"], "{cut}");
        assert_eq!(asked(true, &[(cut, second), (0, first)]), ["claude.ai", "poe.com"], "{cut} in reverse");
        assert_eq!(asked(false, &[(0, first), (cut, second)]), ["claude.ai", "poe.com"], "{cut} without SYN");
    }
    let single: Vec<_> = bytes.chunks(1).enumerate().collect();
    assert_eq!(asked(true, &single), ["claude.ai", "poe.com"]);
    assert_eq!(asked(false, &single), ["claude.ai", "poe.com"]);
}

#[test]
fn a_stream_that_is_seen_from_its_middle_is_read_from_the_next_message_on() {
    let bytes = queries(&["lost.example", "claude.ai"]);
    let second = queries(&["lost.example"]).len();
    for cut in 1..second {
        assert_eq!(asked(false, &[(cut, &bytes[cut..second]), (second, &bytes[second..])]), ["claude.ai"], "{cut}");
    }
    // The rest of a message comes before its start.
    let at = second + 20;
    assert_eq!(asked(false, &[(at, &bytes[at..]), (second, &bytes[second..at])]), ["claude.ai"]);
}

#[test]
fn a_lost_segment_does_not_end_a_stream() {
    let one = queries(&["lost.example"]);
    let later: Vec<_> = (0..12).map(|n| queries(&[&format!("n{n}.example")])).collect();
    let mut at = one.len();
    let mut segments = vec![(0, &one[..20])];
    for bytes in &later {
        segments.push((at, bytes));
        at += bytes.len();
    }
    let names = asked(true, &segments);
    let all: Vec<_> = (0..12).map(|n| format!("n{n}.example")).collect();
    assert_eq!(names, all, "eight wait for it, and are read with the ninth");
    // Behind the gap no message begins: the next one that does is found.
    segments[1] = (one.len() + 3, &later[0][3..]);
    assert_eq!(asked(true, &segments), all[8..]);
}

#[test]
fn a_message_that_cannot_be_read_does_not_end_a_stream() {
    let broken = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x3fshort"].concat();
    let bytes = stream(&[query(1, "claude.ai", A), broken, query(2, "poe.com", A)]);
    assert_eq!(asked(true, &[(0, &bytes)]), ["claude.ai", "poe.com"]);
}

#[test]
fn the_one_who_asked_is_the_client() {
    let response = answer(7, "claude.ai", A, &[(A, 60, SERVER.to_vec())]);
    let question = query(7, "claude.ai", A);
    let (low, high) = (([10, 0, 0, 7], 53), ([10, 0, 0, 9], 53));
    let client_of = |from: End, to: End, bytes: &[u8]| {
        let mut bench = Bench::new();
        bench.frame(0, &udp(from, to, bytes));
        let seen = bench.done();
        let [(client, ..)] = &seen.questions[..] else { panic!("{:?}", seen.questions) };
        client.clone()
    };
    assert_eq!(client_of(RESOLVER, CLIENT, &response), "10.0.0.7:40000", "an answer alone");
    assert_eq!(client_of(RESOLVER, ([10, 0, 0, 7], 40), &response), "10.0.0.7:40", "a port below 53");
    for (one, other) in [(low, high), (high, low)] {
        assert_eq!(client_of(one, other, &question), format!("{}:53", std::net::Ipv4Addr::from(one.0)));
        assert_eq!(client_of(one, other, &response), format!("{}:53", std::net::Ipv4Addr::from(other.0)));
    }
    assert_eq!(client_of(([10, 0, 0, 1], 5335), ([10, 0, 0, 7], 1053), &response), "10.0.0.7:1053", "other ports");
}

#[test]
fn two_resolvers_on_one_pair_of_ports_ask_each_other() {
    let (one, other) = (([10, 0, 0, 7], 53), ([10, 0, 0, 9], 53));
    let mut bench = Bench::new();
    bench.frame(0, &udp(one, other, &query(1, "claude.ai", A)));
    bench.frame(1, &udp(other, one, &query(2, "poe.com", A)));
    bench.frame(2, &udp(one, other, &answer(2, "poe.com", A, &[(A, 60, SERVER.to_vec())])));
    let seen = bench.done();
    let by =
        |n: usize| (seen.lookups[n].name.as_str(), seen.lookups[n].client_ip.to_string(), seen.lookups[n].rcode);
    assert_eq!(by(0), ("poe.com", "10.0.0.9".to_owned(), Some(0)));
    assert_eq!(by(1), ("claude.ai", "10.0.0.7".to_owned(), None));
}

#[test]
fn dns_on_other_ports_is_read_where_it_is_unmistakable() {
    let on = |port: u16, bytes: &[u8]| {
        let mut bench = Bench::new();
        bench.frame(0, &udp(CLIENT, ([10, 0, 0, 1], port), bytes));
        bench.done().questions.len()
    };
    let question = query(7, "claude.ai", A);
    assert_eq!([on(5335, &question), on(1053, &question)], [1, 1]);
    assert_eq!([on(5353, &question), on(5355, &question), on(137, &question)], [0, 0, 0], "alike, and none");
    assert_eq!(on(5335, &[&question[..], b"more"].concat()), 0);
}

#[test]
fn what_is_not_dns_on_its_port_is_not_read_as_dns() {
    let mut bench = Bench::new();
    for n in 0..200_u32 {
        // A tunnel: type, receiver, counter, content.
        let receiver = n.wrapping_mul(0x9e37_79b9).to_be_bytes();
        let datagram = [&[4, 0, 0, 0][..], &receiver, &n.to_le_bytes(), &[0; 4], &[n as u8; 64]].concat();
        bench.frame(i64::from(n), &udp(CLIENT, ([203, 0, 113, 9], 53), &datagram));
        let text = b"\x17\x03\x03\x40\x00some bytes of an encrypted stream";
        bench.frame(i64::from(n), &tcp(CLIENT, ([203, 0, 113, 9], 53), 100 + n * 40, ACK, text));
    }
    let seen = bench.done();
    assert!(seen.questions.is_empty(), "{:?}", seen.questions);
    assert_eq!(seen.methods.get("resolver"), None);
    assert_eq!(seen.methods["none"], 2);
}

#[test]
fn copies_of_a_mirror_are_one_question() {
    let mut bench = Bench::new();
    let (asks, tells) = (query(7, "claude.ai", A), answer(7, "claude.ai", A, &[(A, 60, SERVER.to_vec())]));
    for time in [0, 10] {
        bench.frame(time, &udp(CLIENT, RESOLVER, &asks));
    }
    for time in [2000, 2010] {
        bench.frame(time, &udp(RESOLVER, CLIENT, &tells));
    }
    // Asked once more.
    bench.frame(SECOND, &udp(CLIENT, RESOLVER, &asks));
    bench.frame(SECOND + 1, &udp(RESOLVER, CLIENT, &tells));
    let seen = bench.done();
    assert_eq!((seen.questions.len(), seen.lookups.len()), (2, 2));
}

#[test]
fn all_questions_of_a_message_are_names_and_no_address_is_guessed() {
    let two = |mut message: Vec<u8>| {
        message[5] = 2;
        [message, b"\x03poe\x03com\0\0\x01\0\x01".to_vec()].concat()
    };
    let mut bench = Bench::new();
    bench.frame(0, &udp(CLIENT, RESOLVER, &two(query(7, "claude.ai", A))));
    let record = [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4][..], &SERVER].concat();
    let mut tells = [two(answer(7, "claude.ai", A, &[])), record].concat();
    tells[7] = 1;
    bench.frame(1, &udp(RESOLVER, CLIENT, &tells));
    bench.connect(2, (CLIENT.0, 50_000), (SERVER, 443), None, false);
    let seen = bench.done();
    assert_eq!(seen.asked(), ["claude.ai", "poe.com"]);
    assert!(seen.lookups.iter().all(|lookup| lookup.rcode == Some(0) && lookup.answers.is_empty()));
    assert!(seen.flows.is_empty());
}

#[test]
fn a_flood_of_questions_writes_no_more_than_its_budget() {
    let mut bench = Bench::new();
    for n in 0..2000_u16 {
        bench.frame(i64::from(n), &udp(CLIENT, RESOLVER, &query(n, &format!("r{n}.claude.ai"), A)));
    }
    bench.frame(3000, &udp(([10, 0, 0, 8], 40_000), RESOLVER, &query(1, "claude.ai", A)));
    let seen = bench.done();
    let of = |client: &str| seen.lookups.iter().filter(|lookup| lookup.device == client).count();
    assert_eq!((of("10.0.0.7"), of("10.0.0.8")), (300, 1));
    assert_eq!(seen.malformed["lookups-full"], 1700);
    assert_eq!(seen.questions.len(), 2001, "they are names all the same");
}

#[test]
fn questions_that_nobody_answers_are_bounded_together_and_not_lost() {
    let mut bench = Bench::with(|config| config.max_held = 5_000);
    for n in 0..250_u16 {
        bench.frame(i64::from(n), &udp((CLIENT.0, 20_000 + n), RESOLVER, &query(n, &format!("r{n}.claude.ai"), A)));
    }
    let seen = bench.done();
    assert!(seen.malformed["reassembly-full"] > 100);
    assert_eq!(seen.lookups.len(), 250);
}

#[test]
fn a_connection_that_is_reset_and_begun_again_is_read_again() {
    let mut bench = Bench::new();
    for (start, name) in [(0, "claude.ai"), (SECOND, "poe.com")] {
        let isn = 99 + start as u32;
        bench.frame(start, &tcp(CLIENT, RESOLVER, isn, SYN, b""));
        bench.frame(start + 1, &tcp(CLIENT, RESOLVER, isn + 1, ACK, &queries(&[name])));
        bench.frame(start + 2, &tcp(RESOLVER, CLIENT, 0, RST, b""));
    }
    assert_eq!(bench.done().asked(), ["claude.ai", "poe.com"]);
}

#[test]
fn canaries_are_heard() {
    let mut bench = Bench::new();
    let mut no = answer(7, "use-application-dns.net", A, &[]);
    no[3] |= 3;
    bench.frame(0, &udp(RESOLVER, CLIENT, &no));
    bench.frame(1, &udp(RESOLVER, CLIENT, &answer(8, "mask.icloud.com", A, &[(A, 60, SERVER.to_vec())])));
    let canaries = bench.worker.summary().canaries;
    assert_eq!(
        [canaries.firefox_doh, canaries.private_relay].map(|said| said.map(bool::from)),
        [Some(true), Some(false)]
    );
}

/// A SYN behind data, and again, as mirrors and networks give it.
#[test]
fn a_syn_behind_data_loses_no_question() {
    let bytes = queries(&["a.example", "b.example", "c.example"]);
    for at in 1..bytes.len() {
        let parts = [(100, &bytes[..at]), (100 + at as u32, &bytes[at..])];
        for (first, second, syns) in [(0, 1, 1), (0, 1, 2), (1, 0, 1)] {
            let mut bench = Bench::new();
            let segment = |(seq, part): (u32, &[u8])| tcp(CLIENT, RESOLVER, seq, ACK, part);
            bench.frame(0, &segment(parts[first]));
            for time in 1..=syns {
                bench.frame(time, &tcp(CLIENT, RESOLVER, 99, SYN, b""));
            }
            bench.frame(3, &segment(parts[second]));
            let seen = bench.done();
            let mut names = seen.asked();
            names.sort_unstable();
            assert_eq!(names, ["a.example", "b.example", "c.example"], "cut at {at}, {first} first");
        }
    }
}
