//! Open Cybersecurity Schema Framework.

use serde_json::Value;

/// The event in OCSF.
pub(super) fn event(ecs: &Value) -> Value {
    ecs.clone()
}
