//! Spans of packet time that records are written for.

/// A span that is open, and those before it that are written: each is written once per source.
#[derive(Debug)]
pub(super) struct Span {
    length: i64,
    start: Option<i64>,
    earliest: i64,
}

impl Span {
    /// Spans of `length` µs.
    pub(super) fn new(length: i64) -> Self {
        Self { length, start: None, earliest: i64::MIN }
    }

    /// A frame came at `time`: a span is open from now on. A late frame counts in the one that is.
    pub(super) fn open(&mut self, time: i64) {
        if self.start.is_none() {
            self.start = Some((time.div_euclid(self.length) * self.length).max(self.earliest));
        }
    }

    /// True when the open span is over at `time`.
    pub(super) fn is_over(&self, time: i64) -> bool {
        self.start.is_some_and(|start| time >= start.saturating_add(self.length))
    }

    /// Ends the open span and gives its start. What was counted while none was open (`counted`) gets the next one.
    pub(super) fn close(&mut self, counted: bool) -> Option<i64> {
        let silent = || counted.then_some(self.earliest.max(0));
        let ended = self.start.take().or_else(silent)?;
        self.earliest = ended.saturating_add(self.length);
        Some(ended)
    }

    /// Another source begins: its spans are its own.
    pub(super) fn forget(&mut self) {
        self.start = None;
        self.earliest = i64::MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_span_is_written_once() {
        let mut span = Span::new(10);
        assert_eq!(span.close(false), None, "nothing was seen");
        span.open(17);
        span.open(25);
        assert!(!span.is_over(19) && span.is_over(20));
        assert_eq!(span.close(true), Some(10));
        span.open(12);
        assert_eq!(span.close(true), Some(20), "a late frame counts in the next one");
        assert_eq!(span.close(true), Some(30), "what ended in silence needs one too");
        span.forget();
        span.open(12);
        assert_eq!(span.close(true), Some(10));
    }
}
