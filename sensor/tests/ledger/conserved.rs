//! Sums are conserved: every frame and byte is in one line, every flow is named by one method or by none.

use std::path::{Path, PathBuf};

use sensor::record::Tally;

use crate::Run;
use crate::captures::{Taken, below, broken, read, repository};
use crate::random::Random;

fn added(tallies: impl IntoIterator<Item = Tally>) -> (u64, u64, u64) {
    tallies.into_iter().fold((0, 0, 0), |sum, t| (sum.0 + t.flows, sum.1 + t.frames, sum.2 + t.bytes))
}

/// What was given in is what stands in the totals, in the records, and in the flows.
fn conserved(frames: &[Taken], what: &str) {
    let run = Run::of(frames);
    let totals = &run.totals;
    let wire: u64 = frames.iter().map(|taken| u64::from(taken.wire_len)).sum();
    assert_eq!((totals.frames, totals.bytes), (frames.len() as u64, wire), "{what}: seen");
    let lines = totals.accounted();
    assert_eq!(
        (lines.flows, lines.frames, lines.bytes),
        (totals.flows, frames.len() as u64, wire),
        "{what}: lines"
    );
    each_minute(&run, what);
    let (methods, not_flow) = (run.tallies(|m| &m.methods), run.tallies(|m| &m.not_flow));
    let malformed = run.tallies(|m| &m.malformed);
    let all = methods.values().chain(not_flow.values()).chain(malformed.values()).copied();
    assert_eq!(added(all), (totals.flows, frames.len() as u64, wire), "{what}: records");
    assert_eq!((run.sum(|m| m.frames), run.sum(|m| m.bytes)), (frames.len() as u64, wire), "{what}: minutes");
    // The flows' own counts are another way to the same sums.
    let (_, tracked, bytes) = added(methods.iter().filter(|(word, _)| *word != "untracked").map(|(_, t)| *t));
    assert_eq!((run.frames, run.bytes), (tracked, bytes), "{what}: flows' own counts");
    assert_eq!((run.flows, run.one_way), (totals.flows, totals.one_way_flows), "{what}: flows that ended");
    fields(&run, what);
}

fn each_minute(run: &Run, what: &str) {
    for minute in &run.minutes {
        let lines = minute.methods.values().chain(minute.not_flow.values()).chain(minute.malformed.values());
        let (_, frames, bytes) = added(lines.copied());
        assert_eq!((minute.frames, minute.bytes), (frames, bytes), "{what}: minute {}", minute.minute);
    }
}

/// What the records say besides frames, added up, is what the totals say.
fn fields(run: &Run, what: &str) {
    let totals = &run.totals;
    for (name, sum, total) in [
        ("one_way_flows", run.sum(|m| m.one_way_flows), totals.one_way_flows),
        ("late_flows", run.sum(|m| m.late_flows), totals.late_flows),
        ("dns_questions", run.sum(|m| m.dns_questions), totals.dns_questions),
        ("tcp_bytes", run.sum(|m| m.tcp_bytes), totals.tcp.bytes),
        ("tcp_missing", run.sum(|m| m.tcp_missing), totals.tcp.missing),
        ("tcp_reordered", run.sum(|m| m.tcp_reordered), totals.tcp.reordered),
        ("tcp_resent", run.sum(|m| m.tcp_resent), totals.tcp.resent),
        ("duplicates", run.sum(|m| m.duplicates), totals.duplicates),
        ("clock_steps", run.sum(|m| m.clock_steps), totals.clock_steps),
        ("broken", run.sum(|m| m.broken.values().sum()), totals.broken().values().sum()),
    ] {
        assert_eq!(sum, total, "{what}: {name}");
    }
    assert!(totals.tcp.missing <= totals.tcp.bytes, "{what}: {:?}", totals.tcp);
}

fn all_ways(path: &Path, random: &mut Random) -> usize {
    let frames = read(path);
    conserved(&frames, &path.display().to_string());
    for round in 0..2 {
        conserved(&broken(&frames, random), &format!("{} broken, round {round}", path.display()));
    }
    frames.len()
}

#[test]
fn on_every_capture_of_ours() {
    let mut random = Random(0x5eed);
    let captures = below(&repository());
    assert!(captures.len() >= 7, "{captures:?}");
    for path in captures {
        assert!(all_ways(&path, &mut random) > 100, "{}", path.display());
    }
}

#[test]
fn on_every_capture_of_others() {
    let Some(root) = std::env::var_os("SHADOWTAP_CORPUS").map(PathBuf::from) else {
        assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "may not skip in CI: SHADOWTAP_CORPUS is not set");
        eprintln!("skipped: SHADOWTAP_CORPUS names no folder of captures");
        return;
    };
    let mut random = Random(0xfeed);
    let captures = [below(&root.join("truth/dev")), below(&root.join("lab"))].concat();
    assert!(captures.len() > 50, "{} captures", captures.len());
    let frames: usize = captures.iter().map(|path| all_ways(path, &mut random)).sum();
    assert!(frames > 10_000, "{frames} frames");
}

/// A clock that is set back an hour begins the minutes again, under another source, and is counted.
#[test]
fn over_a_step_of_the_clock() {
    let mut frames = read(&repository().join("browser-tcp.pcap"));
    let half = frames.len() / 2;
    frames.iter_mut().skip(half).for_each(|taken| taken.time -= 3_600_000_000);
    conserved(&frames, "set back");
    assert_eq!(Run::of(&frames).totals.clock_steps, 1);
}
