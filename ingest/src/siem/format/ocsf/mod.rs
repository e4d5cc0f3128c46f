//! Open Cybersecurity Schema Framework 1.4.0. Findings are Detection Finding (2004), records of flows Network Activity
//! (4001). A digest and a test are neither detected nor traffic and have no class of their own, so they are Base Events
//! (0). `docs/siem-formats.md` holds the field table; a test holds every event against the published schema.

mod activity;
mod finding;
mod network;

use serde_json::{Map, Value, json};

use super::read::{millis, number, text};

/// The schema's version whose names and numbers are used.
const OCSF_VERSION: &str = "1.4.0";

/// The event in OCSF.
pub(super) fn event(ecs: &Value) -> Value {
    match text(ecs, "/event/dataset") {
        Some("shadowtap.finding") => finding::event(ecs),
        Some("shadowtap.activity") => activity::event(ecs),
        Some("shadowtap.digest") => other(ecs, "Digest"),
        _ => other(ecs, "Test"),
    }
}

/// A Base Event whose activity has a name of ours.
fn other(ecs: &Value, activity: &str) -> Value {
    let class = Class { uid: 0, name: "Base Event", category: 0, category_name: "Uncategorized" };
    let mut event = class.event(ecs, 99, activity);
    event.set("unmapped", Some(unmapped(ecs, &[])));
    event.into()
}

/// What the schema calls a kind of event.
struct Class {
    uid: u64,
    name: &'static str,
    category: u64,
    category_name: &'static str,
}

impl Class {
    /// An event of this class with all that events of every class have.
    fn event(&self, ecs: &Value, activity: u64, activity_name: &str) -> Object {
        let (severity, severity_name) = severity(number(ecs, "/event/severity").unwrap_or_default());
        let mut event = Object::default();
        event.set("class_uid", Some(self.uid));
        event.set("class_name", Some(self.name));
        event.set("category_uid", Some(self.category));
        event.set("category_name", Some(self.category_name));
        event.set("activity_id", Some(activity));
        event.set("activity_name", Some(activity_name));
        event.set("type_uid", Some(self.uid * 100 + activity));
        event.set("type_name", Some(format!("{}: {activity_name}", self.name)));
        event.set("severity_id", Some(severity));
        event.set("severity", Some(severity_name));
        event.set("time", Some(millis(ecs, "/@timestamp").unwrap_or_default()));
        event.set("start_time", millis(ecs, "/event/start"));
        event.set("end_time", millis(ecs, "/event/end"));
        event.set("message", text(ecs, "/message"));
        event.set("metadata", Some(metadata(ecs)));
        event
    }
}

fn metadata(ecs: &Value) -> Value {
    let sequence = number(ecs, "/event/sequence");
    let id = text(ecs, "/event/id").unwrap_or_default();
    let mut metadata = Object::default();
    metadata.set("version", Some(OCSF_VERSION));
    metadata.set("uid", sequence.map(|sequence| format!("{id}-{sequence}")));
    metadata.set("sequence", sequence);
    metadata.set("event_code", text(ecs, "/event/code"));
    metadata.set("log_name", text(ecs, "/event/dataset"));
    metadata.set("log_provider", Some("shadowtap"));
    let version = text(ecs, "/observer/version");
    metadata.set("product", Some(json!({"name": "shadowtap", "vendor_name": "shadowtap", "version": version})));
    metadata.set("loggers", text(ecs, "/observer/name").map(|sensor| json!([{"name": sensor}])));
    metadata.into()
}

/// 0 to 10 in the schema's steps. Nothing here is fatal (6).
fn severity(severity: u64) -> (u64, &'static str) {
    match severity {
        0 => (1, "Informational"),
        1..=3 => (2, "Low"),
        4..=6 => (3, "Medium"),
        7..=8 => (4, "High"),
        9.. => (5, "Critical"),
    }
}

/// What the schema has no attribute for: the labels that are not `placed`, the policy, the site.
fn unmapped(ecs: &Value, placed: &[&str]) -> Map<String, Value> {
    let labels = ecs.get("labels").and_then(Value::as_object);
    let mut rest: Map<String, Value> = labels
        .into_iter()
        .flatten()
        .filter(|(name, _)| !placed.contains(&name.as_str()) && !name.starts_with("next_step_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, pointer) in [("policy", "/rule/ruleset"), ("site", "/observer/geo/name")] {
        if let Some(value) = text(ecs, pointer) {
            rest.insert(name.to_owned(), value.into());
        }
    }
    rest
}

/// A JSON object that holds no nulls.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}
