//! Common Event Format.

use serde_json::Value;

/// The event as one line of CEF.
pub(super) fn line(ecs: &Value) -> String {
    ecs.to_string()
}
