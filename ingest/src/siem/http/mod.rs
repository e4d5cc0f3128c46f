//! Receivers that are spoken to over HTTP.

use super::channel::Channel;
use super::format::Format;
use super::target::{ElasticTarget, HecTarget, SentinelTarget, WebhookTarget};
use crate::tls::TlsError;

/// Splunk's HTTP Event Collector.
pub(super) fn hec(_name: String, _format: Format, _to: &HecTarget) -> Result<Box<dyn Channel>, TlsError> {
    Err(TlsError::System("not yet".to_owned()))
}

/// Elasticsearch's `_bulk`.
pub(super) fn elastic(_name: String, _format: Format, _to: &ElasticTarget) -> Result<Box<dyn Channel>, TlsError> {
    Err(TlsError::System("not yet".to_owned()))
}

/// Microsoft Sentinel's Logs Ingestion API.
pub(super) fn sentinel(_name: String, _format: Format, _to: &SentinelTarget) -> Result<Box<dyn Channel>, TlsError> {
    Err(TlsError::System("not yet".to_owned()))
}

/// A signed request to any server.
pub(super) fn webhook(_name: String, _format: Format, _to: &WebhookTarget) -> Result<Box<dyn Channel>, TlsError> {
    Err(TlsError::System("not yet".to_owned()))
}
