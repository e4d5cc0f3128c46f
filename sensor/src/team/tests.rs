use std::net::Ipv4Addr;

use super::*;
use crate::capture::LinkType;
use crate::record::Record;
use rules::catalogue::Catalogue;

#[derive(Default)]
struct Seen(Vec<Record>);

impl Output for Seen {
    fn record(&mut self, record: Record) {
        self.0.push(record);
    }
}

fn config() -> WorkerConfig {
    WorkerConfig::new(Arc::new(Catalogue::builtin()))
}

/// A UDP datagram of `client` to a server.
fn datagram(client: u32) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0];
    bytes.extend((0x0a00_0000 + client).to_be_bytes());
    bytes.extend(Ipv4Addr::new(192, 0, 2, 1).octets());
    bytes.extend([0x30, 0, 0x30, 1, 0, 12, 0, 0, 1, 2, 3, 4]);
    bytes
}

/// One frame each millisecond, of different clients.
fn feed(workers: &mut Workers, frames: u32, out: &mut Seen) {
    for n in 0..frames {
        let data = datagram(n % 1_000);
        let time = i64::from(n) * 1_000;
        workers.frame(&Frame { time, data: &data, wire_len: 32, link: LinkType::RawIp }, out);
    }
}

#[test]
fn minutes_of_several_workers_are_those_of_one() {
    let minutes = |count| {
        let (mut workers, mut out) = (Workers::new(&config(), count), Seen::default());
        workers.set_source("x", &mut out);
        feed(&mut workers, 130_000, &mut out);
        workers.lost("ring", 3, &mut out);
        workers.finish(&mut out);
        let summary = workers.summary();
        assert_eq!((summary.counts.frames, summary.counts.flows), (130_000, 1_000));
        assert_eq!(summary.counts.accounted().frames, 130_000);
        out.0
    };
    let one = minutes(1);
    assert_eq!(one.len(), 3);
    assert_eq!(minutes(2), one);
    assert_eq!(minutes(5), one);
}

#[test]
fn frames_that_cannot_wait_are_counted_when_they_are_lost() {
    let (mut workers, mut out) = (Workers::new(&config(), 2), Seen::default());
    for n in 0..200_000_u32 {
        let data = datagram(n);
        let frame = Frame { time: i64::from(n), data: &data, wire_len: 32, link: LinkType::RawIp };
        workers.frame_at_once(&frame, &mut out);
    }
    workers.finish(&mut out);
    let counts = workers.summary().counts;
    let lost = counts.drops().get("queue").copied().unwrap_or(0);
    assert_eq!(counts.frames + lost, 200_000, "{lost} lost");
}

#[test]
fn a_team_that_is_dropped_ends_its_threads() {
    let mut workers = Workers::new(&config(), 3);
    feed(&mut workers, 5_000, &mut Seen::default());
    drop(workers);
}

/// Neither frames nor what is said once a second waits for workers that stand still, and nothing of it is forgotten.
#[test]
fn workers_that_stand_still_hold_up_nobody() {
    let (orders, still) = crossbeam_channel::unbounded();
    let (_, replies) = bounded(0);
    let team = Team { members: vec![Member { orders, replies, thread: None }], ..Team::new(&config(), 1) };
    let (mut workers, mut out, data) = (Workers::Team(Box::new(team)), Seen::default(), datagram(1));
    for n in 0..100_000_i64 {
        let frame = Frame { time: n, data: &data, wire_len: 32, link: LinkType::RawIp };
        workers.frame_at_once(&frame, &mut out);
        if n % 10_000 == 0 {
            workers.lost("ring", 1, &mut out);
            workers.turn(n, &mut out);
            workers.idle(n, &mut out);
            workers.hear(&mut out);
        }
    }
    let Workers::Team(team) = workers else { panic!("one alone") };
    assert_eq!(still.len(), team.under_way.len(), "nobody was waited for");
    let (mut lost, mut given) = (team.lost.clone(), 0);
    for order in still.try_iter() {
        match order {
            Order::Frames(batch) => given += batch.len() as u64,
            Order::Lost(told) => told.into_iter().for_each(|(place, n)| *lost.entry(place).or_default() += n),
            _ => {}
        }
    }
    assert_eq!((given + team.open.len() as u64 + lost["queue"], lost["ring"]), (100_000, 10));
    assert!(lost["queue"] > 0 && given > 0);
}

/// A worker that has panicked takes the caller with it, also where nobody waits for it.
#[test]
#[should_panic(expected = "of a worker")]
fn a_worker_that_panics_is_not_taken_for_a_slow_one() {
    let mut workers = Workers::new(&config(), 2);
    let Workers::Team(team) = &mut workers else { panic!("one alone") };
    let member = &mut team.members[1];
    member.orders = bounded(0).0;
    member.thread.take().map(JoinHandle::join);
    member.thread = Some(thread::spawn(|| panic!("of a worker")));
    let data = datagram(1);
    for n in 0..10_000_000_i64 {
        let frame = Frame { time: n, data: &data, wire_len: 32, link: LinkType::RawIp };
        workers.frame_at_once(&frame, &mut Seen::default());
    }
}
