//! The way to a QUIC connection: ids that change, Retry, other versions, 0-RTT, and the server's packets between.

use crate::wire::bench::Bench;
use crate::wire::hello::{NAME, PLACES, message};
use crate::wire::packet::Ends;
use crate::wire::quic::{CLIENT, Keys, Peer, VERSIONS, Version, crypto};

/// What the server adds to the client's id to make one of its own.
const OWN: &[u8] = b"\x01server";
const LEN: usize = 300;

/// A datagram of the client (true) or of the server.
type Sent = (bool, Vec<u8>);
/// What is sent in a connection: its version, the id that the client chose, and CRYPTO frames of both parts of the hello.
type Path<'a> = (&'static Version, &'a [u8], [&'a [u8]; 2]);

fn show(bench: &mut Bench, ends: Ends, sent: &[Sent], order: &[usize]) {
    for &i in order {
        let (up, datagram) = &sent[i];
        let from = if *up { ends } else { ends.back(0) };
        bench.frame(&from.udp(datagram));
    }
}

/// A case for each cut of the hello, each version and each of these orders of what `make` sends.
fn each_cut(what: &str, orders: &[Vec<usize>], make: impl Fn(Path<'_>) -> Vec<Sent>) {
    let mut bench = Bench::new(0);
    for (version, place) in VERSIONS.iter().zip(PLACES) {
        let message = message(NAME, LEN, place);
        for at in (1..LEN).step_by(7) {
            let (one, two) = message.split_at(at);
            let (one, two) = (crypto(0, one), crypto(at, two));
            for order in orders {
                let ends = bench.quic(format_args!("{}, {what}, cut at {at}, order {order:?}", version.name));
                let sent = make((version, &bench.connection_id(), [&one, &two]));
                show(&mut bench, ends, &sent, order);
            }
        }
    }
    bench.done();
}

/// Client's Initial, server's Initial, client's Initial under the id that the server chose. The keys stay.
fn changed_id((version, id, [one, two]): Path<'_>) -> Vec<Sent> {
    let server_id = [OWN, id].concat();
    let mut client = Peer::client(version, id);
    let mut server = Peer::server(&client, &server_id);
    let first = client.initial(one);
    let answer = server.initial(&[2, 0, 0, 0, 0]);
    client.dcid = server_id;
    vec![(true, first), (false, answer), (true, client.initial(two))]
}

#[test]
fn the_server_chooses_another_id() {
    each_cut(
        "changed id",
        &[vec![0, 1, 2], vec![0, 2], vec![0, 0, 1, 2, 2], vec![1, 0, 2], vec![0, 2, 1]],
        changed_id,
    );
}

#[test]
fn the_packet_with_the_changed_id_is_seen_first() {
    each_cut("changed id first", &[vec![2, 0], vec![1, 2, 0], vec![2, 1, 0], vec![2, 2, 0, 0]], changed_id);
}

/// The hello's end comes first under the changed id, and its start behind it under the first one.
#[test]
fn the_changed_id_carries_the_start() {
    let swapped = |(version, id, [one, two]): Path<'_>| changed_id((version, id, [two, one]));
    each_cut("changed id carries the start", &[vec![0, 1, 2], vec![0, 2]], swapped);
}

/// RFC 9001 section 5.2: after a Retry the keys come from the id in it. The hello stays, packet numbers go on.
fn retried((version, id, [one, two]): Path<'_>) -> Vec<Sent> {
    let server_id = [OWN, id].concat();
    let mut client = Peer::client(version, id);
    let retry = Peer::server(&client, &server_id).retry(b"a token of the server");
    let before = [client.initial(one), client.initial(two)];
    client.keys = Keys::new(version, &server_id, CLIENT);
    client.dcid = server_id;
    client.token = b"a token of the server".to_vec();
    let after = [client.initial(one), client.initial(two), client.initial(&[one, two].concat())];
    let [a, b] = before.map(|datagram| (true, datagram));
    let [c, d, whole] = after.map(|datagram| (true, datagram));
    vec![a, b, (false, retry), c, d, whole]
}

#[test]
fn a_retry_behind_a_whole_hello() {
    each_cut("Retry", &[vec![0, 1, 2, 3, 4], vec![0, 1, 2, 5], vec![0, 1, 2, 4, 3]], retried);
}

#[test]
fn a_retry_behind_a_part_of_the_hello() {
    each_cut("Retry", &[vec![0, 2, 3, 4], vec![1, 2, 4, 3], vec![0, 2, 5], vec![1, 2, 5], vec![1, 5]], retried);
}

/// Each attempt has its keys and its part of the hello, whichever comes late.
#[test]
fn a_retry_in_the_middle_of_the_first_attempt() {
    let orders =
        [vec![0, 3, 1], vec![0, 2, 3, 1, 4], vec![3, 0, 4], vec![4, 1, 3], vec![1, 4, 0], vec![0, 4, 0, 3]];
    each_cut("late around a Retry", &orders, retried);
}

#[test]
fn after_a_retry_alone() {
    each_cut("Retry", &[vec![2, 3, 4], vec![2, 5], vec![3, 4], vec![4, 3]], retried);
}

/// A version that the server does not speak, its answer, and the hello in another version under another id.
fn negotiated(tried: u32) -> impl Fn(Path<'_>) -> Vec<Sent> {
    move |(version, id, [one, two])| {
        let other_id = [b"1st", id].concat();
        let spoken = VERSIONS.iter().find(|version| version.number == tried);
        let mut first = Peer::client(spoken.unwrap_or(version), &other_id);
        let mut attempt = first.initial(one);
        attempt[1..5].copy_from_slice(&tried.to_be_bytes());
        let refusal = Peer::server(&first, &other_id).versions(&[version.number, 0x1a2a_3a4a]);
        let mut client = Peer::client(version, id);
        let [one, two] = [client.initial(one), client.initial(two)];
        vec![(true, attempt), (false, refusal), (true, one), (true, two)]
    }
}

#[test]
fn a_version_that_nobody_knows_first() {
    let orders = [vec![0, 1, 2, 3], vec![0, 1, 3, 2], vec![0, 2, 3], vec![0, 0, 0, 1, 2, 3], vec![1, 2, 3]];
    each_cut("unknown version first", &orders, negotiated(0x0a1a_2a3a));
}

#[test]
fn another_version_that_is_known_first() {
    let orders = [vec![0, 1, 2, 3], vec![0, 1, 3, 2], vec![0, 2, 3], vec![1, 2, 3]];
    each_cut("version 2 first", &orders, negotiated(VERSIONS[1].number));
}

/// Ten datagrams of 0-RTT before the Initials that they belong to.
#[test]
fn early_data_first() {
    let early = |(version, id, [one, two]): Path<'_>| {
        let mut client = Peer::client(version, id);
        let mut sent = vec![(true, client.opaque(1, 1150)); 10];
        sent.extend([(true, client.initial(one)), (true, client.initial(two))]);
        sent
    };
    let in_order: Vec<usize> = (0..12).collect();
    let reversed = [&in_order[..10], &[11, 10]].concat();
    let between = [&in_order[..5], &[11], &in_order[5..11]].concat();
    each_cut("0-RTT first", &[in_order, reversed, between], early);
}

