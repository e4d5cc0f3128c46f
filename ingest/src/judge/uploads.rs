//! Uploads over a fixed limit, and uploads that are not usual.

use super::core::Core;
use super::flow::Seen;

impl Core<'_> {
    pub(super) fn uploads(&mut self, _seen: &Seen<'_>) -> bool {
        false
    }
}
