//! The boards and alert rules of `dashboards/grafana`: in step with their source, sound, and every statement of theirs
//! run on the engine over a month of three sites.
//!
//! `SHADOWTAP_WRITE_BOARDS=1 cargo test -p clickhouse-tests grafana::in_step` writes the JSON files.

#[path = "grafana/alerts.rs"]
mod alerts;
#[path = "grafana/boards.rs"]
mod boards;
#[path = "grafana/guard.rs"]
mod guard;
#[path = "grafana/lint.rs"]
mod lint;
#[path = "grafana/looks.rs"]
mod looks;
#[path = "grafana/macros.rs"]
mod macros;
#[path = "grafana/month.rs"]
mod month;
#[path = "grafana/numbers.rs"]
mod numbers;
#[path = "grafana/query.rs"]
mod query;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::guard::{Answer, Counts, ask, chosen, lacks, may_read};
use self::query::{Query, list, of_alerts, of_board};
use crate::server::Server;

const RULES: &str = "alerting/shadowtap.yaml";

/// The boards as Grafana loads them.
fn loaded() -> Vec<Value> {
    let mut files: Vec<PathBuf> = ["boards", "devices"]
        .iter()
        .flat_map(|part| fs::read_dir(boards::folder().join("dashboards").join(part)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

/// Every statement of boards and alert rules.
fn everything() -> Vec<Query> {
    let mut all: Vec<Query> = loaded().iter().flat_map(of_board).collect();
    all.extend(of_alerts(&alerts::provisioned(RULES)));
    all
}

#[test]
fn in_step_with_their_source() {
    let write = std::env::var_os("SHADOWTAP_WRITE_BOARDS").is_some();
    let generated = boards::generated();
    for (file, json) in &generated {
        let path = boards::folder().join(file);
        if write {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, json).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == *json,
            "{} is not what its source makes: SHADOWTAP_WRITE_BOARDS=1 writes it",
            path.display()
        );
    }
    assert_eq!(loaded().len(), generated.len(), "a board without a source");
}

#[test]
fn the_boards_are_sound() {
    let boards = loaded();
    assert_eq!(lint::boards(&boards), Vec::<String>::new());
    let uids: BTreeSet<&str> = boards.iter().map(|board| board["uid"].as_str().unwrap()).collect();
    for name in ["overview", "services", "devices", "uploads", "policy", "coverage"] {
        assert!(uids.contains(format!("shadowtap-{name}").as_str()), "{name}");
    }
}

#[test]
fn no_board_but_devices_shows_a_device() {
    let personal = ["device", "client_ip", "mac", "client_mac", "department", "answers", "first_device"];
    for board in loaded().iter().filter(|board| board["uid"] != "shadowtap-devices") {
        for query in of_board(board) {
            // What the outermost SELECT gives; what is behind its FROM may count devices and not show them.
            let shown = query.sql.trim_start_matches("SELECT").split("FROM").next().unwrap();
            for column in shown.split(',').map(|column| column.trim().rsplit(' ').next().unwrap()) {
                assert!(!personal.contains(&column) && column != "*", "{}: {column}", query.place);
            }
        }
        assert!(list(&board["templating"]["list"]).iter().all(|variable| variable["name"] != "device"));
    }
}

#[test]
fn the_alert_rules_are_sound() {
    let source = alerts::provisioned("datasources/shadowtap.yaml");
    let uid = source["datasources"][0]["uid"].as_str().unwrap();
    let file = alerts::provisioned(RULES);
    assert_eq!(alerts::rules(&file, uid, &loaded()), Vec::<String>::new());
    assert!(of_alerts(&file).len() >= 8);
}

#[test]
fn every_statement_answers_and_reads_no_more_than_it_needs() {
    let Some(server) = month::month() else { return };
    let (all, counts, mut wrong) = (everything(), Counts::new(&server), Vec::new());
    assert!(all.len() > 60, "{}", all.len());
    for query in &all {
        // Wide, as a board opens for everybody; narrow and in the past, so that what is read for nothing shows.
        for (wide, chosen) in [(true, chosen(30, 0, &[])), (false, chosen(8, 12, &["lab"]))] {
            match ask(&server, query, &chosen) {
                Err(error) => wrong.push(error),
                Ok(answer) => {
                    if wide {
                        wrong.extend(lacks(query, &answer));
                        wrong.extend(names_a_device(query, &answer));
                    }
                    wrong.extend(reads_too_much(&counts, query, &chosen, &answer));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    the_guard_sees_what_is_missing(&server, &counts);
    without_devices_the_boards_say_the_same(&server, &counts);
    what_the_alerts_say(&server);
}

fn reads_too_much(counts: &Counts<'_>, query: &Query, chosen: &macros::Chosen, answer: &Answer) -> Option<String> {
    let most = may_read(counts, query, chosen);
    (answer.read > most)
        .then(|| format!("{}: reads {} rows, {most} would do\n{}", query.place, answer.read, query.sql))
}

/// No answer but those of one board holds an address of the month's devices.
fn names_a_device(query: &Query, answer: &Answer) -> Option<String> {
    let told = answer.rows.iter().find(|row| row.to_string().contains("10.20."))?;
    (!query.place.starts_with("Shadow AI: one device")).then(|| format!("{}: names a device: {told}", query.place))
}

/// The views that hash devices answer every statement alike, and let as little be read.
fn without_devices_the_boards_say_the_same(server: &Server, counts: &Counts<'_>) {
    let ours = &server.target.database;
    let script = fs::read_to_string(boards::folder().join("without_devices.sql")).unwrap();
    let script = script.replace("shadowtap_", &format!("{ours}_")).replace("shadowtap.", &format!("{ours}."));
    for statement in
        script.split(";\n").chain(script.split(";\n")).filter(|s| s.contains("CREATE") || s.contains("INSERT"))
    {
        let lines: Vec<&str> = statement.lines().filter(|line| !line.starts_with("--")).collect();
        server.sql_outside(&lines.join("\n"));
    }
    let views = server.beside(&format!("{ours}_boards"));
    assert_eq!(server.sql_outside(&format!("SELECT count() FROM {ours}_key.key")), "1", "the key is drawn once");
    assert_eq!(views.sql("SELECT countIf(device LIKE '10.20.%') FROM usage_hour"), "0");
    let narrow = chosen(8, 12, &["lab"]);
    for query in everything().iter().filter(|query| !query.place.starts_with("Shadow AI: one device")) {
        let (plain, hashed) = (ask(server, query, &narrow).unwrap(), ask(&views, query, &narrow).unwrap());
        assert_eq!(plain.rows, hashed.rows, "{}", query.place);
        let key = 16; // the key's row, for each time that it is asked for
        assert!(hashed.read <= may_read(counts, query, &narrow) + key, "{}: reads {}", query.place, hashed.read);
    }
    for database in ["boards", "key"] {
        server.sql_outside(&format!("DROP DATABASE {ours}_{database}"));
    }
}

/// A statement without its filter of sites or of time is refused.
fn the_guard_sees_what_is_missing(server: &Server, counts: &Counts<'_>) {
    const SITE: [&str; 1] = ["$__conditionalAll(site IN (${site:singlequote}), $site)"];
    const TIME: [&str; 7] = [
        "$__timeFilter(hour)",
        "$__timeFilter(minute)",
        "$__timeFilter(end)",
        "day >= toDate($__fromTime, 'UTC') - 1",
        "day >= toDate($__fromTime, 'UTC')",
        "day <= toDate($__toTime, 'UTC') + 1",
        "day <= toDate($__toTime, 'UTC')",
    ];
    let narrow = chosen(8, 12, &["lab"]);
    let mut refused = 0;
    for query in everything().iter().filter(|query| query.range.is_none() && query.units.is_some()) {
        if !query.sql.contains("FROM usage_hour")
            && !query.sql.contains("FROM flow")
            && !query.sql.contains("FROM tally")
        {
            continue;
        }
        for missing in [SITE.as_slice(), &TIME] {
            let sql = missing.iter().fold(query.sql.clone(), |sql, filter| sql.replace(filter, "1"));
            let broken = Query { sql, ..query.clone() };
            let answer = ask(server, &broken, &narrow).unwrap();
            assert!(
                reads_too_much(counts, &broken, &narrow, &answer).is_some(),
                "{} without {missing:?}: reads {} of {}",
                broken.place,
                answer.read,
                may_read(counts, &broken, &narrow)
            );
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
    let one = |sql: &str| Query { sql: sql.to_owned(), may_be_empty: false, ..everything().remove(0) };
    assert!(ask(server, &one("SELECT nothing FROM flow"), &narrow).is_err());
    let empty = one("SELECT count() AS n FROM flow WHERE site = 'elsewhere' HAVING n > 0");
    assert!(!lacks(&empty, &ask(server, &empty, &narrow).unwrap()).is_empty());
}

/// Rules fire on what they are for, and on nothing else of the month.
fn what_the_alerts_say(server: &Server) {
    let now = chosen(1, 0, &[]);
    let values = |name: &str| -> Vec<f64> {
        let query =
            of_alerts(&alerts::provisioned(RULES)).into_iter().find(|query| query.place.contains(name)).unwrap();
        let rows = ask(server, &query, &now).unwrap().rows;
        let number = |row: &Value| row["value"].as_f64().or_else(|| row["value"].as_str()?.parse().ok());
        rows.iter().map(|row| number(row).unwrap_or_else(|| panic!("{row}"))).collect()
    };
    let silent = values("silent");
    assert_eq!(silent.len(), 4, "one value for each sensor of the eight days: {silent:?}");
    assert!(
        silent.iter().any(|minutes| *minutes > 15.0) && silent.iter().any(|minutes| *minutes < 15.0),
        "{silent:?}"
    );
    assert!(values("lost").iter().any(|share| (0.006..0.008).contains(share)), "7 of 1,007: {:?}", values("lost"));
    assert!(values("malformed").iter().all(|share| *share == 0.0), "it did not rise");
    assert!(values("large upload").iter().any(|bytes| *bytes >= 150_000_000.0), "{:?}", values("large upload"));
    assert!(values("Less of the traffic").iter().all(|share| (0.9..1.1).contains(share)), "it did not fall");
    assert!(values("deadline").iter().sum::<f64>() > 0.0);
}

#[test]
fn the_lint_sees_what_is_broken() {
    let good = loaded();
    type Break = fn(&mut Value);
    let breaks: [(&str, Break); 16] = [
        ("uid is not fixed", |b| b["uid"] = json!("adhoc")),
        ("editable", |b| b["editable"] = json!(true)),
        ("refreshes every 5 s", |b| b["refresh"] = json!("5s")),
        ("tag", |b| b["tags"] = json!([])),
        ("id is missing or taken", |b| b["panels"][1]["id"] = json!(1)),
        ("no title, or no description", |b| b["panels"][0]["description"] = json!("")),
        ("no unit", |b| b["panels"][0]["fieldConfig"]["defaults"]["unit"] = Value::Null),
        ("overlaps", |b| b["panels"][1]["gridPos"] = b["panels"][0]["gridPos"].clone()),
        ("outside of the grid", |b| b["panels"][0]["gridPos"]["x"] = json!(22)),
        ("data source is not the variable", |b| b["panels"][0]["datasource"]["uid"] = json!("P123")),
        ("data source is not the variable", |b| b["panels"][0]["targets"][0]["datasource"]["uid"] = json!("P123")),
        ("does not exist", |b| b["panels"][0]["targets"][0]["rawSql"] = json!("SELECT ${nothing:singlequote}")),
        ("used nowhere", |b| b["templating"]["list"].as_array_mut().unwrap().push(json!({"name": "idle"}))),
        ("which does not exist", |b| {
            b["panels"][0]["fieldConfig"]["defaults"]["links"] = json!([{"url": "/d/gone?${__url_time_range}"}])
        }),
        ("loses range", |b| {
            b["panels"][0]["fieldConfig"]["defaults"]["links"] = json!([{"url": "/d/shadowtap-uploads?x=1"}])
        }),
        ("asks nothing", |b| b["panels"][0]["targets"] = json!([])),
    ];
    let at = good.iter().position(|board| board["uid"] == "shadowtap-overview").unwrap();
    for (named, change) in breaks {
        let mut broken = good.clone();
        change(&mut broken[at]);
        let wrong = lint::boards(&broken);
        assert!(wrong.iter().any(|what| what.contains(named)), "{named}: {wrong:?}");
    }
    let mut twice = good.clone();
    twice.push(good[0].clone());
    assert!(!lint::boards(&twice).is_empty(), "a uid that is taken");
}

#[test]
fn the_lint_of_rules_sees_what_is_broken() {
    let good = alerts::provisioned(RULES);
    type Break = fn(&mut Value);
    let breaks: [(&str, Break); 7] = [
        ("condition", |r| r["condition"] = json!("Z")),
        ("provisioned one", |r| r["data"][0]["datasourceUid"] = json!("P1")),
        ("variables do not exist", |r| r["data"][0]["model"]["rawSql"] = json!("SELECT ${site:singlequote}")),
        ("something else", |r| r["panelId"] = json!(9)),
        ("board or panel", |r| r["panelId"] = json!(999)),
        ("labels", |r| r["labels"] = json!({})),
        ("say what to do", |r| r["annotations"]["summary"] = json!("")),
    ];
    for (named, change) in breaks {
        let mut broken = good.clone();
        change(&mut broken["groups"][0]["rules"][0]);
        let wrong = alerts::rules(&broken, "shadowtap-clickhouse", &loaded());
        assert!(wrong.iter().any(|what| what.contains(named)), "{named}: {wrong:?}");
    }
    assert!(Path::new(&boards::folder()).exists());
}
