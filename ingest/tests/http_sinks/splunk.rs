//! Splunk's HTTP Event Collector, from "Format events for HTTP Event Collector" and the codes of "Troubleshoot HTTP
//! Event Collector".

use ingest::secret::Secret;
use ingest::siem::{Format, HecTarget, To};
use ingest::tls::TlsFiles;
use serde_json::{Deserializer, Value, json};

use super::{Receiver, Reply, Request, Run, many, one, refuses, with_poison};

const TOKEN: &str = "8d8a9a1e-5b0e-4b7e-9a44-1e8f6b0f2c11";

/// A collector with one token, which may write into `main` and `ai`.
pub(crate) struct Collector {
    pub(crate) disabled: bool,
    pub(crate) acknowledges: bool,
    pub(crate) largest: usize,
    pub(crate) busy: u32,
    pub(crate) events: Vec<Value>,
}

impl Default for Collector {
    fn default() -> Self {
        Self { disabled: false, acknowledges: false, largest: 1_000_000, busy: 0, events: Vec::new() }
    }
}

pub(crate) fn target(url: &str) -> To {
    to(url, TOKEN, None)
}

fn to(url: &str, token: &str, index: Option<&str>) -> To {
    To::Hec(HecTarget {
        url: url.to_owned(),
        token: Secret::new(token),
        index: index.map(str::to_owned),
        tls: TlsFiles::default(),
    })
}

fn code(status: u16, code: u64, text: &str) -> Reply {
    Reply::json(status, &json!({"text": text, "code": code}))
}

impl Receiver for Collector {
    fn answer(&mut self, request: &Request) -> Reply {
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/services/collector/event") {
            return code(404, 404, "The requested URL was not found on this server.");
        }
        match request.header("authorization").split_once(' ') {
            None => return code(401, 2, "Token is required"),
            Some(("Splunk", TOKEN)) if self.disabled => return code(403, 1, "Token disabled"),
            Some(("Splunk", TOKEN)) => {}
            Some(("Splunk", _)) => return code(403, 4, "Invalid token"),
            Some(_) => return code(401, 3, "Invalid authorization"),
        }
        if self.acknowledges && request.header("x-splunk-request-channel").is_empty() {
            return code(400, 10, "Data channel is missing");
        }
        if self.busy > 0 {
            self.busy -= 1;
            return code(503, 9, "Server is busy");
        }
        if request.body.len() > self.largest {
            return Reply::Answer(413, Vec::new(), b"Content-Length too large".to_vec());
        }
        self.index(&request.body)
    }

    fn keys(&self) -> Vec<String> {
        let text = |event: &Value, pointer: &str| event.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let key = |event| format!("{}-{}", text(event, "/fields/uid"), text(event, "/fields/revision"));
        self.events.iter().map(key).collect()
    }
}

impl Collector {
    /// Events one after the other; the first that is wrong ends it, those before it stay.
    fn index(&mut self, body: &[u8]) -> Reply {
        if body.is_empty() {
            return code(400, 5, "No data");
        }
        for (number, event) in Deserializer::from_slice(body).into_iter::<Value>().enumerate() {
            let wrong = |status, code, text| {
                Reply::json(status, &json!({"text": text, "code": code, "invalid-event-number": number}))
            };
            let Ok(event) = event else { return wrong(400, 6, "Invalid data format") };
            if event.to_string().contains("poison") {
                return wrong(400, 6, "Invalid data format");
            }
            match event.get("event") {
                None => return wrong(400, 12, "Event field is required"),
                Some(Value::String(text)) if text.is_empty() => {
                    return wrong(400, 13, "Event field cannot be blank");
                }
                Some(_) => {}
            }
            let flat = |fields: &Value| fields.as_object().is_some_and(|map| map.values().all(Value::is_string));
            if !event.get("fields").is_none_or(flat) {
                return wrong(400, 15, "Error in handling indexed fields");
            }
            if !["main", "ai"].contains(&event.get("index").and_then(Value::as_str).unwrap_or("main")) {
                return wrong(400, 7, "Incorrect index");
            }
            self.events.push(event);
        }
        code(200, 0, "Success")
    }
}

