//! Coordinates of the two drawings. The page draws them as inline SVG; nothing is drawn by script.

use serde::Serialize;

use super::model::{Report, StatusBytes, TrendWeek};
use crate::text;

/// The drawings of a page.
#[derive(Debug, Serialize)]
pub(super) struct Charts {
    /// Upload bytes by status, one bar.
    uploads: Vec<Segment>,
    /// Services in use, a column per week.
    services: Columns,
    /// Bytes uploaded, a column per week.
    bytes: Columns,
}

/// One piece of the bar. The bar is 100 wide.
#[derive(Debug, Serialize)]
struct Segment {
    status: String,
    x: String,
    width: String,
    share: String,
    bytes: u64,
    services: u64,
}

/// Columns in a field 100 high and 13 × [`PITCH`] wide.
#[derive(Debug, Serialize)]
struct Columns {
    top: String,
    columns: Vec<Column>,
}

#[derive(Debug, Serialize)]
struct Column {
    x: u32,
    /// Height and top edge of the whole column.
    all: Edge,
    /// Of its lower part: what is not approved.
    part: Edge,
    seen: bool,
    last: bool,
    /// Under the column; empty where labels would be too dense.
    label: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct Edge {
    y: String,
    height: String,
}

/// From one column's left edge to the next.
const PITCH: u32 = 22;

impl Charts {
    pub(super) fn of(report: &Report) -> Self {
        Self {
            uploads: segments(&report.uploads_by_status),
            services: columns(
                &report.trend,
                |week| (week.services_used, week.unapproved_services_used),
                text::number,
            ),
            bytes: columns(
                &report.trend,
                |week| (week.bytes_uploaded, week.bytes_uploaded_unapproved),
                text::bytes,
            ),
        }
    }
}

fn segments(rows: &[StatusBytes]) -> Vec<Segment> {
    let total: u64 = rows.iter().map(|row| row.upload_bytes).sum();
    let mut x = 0.0;
    rows.iter()
        .map(|row| {
            let width = share(row.upload_bytes, total) * 100.0;
            let segment = Segment {
                status: row.status.clone(),
                x: format!("{x:.2}"),
                width: format!("{width:.2}"),
                share: text::percent(row.upload_bytes, total),
                bytes: row.upload_bytes,
                services: row.services,
            };
            x += width;
            segment
        })
        .collect()
}

fn columns(
    weeks: &[TrendWeek],
    values: impl Fn(&TrendWeek) -> (u64, u64),
    words: impl Fn(u64) -> String,
) -> Columns {
    let top = weeks.iter().map(|week| values(week).0).max().unwrap_or(0);
    let columns = (0..)
        .zip(weeks)
        .map(|(at, week)| {
            let (all, part) = values(week);
            let last = at + 1 == weeks.len();
            let title = match week.seen {
                true => format!("{}: {}, of these not approved {}", week.week, words(all), words(part)),
                false => format!("{}: no data", week.week),
            };
            Column {
                x: at as u32 * PITCH,
                all: edge(all, top),
                part: edge(part, top),
                seen: week.seen,
                last,
                label: if at % 4 == 0 {
                    week.week.split_once('-').map_or("", |(_, w)| w).to_owned()
                } else {
                    String::new()
                },
                title,
            }
        })
        .collect();
    Columns { top: words(top), columns }
}

fn edge(value: u64, top: u64) -> Edge {
    let height = share(value, top) * 100.0;
    Edge { y: format!("{:.1}", 100.0 - height), height: format!("{height:.1}") }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
