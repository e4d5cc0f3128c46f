//! Elasticsearch, from "Bulk API" and "Use a data stream".

use std::collections::HashMap;
use std::ops::Range;

use ingest::secret::Secret;
use ingest::siem::{ElasticAccess, ElasticTarget, Format, To};
use ingest::tls::TlsFiles;
use serde_json::{Value, json};

use super::{Receiver, Reply, Request, Run, many, one, refuses, with_poison};

const KEY: &str = "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==";

/// A cluster with one key for one data stream.
pub(crate) struct Cluster {
    pub(crate) largest: usize,
    /// Places in a request for which it is too busy, once.
    pub(crate) busy: Range<usize>,
    /// The status and type with which every document is refused.
    pub(crate) blocked: Option<(u16, &'static str)>,
    pub(crate) documents: Vec<(String, Value)>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { largest: 100_000_000, busy: 0..0, blocked: None, documents: Vec::new() }
    }
}

pub(crate) fn target(url: &str) -> To {
    to(url, ElasticAccess::ApiKey(Secret::new(KEY)))
}

fn to(url: &str, access: ElasticAccess) -> To {
    let data_stream = "logs-shadowtap.finding-default".to_owned();
    To::Elastic(ElasticTarget { url: url.to_owned(), data_stream, access, tls: TlsFiles::default() })
}

fn error(status: u16, kind: &str, reason: &str) -> Reply {
    Reply::json(status, &json!({"error": {"type": kind, "reason": reason}, "status": status}))
}

impl Receiver for Cluster {
    fn answer(&mut self, request: &Request) -> Reply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let basic = "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==";
        if ![format!("ApiKey {KEY}").as_str(), basic].contains(&request.header("authorization")) {
            return error(401, "security_exception", "unable to authenticate with provided credentials");
        }
        if (request.method.as_str(), path) != ("POST", "/logs-shadowtap.finding-default/_bulk") {
            return error(404, "index_not_found_exception", "no such index");
        }
        if !["application/x-ndjson", "application/json"].contains(&request.header("content-type")) {
            return error(406, "media_type_header_exception", "Invalid media-type value on headers");
        }
        if request.body.len() > self.largest {
            return Reply::empty(413);
        }
        let Some(body) = std::str::from_utf8(&request.body).ok().and_then(|body| body.strip_suffix('\n')) else {
            return error(
                400,
                "illegal_argument_exception",
                "The bulk request must be terminated by a newline [\\n]",
            );
        };
        self.bulk(body, query)
    }

    fn keys(&self) -> Vec<String> {
        self.documents.iter().map(|(id, _)| id.clone()).collect()
    }
}

impl Cluster {
    fn bulk(&mut self, body: &str, query: &str) -> Reply {
        let lines: Vec<&str> = body.split('\n').collect();
        if !lines.len().is_multiple_of(2) {
            return error(400, "illegal_argument_exception", "Malformed action/metadata line");
        }
        let items: Vec<Value> = lines.chunks(2).enumerate().map(|(at, pair)| self.item(at, pair)).collect();
        self.busy = 0..0;
        let errors = items.iter().any(|item| item["create"].get("error").is_some());
        let took = if query.contains("took") { json!(3) } else { Value::Null };
        Reply::json(200, &json!({"errors": errors, "took": took, "items": items}))
    }

    fn item(&mut self, at: usize, pair: &[&str]) -> Value {
        let refused = |status: u16, kind: &str, reason: &str| json!({"create": {"status": status, "error": {"type": kind, "reason": reason}}});
        let action: HashMap<String, HashMap<String, String>> = serde_json::from_str(pair[0]).unwrap();
        let Some(id) = action.get("create").and_then(|meta| meta.get("_id")) else {
            return refused(
                400,
                "illegal_argument_exception",
                "only write ops with an op_type of create are allowed",
            );
        };
        if self.busy.contains(&at) {
            return refused(429, "es_rejected_execution_exception", "rejected execution of coordinating operation");
        }
        if let Some((status, kind)) = self.blocked {
            return refused(status, kind, "no");
        }
        let document: Value = serde_json::from_str(pair[1]).unwrap();
        let is_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
        if !document["@timestamp"].as_str().is_some_and(is_time) {
            return refused(
                400,
                "document_parsing_exception",
                "data stream timestamp field [@timestamp] is missing",
            );
        }
        if pair[1].contains("poison") {
            return refused(400, "document_parsing_exception", "failed to parse field [destination.domain]");
        }
        if self.documents.iter().any(|(known, _)| known == id) {
            return refused(409, "version_conflict_engine_exception", "document already exists");
        }
        self.documents.push((id.clone(), document));
        json!({"create": {"status": 201}})
    }
}

