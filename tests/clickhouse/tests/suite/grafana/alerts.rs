//! What the provisioned files and alert rules have to keep to.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::boards::{PLUGIN, folder};
use super::guard::tables;
use super::query::{list, seconds, text};

/// A YAML file below `dashboards/grafana/provisioning`.
pub(crate) fn provisioned(file: &str) -> Value {
    let path = folder().join("provisioning").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let yaml: Value = serde_yaml_ng::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(yaml["apiVersion"], 1, "{file}");
    yaml
}

/// What is wrong with a file of alert rules.
pub(crate) fn rules(file: &Value, source: &str, boards: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut uids = BTreeSet::new();
    for group in list(&file["groups"]) {
        for key in ["name", "folder", "interval"] {
            if text(&group[key]).is_empty() {
                wrong.push(format!("group without {key}"));
            }
        }
        for rule in list(&group["rules"]) {
            let title = text(&rule["title"]);
            let mut say = |what: &str| wrong.push(format!("rule {title:?}: {what}"));
            let uid = text(&rule["uid"]);
            if !uid.starts_with("shadowtap-") || uid.len() > 40 || !uids.insert(uid) {
                say("its uid is not fixed, not ours or taken");
            }
            rule_lint(rule, source, boards, &mut say);
        }
    }
    wrong
}

fn rule_lint(rule: &Value, source: &str, boards: &[Value], say: &mut impl FnMut(&str)) {
    let data = list(&rule["data"]);
    if data.iter().all(|one| one["refId"] != rule["condition"]) {
        say("its condition is none of its queries");
    }
    for one in data {
        let model = &one["model"];
        if model["refId"] != one["refId"] {
            say("refId differs from its model's");
        }
        match model["rawSql"].as_str() {
            Some(sql) => {
                if one["datasourceUid"] != source {
                    say("its data source is not the provisioned one");
                }
                if one["relativeTimeRange"]["from"].as_i64().is_none() {
                    say("a query without a range");
                }
                // Rules run in the backend: what the browser fills in would go to the server as it is.
                if sql.contains("$__conditionalAll") || sql.contains("${") {
                    say("variables do not exist in rules");
                }
            }
            None if one["datasourceUid"] != "__expr__" || model["type"] != "threshold" => {
                say("neither query nor threshold")
            }
            None if data.iter().all(|other| other["refId"] != model["expression"]) => say("a threshold on nothing"),
            None => {}
        }
    }
    if seconds(&text(&rule["for"])) == 0 && rule["for"] != "0s" {
        say("no time that it has to last");
    }
    for (key, words) in
        [("noDataState", ["OK", "Alerting", "NoData"]), ("execErrState", ["OK", "Alerting", "Error"])]
    {
        if !words.contains(&text(&rule[key]).as_str()) {
            say(key);
        }
    }
    for key in ["summary", "description"] {
        if text(&rule["annotations"][key]).len() < 20 {
            say("an alert that does not say what to do");
        }
    }
    if !["warning", "critical"].contains(&text(&rule["labels"]["severity"]).as_str())
        || rule["labels"]["product"] != "shadowtap"
    {
        say("labels to route by are missing");
    }
    let board = boards.iter().find(|board| board["uid"] == rule["dashboardUid"]);
    let panel = board.and_then(|board| list(&board["panels"]).iter().find(|panel| panel["id"] == rule["panelId"]));
    match panel {
        None => say("its board or panel does not exist"),
        // Ids count panels: one that was moved may stand for another.
        Some(panel) => {
            let shown = tables(&text(&panel["targets"][0]["rawSql"]));
            let asked = data.iter().flat_map(|one| tables(&text(&one["model"]["rawSql"])));
            if !asked.map(|(table, _)| table).any(|table| shown.iter().any(|(other, _)| *other == table)) {
                say("its panel is about something else");
            }
        }
    }
}

#[test]
fn the_data_source_reads_its_password_from_the_environment() {
    let file = provisioned("datasources/shadowtap.yaml");
    let source = &file["datasources"][0];
    assert_eq!((source["type"].as_str(), source["editable"].as_bool()), (Some(PLUGIN), Some(false)));
    assert_eq!(source["secureJsonData"]["password"], "$SHADOWTAP_GRAFANA_PASSWORD");
    assert!(
        source["jsonData"]["password"].is_null() && source["jsonData"]["host"].as_str().unwrap().starts_with('$')
    );
}

#[test]
fn boards_are_provided_from_folders_that_exist_and_cannot_be_edited() {
    for file in ["dashboards/shadowtap.yaml", "dashboards/devices.yaml.off"] {
        for provider in list(&provisioned(file)["providers"]) {
            assert_eq!(
                (provider["allowUiUpdates"].as_bool(), provider["disableDeletion"].as_bool()),
                (Some(false), Some(true))
            );
            let path = text(&provider["options"]["path"]);
            let part = path.strip_prefix("/var/lib/grafana/shadowtap/").unwrap();
            assert!(folder().join("dashboards").join(part).is_dir(), "{path}");
            assert!(!text(&provider["folderUid"]).is_empty());
        }
    }
}

#[test]
fn the_sample_of_routes_is_read() {
    let file = provisioned("alerting/routes.yaml.sample");
    let points: BTreeSet<String> = list(&file["contactPoints"]).iter().map(|point| text(&point["name"])).collect();
    let policy = &file["policies"][0];
    let routes = std::iter::once(policy).chain(list(&policy["routes"]));
    assert!(points.len() >= 2 && routes.into_iter().all(|route| points.contains(&text(&route["receiver"]))));
}
