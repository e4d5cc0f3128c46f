//! What a board has to keep to, read from its JSON alone.

use std::collections::BTreeSet;

use serde_json::Value;

use super::boards::{PLUGIN, TAG};
use super::query::{list, seconds, text};

/// What is wrong with the boards, each with its place; nothing when all is well.
pub(crate) fn boards(boards: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut uids = BTreeSet::new();
    for board in boards {
        let name = format!("{} ({})", text(&board["title"]), text(&board["uid"]));
        let mut say = |what: String| wrong.push(format!("{name}: {what}"));
        let uid = text(&board["uid"]);
        if !uid.starts_with("shadowtap-") || uid.len() > 40 || !uids.insert(uid) {
            say("its uid is not fixed, not ours or taken".to_owned());
        }
        head(board, &mut say);
        variables(board, &mut say);
        panels(board, &mut say);
        links(board, boards, &mut say);
    }
    wrong
}

fn head(board: &Value, say: &mut impl FnMut(String)) {
    if !board["id"].is_null() || board["editable"] != false {
        say("id has to be null and editable false".to_owned());
    }
    if board["schemaVersion"].as_u64().is_none_or(|version| version < 36) {
        say("schemaVersion is missing or old".to_owned());
    }
    if list(&board["tags"]).iter().all(|tag| tag != TAG) {
        say(format!("the tag {TAG} is missing"));
    }
    for key in ["title", "description"] {
        if text(&board[key]).is_empty() {
            say(format!("no {key}"));
        }
    }
    let refresh = board["refresh"].as_str().map_or(0, seconds);
    if !(30..=300).contains(&refresh) {
        say(format!("refreshes every {refresh} s, not every 30 to 300"));
    }
    if !text(&board["time"]["from"]).starts_with("now-") || board["time"]["to"] != "now" {
        say("no sensible range to begin with".to_owned());
    }
}

fn variables(board: &Value, say: &mut impl FnMut(String)) {
    let all = list(&board["templating"]["list"]);
    let source = all.first().filter(|variable| variable["type"] == "datasource" && variable["query"] == PLUGIN);
    if source.is_none_or(|variable| variable["name"] != "datasource") {
        say("the first variable is not the data source".to_owned());
    }
    let site = all.iter().find(|variable| variable["name"] == "site");
    if site.is_none_or(|variable| variable["multi"] != true || variable["includeAll"] != true) {
        say("no filter for several sites".to_owned());
    }
    let names: BTreeSet<String> = all.iter().map(|variable| text(&variable["name"])).collect();
    let mut used = BTreeSet::new();
    strings(board, &mut |string| used.extend(variables_in(string)));
    for name in used.difference(&names) {
        say(format!("variable {name} does not exist"));
    }
    for name in names.difference(&used) {
        say(format!("variable {name} is used nowhere"));
    }
    strings(board, &mut |string| {
        if string.contains("rawSql") || string.contains("DS_") {
            say(format!("left from an export: {string}"));
        }
    });
}

fn panels(board: &Value, say: &mut impl FnMut(String)) {
    let mut ids = BTreeSet::new();
    let mut taken: Vec<[u64; 4]> = Vec::new();
    for panel in list(&board["panels"]) {
        let title = text(&panel["title"]);
        let mut say = |what: &str| say(format!("panel {title:?}: {what}"));
        if panel["id"].as_u64().is_none_or(|id| id == 0 || !ids.insert(id)) {
            say("its id is missing or taken");
        }
        if title.is_empty() || text(&panel["description"]).len() < 20 {
            say("no title, or no description that says what the number can say");
        }
        let place = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap_or(u64::MAX / 4));
        let [x, y, w, h] = place;
        if x + w > 24 || w == 0 || h == 0 {
            say("it is outside of the grid");
        }
        if taken.iter().any(|[a, b, c, d]| x < a + c && *a < x + w && y < b + d && *b < y + h) {
            say("it overlaps another");
        }
        taken.push(place);
        if panel["type"] == "text" {
            continue;
        }
        for source in
            std::iter::once(&panel["datasource"]).chain(list(&panel["targets"]).iter().map(|t| &t["datasource"]))
        {
            if source["uid"] != "${datasource}" || source["type"] != PLUGIN {
                say("its data source is not the variable");
            }
        }
        if list(&panel["targets"]).is_empty() {
            say("it asks nothing");
        }
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
        if ["stat", "timeseries"].contains(&text(&panel["type"]).as_str()) && unit.is_none() {
            say("no unit");
        }
        if panel["type"] == "timeseries" && panel["interval"].is_null() {
            say("no least interval: buckets finer than the rows show gaps");
        }
    }
}

/// Links lead to boards that exist, keep range and data source, and set variables that are there.
fn links(board: &Value, boards: &[Value], say: &mut impl FnMut(String)) {
    let kept =
        |link: &Value| link["keepTime"] == true && link["type"] == "dashboards" && link["includeVars"] == true;
    if !list(&board["links"]).iter().any(kept) {
        say("no links to its siblings that keep the range".to_owned());
    }
    strings(board, &mut |string| {
        let Some((uid, query)) = string.strip_prefix("/d/").and_then(|rest| rest.split_once('?')) else { return };
        let Some(target) = boards.iter().find(|board| board["uid"] == uid) else {
            return say(format!("link to {uid}, which does not exist"));
        };
        if !query.contains("${__url_time_range}") || !query.contains("${datasource:queryparam}") {
            say(format!("link to {uid} loses range or data source"));
        }
        for name in query.split("var-").skip(1).filter_map(|rest| rest.split('=').next()) {
            if list(&target["templating"]["list"]).iter().all(|variable| variable["name"] != name) {
                say(format!("link to {uid} sets {name}, which it does not have"));
            }
        }
    });
}

/// Names in `$name` and `${name}`, Grafana's own left out.
fn variables_in(string: &str) -> BTreeSet<String> {
    let behind = string.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    behind.map(name).filter(|name| !name.is_empty() && !name.starts_with("__")).collect()
}

/// Each text in the board.
fn strings(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(string) => take(string),
        Value::Array(values) => values.iter().for_each(|value| strings(value, take)),
        Value::Object(values) => values.values().for_each(|value| strings(value, take)),
        _ => {}
    }
}
