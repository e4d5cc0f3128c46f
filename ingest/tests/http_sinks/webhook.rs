//! A receiver of signed requests as docs/siem.md tells one to write it.

use std::collections::HashSet;

use ingest::secret::Secret;
use ingest::siem::{Format, To, WebhookTarget};
use ingest::tls::TlsFiles;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Receiver, Reply, Request, Run, many, one, refuses, with_poison};

const SECRET: &str = "correct horse battery staple";
/// Seconds that a request may be old.
const WINDOW: i64 = 300;

/// A server that checks signatures.
pub(crate) struct Hook {
    secret: &'static str,
    /// How far its clock is ahead, in seconds.
    ahead: i64,
    /// The next answers instead of its own.
    answers: Vec<u16>,
    seen: HashSet<String>,
    pub(crate) bodies: Vec<(String, Vec<u8>)>,
}

impl Default for Hook {
    fn default() -> Self {
        Self { secret: SECRET, ahead: 0, answers: Vec::new(), seen: HashSet::new(), bodies: Vec::new() }
    }
}

pub(crate) fn target(url: &str) -> To {
    let url = format!("{url}/hooks/soc?team=1");
    To::Webhook(WebhookTarget { url, secret: Secret::new(SECRET), tls: TlsFiles::default() })
}

/// HMAC-SHA256 as RFC 2104 spells it out: another implementation than the sender's.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Receiver for Hook {
    fn answer(&mut self, request: &Request) -> Reply {
        if let Some(status) = self.answers.pop() {
            return Reply::empty(status);
        }
        if (request.method.as_str(), request.target.as_str()) != ("POST", "/hooks/soc?team=1") {
            return Reply::empty(404);
        }
        let time = request.header("x-shadowtap-timestamp");
        let now = jiff::Timestamp::now().as_second() + self.ahead;
        if (now - time.parse::<i64>().unwrap()).abs() > WINDOW {
            return Reply::Answer(401, Vec::new(), b"too old".to_vec());
        }
        let signed = [time.as_bytes(), b".", &request.body].concat();
        if request.header("x-shadowtap-signature") != format!("v1={}", hmac(self.secret.as_bytes(), &signed)) {
            return Reply::Answer(401, Vec::new(), b"bad signature".to_vec());
        }
        if request.body.windows(6).any(|word| word == b"poison") {
            return Reply::Answer(422, Vec::new(), b"no such host".to_vec());
        }
        let key = request.header("idempotency-key").to_owned();
        if !self.seen.insert(key.clone()) {
            return Reply::empty(409);
        }
        self.bodies.push((key, request.body.clone()));
        Reply::empty(202)
    }

    fn keys(&self) -> Vec<String> {
        self.bodies.iter().map(|(key, _)| key.clone()).collect()
    }
}

#[test]
fn each_finding_is_one_signed_request() {
    let mut run = Run::new(Hook::default(), target, &many(5));
    let report = run.round();
    assert_eq!((report.sent, report.waiting, report.error), (5, 0, None));
    for (key, body) in &run.receiver().bodies {
        let event: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(*key, format!("{}-{}", event["event"]["id"].as_str().unwrap(), event["event"]["sequence"]));
    }
    let types: HashSet<String> =
        run.server.requests().iter().map(|request| request.header("content-type").to_owned()).collect();
    assert_eq!(types, HashSet::from(["application/json".to_owned()]));
    assert_eq!(run.server.connections(), 1, "one connection carries them all");
}

#[test]
fn cef_is_sent_as_text() {
    let mut run = Run::with(Hook::default(), Format::Cef, target, &one());
    assert_eq!(run.round().sent, 1);
    assert_eq!(run.server.requests()[0].header("content-type"), "text/plain; charset=utf-8");
}

#[test]
fn another_secret_and_a_request_out_of_its_time_are_refused_and_wait() {
    let mut run = Run::new(Hook { secret: "another", ..Hook::default() }, target, &one());
    refuses(&mut run, &["401", "bad signature", "checks signatures"]);
    run.receiver().secret = SECRET;
    assert_eq!(run.settle().sent, 1);

    let mut run = Run::new(Hook { ahead: WINDOW + 60, ..Hook::default() }, target, &one());
    refuses(&mut run, &["too old"]);
    run.receiver().ahead = 0;
    assert_eq!(run.settle().sent, 1);
}

#[test]
fn a_request_that_was_listened_to_cannot_be_sent_again_or_changed() {
    let mut run = Run::new(Hook::default(), target, &one());
    assert_eq!(run.round().sent, 1);
    let heard = run.server.requests().remove(0);
    let mut hook = run.receiver();
    let status = |reply: Reply| match reply {
        Reply::Answer(status, ..) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(hook.answer(&heard)), 409, "at once: known by its key");
    let mut changed = heard.clone();
    changed.body.extend_from_slice(b" ");
    assert_eq!(status(hook.answer(&changed)), 401, "changed: the signature is another");
    hook.ahead = WINDOW + 60;
    assert_eq!(status(hook.answer(&heard)), 401, "later: too old");
    let time = |header: &mut (String, String)| {
        if header.0 == "x-shadowtap-timestamp" {
            header.1 = (jiff::Timestamp::now().as_second() + WINDOW + 60).to_string();
        }
    };
    let mut renewed = heard;
    renewed.headers.iter_mut().for_each(time);
    assert_eq!(status(hook.answer(&renewed)), 401, "with a newer time: it is signed as well");
}

#[test]
fn what_an_answer_does_follows_its_status() {
    for status in [200, 201, 204, 409] {
        let mut run = Run::new(Hook { answers: vec![status], ..Hook::default() }, target, &one());
        assert_eq!(run.round().sent, 1, "{status}");
    }
    for status in [400, 413, 422] {
        let mut run = Run::new(Hook { answers: vec![status], ..Hook::default() }, target, &one());
        let report = run.round();
        assert_eq!((report.refused, report.waiting), (1, 0), "{status}");
        assert!(report.refused_why.unwrap().contains(&status.to_string()));
    }
    for status in [301, 401, 403, 404, 405, 408, 410, 415, 425, 429, 500, 502, 503] {
        let mut run = Run::new(Hook { answers: vec![status], ..Hook::default() }, target, &one());
        refuses(&mut run, &[&status.to_string()]);
        assert_eq!(run.server.requests().len(), 1);
    }
}

#[test]
fn an_event_that_the_receiver_calls_wrong_does_not_hold_the_others() {
    let mut run = Run::new(Hook::default(), target, &with_poison());
    let report = run.round();
    assert_eq!((report.sent, report.refused, report.waiting, report.error), (2, 1, 0, None));
    assert!(report.refused_why.unwrap().contains("422 Unprocessable Entity: no such host"));
}
