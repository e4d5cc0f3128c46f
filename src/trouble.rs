//! Trouble that lasts is said once a minute, not each second.

use std::time::{Duration, Instant};

/// Between two words about trouble that goes on. It is another each second where it names the file of the moment.
const AGAIN: Duration = Duration::from_secs(60);

/// What was said of trouble last.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    said: Option<(String, Instant)>,
}

impl Trouble {
    /// True when this has to be said: it is new, or another than before and nothing was said for a while. An empty text
    /// is the end of it.
    pub(crate) fn is_news(&mut self, text: &str) -> bool {
        if text.is_empty() {
            self.said = None;
            return false;
        }
        let known = self.said.as_ref().is_some_and(|(said, at)| said == text || at.elapsed() < AGAIN);
        if !known {
            self.said = Some((text.to_owned(), Instant::now()));
        }
        !known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_said_once_and_anew_when_it_comes_back() {
        let mut trouble = Trouble::default();
        assert!(trouble.is_news("cannot write 1"));
        assert!(!trouble.is_news("cannot write 1") && !trouble.is_news("cannot write 2"));
        assert!(!trouble.is_news(""));
        assert!(trouble.is_news("cannot write 2"));
    }
}
