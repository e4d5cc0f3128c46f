//! The packets' clock: forward with every frame, but not led astray by a single wrong one.
//!
//! Captures have gaps of days, and a live clock is set now and then, so a jump may be right. One frame cannot tell; the
//! next one does. A frame that jumps is therefore held back until another follows.

/// Times this far apart, µs, belong together: reordering, and silence on a quiet network.
const NEAR: i64 = 300 * 1_000_000;

/// What a frame's time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// In line with the frames before it.
    Ahead,
    /// A jump: hold the frame until the next one tells.
    Hold,
    /// The frame that was held was right: time goes on from it, and from this one.
    Jumped,
    /// Like `Jumped`, and this frame jumps again: hold it.
    JumpedHold,
    /// The frame that was held stood alone: its time is wrong. This one is in line with those before it.
    Stray,
    /// Like `Stray`, and this frame jumps as well: hold it.
    StrayHold,
}

/// The time of the last frame, and that of a frame that is held back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    last: Option<i64>,
    held: Option<i64>,
}

impl Clock {
    /// Judges the next frame's time, µs.
    pub fn step(&mut self, time: i64) -> Step {
        let Some(last) = self.last else {
            self.last = Some(time);
            return Step::Ahead;
        };
        match self.held.take() {
            None if near(last, time) => {
                self.last = Some(last.max(time));
                Step::Ahead
            }
            None => {
                self.held = Some(time);
                Step::Hold
            }
            Some(held) if near(held, time) => {
                self.last = Some(held.max(time));
                Step::Jumped
            }
            Some(_) if near(last, time) => {
                self.last = Some(last.max(time));
                Step::Stray
            }
            // Sparse traffic: each frame is far from the one before it, and all go forward.
            Some(held) if last < held && held < time => {
                (self.last, self.held) = (Some(held), Some(time));
                Step::JumpedHold
            }
            Some(_) => {
                self.held = Some(time);
                Step::StrayHold
            }
        }
    }

    /// True when `time` is long before the last frame.
    pub fn is_before(&self, time: i64) -> bool {
        self.last.is_some_and(|last| time < last.saturating_sub(NEAR))
    }

    /// Forgets everything: another source begins.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

fn near(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= NEAR.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn steps(times: &[i64]) -> Vec<Step> {
        let mut clock = Clock::default();
        times.iter().map(|&time| clock.step(time)).collect()
    }

    #[test]
    fn a_single_wrong_frame_is_astray() {
        use Step::{Ahead, Hold, Stray};
        assert_eq!(steps(&[0, 1, 900_000 * HOUR, 2, 3]), [Ahead, Ahead, Hold, Stray, Ahead]);
        assert_eq!(steps(&[9 * HOUR, 0, 9 * HOUR]), [Ahead, Hold, Stray]);
    }

    #[test]
    fn a_gap_and_a_step_back_are_followed() {
        use Step::{Ahead, Hold, Jumped};
        assert_eq!(steps(&[0, 12 * HOUR, 12 * HOUR + 1, 12 * HOUR + 2]), [Ahead, Hold, Jumped, Ahead]);
        assert_eq!(steps(&[9 * HOUR, 8 * HOUR, 8 * HOUR + 1]), [Ahead, Hold, Jumped]);
    }

    #[test]
    fn sparse_traffic_goes_on() {
        use Step::{Ahead, Hold, JumpedHold};
        assert_eq!(steps(&[0, HOUR, 2 * HOUR, 3 * HOUR]), [Ahead, Hold, JumpedHold, JumpedHold]);
    }
}
