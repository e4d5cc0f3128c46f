//! What is known of devices, as rows.

use clickhouse::Row;
use sensor::record::DeviceRecord;
use serde::Serialize;

use super::rows::{Context, day, micros};

#[derive(Row, Serialize)]
pub(super) struct DeviceRow<'a> {
    sensor: &'a str,
    device: &'a str,
    last_seen: i64,
    day: u16,
    site: &'a str,
    mac: &'a str,
    private_mac: bool,
    addresses: Vec<String>,
    host_name: Option<&'a str>,
    vendor_class: Option<&'a str>,
    source: &'a str,
    first_seen: i64,
    batch: u64,
}

impl<'a> DeviceRow<'a> {
    pub(super) fn of(seen: &'a DeviceRecord, context: Context<'_>) -> Self {
        Self {
            sensor: &seen.sensor,
            device: &seen.device,
            last_seen: micros(seen.last_seen),
            day: day(seen.last_seen, context.zone),
            site: &seen.site,
            mac: &seen.mac,
            private_mac: seen.private_mac,
            addresses: seen.addresses.iter().map(ToString::to_string).collect(),
            host_name: seen.host_name.as_deref(),
            vendor_class: seen.vendor_class.as_deref(),
            source: &seen.source,
            first_seen: micros(seen.first_seen),
            batch: context.batch,
        }
    }
}