#[test]
fn a_finding_becomes_a_document_under_its_key() {
    let mut run = Run::new(Cluster::default(), target, &one());
    let report = run.round();
    assert_eq!((report.sent, report.waiting, report.error), (1, 0, None));
    let (id, document) = run.receiver().documents[0].clone();
    assert_eq!(id, format!("{}-1", document["event"]["id"].as_str().unwrap()));
    assert_eq!(document["rule"]["id"], "prohibited-use");
}

#[test]
fn ocsf_documents_have_the_time_that_a_data_stream_needs() {
    let mut run = Run::with(Cluster::default(), Format::Ocsf, target, &one());
    let report = run.round();
    assert_eq!((report.sent, report.refused), (1, 0), "{report:?}");
    assert_eq!(run.receiver().documents[0].1["@timestamp"], "2026-11-09T08:00:00Z");
}

#[test]
fn a_wrong_key_a_wrong_path_and_a_block_wait_with_their_mend() {
    let key = |url: &str| to(url, ElasticAccess::ApiKey(Secret::new("nope")));
    refuses(&mut Run::new(Cluster::default(), key, &one()), &["401", "security_exception", "`encoded`"]);
    refuses(&mut Run::new(Cluster::default(), |url| to(url, ElasticAccess::Open), &one()), &["401"]);
    let path = |url: &str| target(&format!("{url}/proxy"));
    refuses(&mut Run::new(Cluster::default(), path, &one()), &["404", "index_not_found_exception"]);
    for blocked in [(403, "cluster_block_exception"), (404, "index_not_found_exception")] {
        let mut run = Run::new(Cluster { blocked: Some(blocked), ..Cluster::default() }, target, &one());
        refuses(&mut run, &[blocked.1]);
        run.receiver().blocked = None;
        assert_eq!(run.settle().sent, 1);
    }
    let closed = Cluster { blocked: Some((400, "index_closed_exception")), ..Cluster::default() };
    refuses(&mut Run::new(closed, target, &one()), &["index_closed_exception"]);
}

#[test]
fn user_and_password_open_it_as_well() {
    let basic =
        |url: &str| to(url, ElasticAccess::Basic { user: "elastic".to_owned(), password: Secret::new("changeme") });
    assert_eq!(Run::new(Cluster::default(), basic, &one()).round().sent, 1);
}

#[test]
fn a_document_that_does_not_fit_the_mapping_is_given_up_alone() {
    let mut run = Run::new(Cluster::default(), target, &with_poison());
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting, report.error), (2, 1, 0, None));
    let why = report.refused_why.unwrap();
    assert!(why.contains("400 document_parsing_exception: failed to parse field [destination.domain]"), "{why}");
    assert_eq!(run.server.requests().len(), 1);
}

#[test]
fn status_200_with_a_busy_item_takes_what_came_before_it() {
    // What stands behind the busy ones is taken as well; sent again it is a conflict and no second document.
    for (busy, late) in [(7..usize::MAX, 13), (7..9, 13), (0..1, 20)] {
        let mut run = Run::new(Cluster { busy, ..Cluster::default() }, target, &many(20));
        let report = run.round();
        assert_eq!((report.sent, report.waiting), (20 - late, late));
        assert!(report.error.unwrap().contains("429 es_rejected_execution_exception"));
        assert_eq!(run.settle().sent, late);
        let keys = run.receiver().keys();
        assert_eq!(keys.len(), 20, "none twice, none lost");
    }
}

#[test]
fn a_request_that_is_too_large_is_halved() {
    let mut run = Run::new(Cluster { largest: 30_000, ..Cluster::default() }, target, &many(40));
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting), (40, 0, 0), "{report:?}");
    assert_eq!(run.receiver().keys().len(), 40);
    let mut run = Run::new(Cluster { largest: 300, ..Cluster::default() }, target, &one());
    assert_eq!(run.round().refused, 1, "an event that is too large alone is given up");
}
