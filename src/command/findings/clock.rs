//! Deadlines as people say them.

use ingest::judge::{Clock, Finding};

const MINUTE: i64 = 60_000_000;

/// How a finding's deadline stands: `due in 2 h 10 min`, `missed 3 h ago`, `met`; `-` where there is none.
pub(crate) fn words(finding: &Finding, now: i64) -> String {
    let due = finding.report_due_at.unwrap_or_default();
    match finding.clock(now) {
        Clock::None => "-".to_owned(),
        Clock::Met => "met".to_owned(),
        Clock::Running => format!("due in {}", length(due.saturating_sub(now))),
        Clock::Missed => match finding.acknowledged_at.or(finding.closed_at) {
            Some(answered) if answered > due => format!("missed by {}", length(answered.saturating_sub(due))),
            _ => format!("missed {} ago", length(now.saturating_sub(due))),
        },
    }
}

/// A length of time in its two largest units, whole minutes: `2 h 10 min`, `3 d`, `less than a minute`.
pub(crate) fn length(us: i64) -> String {
    let minutes = us.div_euclid(MINUTE);
    let units = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let parts: Vec<String> = units
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if minutes < 1 { "less than a minute".to_owned() } else { parts.join(" ") }
}

/// A span that somebody typed: `7d`, `12h`, `90m`, `2w`; µs.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no length of time: write for example 90m, 12h, 7d or 2w");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 1440,
        'w' => 7 * 1440,
        _ => return Err(wrong()),
    };
    let count: i64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    let span = count.checked_mul(minutes * MINUTE).filter(|_| count > 0);
    span.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        let cases = [(0, "less than a minute"), (1, "1 min"), (130, "2 h 10 min"), (180, "3 h"), (1440, "1 d")];
        for (minutes, words) in cases.into_iter().chain([(3 * 1440 + 5 * 60 + 7, "3 d 5 h"), (1441, "1 d")]) {
            assert_eq!(length(minutes * MINUTE), words, "{minutes}");
        }
    }

    #[test]
    fn spans_are_read_and_nonsense_is_refused() {
        assert_eq!(
            [span("90m"), span("12h"), span("7d"), span("2w")],
            [90, 720, 10_080, 20_160].map(|m| Ok(m * MINUTE))
        );
        for text in ["", "7", "d", "-1d", "0d", "7 d", "9999999999999d", "7y"] {
            assert!(span(text).is_err(), "{text:?}");
        }
    }
}