#[test]
fn a_finding_arrives_with_its_time_its_sensor_and_its_key() {
    let mut run = Run::new(Collector::default(), |url| to(url, TOKEN, Some("ai")), &one());
    let report = run.round();
    assert_eq!((report.sent, report.waiting, report.error), (1, 0, None));
    let event = run.receiver().events[0].clone();
    assert_eq!(event["time"].as_f64(), Some(1_794_211_200.0));
    assert_eq!((&event["host"], &event["source"]), (&json!("tap1"), &json!("shadowtap")));
    assert_eq!((&event["sourcetype"], &event["index"]), (&json!("shadowtap:ecs"), &json!("ai")));
    assert_eq!(event["fields"], json!({"uid": event["event"]["event"]["id"], "revision": "1"}));
    assert_eq!(event["event"]["rule"]["id"], "prohibited-use");
}

#[test]
fn every_format_goes_under_a_sourcetype_of_its_own() {
    for format in Format::ALL {
        let mut run = Run::with(Collector::default(), format, target, &one());
        assert_eq!(run.round().sent, 1);
        let event = run.receiver().events[0].clone();
        assert_eq!(event["sourcetype"], format!("shadowtap:{}", format.as_str()));
        assert_eq!(event["event"].is_string(), format == Format::Cef);
    }
}

#[test]
fn a_wrong_token_a_disabled_one_and_a_wrong_index_wait_with_their_mend() {
    let token = |url: &str| to(url, "not-the-token", None);
    refuses(&mut Run::new(Collector::default(), token, &one()), &["403", "Invalid token", "token's value"]);
    let disabled = Collector { disabled: true, ..Collector::default() };
    let mut run = Run::new(disabled, target, &one());
    refuses(&mut run, &["Token disabled", "enable the token"]);
    let index = |url: &str| to(url, TOKEN, Some("secret_index"));
    refuses(&mut Run::new(Collector::default(), index, &one()), &["Incorrect index", "may not write"]);
    let acknowledges = Collector { acknowledges: true, ..Collector::default() };
    refuses(&mut Run::new(acknowledges, target, &one()), &["Data channel is missing", "acknowledgement off"]);
    let path = |url: &str| target(&format!("{url}/elsewhere"));
    refuses(&mut Run::new(Collector::default(), path, &one()), &["404", "8088"]);

    run.receiver().disabled = false;
    assert_eq!(run.settle().sent, 1, "what was mended goes on by itself");
}

#[test]
fn an_event_of_invalid_format_is_given_up_alone() {
    let mut run = Run::new(Collector::default(), target, &with_poison());
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting, report.error), (2, 1, 0, None));
    assert!(report.refused_why.unwrap().contains("Invalid data format"));
    let keys = run.receiver().keys();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!(run.server.requests().len(), 3, "all, the accused one alone, the rest");
}

#[test]
fn a_collector_of_small_requests_gets_small_ones() {
    let small = Collector { largest: 20_000, ..Collector::default() };
    let mut run = Run::new(small, target, &many(60));
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting), (60, 0, 0), "{report:?}");
    let mut keys = run.receiver().keys();
    keys.dedup();
    assert_eq!(keys.len(), 60, "none twice, none lost");
    assert_eq!(run.server.connections(), 1, "one connection carries them all");
}

#[test]
fn an_event_that_is_too_large_alone_is_given_up() {
    let tiny = Collector { largest: 100, ..Collector::default() };
    let mut run = Run::new(tiny, target, &many(3));
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting), (0, 3, 0), "{report:?}");
    assert!(report.refused_why.unwrap().contains("413"));
}

#[test]
fn a_busy_collector_is_asked_again_later() {
    let busy = Collector { busy: 1, ..Collector::default() };
    let mut run = Run::new(busy, target, &one());
    refuses(&mut run, &["503", "Server is busy"]);
    let pausing = run.round().error.unwrap();
    assert!(pausing.contains("Server is busy"), "the reason of the pause: {pausing}");
    assert_eq!(run.server.requests().len(), 1);
    assert_eq!(run.settle().sent, 1);
}
