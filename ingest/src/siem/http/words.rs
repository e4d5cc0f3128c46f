//! What an answer says, fit for a log: short, in printable characters, without the secrets that were sent.

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header;
use hyper::http::response::Parts;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

/// Characters of an answer that a message shows.
const LONGEST: usize = 300;
/// Redirects are never followed.
const REDIRECT: &str = "redirects are not followed, write the final address into the configuration";

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// How long the receiver asks to be left alone, in seconds: `Retry-After`.
    pub(super) after: Option<u64>,
    pub(super) body: Bytes,
    hidden: Vec<String>,
}

impl Reply {
    pub(super) fn new(head: &Parts, body: Bytes, hidden: Vec<String>) -> Self {
        let after = head.headers.get(header::RETRY_AFTER).and_then(|text| text.to_str().ok());
        Self { status: head.status, after: after.and_then(|text| seconds(text, Timestamp::now())), body, hidden }
    }

    /// The body as JSON; nothing when it is something else.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Status and words: `403 Forbidden: Invalid token (4)`.
    pub(super) fn words(&self) -> String {
        let number = self.status.as_u16();
        let status = match self.status.canonical_reason() {
            Some(reason) => format!("{number} {reason}"),
            None => number.to_string(),
        };
        let said = self.said();
        if said.is_empty() { status } else { format!("{status}: {said}") }
    }

    fn said(&self) -> String {
        let text = match self.json() {
            Some(json) => told(&json),
            None => String::from_utf8_lossy(&self.body).trim().to_owned(),
        };
        if text.starts_with('<') {
            return "a page of HTML, as proxies and portals send it".to_owned();
        }
        self.clean(&text)
    }

    /// A text of the answer, without secrets, cut.
    pub(super) fn clean(&self, text: &str) -> String {
        let secrets = self.hidden.iter().filter(|secret| !secret.is_empty());
        let text = secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Nothing that moves a cursor or turns the direction of a line.
        words.retain(|c| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric());
        match words.char_indices().nth(LONGEST) {
            Some((at, _)) => format!("{}...", words.get(..at).unwrap_or_default()),
            None => words,
        }
    }
}

/// The words of an answer with what mends it.
pub(super) fn with_mend(reply: &Reply, mend: &str) -> String {
    let mend = if reply.status.is_redirection() { REDIRECT } else { mend };
    match mend {
        "" => reply.words(),
        mend => format!("{}; {mend}", reply.words()),
    }
}

/// What the known receivers put into their errors: a code and a sentence.
fn told(json: &Value) -> String {
    let text = |pointer: &str| match json.pointer(pointer) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let pairs = [
        ("/error/code", "/error/message"),
        ("/error/type", "/error/reason"),
        ("/error", "/error_description"),
        ("/text", "/code"),
        ("/code", "/message"),
        ("/error", "/message"),
    ];
    for (first, second) in pairs {
        match (text(first), text(second)) {
            (Some(first), Some(second)) => return format!("{first}: {second}"),
            (Some(one), None) | (None, Some(one)) => return one,
            (None, None) => {}
        }
    }
    json.to_string()
}

/// `Retry-After`, RFC 9110 section 10.2.3: seconds, or a date.
fn seconds(text: &str, now: Timestamp) -> Option<u64> {
    let date = || rfc2822::parse(text).ok().map(|date| date.timestamp().as_second() - now.as_second());
    text.trim().parse().ok().or_else(|| date().and_then(|wait| u64::try_from(wait).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            after: None,
            body: Bytes::from(body.to_owned()),
            hidden: vec!["s3cret".to_owned()],
        }
    }

    #[test]
    fn the_words_of_each_receiver_are_found() {
        for (body, words) in [
            (r#"{"text":"Invalid token","code":4}"#, "403 Forbidden: Invalid token: 4"),
            (r#"{"error":{"type":"x_exception","reason":"no"},"status":403}"#, "403 Forbidden: x_exception: no"),
            (r#"{"error":{"code":"OperationFailed","message":"m"}}"#, "403 Forbidden: OperationFailed: m"),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: bad"}"#,
                "403 Forbidden: invalid_client: AADSTS7000215: bad",
            ),
            ("<html><body>sign in", "403 Forbidden: a page of HTML, as proxies and portals send it"),
            ("", "403 Forbidden"),
        ] {
            assert_eq!(reply(403, body).words(), words);
        }
        assert_eq!(reply(299, "").words(), "299");
    }

    #[test]
    fn words_hold_no_secret_no_line_end_and_no_more_than_a_few_lines() {
        let words = reply(400, &format!("token s3cret\r\n\u{1b}[31m is \u{202e}bad {}", "x".repeat(9000))).words();
        assert!(words.starts_with("400 Bad Request: token *** [31m is bad xxx"), "{words}");
        assert!(words.chars().count() < LONGEST + 40, "{words}");
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let now: Timestamp = "2026-11-09T08:00:00Z".parse().unwrap();
        assert_eq!(seconds("120", now), Some(120));
        assert_eq!(seconds("Mon, 09 Nov 2026 08:01:00 GMT", now), Some(60));
        assert_eq!(seconds("Mon, 09 Nov 2026 07:01:00 GMT", now), None);
        assert_eq!(seconds("soon", now), None);
    }
}
