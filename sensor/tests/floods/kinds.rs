//! The floods: each writes its next frame.

use std::net::{IpAddr, Ipv6Addr};

use crate::frames::{ACK, End, RESOLVER, SYN, dns, hello, hello_message, https, part, tcp, udp, v4};
use crate::initial::{crypto, sealed};
use crate::random::Random;

/// A segment or datagram of a flood.
const FULL: usize = 1_380;
/// Bytes after which a stream that never ends is silent for ever.
const UNTIL: u32 = 60_000;

fn anyone(random: &mut Random) -> End {
    (v4(0x1000_0000 | random.next() as u32 >> 4), 1_024 + (random.next() % 60_000) as u16)
}

fn server(random: &mut Random, port: u16) -> End {
    (v4(0xc633_6400 | random.next() as u32 & 0xff), port)
}

/// SYNs that nobody answers.
pub(crate) fn syns(random: &mut Random, frame: &mut Vec<u8>) {
    let (from, to) = (anyone(random), server(random, 443));
    tcp(frame, from, to, random.next() as u32, SYN, b"");
}

/// Connections that open; then both ends send these bytes, and nothing more.
pub(crate) fn openings(word: &'static [u8]) -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let (mut step, mut ends) = (0, None);
    let steps = if word.is_empty() { 3 } else { 5 };
    move |random, frame| {
        if step == 0 {
            ends = Some((anyone(random), server(random, 443)));
        }
        let (client, server) = ends.unwrap();
        match step {
            0 => tcp(frame, client, server, 9, SYN, b""),
            1 => tcp(frame, server, client, 9, SYN | ACK, b""),
            2 => tcp(frame, client, server, 10, ACK, b""),
            3 => tcp(frame, client, server, 10, ACK, word),
            _ => tcp(frame, server, client, 10, ACK, word),
        }
        step = (step + 1) % steps;
    }
}

/// Streams of clients that never come to their end, many at the same time.
pub(crate) struct Endless {
    pub(crate) port: u16,
    /// Streams at the same time.
    pub(crate) many: usize,
    /// How each begins.
    pub(crate) head: Vec<u8>,
    /// With what it goes on.
    pub(crate) fill: u8,
    /// Bytes of a segment.
    pub(crate) segment: usize,
    /// Bytes that are left out between two segments.
    pub(crate) hole: u32,
}

impl Endless {
    pub(crate) fn flood(self) -> impl FnMut(&mut Random, &mut Vec<u8>) {
        let mut streams: Vec<(End, u32)> = vec![((v4(0), 0), u32::MAX); self.many];
        let (mut turn, fill) = (0, vec![self.fill; self.segment]);
        move |random, frame| {
            let (client, sent) = &mut streams[turn];
            turn = (turn + 1) % self.many;
            if *sent >= UNTIL {
                (*client, *sent) = (anyone(random), 0);
                let rest = vec![self.fill; FULL.saturating_sub(self.head.len()).min(self.segment)];
                let payload = [&self.head[..], &rest].concat();
                tcp(frame, *client, (v4(0xc633_6407), self.port), 1_000, ACK, &payload);
                *sent = payload.len() as u32 + self.hole;
                return;
            }
            tcp(frame, *client, (v4(0xc633_6407), self.port), 1_000 + *sent, ACK, &fill);
            *sent += self.segment as u32 + self.hole;
        }
    }
}

/// Parts of datagrams: eight of each, without its end or without its start, and now and then one that overlaps.
pub(crate) fn parts(v6: bool) -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let (mut sent, mut ends, mut from_end) = (0, None, false);
    move |random, frame| {
        let address = |n: u64| match v6 {
            true => IpAddr::from(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n))),
            false => v4(0x0a00_0000 | n as u32 >> 8),
        };
        if sent == 0 {
            ends = Some(((address(random.next()), address(random.next())), random.next() as u32));
            from_end = random.below(2) == 0;
        }
        let (ends, id) = ends.unwrap();
        let slip = if random.below(50) == 0 { 8 } else { 0 };
        let at = sent * 1_376 + slip + if from_end { 1_376 } else { 0 };
        part(frame, ends, id, at, !(from_end && sent == 7), &[7; 1_376]);
        sent = (sent + 1) % 8;
    }
}

