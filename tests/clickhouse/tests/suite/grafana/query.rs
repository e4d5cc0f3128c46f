//! Every statement of the boards and alert rules, wherever it stands in their files.

use serde_json::Value;

/// A statement and what it has to give.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// File, panel and place, for messages.
    pub(crate) place: String,
    /// The statement, with its macros.
    pub(crate) sql: String,
    /// Seconds of the bucket that its panel asks for at least.
    pub(crate) interval: i64,
    /// Seconds before now, and until when, of an alert rule's own range.
    pub(crate) range: Option<(i64, i64)>,
    /// Units by column; the empty name stands for all. None where the answer is no panel's.
    pub(crate) units: Option<Vec<(String, String)>>,
    /// The panel draws series: time, name, number.
    pub(crate) series: bool,
    /// It may have nothing to say of a month without trouble.
    pub(crate) may_be_empty: bool,
}

/// The statements of a board: panels, variables, annotations.
pub(crate) fn of_board(board: &Value) -> Vec<Query> {
    let title = board["title"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for panel in list(&board["panels"]) {
        for target in list(&panel["targets"]) {
            found.push(Query {
                place: format!("{title} / {}", panel["title"].as_str().unwrap_or_default()),
                sql: text(&target["rawSql"]),
                interval: seconds(panel["interval"].as_str().unwrap_or("1s")),
                range: None,
                units: Some(units(panel)),
                series: panel["type"] == "timeseries",
                may_be_empty: false,
            });
        }
    }
    let other = |place: String, sql: &Value| Query {
        place: format!("{title} / {place}"),
        sql: text(sql),
        interval: 60,
        range: None,
        units: None,
        series: false,
        may_be_empty: false,
    };
    let variables = list(&board["templating"]["list"]).iter().filter(|variable| variable["type"] == "query");
    found.extend(
        variables.map(|variable| other(format!("variable {}", text(&variable["name"])), &variable["query"])),
    );
    let notes = list(&board["annotations"]["list"]).iter().filter(|note| !note["target"]["rawSql"].is_null());
    found.extend(notes.map(|note| other(format!("annotation {}", text(&note["name"])), &note["target"]["rawSql"])));
    found
}

/// The statements of a file of alert rules.
pub(crate) fn of_alerts(file: &Value) -> Vec<Query> {
    let rules = list(&file["groups"]).iter().flat_map(|group| list(&group["rules"]));
    let data = rules.flat_map(|rule| list(&rule["data"]).iter().map(move |data| (rule, data)));
    data.filter(|(_, data)| !data["model"]["rawSql"].is_null())
        .map(|(rule, data)| Query {
            place: format!("alert {}", text(&rule["title"])),
            sql: text(&data["model"]["rawSql"]),
            interval: 60,
            range: data["relativeTimeRange"]["from"].as_i64().zip(data["relativeTimeRange"]["to"].as_i64()),
            units: None,
            series: false,
            may_be_empty: true,
        })
        .collect()
}

fn units(panel: &Value) -> Vec<(String, String)> {
    let mut units = Vec::new();
    if let Some(unit) = panel["fieldConfig"]["defaults"]["unit"].as_str() {
        units.push((String::new(), unit.to_owned()));
    }
    for one in list(&panel["fieldConfig"]["overrides"]) {
        let unit = list(&one["properties"]).iter().find(|property| property["id"] == "unit");
        units.extend(unit.map(|unit| (text(&one["matcher"]["options"]), text(&unit["value"]))));
    }
    units
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `30s`, `5m`, `1h`, `7d` as seconds.
pub(crate) fn seconds(length: &str) -> i64 {
    let (number, unit) = length.split_at(length.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => panic!("no such unit: {other}"),
    };
    number.parse::<i64>().unwrap() * unit
}
