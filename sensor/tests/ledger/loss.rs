//! The estimate of what the mirror lost, against what a test has taken out.

use std::collections::HashSet;

use sensor::decode::{Decoded, L4, decode};
use sensor::ledger::Counts;

use crate::Run;
use crate::captures::{Taken, office, read, repository};
use crate::random::Random;
use crate::truth::{self, Data};

const FRAMES: usize = 100_000;
const SEEDS: [u64; 3] = [1, 0x9e37_79b9, 0xdead_beef_cafe];

fn is_tcp(taken: &Taken) -> bool {
    matches!(decode(&taken.frame()), Decoded::Packet(packet) if matches!(packet.l4, L4::Tcp { .. }))
}

/// Leaves out so many percent of the frames with TCP data; gives the run and the share of bytes that are gone.
fn lossy(frames: &[Taken], data: &[Data], percent: usize, seed: u64) -> (Run, f64) {
    let mut random = Random(seed);
    let (gone, kept): (Vec<&Data>, Vec<&Data>) = data.iter().partition(|_| random.below(100) < percent);
    let gone: HashSet<usize> = gone.into_iter().map(|segment| segment.frame).collect();
    let (all, left) = (truth::bytes(data), truth::bytes(kept));
    let seen = frames.iter().enumerate().filter(|(number, _)| !gone.contains(number)).map(|(_, taken)| taken);
    (Run::of(seen), 100.0 * (all - left) as f64 / all as f64)
}

#[test]
fn random_loss_is_estimated_within_two_points() {
    let frames = office(FRAMES);
    assert!(frames.len() >= FRAMES);
    let data = truth::data(&frames);
    for percent in [0, 5, 20, 50] {
        for seed in SEEDS {
            let (run, lost) = lossy(&frames, &data, percent, seed);
            println!("{percent} % of segments: {lost:.2} % of bytes lost, {:.2} % estimated", run.loss());
            assert!((run.loss() - lost).abs() < 2.0, "{percent} %: {} instead of {lost}", run.loss());
            assert!(percent > 0 || run.loss() < 0.1, "{} % without any loss", run.loss());
        }
    }
}

#[test]
fn a_direction_alone_tells_as_much() {
    let frames = office(FRAMES / 4);
    let up = |taken: &&Taken| {
        let frame = taken.frame();
        !matches!(decode(&frame), Decoded::Packet(packet) if packet.src.1 < packet.dst.1)
    };
    let frames: Vec<Taken> = frames.iter().filter(up).cloned().collect();
    let data = truth::data(&frames);
    for percent in [0, 5, 20, 50] {
        let (run, lost) = lossy(&frames, &data, percent, SEEDS[0]);
        println!("{percent} % of segments: {lost:.2} % of bytes lost, {:.2} % estimated", run.loss());
        assert!((run.loss() - lost).abs() < 2.0, "{percent} %: {} instead of {lost}", run.loss());
    }
}

/// Every second pair of frames changes places, each with the time of its place.
#[test]
fn order_alone_is_no_loss() {
    let mut frames = office(FRAMES / 4);
    let whole = Run::of(&frames).totals.tcp;
    let tcp: Vec<usize> = (0..frames.len()).filter(|&number| is_tcp(&frames[number])).collect();
    for pair in tcp.chunks_exact(2).step_by(2) {
        let times = (frames[pair[0]].time, frames[pair[1]].time);
        frames.swap(pair[0], pair[1]);
        (frames[pair[0]].time, frames[pair[1]].time) = times;
    }
    let swapped = Run::of(&frames).totals.tcp;
    assert_eq!(swapped.missing, whole.missing);
    assert!(swapped.reordered > whole.reordered + 100_000, "{swapped:?} {whole:?}");
}

/// One segment in fifty is lost on the way to the mirror and comes again a round trip later.
#[test]
fn what_is_sent_again_is_no_loss() {
    let mut frames = office(FRAMES / 4);
    let whole = Run::of(&frames).totals.tcp;
    let mut random = Random(SEEDS[1]);
    for segment in truth::data(&frames).iter().filter(|_| random.below(50) == 0) {
        frames[segment.frame].time += 50_000;
    }
    frames.sort_by_key(|taken| taken.time);
    truth::acknowledge_what_came(&mut frames);
    let again = Run::of(&frames).totals.tcp;
    assert!(again.missing <= whole.missing, "{again:?} {whole:?}");
    assert!(again.resent > whole.resent + 200_000, "{again:?} {whole:?}");
}

/// A doubled mirror, the second port some milliseconds behind.
#[test]
fn copies_are_neither_loss_nor_sent_again() {
    let frames = office(FRAMES / 4);
    let whole = Run::of(&frames).totals.tcp;
    let mut doubled: Vec<Taken> = frames.clone();
    doubled.extend(frames.into_iter().map(|taken| Taken { time: taken.time + 4_000, ..taken }));
    doubled.sort_by_key(|taken| taken.time);
    let doubled = Run::of(&doubled).totals.tcp;
    assert_eq!((doubled.bytes, doubled.missing), (whole.bytes, whole.missing));
    assert_eq!(doubled.resent, whole.resent);
}

/// Lengths come from headers, so what a snaplen cuts off is not lost.
#[test]
fn a_snaplen_is_no_loss() {
    let mut frames = office(FRAMES / 4);
    let whole = Run::of(&frames).totals.tcp;
    frames.iter_mut().for_each(|taken| taken.data.truncate(96));
    let Counts { tcp, .. } = Run::of(&frames).totals;
    assert_eq!((tcp.bytes, tcp.missing), (whole.bytes, whole.missing));
}

#[test]
fn of_udp_nothing_is_claimed() {
    let mut frames = read(&repository().join("shapes-quic.pcap"));
    frames.retain(|taken| !is_tcp(taken));
    let mut random = Random(SEEDS[2]);
    frames.retain(|_| random.below(2) == 0);
    let run = Run::of(&frames);
    assert!(run.totals.flows > 0);
    assert_eq!(run.totals.tcp, Counts::default().tcp);
}
