//! Thirteen weeks, each judged by today's policy, so that a line shows a change of use and not of opinion.

use super::build::{ReportContext, seen};
use super::judged::{devices, judged, services, upload_bytes, used};
use super::model::TrendWeek;
use super::week::Week;
use crate::store::{Store, StoreError};

/// A quarter of a year, this week included.
const WEEKS: u8 = 13;

pub(super) fn trend(store: &dyn Store, context: &ReportContext<'_>) -> Result<Vec<TrendWeek>, StoreError> {
    (0..WEEKS).rev().map(|back| week(store, context, context.week.back(back))).collect()
}

fn week(store: &dyn Store, context: &ReportContext<'_>, week: Week) -> Result<TrendWeek, StoreError> {
    let window = week.window(&context.time_zone);
    let rows = judged(store, context, window)?;
    Ok(TrendWeek {
        week: week.to_string(),
        seen: seen(store, &context.site, window, &rows)?,
        services_used: services(used(&rows)),
        unapproved_services_used: services(used(&rows).filter(|row| row.unapproved())),
        devices: devices(used(&rows)),
        bytes_uploaded: upload_bytes(used(&rows)),
        bytes_uploaded_unapproved: upload_bytes(used(&rows).filter(|row| row.unapproved())),
    })
}
