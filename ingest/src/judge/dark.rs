//! Devices that go dark.

use sensor::record::VisibilityRecord;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::flow::Seen;

/// One device's days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct DeviceDays {}

impl DeviceDays {
    pub(super) fn next(&self) -> Option<i64> {
        None
    }
}

impl Core<'_> {
    pub(super) fn history_of(&mut self, _seen: &Seen<'_>) {}
    pub(super) fn visibility(&mut self, _record: &VisibilityRecord) {}
    pub(super) fn dark_at(&mut self, _device: &str, _at: i64) {}
}
