//! Elasticsearch and OpenSearch: `_bulk` with `create` into a data stream.
//!
//! Sources: Elastic, "Bulk API" and "Use a data stream" (a data stream takes `create` only); OpenSearch, "Bulk API".
//! The plain media type `application/x-ndjson` is what both take; Elastic's versioned one is refused by OpenSearch.

use data_encoding::BASE64;
use hyper::header::{self, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::{Answer, Item, Vendor, joined};
use super::client::{Call, Client, Session, refusal, secret_header};
use super::words::Reply;
use crate::siem::channel::{Message, Outcome, SendError};
use crate::siem::format::Format;
use crate::siem::target::{ElasticAccess, ElasticTarget};
use crate::tls::TlsError;

/// What of an answer is read: the rest of it says which shard wrote what.
const FILTER: &str = "filter_path=errors,error,status,items.*.status,items.*.error.type,items.*.error.reason";
/// Errors of status 400 that speak of the data stream, not of the event.
const OF_THE_STREAM: [&str; 5] = [
    "index_closed_exception",
    "invalid_index_name_exception",
    "invalid_alias_name_exception",
    "validation_exception",
    "action_request_validation_exception",
];

/// A data stream.
pub(super) struct Elastic {
    format: Format,
    path: String,
    authorization: Option<HeaderValue>,
    hidden: Vec<String>,
}

/// An answer: one item per event, in their order.
#[derive(Deserialize)]
struct Bulk {
    items: Vec<BulkItem>,
}

#[derive(Deserialize)]
struct BulkItem {
    create: Created,
}

#[derive(Deserialize)]
struct Created {
    status: u16,
    #[serde(default)]
    error: BulkError,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BulkError {
    r#type: String,
    reason: Option<String>,
}

impl Elastic {
    pub(super) fn new(format: Format, to: &ElasticTarget, client: &Client) -> Result<Self, TlsError> {
        let (text, hidden) = match &to.access {
            ElasticAccess::Open => (None, Vec::new()),
            ElasticAccess::ApiKey(key) => (Some(format!("ApiKey {}", key.expose())), vec![key.expose().to_owned()]),
            ElasticAccess::Basic { user, password } => {
                let both = BASE64.encode(format!("{user}:{}", password.expose()).as_bytes());
                (Some(format!("Basic {both}")), vec![both, password.expose().to_owned()])
            }
        };
        let authorization = text.map(|text| secret_header(&text)).transpose()?;
        let path = client.path(&[&to.data_stream, "_bulk"], Some(FILTER));
        Ok(Self { format, path, authorization, hidden })
    }
}

impl Vendor for Elastic {
    /// Far below the 100 MB that `http.max_content_length` allows; managed clusters take as little as 10 MB.
    const LARGEST: usize = 5_000_000;
    const MOST: usize = 500;

    /// Two lines. The id makes a repeat a conflict, which is no second document.
    fn item(&self, event: &Message) -> Vec<u8> {
        let mut document = self.format.value(&event.event);
        // A data stream takes nothing without it, and OCSF keeps its time elsewhere.
        if let (Value::Object(fields), Some(time)) = (&mut document, event.event.get("@timestamp")) {
            fields.entry("@timestamp").or_insert_with(|| time.clone());
        }
        format!("{}\n{document}\n", json!({"create": {"_id": event.key()}})).into_bytes()
    }

    fn post(&mut self, client: &Client, session: &mut Session<'_>, items: &[Item]) -> Answer {
        let header = |value: &HeaderValue| (header::AUTHORIZATION, value.clone());
        let headers: Vec<(HeaderName, HeaderValue)> = self.authorization.iter().map(header).collect();
        let call = Call {
            path: self.path.clone(),
            content_type: "application/x-ndjson",
            headers,
            hidden: self.hidden.clone(),
            body: joined(items, ["", "", ""]),
        };
        match session.post(call) {
            Ok(reply) => read(client, &reply, items.len()),
            Err(error) => Answer::Failed(error),
        }
    }
}

fn read(client: &Client, reply: &Reply, sent: usize) -> Answer {
    let mend = match reply.status.as_u16() {
        200 => return read_items(client, reply, sent),
        413 => return Answer::TooLarge(reply.words()),
        401 => "is the secret the key's `encoded` form, or the user's password?",
        403 => "the key or user needs `create_doc` and `auto_configure` on the data stream",
        404 => "is `url` the address of the cluster, and may the data stream be made?",
        _ => "",
    };
    Answer::Failed(refusal(client, reply, mend))
}

/// Status 200 says nothing of the events: each has an item with a status of its own.
fn read_items(client: &Client, reply: &Reply, sent: usize) -> Answer {
    let items = match serde_json::from_slice::<Bulk>(&reply.body) {
        Ok(bulk) if bulk.items.len() == sent => bulk.items,
        _ => {
            let why = format!("no answer to {sent} events: {}", reply.words());
            return Answer::Failed(SendError::Send { sink: client.sink().to_owned(), why });
        }
    };
    let mut outcome = Outcome::default();
    for BulkItem { create } in items {
        let said = |create: &Created| {
            let reason = reply.clean(create.error.reason.as_deref().unwrap_or_default());
            format!("{} {}: {reason}", create.status, reply.clean(&create.error.r#type))
        };
        match create.status {
            // 409: an earlier try has put it there.
            200 | 201 | 409 => {}
            400 | 413 if !OF_THE_STREAM.contains(&create.error.r#type.as_str()) => {
                outcome.refused.push((outcome.done, said(&create)));
            }
            _ => {
                let (sink, why) = (client.sink().to_owned(), said(&create));
                outcome.error = Some(SendError::Refused { sink, why, after: reply.after });
                break;
            }
        }
        outcome.done += 1;
    }
    match outcome.error {
        None if outcome.refused.is_empty() => Answer::Taken,
        _ => Answer::UpTo(outcome),
    }
}