/// QUIC Initials that open under their own keys to a part of a hello: `each` datagrams of a flow.
pub(crate) fn halves_over_quic(each: u8) -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let hello = hello_message(&[b'a'; 250], &[&[b'h'; 200][..]; 40]);
    let (mut sent, mut client, mut id) = (0, None, [0; 8]);
    move |random, frame| {
        if sent == 0 {
            (client, id) = (Some(anyone(random)), random.next().to_be_bytes());
        }
        let at = usize::from(sent) * 1_000;
        let frames = crypto(at as u16, &hello[at..at + 1_000]);
        udp(frame, client.unwrap(), (v4(0xc633_6409), 443), &sealed(&id, sent, &frames));
        sent = (sent + 1) % each;
    }
}

/// Initials that no key opens, four of a flow.
pub(crate) fn junk_over_quic() -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let (mut sent, mut client) = (0, None);
    move |random, frame| {
        if sent == 0 {
            client = Some(anyone(random));
        }
        let id = random.next().to_be_bytes();
        let mut datagram = [&[0xc3, 0, 0, 0, 1, 8][..], &id, &[0, 0, 0x44, 0xb0]].concat();
        datagram.resize(datagram.len() + 0x4b0, random.next() as u8);
        udp(frame, client.unwrap(), (v4(0xc633_6409), 443), &datagram);
        sent = (sent + 1) % 4;
    }
}

/// Answers of the resolver to questions that nobody asked, for anybody, with several addresses each.
pub(crate) fn answers(random: &mut Random, frame: &mut Vec<u8>) {
    let name = long_name(random);
    let addresses: Vec<[u8; 4]> = (0..8).map(|_| (random.next() as u32).to_be_bytes()).collect();
    let client = (v4(0x0a00_0000 | random.next() as u32 & 0x001f_ffff), 50_000);
    udp(frame, RESOLVER, client, &dns(random.next() as u16, &name, 1, &addresses));
}

/// Answers about HTTPS records that nobody asked for, for anybody, each with a cover of its own.
pub(crate) fn covers(random: &mut Random, frame: &mut Vec<u8>) {
    let name = long_name(random);
    let public = format!("{:063x}.{:063x}.{:063x}.example", random.next(), random.next(), random.next());
    let hints: Vec<[u8; 4]> = (0..8).map(|_| (random.next() as u32).to_be_bytes()).collect();
    let client = (v4(0x0a00_0000 | random.next() as u32 & 0x001f_ffff), 50_000);
    udp(frame, RESOLVER, client, &https(random.next() as u16, &name, public.as_bytes(), &hints));
}

/// A random name of nearly 255 octets.
fn long_name(random: &mut Random) -> Vec<u8> {
    format!("{:063x}.{:063x}.{:063x}.{:055x}", random.next(), random.next(), random.next(), random.next()).into()
}

/// Whole connections of random clients of the office to random names, with an answer. Their hellos are as long as `pad`
/// makes them.
pub(crate) fn names(
    name: impl Fn(u64) -> Vec<u8>,
    alpn: &'static [&'static [u8]],
) -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let (mut step, mut client) = (0, None);
    move |random, frame| {
        if step == 0 {
            client =
                Some((v4(0x0a00_0000 | random.next() as u32 & 0x007f_ffff), 1_024 + random.next() as u16 % 50_000));
        }
        let (client, server) = (client.unwrap(), (v4(0xc633_6409), 443));
        match step {
            0 => tcp(frame, client, server, 100, ACK, &hello(&name(random.next()), alpn)),
            _ => tcp(frame, server, client, 100, ACK, &[1; 100]),
        }
        step = (step + 1) % 2;
    }
}

/// A QUIC connection to an AI service whose server shows another connection id in each datagram.
pub(crate) fn ids() -> impl FnMut(&mut Random, &mut Vec<u8>) {
    let message = hello_message(b"claude.ai", &[b"h3"]);
    let mut begun = false;
    move |random, frame| {
        let (client, server) = ((v4(0x0a10_0001), 50_000), (v4(0xc633_6409), 443));
        if !begun {
            begun = true;
            return udp(frame, client, server, &sealed(b"whatever", 0, &crypto(0, &message)));
        }
        let id = [random.next().to_be_bytes(), random.next().to_be_bytes()].concat();
        let datagram = [&[0xe0, 0, 0, 0, 1, 0, 16][..], &id, &[0x40, 0x20], &[random.next() as u8; 32]].concat();
        udp(frame, server, client, &datagram);
    }
}
