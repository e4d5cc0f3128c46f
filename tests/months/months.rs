//! Twelve weeks of facts, generated day by day.

use crate::day::{Fact, facts};
use crate::office::{DAYS, DEVICES, Device, devices};
use crate::plants::{Plant, Usual, plants};

/// The seed on which the constants of `rules::volume` were tuned.
pub(crate) const TUNING: u64 = 20_260_105;
/// The seed that nothing was tuned on; evaluated after the constants stood.
pub(crate) const EVALUATION: u64 = 77_003_141_592;

/// A generated office.
pub(crate) struct Months {
    seed: u64,
    pub(crate) devices: Vec<Device>,
    pub(crate) plants: Vec<Plant>,
}

impl Months {
    pub(crate) fn of(seed: u64) -> Self {
        let devices = devices(seed);
        let bare = Self { seed, devices, plants: Vec::new() };
        let base: Vec<Fact> = (0..DAYS).flat_map(|day| bare.day(day)).collect();
        let plants = plants(seed, &bare.devices, &Usual::of(base.iter()));
        Self { plants, ..bare }
    }

    /// The facts of one day, in the order of their times.
    pub(crate) fn day(&self, day: usize) -> Vec<Fact> {
        let mut out = Vec::new();
        for (at, device) in self.devices.iter().enumerate().take(DEVICES) {
            facts(self.seed, at, device, day, &mut out);
        }
        let planted = self.plants.iter().flat_map(|plant| &plant.facts);
        let number = crate::office::FIRST_DAY + day as i32;
        out.extend(planted.filter(|fact| fact.day() == number));
        out.sort_unstable();
        out
    }

    /// All facts.
    pub(crate) fn facts(&self) -> impl Iterator<Item = Fact> {
        (0..DAYS).flat_map(|day| self.day(day))
    }
}

/// Frozen: a change of the generator or of a plant changes these numbers, and then the results are no longer those
/// of an untouched seed.
#[test]
fn the_months_are_those_that_were_frozen() {
    for (seed, facts, bytes, digest) in [
        (TUNING, 139_602, 79_474_502_754, 4_411_734_214_485_903_343),
        (EVALUATION, 131_282, 80_948_122_004, 17_564_142_297_422_141_120),
    ] {
        let months = Months::of(seed);
        let mut seen = (0u64, 0u64, 0u64);
        for fact in months.facts() {
            let place = (fact.device * 100 + fact.service) as u64 + u64::from(fact.programmatic) * 7_777;
            let word = (fact.at as u64) ^ fact.upload_bytes.rotate_left(20) ^ place.rotate_left(44) ^ fact.turns;
            let digest = (seen.2.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            seen = (seen.0 + 1, seen.1 + fact.upload_bytes, digest);
        }
        assert_eq!(seen, (facts, bytes, digest), "seed {seed}");
    }
}
