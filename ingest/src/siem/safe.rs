//! No text of an event can harm its reader, whoever chose it. Names off the wire are made printable ASCII where they are
//! put in (`text::safe_name`); this goes over the whole event, so that a field that is added later cannot be forgotten.

use serde_json::Value;

use crate::text::safe_within;

/// The longest text of a field: what Elasticsearch's ECS mappings index of a keyword (`ignore_above`).
pub(super) const TEXT_MAX: usize = 1024;
/// The longest `message`, which is no keyword.
const MESSAGE_MAX: usize = 4096;

/// The event with every text made safe and none too long.
pub(super) fn safe(mut event: Value) -> Value {
    for (key, value) in event.as_object_mut().into_iter().flatten() {
        each(value, if key == "message" { MESSAGE_MAX } else { TEXT_MAX });
    }
    event
}

fn each(value: &mut Value, max: usize) {
    match value {
        Value::String(text) => *text = safe_within(text, max),
        Value::Array(list) => list.iter_mut().for_each(|value| each(value, max)),
        Value::Object(map) => map.values_mut().for_each(|value| each(value, max)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_of_an_event_is_made_safe_once() {
        let event = json!({"message": "x".repeat(5000), "rule": {"name": ["a\nb", "\u{202e}"]}, "n": 1});
        let once = safe(event);
        assert_eq!(once["rule"]["name"], json!(["a\\u{a}b", "\\u{202e}"]));
        assert_eq!(once["message"].as_str().unwrap().len(), MESSAGE_MAX);
        assert_eq!(safe(once.clone()), once);
    }
}