/// The server's Initials are not the client's: their CRYPTO frames hold no ClientHello.
#[test]
fn the_servers_handshake_between() {
    let answered = |(version, id, [one, two]): Path<'_>| {
        let mut client = Peer::client(version, id);
        let mut server = Peer::server(&client, &[OWN, id].concat());
        let mut answers = (0..3).map(|i| server.initial(&crypto(i * 100, &[2; 100])));
        let (ack, hello, rest) = (answers.next(), answers.next(), answers.next());
        let [one, two] = [client.initial(one), client.initial(two)];
        [(false, ack), (true, Some(one)), (false, hello), (false, rest), (true, Some(two))]
            .map(|(up, datagram)| (up, datagram.unwrap()))
            .to_vec()
    };
    let orders = [vec![0, 1, 2, 3, 4], vec![2, 3, 0, 4, 1], vec![1, 0, 2, 3, 4], vec![0, 0, 2, 2, 3, 3, 1, 4]];
    each_cut("the server between", &orders, answered);
}

/// Datagrams of a connection before: a capture begins in the middle of one on the same ports.
#[test]
fn short_headers_first() {
    let later = |(version, id, [one, two]): Path<'_>| {
        let mut client = Peer::client(version, id);
        let mut sent = vec![(true, [&[0x4d][..], &[0x77; 900]].concat()); 8];
        sent.extend([(true, client.initial(one)), (true, client.initial(two))]);
        sent
    };
    each_cut("short headers first", &[(0..10).collect(), vec![0, 1, 2, 9, 8]], later);
}
