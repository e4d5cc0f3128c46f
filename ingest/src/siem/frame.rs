//! One event as a syslog message (RFC 5424) in an octet-counted frame (RFC 6587 section 3.4.1).

use serde_json::Value;

/// Facility local0: the usual place for a program's own events.
const FACILITY: u8 = 16;
/// RFC 5424 section 6: the longest HOSTNAME.
const HOSTNAME_MAX: usize = 255;

/// Length, space, message. The message is one line of ASCII whatever the event holds, so a reader that looks for
/// newlines instead of counting gets the same events.
pub fn frame(event: &str) -> Vec<u8> {
    let fields: Value = serde_json::from_str(event).unwrap_or_default();
    let text = |pointer: &str| fields.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let severity = fields.pointer("/event/severity").and_then(Value::as_u64).unwrap_or(5);
    let priority = FACILITY * 8 + severity_number(severity);
    let message = format!(
        "<{priority}>1 {} {} shadowtap - finding - {}",
        text("/@timestamp"),
        header(text("/observer/name")),
        ascii(event)
    );
    format!("{} {message}", message.len()).into_bytes()
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
fn severity_number(severity: u64) -> u8 {
    match severity {
        9.. => 2,
        7..=8 => 3,
        4..=6 => 4,
        1..=3 => 5,
        0 => 6,
    }
}

/// A header field: the letters, digits and `.-_:` of a name, `-` when nothing is left.
fn header(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || ".-_:".contains(*c);
    let name: String = name.chars().filter(fits).take(HOSTNAME_MAX).collect();
    if name.is_empty() { "-".to_owned() } else { name }
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

    const EVENT: &str =
        r#"{"@timestamp":"2026-11-16T08:00:00Z","event":{"severity":8},"observer":{"name":"tap 1"}}"#;

    #[test]
    fn the_header_is_rfc_5424_and_the_length_counts_octets() {
        let frame = String::from_utf8(frame(EVENT)).unwrap();
        let (length, message) = frame.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len());
        assert_eq!(message, format!("<131>1 2026-11-16T08:00:00Z tap1 shadowtap - finding - {EVENT}"));
    }

    #[test]
    fn a_frame_is_one_line_of_ascii_and_the_same_json() {
        let event = serde_json::json!({"message": "Büro\u{2028}\u{7f}\n\u{1f600}"}).to_string();
        let frame = String::from_utf8(frame(&event)).unwrap();
        assert!(frame.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{frame}");
        let json = frame.find('{').map(|at| &frame[at..]).unwrap();
        let read: Value = serde_json::from_str(json).unwrap();
        assert_eq!(read["message"], "Büro\u{2028}\u{7f}\n\u{1f600}");
    }

    #[test]
    fn severities_follow_syslog() {
        let words = [0, 1, 5, 8, 10].map(severity_word);
        assert_eq!(words, ["informational", "notice", "warning", "error", "critical"]);
    }
}
