//! How long a server that failed is left alone.

use std::time::Instant;

use super::error::ClickHouseError;
use crate::pause;

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
        let until = now + pause::after(failures);
        self.0 = Some(Pause { failures, until, why: error.clone() });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pause_ends_by_itself_and_with_success() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let why = ClickHouseError::Passing { server: "s".to_owned(), why: "away".to_owned() };
        assert!(backoff.error(now).is_none());
        backoff.failure(now, &why);
        assert_eq!(backoff.error(now).unwrap().to_string(), why.to_string());
        assert!(backoff.error(now + Duration::from_secs(1)).is_none(), "then it is tried again");
        backoff.success();
        assert!(backoff.error(now).is_none());
    }
}
