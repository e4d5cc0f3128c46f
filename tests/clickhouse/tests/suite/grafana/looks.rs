//! How each kind of panel looks.

use serde_json::{Value, json};

pub(crate) fn stat_options() -> Value {
    json!({
        "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
        "wideLayout": true, "showPercentChange": false,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
    })
}

pub(crate) fn series_options() -> Value {
    json!({
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    })
}

pub(crate) fn table_options() -> Value {
    json!({"showHeader": true, "cellHeight": "sm", "footer": {"show": false, "reducer": ["sum"], "fields": ""}})
}

pub(crate) fn bars() -> Value {
    json!({"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 0, "stacking": {"mode": "normal", "group": "A"}})
}

pub(crate) fn lines() -> Value {
    json!({"drawStyle": "line", "fillOpacity": 8, "lineWidth": 2, "showPoints": "auto", "spanNulls": false})
}
