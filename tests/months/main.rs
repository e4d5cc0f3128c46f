//! Twelve weeks of an office with planted uploads: how many `rules::volume` finds, and how often it is wrong.
//!
//! `draw`, `office`, `day`, `plants` and `months` were written and frozen before the constants of the engine were
//! tuned; `months` pins their output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is a test's failure message"
)]

mod day;
mod draw;
mod engine;
mod months;
mod office;
mod plants;
mod rivals;
mod score;

#[test]
fn tune() {
    let months = months::Months::of(std::env::var("SEED").map_or(months::TUNING, |s| s.parse().unwrap()));
    let score = score::Score::of(&months, &engine::findings(&months));
    eprintln!(
        "{:?}\n{:?}\nfalse/week {} rollouts {} f1 {}",
        score.plants,
        score.findings,
        score.false_per_week(),
        score.in_rollouts,
        score.f1()
    );
    for m in &score.missed {
        eprintln!("MISSED {m}");
    }
    for f in &score.false_ones {
        eprintln!(
            "FALSE {} day {} d{} s{} {} {}",
            f.kind,
            f.at / 86400000000 - 20458,
            f.device,
            f.service,
            months.devices[f.device].department,
            f.words
        );
    }
    let s = score::Score::of(&months, &rivals::three_sigma(&months));
    eprintln!("3sigma {:?} {} f1 {}", s.plants, s.false_per_week(), s.f1());
    for t in rivals::THRESHOLDS {
        let s = score::Score::of(&months, &rivals::threshold(&months, t));
        eprintln!("{t} MB {:?} {} f1 {}", s.plants, s.false_per_week(), s.f1());
    }
}
