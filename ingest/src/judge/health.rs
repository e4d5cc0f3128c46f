//! The sensor's health.

use sensor::record::MinuteRecord;
use serde::{Deserialize, Serialize};

use super::core::Core;

/// One sensor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SensorState {}

impl SensorState {
    pub(super) fn next(&self) -> Option<i64> {
        None
    }
}

impl Core<'_> {
    pub(super) fn minute(&mut self, _record: &MinuteRecord) {}
    pub(super) fn sensor_at(&mut self, _sensor: &str, _at: i64) {}
}
