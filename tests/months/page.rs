//! The results, and the page that shows them.

use std::fmt::Write;

use crate::engine;
use crate::months::{EVALUATION, Months, TUNING};
use crate::plants::Kind;
use crate::rivals::{THRESHOLDS, three_sigma, threshold};
use crate::score::Score;

/// Seeds that were looked at beside [`TUNING`] while the constants were chosen.
const FURTHER: [u64; 3] = [11, 12, 13];

/// The engine's score on a seed, with what it missed and made up printed.
fn score(months: &Months) -> Score {
    let score = Score::of(months, &engine::findings(months));
    for missed in &score.missed {
        eprintln!("missed: {missed}");
    }
    for wrong in &score.false_ones {
        let day = wrong.at / (1_440 * crate::day::MINUTE) - i64::from(crate::office::FIRST_DAY);
        eprintln!("false: {}, device {}, day {day}: {}", wrong.kind, wrong.device, wrong.words);
    }
    score
}

/// Planted and found by the engine, a threshold and three sigma; what each makes up; precision by kind of finding.
fn table(months: &Months, megabytes: u64) -> String {
    let (own, fixed, sigma) =
        (score(months), Score::of(months, &threshold(months, megabytes)), Score::of(months, &three_sigma(months)));
    let mut out =
        format!("| | planted | found | recall | {megabytes} MB a day | 3 sigma |\n|---|---|---|---|---|---|\n");
    for ((kind, planted, found), (fixed, sigma)) in own.plants.iter().zip(fixed.plants.iter().zip(&sigma.plants)) {
        let pattern = matches!(kind, Kind::NewHours | Kind::NewAccess);
        let rival = |found: usize| if pattern { "-".to_owned() } else { found.to_string() };
        let recall = hundredths(found * 100 / planted);
        let (fixed, sigma) = (rival(fixed.2), rival(sigma.2));
        writeln!(out, "| {} | {planted} | {found} | {recall} | {fixed} | {sigma} |", kind.name()).unwrap();
    }
    let weekly = [&own, &fixed, &sigma].map(|score| hundredths(score.false_per_week()));
    writeln!(out, "| false findings a week | | {} | | {} | {} |", weekly[0], weekly[1], weekly[2]).unwrap();
    let rollouts = [&own, &fixed, &sigma].map(|score| score.in_rollouts);
    writeln!(out, "| of them in rollouts, 12 weeks | | {} | | {} | {} |", rollouts[0], rollouts[1], rollouts[2])
        .unwrap();
    let f1 = [&own, &fixed, &sigma].map(|score| format!("0.{:03}", score.f1()));
    writeln!(out, "| F1 of burst, drip, newcomer | | {} | | {} | {} |", f1[0], f1[1], f1[2]).unwrap();
    out.push_str("\n| kind of finding | findings | with a plant behind them | precision |\n|---|---|---|---|\n");
    for (kind, all, right) in own.findings {
        writeln!(out, "| {kind} | {all} | {right} | {} |", hundredths(right * 100 / all.max(1))).unwrap();
    }
    out
}

fn hundredths(number: usize) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

/// The threshold that does best on the tuning seed.
fn best_threshold(months: &Months) -> u64 {
    let f1 = |megabytes: &u64| Score::of(months, &threshold(months, *megabytes)).f1();
    THRESHOLDS.into_iter().max_by_key(f1).unwrap()
}

#[test]
fn the_page_shows_the_results() {
    let tuning = Months::of(TUNING);
    let megabytes = best_threshold(&tuning);
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/uploads.md"));
    for (name, months) in [("evaluation", Months::of(EVALUATION)), ("tuning", tuning)] {
        let table = table(&months, megabytes);
        assert!(page.contains(&table), "docs/uploads.md should show for the {name} seed:\n{table}");
    }
}

/// What is reached on the untouched seed. The aims are a recall of 0.95 for each kind and at most one false finding
/// a week: bursts miss theirs by one plant of 40.
#[test]
fn the_evaluation_seed_reaches() {
    let score = score(&Months::of(EVALUATION));
    let found: Vec<_> = score.plants.iter().map(|(_, _, found)| *found).collect();
    assert_eq!(found, [37, 23, 19, 24, 24]);
    assert!(score.false_per_week() <= 50 && score.in_rollouts == 0);
}

/// Printed on demand: the seeds that served beside the tuning seed.
#[test]
#[ignore = "slow, and asserts nothing"]
fn further_seeds() {
    for seed in FURTHER {
        eprintln!("seed {seed}\n{}", table(&Months::of(seed), 200));
    }
}
