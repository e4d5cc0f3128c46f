//! An event as the receiver wants it. All of them are made from the ECS event when it is sent, so that the format of
//! what waits can be changed.

mod cef;
mod ocsf;
mod read;

use serde_json::Value;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Format {
    /// Elastic Common Schema.
    #[default]
    Ecs,
    /// Open Cybersecurity Schema Framework: Detection Finding (2004), Network Activity (4001).
    Ocsf,
    /// Common Event Format.
    Cef,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Ecs, Self::Ocsf, Self::Cef];

    /// Its word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }

    /// The event as one line of printable ASCII, without a line end: no name off the wire can start a second line.
    pub fn line(self, event: &Value) -> String {
        match self {
            Self::Ecs => ascii(&event.to_string()),
            Self::Ocsf => ascii(&ocsf::event(event).to_string()),
            Self::Cef => cef::line(event),
        }
    }

    /// The event as a JSON value; CEF is no JSON and comes as text.
    pub fn value(self, event: &Value) -> Value {
        match self {
            Self::Ecs => event.clone(),
            Self::Ocsf => ocsf::event(event),
            Self::Cef => Value::String(cef::line(event)),
        }
    }
}

/// The syslog word for a finding's severity.
pub fn severity_word(severity: u64) -> &'static str {
    match severity_number(severity) {
        2 => "critical",
        3 => "error",
        4 => "warning",
        5 => "notice",
        _ => "informational",
    }
}

/// 0 to 10 as syslog has it: 2 critical, 3 error, 4 warning, 5 notice, 6 informational.
pub(super) fn severity_number(severity: u64) -> u8 {
    match severity {
        9.. => 2,
        7..=8 => 3,
        4..=6 => 4,
        1..=3 => 5,
        0 => 6,
    }
}

/// JSON with every character outside printable ASCII as `\uXXXX`: still the same JSON.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_follow_syslog() {
        let words = [0, 1, 5, 8, 10].map(severity_word);
        assert_eq!(words, ["informational", "notice", "warning", "error", "critical"]);
    }

    #[test]
    fn a_line_is_ascii_and_the_same_json() {
        let event = serde_json::json!({"message": "Büro\u{2028}\u{7f}\n\u{1f600}"});
        let line = Format::Ecs.line(&event);
        assert!(line.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, event);
    }
}
