//! The page: one self-contained file, every value escaped by the template engine.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::chart::Charts;
use super::model::Report;
use crate::text;

const PAGE: &str = include_str!("../../../dashboards/report/index.html");
const STYLE: &str = include_str!("../../../dashboards/report/style.css");

/// Rows of a table on the page; the rest stands in the CSV file and the page says so.
const ROWS: usize = 40;

#[derive(Serialize)]
struct View<'a> {
    report: &'a Report,
    charts: Charts,
    style: &'static str,
    rows: usize,
}

/// Renders the page. Times are shown on the site's clock.
pub(super) fn page(report: &Report) -> Result<String, minijinja::Error> {
    let zone = TimeZone::get(&report.window.time_zone).unwrap_or(TimeZone::UTC);
    let mut engine = Environment::new();
    // A field that the model does not have is a fault of the template, not an empty cell.
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.add_filter("bytes", text::bytes);
    engine.add_filter("number", text::number);
    engine.add_filter("percent", text::percent);
    engine.add_filter("words", |word: String| word.replace(['_', '-'], " "));
    engine.add_filter("visible", |name: String| text::safe_text(&name));
    engine.add_filter("day", move |utc: String| local(&utc, &zone));
    engine.add_template("index.html", PAGE)?;
    let view = View { report, charts: Charts::of(report), style: STYLE, rows: ROWS };
    engine.get_template("index.html")?.render(Serde(view))
}

/// A time of the model on the site's clock.
fn local(utc: &str, zone: &TimeZone) -> String {
    match utc.parse::<Timestamp>() {
        Ok(time) => crate::time::local(time.as_microsecond(), zone),
        Err(_) => utc.to_owned(),
    }
}
