//! Receivers that are spoken to over HTTP.
//!
//! | file | noun |
//! |---|---|
//! | `address` | a URL, looked at before anything is opened |
//! | `client` | one HTTP/1.1 client: a step at a time, each with its bound; no redirects, no proxy |
//! | `words` | what an answer says, fit for a log: short, in printable characters, without secrets |
//! | `batch` | a chunk of events cut into requests, and what the answers mean for it |
//! | `splunk`, `elastic`, `sentinel`, `webhook` | one receiver each: its request and how to read its answers |

mod address;
mod batch;
mod client;
mod elastic;
mod sentinel;
mod splunk;
mod webhook;
mod words;

pub use address::{Reach, reach};

use super::channel::Channel;
use super::format::Format;
use super::target::{ElasticTarget, HecTarget, SentinelTarget, WebhookTarget};
use crate::tls::TlsError;
use batch::Batched;
use client::Client;

/// Splunk's HTTP Event Collector.
pub(super) fn hec(name: String, format: Format, to: &HecTarget) -> Result<Box<dyn Channel>, TlsError> {
    let client = Client::new(&name, &to.url, &to.tls)?;
    let vendor = splunk::Splunk::new(format, to, &client)?;
    Ok(Box::new(Batched::new(name, client, vendor)))
}

/// Elasticsearch's `_bulk`.
pub(super) fn elastic(name: String, format: Format, to: &ElasticTarget) -> Result<Box<dyn Channel>, TlsError> {
    let client = Client::new(&name, &to.url, &to.tls)?;
    let vendor = elastic::Elastic::new(format, to, &client)?;
    Ok(Box::new(Batched::new(name, client, vendor)))
}

/// Microsoft Sentinel's Logs Ingestion API.
pub(super) fn sentinel(name: String, format: Format, to: &SentinelTarget) -> Result<Box<dyn Channel>, TlsError> {
    let client = Client::new(&name, &to.endpoint, &to.tls)?;
    let vendor = sentinel::Sentinel::new(&name, format, to, &client)?;
    Ok(Box::new(Batched::new(name, client, vendor)))
}

/// A signed request to any server.
pub(super) fn webhook(name: String, format: Format, to: &WebhookTarget) -> Result<Box<dyn Channel>, TlsError> {
    let client = Client::new(&name, &to.url, &to.tls)?;
    let vendor = webhook::Webhook::new(format, to, &client);
    Ok(Box::new(Batched::new(name, client, vendor)))
}
