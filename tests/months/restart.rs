//! A restart changes nothing: cells that a store kept, then the rest.

use std::collections::BTreeMap;

use rules::volume::{Baselines, Cell, LocalTime, Observation, Settings};

use crate::engine::{Named, findings};
use crate::months::{Months, TUNING};
use crate::score::Finding;

type Key = (LocalTime, String, String, bool);

/// What a store does with cells: one row per key, increments added.
#[derive(Default)]
struct Store(BTreeMap<Key, Cell>);

impl Store {
    fn keep(&mut self, cells: Vec<Cell>) {
        for cell in cells {
            let key = (cell.local, cell.device.clone(), cell.service.clone(), cell.programmatic);
            self.0.entry(key).and_modify(|known| known.add(&cell)).or_insert(cell);
        }
    }

    fn baselines(&self) -> Baselines {
        let mut baselines = Baselines::new(Settings::default());
        self.0.values().for_each(|cell| baselines.restore(cell));
        baselines
    }
}

fn words(finding: &Finding) -> String {
    format!("{} {} {} {} {}", finding.kind, finding.device, finding.service, finding.at, finding.words)
}

/// Restarts follow directly on a finding, in the middle of its episode and of its hour; saves happen every 700 facts
/// and before a restart.
#[test]
fn a_restart_in_an_episode_changes_no_later_finding() {
    let months = Months::of(TUNING);
    let named = Named::of(&months);
    let (mut store, mut baselines) = (Store::default(), Baselines::new(Settings::default()));
    let (mut found, mut restarts) = (Vec::new(), vec![70, 57, 43, 30, 16]);
    let first = crate::office::FIRST_DAY;
    for (nth, fact) in months.facts().enumerate() {
        let now = named.observe(&mut baselines, &fact);
        let restart = !now.is_empty() && restarts.last().is_some_and(|day| fact.day() >= first + day);
        found.extend(now);
        if restart || nth % 700 == 0 {
            store.keep(baselines.changed());
        }
        if restart {
            restarts.pop();
            baselines = store.baselines();
        }
    }
    assert!(restarts.is_empty() && found.len() > 100);
    let (found, whole): (Vec<_>, Vec<_>) =
        (found.iter().map(words).collect(), findings(&months).iter().map(words).collect());
    for (with, without) in found.iter().zip(&whole) {
        assert_eq!(with, without);
    }
    assert_eq!(found.len(), whole.len());
}

/// Rebuilt from a plain roll-up, of which only sums are known, at most the episodes that run are told once more.
#[test]
fn sums_alone_are_enough_to_begin_with() {
    let months = Months::of(TUNING);
    let named = Named::of(&months);
    let (mut store, mut before) = (Store::default(), Baselines::new(Settings::default()));
    let restart = crate::office::FIRST_DAY + 42;
    let (old, new): (Vec<_>, Vec<_>) =
        months.facts().filter(|f| f.day() < restart + 14).partition(|f| f.day() < restart);
    old.iter().for_each(|fact| drop(named.observe(&mut before, fact)));
    store.keep(before.changed());
    for cell in store.0.values_mut() {
        (cell.marks, cell.stretch_since, cell.stretch_last, cell.stretch_bytes) = (0, 0, 0, 0);
    }
    let mut after = store.baselines();
    let mut both = [&mut before, &mut after].map(|baselines| {
        new.iter()
            .flat_map(|fact| named.observe(baselines, fact))
            .map(|f| (f.device, f.service))
            .collect::<Vec<_>>()
    });
    both.iter_mut().for_each(|found| found.sort_unstable());
    let missing: Vec<_> = both[0].iter().filter(|found| !both[1].contains(found)).collect();
    assert!(both[0].len() >= 10 && missing.len() <= 1, "{} with marks, {missing:?} not without", both[0].len());
    assert!(both[1].len() <= both[0].len() + 4, "{} with marks, {} without", both[0].len(), both[1].len());
}

/// Printed on demand: `cargo test --release --test months cost -- --ignored --nocapture`. An office of 5,000: each
/// device 25 times, and saves each 10,000 observations.
#[test]
#[ignore = "a measurement"]
fn cost_of_an_observation() {
    let months = Months::of(TUNING);
    let named = Named::of(&months);
    let facts: Vec<_> = months.facts().collect();
    for copies in [1, 25] {
        let devices: Vec<Vec<_>> =
            (0..copies).map(|copy| (0..200).map(|at| format!("{copy}.{at}")).collect()).collect();
        let (mut baselines, mut found, mut cells, mut count) = (Baselines::new(Settings::default()), 0, 0, 0u32);
        let start = std::time::Instant::now();
        for fact in &facts {
            for devices in &devices {
                let observation = Observation { device: &devices[fact.device], ..named.observation(fact) };
                found += baselines.observe(&observation).len();
                count += 1;
                if count.is_multiple_of(10_000) {
                    cells += baselines.changed().len();
                }
            }
        }
        let each = start.elapsed().as_nanos() / u128::from(count);
        eprintln!("{each} ns for each of {count} observations, {cells} cells, {found} findings");
        assert_eq!((baselines.refused(), baselines.unsaved()), (0, 0));
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            eprintln!("{:?}", status.lines().find(|line| line.starts_with("VmRSS")));
        }
    }
}
