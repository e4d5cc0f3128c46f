//! One event as a syslog message (RFC 5424), and its octet-counted frame (RFC 6587 section 3.4.1).

use serde_json::Value;

use crate::siem::channel::Message;
use crate::siem::format::{Format, severity_number};

/// Facility local0: the usual place for a program's own events.
const FACILITY: u8 = 16;
/// RFC 5424 section 6: the longest HOSTNAME.
const HOSTNAME_MAX: usize = 255;

/// Length, space, message.
pub(super) fn counted(format: Format, message: &Message) -> Vec<u8> {
    let message = syslog(format, message);
    format!("{} {message}", message.len()).into_bytes()
}

/// Header and message. One line of ASCII whatever the event holds, so a reader that looks for newlines instead of
/// counting gets the same events.
pub(super) fn syslog(format: Format, message: &Message) -> String {
    let severity = message.event.pointer("/event/severity").and_then(Value::as_u64).unwrap_or(5);
    let priority = FACILITY * 8 + severity_number(severity);
    let time = message.text("/@timestamp").unwrap_or("-");
    let host = header(message.text("/observer/name").unwrap_or_default());
    let kind = message.text("/event/kind").filter(|kind| *kind == "event").map_or("finding", |_| "event");
    format!("<{priority}>1 {time} {host} shadowtap - {kind} - {}", format.line(&message.event))
}

/// A header field: the letters, digits and `.-_:` of a name, `-` when nothing is left.
fn header(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || ".-_:".contains(*c);
    let name: String = name.chars().filter(fits).take(HOSTNAME_MAX).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_rfc_5424_and_the_length_counts_octets() {
        let event = r#"{"@timestamp":"2026-11-16T08:00:00Z","event":{"severity":8},"observer":{"name":"tap 1"}}"#;
        let message = Message { uid: "u".to_owned(), revision: 1, event: serde_json::from_str(event).unwrap() };
        let frame = String::from_utf8(counted(Format::Ecs, &message)).unwrap();
        let (length, text) = frame.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), text.len());
        assert_eq!(text, format!("<131>1 2026-11-16T08:00:00Z tap1 shadowtap - finding - {event}"));
    }
}
