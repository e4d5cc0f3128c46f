//! A finding as Detection Finding, class 2004. Create, update and close are its activities; `finding_info.uid` stays the
//! same, so that a receiver has one case.

use serde_json::{Value, json};

use super::network::{connection, destination, mac, observables, source, tls};
use super::{Class, Object, unmapped};
use crate::siem::format::read::{millis, number, text};

const CLASS: Class = Class { uid: 2004, name: "Detection Finding", category: 2, category_name: "Findings" };

/// Labels that have an attribute of their own.
const PLACED: [&str; 6] = ["state", "revision", "flows", "strength", "department", "closed_reason"];

pub(super) fn event(ecs: &Value) -> Value {
    let (activity, name) = match text(ecs, "/event/action") {
        Some("create") => (1, "Create"),
        Some("close") => (3, "Close"),
        _ => (2, "Update"),
    };
    let (status, status_name) = match text(ecs, "/labels/state") {
        Some("acknowledged") => (2, "In Progress"),
        Some("closed") => (4, "Resolved"),
        _ => (1, "New"),
    };
    let mut event = CLASS.event(ecs, activity, name);
    event.set("is_alert", Some(true));
    event.set("status_id", Some(status));
    event.set("status", Some(status_name));
    event.set("count", text(ecs, "/labels/flows").and_then(|flows| flows.parse::<u64>().ok()));
    event.set("comment", text(ecs, "/labels/closed_reason"));
    if let Some((confidence, name)) = confidence(ecs) {
        event.set("confidence_id", Some(confidence));
        event.set("confidence", Some(name));
    }
    event.set("finding_info", Some(info(ecs)));
    event.set("device", device(ecs));
    event.set("resources", resource(ecs).map(|service| vec![service]));
    event.set("evidences", evidence(ecs).map(|evidence| vec![evidence]));
    event.set("observables", observables(ecs, "evidences[0]."));
    event.set("remediation", remediation(ecs));
    let mut rest = unmapped(ecs, &PLACED);
    for (name, pointer) in [("bytes_up", "/source/bytes"), ("bytes_down", "/destination/bytes")] {
        if let Some(bytes) = number(ecs, pointer) {
            rest.insert(name.to_owned(), bytes.into());
        }
    }
    event.set("unmapped", Some(rest));
    event.into()
}

fn info(ecs: &Value) -> Value {
    let rule = text(ecs, "/rule/id").unwrap_or_default();
    let title = text(ecs, "/rule/name");
    let (kind, kind_name) = match rule {
        "upload-anomaly" => (3, "Statistical"),
        "going-dark" => (2, "Behavioral"),
        _ => (1, "Rule"),
    };
    let mut info = Object::default();
    info.set("uid", Some(text(ecs, "/event/id").unwrap_or_default()));
    info.set("title", title);
    info.set("desc", text(ecs, "/event/reason"));
    info.set("types", Some(vec![rule]));
    info.set("analytic", Some(json!({"uid": rule, "name": title, "type_id": kind, "type": kind_name})));
    info.set("first_seen_time", millis(ecs, "/event/start"));
    info.set("last_seen_time", millis(ecs, "/event/end"));
    info.set("modified_time", millis(ecs, "/@timestamp"));
    if let Some(technique) = text(ecs, "/threat/technique/id/0") {
        let name = text(ecs, "/threat/technique/name/0");
        info.set("attacks", Some(json!([{"technique": {"uid": technique, "name": name}}])));
    }
    info.into()
}

/// How sure the catalogue is of the service; absent where none was named.
fn confidence(ecs: &Value) -> Option<(u64, &'static str)> {
    match text(ecs, "/labels/strength")? {
        "definite" => Some((3, "High")),
        "likely" => Some((2, "Medium")),
        _ => Some((1, "Low")),
    }
}

/// The device that the finding is about; the sensor, for its own health.
fn device(ecs: &Value) -> Option<Value> {
    let mut device = Object::default();
    device.set("uid", text(ecs, "/source/address"));
    device.set("ip", text(ecs, "/source/ip"));
    device.set("mac", mac(ecs));
    if device.is_empty() {
        return None;
    }
    device.set("type_id", Some(0));
    device.set("type", Some("Unknown"));
    device.set("groups", text(ecs, "/labels/department").map(|name| json!([{"name": name}])));
    Some(device.into())
}

/// The AI service.
fn resource(ecs: &Value) -> Option<Value> {
    let mut service = Object::default();
    service.set("uid", text(ecs, "/service/id"));
    service.set("name", text(ecs, "/service/name"));
    if service.is_empty() {
        return None;
    }
    service.set("type", Some("AI service"));
    Some(service.into())
}

/// The flow that showed it.
fn evidence(ecs: &Value) -> Option<Value> {
    let mut evidence = Object::default();
    evidence.set("connection_info", connection(ecs));
    if evidence.is_empty() {
        return None;
    }
    evidence.set("src_endpoint", source(ecs));
    evidence.set("dst_endpoint", destination(ecs));
    evidence.set("tls", tls(ecs));
    Some(evidence.into())
}

fn remediation(ecs: &Value) -> Option<Value> {
    let steps: Vec<&str> = (1..=3).filter_map(|step| text(ecs, &format!("/labels/next_step_{step}"))).collect();
    (!steps.is_empty()).then(|| json!({"desc": steps.join(" ")}))
}
