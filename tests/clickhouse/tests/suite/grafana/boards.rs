//! From `dashboards/grafana/boards/*.toml`, which people write, to the JSON that Grafana loads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::looks;

/// The plugin that the boards ask.
pub(crate) const PLUGIN: &str = "grafana-clickhouse-datasource";
/// The tag by which sibling boards find each other.
pub(crate) const TAG: &str = "shadowtap";
/// The schema of boards that Grafana 10 and later read.
const SCHEMA: u32 = 39;
/// The grid's width.
const WIDTH: u64 = 24;

/// What the boards share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    sql: BTreeMap<String, String>,
    variable: BTreeMap<String, Variable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    label: String,
    #[serde(default)]
    multi: bool,
    #[serde(default)]
    text: bool,
    sql: Option<String>,
    values: Option<Vec<String>>,
}

/// One board as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Board {
    uid: String,
    title: String,
    description: String,
    #[serde(default = "usual_folder")]
    folder: String,
    variables: Vec<String>,
    from: String,
    refresh: String,
    #[serde(default)]
    annotation: Vec<Annotation>,
    panel: Vec<Panel>,
}

fn usual_folder() -> String {
    "boards".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotation {
    name: String,
    sql: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Panel {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    description: String,
    size: [u64; 2],
    unit: Option<String>,
    #[serde(default)]
    units: BTreeMap<String, String>,
    #[serde(default)]
    thresholds: Vec<Vec<Value>>,
    interval: Option<String>,
    sql: Option<String>,
    text: Option<String>,
    link: Option<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    board: String,
    column: Option<String>,
}

/// `dashboards/grafana`.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/grafana")
}

/// Each board's file below `dashboards/grafana`, and what it has to hold.
pub(crate) fn generated() -> BTreeMap<PathBuf, String> {
    let source = |path: &Path| fs::read_to_string(path).unwrap();
    let shared: Shared = toml::from_str(&source(&folder().join("boards/shared.toml"))).unwrap();
    let files = fs::read_dir(folder().join("boards")).unwrap().map(|entry| entry.unwrap().path());
    let boards =
        files.filter(|path| path.extension().is_some_and(|e| e == "toml") && !path.ends_with("shared.toml"));
    boards
        .map(|path| {
            let board: Board = toml::from_str(&source(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let file =
                Path::new("dashboards").join(&board.folder).join(path.with_extension("json").file_name().unwrap());
            (file, format!("{:#}\n", json_of(&board, &shared)))
        })
        .collect()
}

fn json_of(board: &Board, shared: &Shared) -> Value {
    let mut place = Place::default();
    let panels: Vec<Value> =
        (1..).zip(&board.panel).map(|(id, panel)| panel_json(id, panel, place.next(panel.size), shared)).collect();
    let others = json!({
        "type": "dashboards", "title": "Shadow AI", "tags": [TAG], "asDropdown": true, "includeVars": true,
        "keepTime": true, "targetBlank": false, "icon": "external link", "tooltip": "", "url": "",
    });
    let source = json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": PLUGIN, "hide": 0,
        "includeAll": false, "multi": false, "refresh": 1, "regex": "", "options": [],
    });
    let variables = board.variables.iter().map(|name| variable_json(name, &shared.variable[name], shared));
    let annotations = board.annotation.iter().map(|one| {
        json!({
            "name": one.name, "datasource": datasource(), "enable": true, "hide": false, "iconColor": "orange",
            "target": target(&one.sql, "table", shared),
        })
    });
    json!({
        "uid": board.uid, "title": board.title, "description": board.description, "tags": [TAG],
        "id": null, "editable": false, "graphTooltip": 1, "schemaVersion": SCHEMA, "version": 1,
        "timezone": "browser", "weekStart": "monday", "fiscalYearStartMonth": 0, "liveNow": false,
        "time": {"from": board.from, "to": "now"}, "refresh": board.refresh,
        "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m", "1h"]},
        "links": [others],
        "annotations": {"list": annotations.collect::<Vec<_>>()},
        "templating": {"list": std::iter::once(source).chain(variables).collect::<Vec<_>>()},
        "panels": panels,
    })
}

fn datasource() -> Value {
    json!({"type": PLUGIN, "uid": "${datasource}"})
}

/// Left to right, then below the tallest of the line.
#[derive(Default)]
struct Place {
    x: u64,
    y: u64,
    tallest: u64,
}

impl Place {
    fn next(&mut self, [w, h]: [u64; 2]) -> Value {
        if self.x + w > WIDTH {
            (self.x, self.y, self.tallest) = (0, self.y + self.tallest, 0);
        }
        let place = json!({"x": self.x, "y": self.y, "w": w, "h": h});
        self.x += w;
        self.tallest = self.tallest.max(h);
        place
    }
}

