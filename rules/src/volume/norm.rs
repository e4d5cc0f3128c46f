//! What is usual, from a sample: the 99th percentile, and the median with its spread on a logarithmic scale.

/// Byte counts are about log-normal, so that spreads are counted in octaves, with 8 binary places.
const OCTAVE: u64 = 256;

/// A sample of few days often looks calmer than it is.
const LEAST_SPREAD: u64 = OCTAVE / 2;

/// Standard deviation of a normal sample as a multiple of its median absolute deviation, in thousandths.
const MAD_TO_SIGMA: u64 = 1_483;

/// Days with and without documents are two crowds, and the spread between them says little: the median lifts the
/// limit to so many percent of the p99 at most.
const MOST_PERCENT: u64 = 300;

/// What is usual in one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Norm {
    pub(super) p99: u64,
    /// Above it a value is unusual.
    pub(super) limit: u64,
    pub(super) days: u32,
    pub(super) devices: u32,
    pub(super) all_services: bool,
}

/// How far above the usual a value has to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margin {
    /// Percent of the p99.
    pub(super) percent: u64,
    /// Tenths of standard deviations over the median, on the logarithmic scale; 0 where the p99 says enough.
    pub(super) sigmas: u64,
}

impl Norm {
    /// The norm of one device's days. `None` for an empty sample.
    pub(super) fn of_own(mut sample: Vec<u64>, margin: Margin) -> Option<Self> {
        sample.sort_unstable();
        let p99 = *sample.get(sample.len().checked_sub(1 + sample.len() / 100)?)?;
        let apart = above_median(&sample, margin.sigmas).min(times(p99, MOST_PERCENT));
        let limit = times(p99, margin.percent).max(apart);
        let days = u32::try_from(sample.len()).unwrap_or(u32::MAX);
        Some(Self { p99, limit, days, devices: 1, all_services: false })
    }
}

/// A percentage of bytes.
pub(super) fn times(bytes: u64, percent: u64) -> u64 {
    u64::try_from(u128::from(bytes) * u128::from(percent) / 100).unwrap_or(u64::MAX)
}

fn above_median(sorted: &[u64], sigmas: u64) -> u64 {
    let logs: Vec<u64> = sorted.iter().map(|bytes| log2(*bytes)).collect();
    let median = middle(&logs);
    let mut distances: Vec<u64> = logs.iter().map(|log| log.abs_diff(median)).collect();
    distances.sort_unstable();
    let spread = (middle(&distances) * MAD_TO_SIGMA / 1_000).max(LEAST_SPREAD);
    exp2(median + spread * sigmas / 10)
}

fn middle(sorted: &[u64]) -> u64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// The logarithm to base 2 in 256ths, straight between powers of two: at most 0.09 too small, the same everywhere.
fn log2(bytes: u64) -> u64 {
    let whole = u64::from(bytes.max(1).ilog2());
    let above = u128::from(bytes.max(1)) - (1u128 << whole);
    whole * OCTAVE + u64::try_from((above * u128::from(OCTAVE)) >> whole).unwrap_or(0)
}

/// The inverse of [`log2`].
fn exp2(log: u64) -> u64 {
    let (whole, part) = (log / OCTAVE, log % OCTAVE);
    if whole >= 63 {
        return u64::MAX;
    }
    u64::try_from((u128::from(OCTAVE + part) << whole) / u128::from(OCTAVE)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_go_out_and_come_back() {
        for bytes in [1, 2, 3, 1_000, 65_535, 65_536, 9_000_000, 412_000_000, 1 << 50] {
            let back = exp2(log2(bytes));
            assert!(back <= bytes && bytes - back <= bytes / 200, "{bytes} {back}");
        }
        assert_eq!((log2(0), log2(1), log2(1_024)), (0, 0, 10 * OCTAVE));
        assert_eq!(exp2(u64::MAX), u64::MAX);
    }

    #[test]
    fn one_wild_day_moves_the_p99_and_not_the_median() {
        let margin = Margin { percent: 200, sigmas: 40 };
        let calm = Norm::of_own(vec![100_000; 20], margin).unwrap();
        assert_eq!((calm.p99, calm.days), (100_000, 20));
        // Four least spreads of half an octave each would be four times the median: three times the p99 is the most.
        assert_eq!(calm.limit, 300_000);
        let mut days = vec![100_000; 19];
        days.push(50_000_000);
        assert_eq!(Norm::of_own(days, margin).unwrap().limit, 100_000_000);
        assert_eq!(Norm::of_own(Vec::new(), margin), None);
    }

    #[test]
    fn the_p99_leaves_one_of_a_hundred_above() {
        let margin = Margin { percent: 100, sigmas: 0 };
        assert_eq!(Norm::of_own((1..=99).collect(), margin).unwrap().p99, 99);
        assert_eq!(Norm::of_own((1..=100).collect(), margin).unwrap().p99, 99);
        assert_eq!(Norm::of_own((1..=200).collect(), margin).unwrap().p99, 198);
    }
}
