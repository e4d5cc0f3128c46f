//! Findings against plants.

use crate::day::{Fact, MINUTE};
use crate::months::Months;
use crate::office::{DAYS, ROLLOUTS};
use crate::plants::{Kind, Plant};

/// Something that a method called unusual.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Burst, drip, new-hours or new-access.
    pub(crate) kind: &'static str,
    pub(crate) device: usize,
    pub(crate) service: usize,
    pub(crate) at: i64,
    /// In the words of the method.
    pub(crate) words: String,
}

/// A finding belongs to a plant until a day after its last record.
const LATE: i64 = 1_440 * MINUTE;

impl Finding {
    fn near(&self, plant: &Plant) -> bool {
        let times = || plant.facts.iter().map(|fact: &Fact| fact.at);
        let (Some(from), Some(until)) = (times().min(), times().max()) else { return false };
        self.device == plant.device && (from..=until + LATE).contains(&self.at)
    }

    fn pattern(&self) -> bool {
        self.kind.starts_with("new-")
    }

    /// True when this is what was planted: bytes by a finding of bytes, a pattern by its own.
    fn finds(&self, plant: &Plant) -> bool {
        self.near(plant)
            && match plant.kind {
                Kind::NewHours | Kind::NewAccess => self.kind == plant.kind.name(),
                _ => !self.pattern() && self.service == plant.service,
            }
    }

    /// True when a plant is behind it, if only as a side effect: a drip at night has new hours.
    fn explained(&self, plant: &Plant) -> bool {
        self.near(plant) && (self.pattern() || self.service == plant.service)
    }
}

/// How good a method is on one seed.
#[derive(Debug)]
pub(crate) struct Score {
    /// By kind of plant: planted and found.
    pub(crate) plants: Vec<(Kind, usize, usize)>,
    /// By kind of finding: findings, and those with a plant behind them.
    pub(crate) findings: Vec<(&'static str, usize, usize)>,
    /// Findings without a plant.
    pub(crate) false_ones: Vec<Finding>,
    /// Those of them on devices of a rollout and its service.
    pub(crate) in_rollouts: usize,
    pub(crate) missed: Vec<String>,
}

impl Score {
    pub(crate) fn of(months: &Months, findings: &[Finding]) -> Self {
        let of_kind = |kind| months.plants.iter().filter(move |plant| plant.kind == kind);
        let found = |plant: &&Plant| findings.iter().any(|finding| finding.finds(plant));
        let explained = |finding: &&Finding| months.plants.iter().any(|plant| finding.explained(plant));
        let false_ones: Vec<_> = findings.iter().filter(|f| !explained(f)).cloned().collect();
        let rollout = |finding: &&Finding| {
            let department = months.devices[finding.device].department;
            ROLLOUTS.iter().any(|r| r.department == department && r.service == finding.service)
        };
        let by_kind = ["burst", "drip", "new-hours", "new-access"].map(|kind| {
            let all = findings.iter().filter(|f| f.kind == kind);
            (kind, all.clone().count(), all.filter(explained).count())
        });
        Self {
            plants: Kind::ALL.map(|k| (k, of_kind(k).count(), of_kind(k).filter(found).count())).to_vec(),
            findings: by_kind.to_vec(),
            in_rollouts: false_ones.iter().filter(rollout).count(),
            false_ones,
            missed: months.plants.iter().filter(|p| !found(p)).map(missed).collect(),
        }
    }

    /// False findings per 200 devices and week, in hundredths.
    pub(crate) fn false_per_week(&self) -> usize {
        self.false_ones.len() * 100 / (DAYS / 7)
    }

    /// Harmonic mean of precision and recall over bursts, drips and newcomers, in thousandths.
    pub(crate) fn f1(&self) -> usize {
        let (planted, found) = self.volumes();
        let false_ones = self.false_ones.iter().filter(|f| !f.pattern()).count();
        2_000 * found / (found + false_ones + planted).max(1)
    }

    /// Planted and found bursts, drips and newcomers.
    pub(crate) fn volumes(&self) -> (usize, usize) {
        self.plants.iter().take(3).fold((0, 0), |(a, b), (_, planted, found)| (a + planted, b + found))
    }
}

fn missed(plant: &Plant) -> String {
    let bytes: u64 = plant.facts.iter().map(|fact| fact.upload_bytes).sum();
    let day = plant.facts.iter().map(|fact| fact.day() - crate::office::FIRST_DAY).min();
    format!(
        "{} x{:.1}, {} kB, device {}, service {}, day {day:?}",
        plant.kind.name(),
        plant.clearness,
        bytes / 1_000,
        plant.device,
        plant.service
    )
}