fn panel_json(id: u64, panel: &Panel, place: Value, shared: &Shared) -> Value {
    let (kind, format, mut custom, options) = match panel.kind.as_str() {
        "stat" => ("stat", "table", json!({}), looks::stat_options()),
        "bars" => ("timeseries", "timeseries", looks::bars(), looks::series_options()),
        "lines" => ("timeseries", "timeseries", looks::lines(), looks::series_options()),
        "table" => ("table", "table", json!({"align": "auto", "filterable": true}), looks::table_options()),
        "text" => {
            ("text", "", json!({}), json!({"mode": "markdown", "content": panel.text.as_ref().unwrap().trim()}))
        }
        other => panic!("{}: no such panel: {other}", panel.title),
    };
    let mut json = json!({
        "id": id, "type": kind, "title": panel.title, "description": panel.description, "gridPos": place,
        "options": options,
    });
    if let Some(sql) = &panel.sql {
        json["datasource"] = datasource();
        json["targets"] = json!([target(sql, format, shared)]);
        json["fieldConfig"] = fields(panel, custom.take());
    }
    if let Some(interval) = &panel.interval {
        json["interval"] = json!(interval);
    }
    json
}

fn fields(panel: &Panel, custom: Value) -> Value {
    let steps: Vec<Value> = match panel.thresholds.as_slice() {
        [] => vec![json!({"color": "blue", "value": null})],
        steps => steps.iter().map(|step| json!({"color": step[0], "value": step.get(1)})).collect(),
    };
    let mode = if panel.kind == "stat" { "thresholds" } else { "palette-classic" };
    let mut defaults = json!({
        "color": {"mode": mode}, "custom": custom, "mappings": [], "noValue": "no data",
        "thresholds": {"mode": "absolute", "steps": steps},
    });
    if ["bars", "lines"].contains(&panel.kind.as_str()) {
        defaults["displayName"] = json!("${__field.labels.name}");
    }
    if let Some(unit) = &panel.unit {
        defaults["unit"] = json!(unit);
    }
    let by_name = |name: &str, id: &str, value: Value| {
        let matcher = json!({"id": "byName", "options": name});
        json!({"matcher": matcher, "properties": [{"id": id, "value": value}]})
    };
    let mut overrides: Vec<Value> =
        panel.units.iter().map(|(name, unit)| by_name(name, "unit", json!(unit))).collect();
    if let Some(link) = &panel.link {
        let url = json!([{"title": format!("Open {}", link.board), "url": url(link), "targetBlank": false}]);
        match &link.column {
            Some(column) => overrides.push(by_name(column, "links", url)),
            None => defaults["links"] = url,
        }
    }
    json!({"defaults": defaults, "overrides": overrides})
}

/// The sibling with the same range, data source and sites, and the clicked value where there is one.
fn url(link: &Link) -> String {
    let mut url = format!("/d/shadowtap-{}?${{__url_time_range}}&${{datasource:queryparam}}", link.board);
    if link.column.as_deref() != Some("site") {
        url.push_str("&${site:queryparam}");
    }
    if let Some(column) = &link.column {
        url.push_str(&format!("&var-{column}=${{__data.fields.{column}:percentencode}}"));
    }
    url
}

fn target(sql: &str, format: &str, shared: &Shared) -> Value {
    let number = u8::from(format == "table");
    json!({
        "refId": "A", "datasource": datasource(), "editorType": "sql", "queryType": format, "format": number,
        "rawSql": expanded(sql, shared),
    })
}

/// Puts in the shared pieces, which may hold others.
fn expanded(sql: &str, shared: &Shared) -> String {
    let mut sql = sql.trim().to_owned();
    while let Some((before, rest)) = sql.split_once("<<") {
        let (name, after) = rest.split_once(">>").unwrap();
        let piece = shared.sql.get(name).unwrap_or_else(|| panic!("no shared piece <<{name}>>"));
        sql = format!("{before}{}{after}", piece.trim());
    }
    sql
}

fn variable_json(name: &str, variable: &Variable, shared: &Shared) -> Value {
    let mut json = json!({"name": name, "label": variable.label, "hide": 0});
    let all = json!({"text": ["All"], "value": ["$__all"], "selected": true});
    let more = match (&variable.sql, &variable.values) {
        (Some(sql), _) => json!({
            "type": "query", "datasource": datasource(), "query": expanded(sql, shared),
            "definition": expanded(sql, shared), "refresh": 2, "regex": "", "sort": 0, "options": [],
        }),
        (None, Some(values)) => {
            let first = values.first().unwrap();
            json!({
                "type": "custom", "query": values.join(","), "current": {"text": first, "value": first},
                "options": values.iter().map(|value| json!({"text": value, "value": value})).collect::<Vec<_>>(),
            })
        }
        (None, None) => {
            json!({"type": "textbox", "query": "", "current": {"text": "", "value": ""}, "options": []})
        }
    };
    assert!(variable.text == (variable.sql.is_none() && variable.values.is_none()), "{name}");
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    if !variable.text {
        json["multi"] = json!(variable.multi);
        json["includeAll"] = json!(variable.multi);
    }
    if variable.multi {
        json["current"] = all;
    }
    json
}
