//! Reading the ECS event by JSON pointer.

use std::net::IpAddr;

use serde_json::Value;

pub(super) fn text<'a>(ecs: &'a Value, pointer: &str) -> Option<&'a str> {
    ecs.pointer(pointer).and_then(Value::as_str)
}

pub(super) fn number(ecs: &Value, pointer: &str) -> Option<u64> {
    ecs.pointer(pointer).and_then(Value::as_u64)
}

pub(super) fn address(ecs: &Value, pointer: &str) -> Option<IpAddr> {
    text(ecs, pointer)?.parse().ok()
}

/// A time as milliseconds since 1970, which is how OCSF and CEF have it.
pub(super) fn millis(ecs: &Value, pointer: &str) -> Option<i64> {
    let time: jiff::Timestamp = text(ecs, pointer)?.parse().ok()?;
    Some(time.as_millisecond())
}
