//! How soon a finding is to be reported: `15m`, `4h`, `2d`.

use std::time::Duration;

use crate::{fault::Fault, file::Word};

/// The longest deadline that makes sense; a longer one is a slip of the unit.
const MAX: Duration = Duration::from_secs(90 * 86_400);

/// How soon each kind of finding is to be reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) unapproved_tool: Duration,
    pub(super) prohibited_tool: Duration,
    pub(super) suspected_data_upload: Duration,
    pub(super) sensor_health: Duration,
    pub(super) visibility_lost: Option<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Deadlines {
            unapproved_tool: minutes(240),
            prohibited_tool: minutes(60),
            suspected_data_upload: minutes(15),
            sensor_health: minutes(240),
            visibility_lost: None,
        }
    }
}

/// One number and one unit.
pub(super) fn parse(word: &Word) -> Result<Duration, Fault> {
    let text = &word.text;
    read(text).filter(|time| !time.is_zero() && *time <= MAX).ok_or_else(|| {
        word.at.fault(format!(
            "{text:?} is not a deadline: write a number and s, m, h or d, such as \"4h\" (at most 90d)"
        ))
    })
}

fn read(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let count: u64 = digits.parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit() {
        assert_eq!(read("15m"), Some(Duration::from_secs(900)));
        assert_eq!(read("2d"), Some(Duration::from_secs(172_800)));
        for text in ["", "h", "4", "4 h", "-4h", "1h30m", "4€", "99999999999999999999h"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
