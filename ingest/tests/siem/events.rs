//! Events that wait for a sink, put into the outbox as the judge does, and what a receiver should make of them.

use std::path::Path;

use ingest::siem::{Format, Outbox, SiemReport, Sink, SinkTarget};
use serde_json::{Value, json};

use crate::receiver::Line;

/// The event of the documentation, as one of many: its number is its id.
pub(crate) fn event(number: u64) -> Value {
    let page = include_str!("../../../docs/siem-formats.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let mut event: Value = serde_json::from_str(rest.split_once("```").unwrap().0).unwrap();
    event["event"]["id"] = json!(format!("{number:016x}"));
    event["event"]["severity"] = json!(number % 11);
    event
}

/// Twenty events, one of them long, one full of what must not reach a log as it is.
pub(crate) fn events() -> Vec<Value> {
    let mut events: Vec<Value> = (0..20).map(event).collect();
    events[5]["message"] = json!(format!("long {}", "x".repeat(20_000)));
    let hostile = "a\n<13>1 - forged app - - -\r\n\0\u{7f}\u{202e}\u{2028}\u{1f600} 99 <0>|=\\\" \u{e9}";
    for pointer in ["/message", "/destination/domain", "/rule/name", "/observer/name"] {
        *events[7].pointer_mut(pointer).unwrap() = json!(hostile);
    }
    events
}

/// An outbox in which these events wait for the sink `siem`, each the first revision.
pub(crate) fn outbox(dir: &Path, events: &[Value]) -> Outbox {
    let outbox = Outbox::open(dir).unwrap();
    let mut db = rusqlite::Connection::open(dir.join("findings.db")).unwrap();
    let step = db.transaction().unwrap();
    for event in events {
        step.execute(
            "INSERT INTO siem_outbox (uid, revision, action, sink, event, not_before) VALUES (?1, 1, 'create', 'siem', ?2, 0)",
            [event["event"]["id"].as_str().unwrap(), &event.to_string()],
        )
        .unwrap();
    }
    step.commit().unwrap();
    outbox
}

/// Sends what waits in a fresh outbox: one round.
pub(crate) fn send(target: &SinkTarget, events: &[Value]) -> SiemReport {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(dir.path(), events);
    Sink::open(target).unwrap().drain(&mut outbox, 0).unwrap()
}

/// What a receiver should have understood.
pub(crate) fn expected(format: Format, events: &[Value]) -> Vec<Line> {
    events.iter().map(|event| line(format, event)).collect()
}

fn line(format: Format, event: &Value) -> Line {
    let severity = match event["event"]["severity"].as_u64().unwrap() {
        9.. => 2,
        7..=8 => 3,
        4..=6 => 4,
        1..=3 => 5,
        0 => 6,
    };
    let name = event["observer"]["name"].as_str().unwrap();
    Line {
        priority: (16 * 8 + severity).to_string(),
        host: name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_:".contains(*c)).collect(),
        app: "shadowtap".to_owned(),
        msgid: "finding".to_owned(),
        text: format.line(event),
    }
}
