//! Pauses between tries, longer each time and never in step with other senders.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause: a server that is back is used within a minute.
const LONGEST: Duration = Duration::from_secs(60);

/// The pause after this many failures in a row.
pub(crate) fn after(failures: u32) -> Duration {
    jittered(length(failures), RandomState::new().hash_one(failures))
}

/// The longest that it may be.
fn length(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST)
}

/// Between half of the pause and all of it.
fn jittered(pause: Duration, random: u64) -> Duration {
    let half = pause / 2;
    half + half.mul_f64((random % 1024) as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_are_never_in_step() {
        assert_eq!([1, 2, 3, 7, 40].map(|n| length(n).as_secs()), [1, 2, 4, 60, 60]);
        let spread: Vec<Duration> = (0..1024).map(|random| jittered(LONGEST, random)).collect();
        assert!(spread.iter().all(|pause| (LONGEST / 2..LONGEST).contains(pause)));
        assert!(spread.first() != spread.last());
    }
}
