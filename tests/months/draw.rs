//! Chance that is the same on every machine: splitmix64, and no function of a system's mathematics library.

/// A stream of draws. Streams of different keys do not know each other, so that one more draw somewhere changes
/// nothing elsewhere.
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a seed and a place, such as a device and a day.
    pub(crate) fn of(seed: u64, place: &[u64]) -> Self {
        let mut draw = Self(seed);
        for part in place {
            draw.0 = draw.next() ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        }
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Even in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Even in `from..to`.
    pub(crate) fn even(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// One of `from..=to`.
    pub(crate) fn whole(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// About normal: twelve even draws.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Log-normal: the median, and the spread as the standard deviation of the natural logarithm.
    pub(crate) fn skewed(&mut self, median: f64, spread: f64) -> f64 {
        median * power_of_two(self.normal() * spread * std::f64::consts::LOG2_E)
    }

    /// Even on a logarithmic scale in `from..to`: as many between 3 and 6 as between 6 and 12.
    pub(crate) fn ratio(&mut self, from: f64, to: f64) -> f64 {
        let (mut low, mut high, mut steps) = (from, to, self.unit());
        // Halves the interval by its geometric mean; a square root is exact everywhere, a logarithm is not.
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            steps *= 2.0;
            if steps >= 1.0 {
                (low, steps) = (middle, steps - 1.0);
            } else {
                high = middle;
            }
        }
        low
    }
}

fn power_of_two(exponent: f64) -> f64 {
    let whole = exponent.floor();
    let x = (exponent - whole) * std::f64::consts::LN_2;
    let fraction = (1..=12).rev().fold(1.0, |sum, n| 1.0 + sum * x / f64::from(n));
    fraction * 2f64.powi(whole as i32)
}

#[test]
fn draws_have_the_shape_that_their_names_say() {
    let mut draw = Draw::of(1, &[2, 3]);
    let mut skewed: Vec<_> = (0..10_001).map(|_| draw.skewed(100.0, 1.0)).collect();
    skewed.sort_by(f64::total_cmp);
    assert!((95.0..105.0).contains(&skewed[5_000]), "{}", skewed[5_000]);
    assert!((255.0..290.0).contains(&skewed[8_413]), "{}", skewed[8_413]);
    let low = (0..10_000).filter(|_| draw.ratio(3.0, 12.0) < 6.0).count();
    assert!((4_800..5_200).contains(&low), "{low}");
    assert!((power_of_two(-1.5) - 0.353_553_390_593_273_8).abs() < 1e-12);
}
