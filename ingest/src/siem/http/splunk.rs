//! Splunk's HTTP Event Collector.
//!
//! Sources: Splunk, "Format events for HTTP Event Collector" (the envelope), "Troubleshoot HTTP Event Collector",
//! section "Possible error codes" (the answers). Index acknowledgement is not used: a token that demands it refuses
//! with code 10, and code 0 means that the collector has the events, not that an indexer has written them.

use hyper::header::{self, HeaderValue};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::batch::{Answer, Item, Vendor, joined};
use super::client::{Call, Client, Session, refusal, secret_header};
use super::words::Reply;
use crate::siem::channel::{Message, SendError};
use crate::siem::format::Format;
use crate::siem::target::HecTarget;
use crate::tls::TlsError;

/// A collector.
pub(super) struct Splunk {
    format: Format,
    index: Option<String>,
    path: String,
    authorization: HeaderValue,
    token: String,
}

impl Splunk {
    pub(super) fn new(format: Format, to: &HecTarget, client: &Client) -> Result<Self, TlsError> {
        let token = to.token.expose().to_owned();
        Ok(Self {
            format,
            index: to.index.clone(),
            path: client.path(&["services", "collector", "event"], None),
            authorization: secret_header(&format!("Splunk {token}"))?,
            token,
        })
    }
}

impl Vendor for Splunk {
    /// Splunk Cloud takes 1 MB; Splunk Enterprise as much as `max_content_length` in `limits.conf` says.
    const LARGEST: usize = 1_000_000;
    const MOST: usize = 500;

    /// The envelope. `fields` are indexed, so that `uid` and `revision` tell repeats without reading the event.
    fn item(&self, event: &Message) -> Vec<u8> {
        let mut envelope = Map::new();
        // Without a time Splunk takes its own.
        if let Some(time) = event.text("/@timestamp").and_then(|text| text.parse::<Timestamp>().ok()) {
            envelope.insert("time".to_owned(), json!(time.as_microsecond() as f64 / 1e6));
        }
        if let Some(host) = event.text("/observer/name").filter(|host| !host.is_empty()) {
            envelope.insert("host".to_owned(), json!(host));
        }
        if let Some(index) = &self.index {
            envelope.insert("index".to_owned(), json!(index));
        }
        envelope.insert("source".to_owned(), json!("shadowtap"));
        envelope.insert("sourcetype".to_owned(), json!(format!("shadowtap:{}", self.format.as_str())));
        envelope.insert("fields".to_owned(), json!({"uid": event.uid, "revision": event.revision.to_string()}));
        envelope.insert("event".to_owned(), self.format.value(&event.event));
        Value::Object(envelope).to_string().into_bytes()
    }

    fn post(&mut self, client: &Client, session: &mut Session<'_>, items: &[Item]) -> Answer {
        let call = Call {
            path: self.path.clone(),
            content_type: "application/json",
            headers: vec![(header::AUTHORIZATION, self.authorization.clone())],
            hidden: vec![self.token.clone()],
            body: joined(items, ["", "\n", ""]),
        };
        match session.post(call) {
            Ok(reply) => read(client, &reply),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// Success is code 0 and nothing else: a proxy's page may have status 200 as well.
fn read(client: &Client, reply: &Reply) -> Answer {
    let json = reply.json().unwrap_or_default();
    let number = |key: &str| json.get(key).and_then(Value::as_u64);
    let refused = |mend: &str| Answer::Failed(refusal(client, reply, mend));
    match (reply.status.as_u16(), number("code")) {
        (200, Some(0)) => Answer::Taken,
        (200, None) => Answer::Failed(SendError::Send {
            sink: client.sink().to_owned(),
            why: format!("no answer of an event collector: {}", reply.words()),
        }),
        // The events before the number are indexed, it and those behind it are not. Numbers begin with 0.
        (400, Some(6 | 12 | 13 | 15)) => match number("invalid-event-number") {
            Some(before) => Answer::Accused(usize::try_from(before).unwrap_or_default(), reply.words()),
            None => Answer::TooLarge(reply.words()),
        },
        (413, _) => Answer::TooLarge(reply.words()),
        (_, Some(1)) => refused("enable the token in Splunk"),
        (_, Some(2..=4 | 21)) => refused("is the secret the token's value?"),
        (_, Some(7)) => refused("the index does not exist or the token may not write into it"),
        (_, Some(10 | 11 | 14)) => refused("turn indexer acknowledgement off for this token"),
        (404, _) => refused("is this the collector's port, 8088 by default, and is the collector enabled?"),
        _ => refused(""),
    }
}
