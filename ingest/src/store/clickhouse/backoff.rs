//! Pauses between tries, longer each time and never in step with other senders.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::error::ClickHouseError;

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause: a server that is back is used within a minute.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the server is left alone, and why.
#[derive(Debug, Default)]
pub(super) struct Backoff(Option<Pause>);

#[derive(Debug)]
struct Pause {
    failures: u32,
    until: Instant,
    why: ClickHouseError,
}

impl Backoff {
    /// The error to answer with while the pause lasts: always in the words of the failure, so that a log says it once.
    pub(super) fn error(&self, now: Instant) -> Option<ClickHouseError> {
        let pause = self.0.as_ref().filter(|pause| now < pause.until)?;
        Some(pause.why.clone())
    }

    /// Ends all pauses.
    pub(super) fn success(&mut self) {
        self.0 = None;
    }

    /// Begins a pause.
    pub(super) fn failure(&mut self, now: Instant, error: &ClickHouseError) {
        let failures = self.0.as_ref().map_or(0, |pause| pause.failures).saturating_add(1);
        let until = now + jittered(length(failures), RandomState::new().hash_one(failures));
        self.0 = Some(Pause { failures, until, why: error.clone() });
    }
}

/// The full pause after this many failures in a row.
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
    fn pauses_grow_to_a_minute_and_end_with_success() {
        assert_eq!([1, 2, 3, 7, 40].map(|n| length(n).as_secs()), [1, 2, 4, 60, 60]);
        let spread: Vec<Duration> = (0..1024).map(|random| jittered(LONGEST, random)).collect();
        assert!(spread.iter().all(|pause| (LONGEST / 2..LONGEST).contains(pause)));
        assert!(spread.first() != spread.last());

        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let why = ClickHouseError::Passing { server: "s".to_owned(), why: "away".to_owned() };
        assert!(backoff.error(now).is_none());
        backoff.failure(now, &why);
        assert_eq!(backoff.error(now).unwrap().to_string(), why.to_string());
        assert!(backoff.error(now + FIRST).is_none(), "then it is tried again");
        backoff.success();
        assert!(backoff.error(now).is_none());
    }
}
