//! `run --discover`: the services in use, told as they come and as a table; no finding, no event; a policy out of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::live::replay;
use crate::sensor_process::{Sensor, namespace, until};
use crate::support::{own, rows, run, shadowtap};

const SINK: &str = "[[siem]]\ntype = \"file\"\nname = \"soc\"\npath = \"events\"\n";

#[test]
fn services_are_told_and_nothing_is_judged_until_there_is_a_policy() {
    let Some(namespace) = namespace() else { return };
    let sensor = Sensor::start(&namespace, SINK, &["--discover"]);
    replay(&namespace, &own("browser-tcp.pcap"));
    until("the first services", || sensor.text("out").contains(": chat, host app, client ").then_some(()));
    replay(&namespace, &own("shapes-tcp.pcap"));
    let sighted = |text: &str| text.lines().filter(|line| line.contains(" so far")).count();
    until("the services of the second capture", || (sighted(&sensor.text("out")) > 3).then_some(()));
    assert_eq!(sensor.get("/healthz").0, 200);
    let (_, dir) = sensor.stop();
    let path = |name: &str| dir.path().join(name);
    let data = path("data");
    let out = fs::read_to_string(path("out")).unwrap();

    let stored = rows(
        &data,
        "SELECT service, count(DISTINCT device), count(DISTINCT flow_id), sum(bytes_up) FROM flow GROUP BY service",
    );
    assert_eq!(sighted(&out), stored.len(), "{out}");
    let table: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("SERVICE ")).skip(1).collect();
    for row in &stored {
        let [id, devices, flows, _] = row.as_slice() else { panic!("{row:?}") };
        let name = name_of(id);
        let cells = |line: &str| -> Vec<String> {
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
        };
        let line = table.iter().map(|line| cells(line)).find(|cells| cells.first() == Some(&name));
        let line = line.unwrap_or_else(|| panic!("{name}: {out}"));
        assert_eq!((&line[2], &line[3]), (devices, flows), "{line:?}");
        assert!(
            out.lines().any(|line| line.contains(&format!("  {name}: ")) && line.ends_with(" so far")),
            "{out}"
        );
    }

    let shared = ["--config", path("config.toml").to_str().unwrap(), "--data-dir", data.to_str().unwrap()]
        .map(str::to_owned);
    let none = run(shadowtap().args(["findings", "list", "--all", "--format", "json"]).args(&shared)).ok();
    let none: serde_json::Value = serde_json::from_str(&none.stdout).unwrap();
    assert_eq!(none["findings"], serde_json::json!([]));
    let findings = rusqlite::Connection::open(data.join("findings.db")).unwrap();
    let learnt = "SELECT count(*) FROM volume";
    assert!(findings.query_row(learnt, [], |row| row.get::<_, i64>(0)).unwrap() > 0, "baselines learn");
    drop(findings);
    assert!(!path("events").exists(), "no event went out");
    assert_eq!(fs::read_dir(data.join("spool/judge")).unwrap().count(), 0, "nothing waits to be judged later");

    // The command that is printed at the end, as printed.
    let next = out.lines().rev().find(|line| line.contains("policy draft")).unwrap().trim();
    let next = next.trim_start_matches("sudo ");
    let binary = Path::new(env!("CARGO_BIN_EXE_shadowtap")).parent().unwrap();
    let search = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    assert!(
        Command::new("sh")
            .args(["-c", next])
            .current_dir(dir.path())
            .env("PATH", search)
            .status()
            .unwrap()
            .success()
    );
    let policy = path("draft.toml");
    run(shadowtap().args(["policy", "check"]).arg(&policy)).ok();
    let drafted: toml::Table = fs::read_to_string(&policy).unwrap().parse().unwrap();
    let rules = drafted["rule"].as_array().unwrap();
    assert!(
        !rules.is_empty() && rules.iter().all(|rule| rule["status"].as_str() == Some("in_review")),
        "{drafted}"
    );

    // What was discovered is judged when it is asked for, and what comes from now on by itself.
    let mut again = shadowtap();
    again.args(["rejudge", "--since", "1d", "--format", "json", "--policy"]).arg(&policy).args(&shared);
    let again: serde_json::Value = serde_json::from_str(&run(&mut again).ok().stdout).unwrap();
    let opened = again["opened"].as_array().unwrap();
    assert!(!opened.is_empty() && opened.iter().all(|one| one["after"]["status"] != "approved"), "{again}");
    let sensor = Sensor::start_in(&namespace, dir, SINK, &["--policy", policy.to_str().unwrap()]);
    replay(&namespace, &own("shapes-tcp.pcap"));
    until("an event", || (!sensor.text("events").is_empty()).then_some(()));
    let (_, dir) = sensor.stop();
    let statuses = "SELECT DISTINCT status FROM finding WHERE state <> 'watch' AND status IS NOT NULL";
    let db = rusqlite::Connection::open(dir.path().join("data/findings.db")).unwrap();
    let mut query = db.prepare(statuses).unwrap();
    let statuses: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!statuses.iter().any(|status| status == "approved"), "{statuses:?}");
}

/// The name that people know.
fn name_of(id: &str) -> String {
    let shown = run(shadowtap().args(["catalog", "show", id])).ok().stdout;
    shown.split_once(&format!(" ({id}), ")).unwrap().0.to_owned()
}
