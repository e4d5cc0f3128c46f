//! Findings as people work with them: listed, shown, taken on, closed, written down, and judged again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, json, own, run, shadowtap};

/// The office week under the demo's policy, read once; each test works on a copy.
static WEEK: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    run(&mut office(dir.path(), &["read", "pcaps/office-week.pcap"], "pcaps/demo.policy.toml")).ok();
    dir
});

const NEXT: &str = r#"
[policy]
name = "Next policy"

[groups.finance]
name = "Finance"
subnets = ["10.20.1.0/24"]

[groups.engineering]
name = "Engineering"
subnets = ["10.20.2.0/24"]

[[rule]]
services = ["microsoft-copilot", "chatgpt"]
status = "approved"

[[rule]]
services = ["claude", "openai-api"]
status = "prohibited"
"#;

struct Office(TempDir);

impl Office {
    fn week() -> Self {
        let copy = TempDir::new().unwrap();
        for name in ["shadowtap.db", "findings.db"] {
            fs::copy(WEEK.path().join(name), copy.path().join(name)).unwrap();
        }
        Self(copy)
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&mut office(self.0.path(), args, "pcaps/demo.policy.toml"))
    }

    /// All findings by uid.
    fn findings(&self) -> BTreeMap<String, Value> {
        let list = self.list(&["--all"]);
        list.into_iter().map(|finding| (finding["uid"].as_str().unwrap().to_owned(), finding)).collect()
    }

    fn list(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.run(&[&["findings", "list", "--format", "json"], args].concat()).ok();
        let list: Value = serde_json::from_str(&ran.stdout).unwrap();
        list["findings"].as_array().unwrap().clone()
    }

    fn uid(&self, rule: &str) -> String {
        self.list(&["--rule", rule])[0]["uid"].as_str().unwrap().to_owned()
    }

    fn show(&self, uid: &str) -> Value {
        serde_json::from_str(&self.run(&["findings", "show", uid, "--format", "json"]).ok().stdout).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn next_policy(&self) -> String {
        fs::write(self.path("next.toml"), NEXT).unwrap();
        self.path("next.toml").to_str().unwrap().to_owned()
    }
}

fn office(dir: &Path, args: &[&str], policy: &str) -> Command {
    let mut command = shadowtap();
    command.args(args).arg("--data-dir").arg(dir).args(["--config", "pcaps/demo.toml", "--policy", policy]);
    command.env("USER", "ana").env_remove("SUDO_USER");
    command
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[test]
fn a_list_has_the_soonest_clock_on_top_and_fits_the_terminal() {
    let week = Office::week();
    let table = week.run(&["findings", "list"]).ok().stdout;
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("ID        SEV  RULE"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("missed ") && table.contains(" ago") && table.contains("prohibited-use"), "{table}");
    let list = week.list(&[]);
    let due: Vec<&str> = list.iter().filter_map(|finding| finding["report_due_at"].as_str()).collect();
    assert!(due.len() > 5 && due.is_sorted());
    let first = list.iter().position(|finding| finding["report_due_at"].is_null()).unwrap_or(list.len());
    assert!(list[first..].iter().all(|finding| finding["report_due_at"].is_null()));
    assert_eq!(lines.next().unwrap().get(..8), list[0]["uid"].as_str().unwrap().get(..8));
}

#[test]
fn a_list_can_be_narrowed_down() {
    let week = Office::week();
    let mut all = week.list(&["--all"]);
    all.retain(|one| one["state"] != "closed" && one["rule"] != "first-sight");
    let fits = |args: &[&str], of: &dyn Fn(&Value) -> bool| {
        let list = week.list(args);
        assert_eq!(list.len(), all.iter().filter(|finding| of(finding)).count(), "{args:?}");
        assert!(list.iter().all(of), "{args:?}");
        list.len()
    };
    assert_eq!(fits(&["--rule", "prohibited-use"], &|f| f["rule"] == "prohibited-use"), 1);
    let device = "02:20:03:00:00:12";
    let by_id = fits(&["--device", device], &|f| f["device"] == device);
    assert!(by_id > 0 && fits(&["--device", "10.20.3.12"], &|f| f["device"] == device) == by_id);
    assert!(fits(&["--service", "chatgpt"], &|f| f["service"] == "chatgpt") > 1);
    assert!(fits(&["--severity", "6"], &|f| f["severity"].as_u64() >= Some(6)) > 1);
    assert_eq!(fits(&["--site", "elsewhere"], &|f| f["site"] == ""), 0);
    assert_eq!(week.run(&["findings", "list", "--site", "elsewhere"]).ok().stdout, "no open findings\n");
    let wrong = week.run(&["findings", "list", "--rule", "rubbish"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("unapproved-use, prohibited-use"), "{}", wrong.stderr);
    assert_eq!(week.run(&["findings", "list", "--since", "7y"]).code, 2);
}

#[test]
fn a_list_fails_only_where_that_is_asked_for() {
    let week = Office::week();
    let code = |args: &[&str]| week.run(&[&["findings", "list"], args].concat()).code;
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "open"]), 3);
    assert_eq!(code(&["--fail-on", "missed", "--rule", "prohibited-use"]), 3);
    assert_eq!(code(&["--fail-on", "missed", "--rule", "first-sight"]), 0);
    assert_eq!(code(&["--fail-on", "open,missed", "--site", "elsewhere"]), 0);
}

#[test]
fn first_sights_are_listed_where_they_are_asked_for() {
    let week = Office::week();
    let sights = |args: &[&str]| week.list(args).iter().filter(|one| one["rule"] == "first-sight").count();
    assert_eq!(sights(&[]), 0);
    assert!(sights(&["--rule", "first-sight"]) > 0 && sights(&["--all"]) > 0);
    assert!(week.run(&["findings", "list"]).ok().stdout.contains("(--rule first-sight)"));
    let out = week.path("report");
    week.run(&["report", "--out", out.to_str().unwrap()]).ok();
    let open = json(&out.join("report.json"))["totals"]["findings_open"]["now"].as_u64();
    assert_eq!(open, Some(week.list(&[]).len() as u64));
}

#[test]
fn an_empty_id_is_the_beginning_of_none() {
    let week = Office::week();
    let args: [&[&str]; 4] = [
        &["findings", "show", ""],
        &["findings", "ack", ""],
        &["findings", "close", " ", "--reason", "done"],
        &["incident", "export", ""],
    ];
    for args in args {
        let ran = week.run(args);
        assert_eq!(ran.code, 2, "{args:?} {}", ran.stderr);
        assert!(ran.stderr.contains("`shadowtap findings list`"), "{}", ran.stderr);
    }
}

#[test]
fn the_csv_has_the_fields_of_the_json() {
    let week = Office::week();
    let csv = week.run(&["findings", "list", "--all", "--format", "csv"]).ok().stdout;
    let json = week.run(&["findings", "list", "--all", "--format", "json"]).ok().stdout;
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    // Field order is a contract, so it is read from the text.
    let first = json.split("\"findings\"").nth(1).unwrap().split('}').next().unwrap();
    let keys: Vec<&str> = first
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\":"))
        .map(|(key, _)| key)
        .collect();
    let (mut head, mut keys) = (head, keys);
    head.sort_unstable();
    keys.sort_unstable();
    assert_eq!(head, keys);
    assert_eq!(csv.lines().count(), week.list(&["--all"]).len() + 1);
}

#[test]
fn one_finding_tells_everything() {
    let week = Office::week();
    let uid = week.uid("prohibited-use");
    let shown = week.run(&["findings", "show", &uid[..6]]).ok().stdout;
    for part in [
        uid.as_str(),
        "AI service in use that the policy prohibits",
        "02:20:01:00:00:14 (Finance)",
        "address 10.20.1.14",
        "chat.deepseek.com: seen as TLS server name, definite",
        "demo.policy.toml:",
        "report due",
        "missed",
        "first time, 0 earlier findings",
        "exchanges  (counted on the wire)",
        "not known",
        "history",
        "next steps\n  1. ",
        "This is an observation, not an accusation",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let json = week.show(&uid);
    assert_eq!(json["finding"]["uid"], *uid);
    assert_eq!(json["history"][0]["what"], "opened");
    assert_eq!(json["next_steps"].as_array().unwrap().len(), 3);
    let none = week.run(&["findings", "show", "zz"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("\"zz\"") && none.stderr.contains("findings list"), "{}", none.stderr);
    let uids: Vec<String> = week.findings().into_keys().collect();
    let shared = uids.windows(2).find(|two| two[0][..1] == two[1][..1]).unwrap();
    let many = week.run(&["findings", "show", &shared[0][..1]]);
    assert!(many.code == 1 && many.stderr.contains(" begin with "), "{}", many.stderr);
}

#[test]
fn findings_are_taken_on_and_closed_all_or_none() {
    let week = Office::week();
    let uids: Vec<String> = week.list(&[]).iter().map(|f| text(f, "uid").to_owned()).collect();
    let [a, b, c] = [&uids[0], &uids[1], &uids[2]];
    // A running sensor holds this lock; people may act all the same.
    let lock = fs::File::create(week.path("lock")).unwrap();
    lock.lock().unwrap();
    let acked = week.run(&["findings", "ack", &a[..8], b, "--note", "talking to Finance"]).ok();
    assert!(acked.stdout.contains(&format!("acknowledged {a}")), "{}", acked.stdout);
    assert!(acked.stdout.contains("no SIEM is configured"), "{}", acked.stdout);
    let shown = week.show(a);
    let last = shown["history"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (text(last, "what"), text(last, "who"), text(last, "text")),
        ("acknowledged", "ana", "talking to Finance")
    );
    assert_eq!(shown["finding"]["clock"], "missed");

    let again = week.run(&["findings", "ack", c, a]);
    assert_eq!(again.code, 1);
    for part in [a.as_str(), "was acknowledged", "by ana", "nothing was changed"] {
        assert!(again.stderr.contains(part), "{part} in {}", again.stderr);
    }
    assert_eq!(week.show(c)["finding"]["state"], "open");
    assert_eq!(week.run(&["findings", "close", a]).code, 2, "a reason is needed");

    let closed = week.run(&["findings", "close", a, c, "--reason", "assessed", "--by", "Bo Li"]).ok();
    assert!(closed.stdout.contains(&format!("closed {c}")), "{}", closed.stdout);
    let left: Vec<String> = week.list(&[]).iter().map(|f| text(f, "uid").to_owned()).collect();
    assert_eq!(left.len(), uids.len() - 2);
    let closed = week.run(&["findings", "close", c, "--reason", "twice"]);
    assert!(closed.code == 1 && closed.stderr.contains("by Bo Li: assessed"), "{}", closed.stderr);
}

#[test]
fn who_acts_is_known_or_asked_for() {
    let week = Office::week();
    let uid = week.uid("prohibited-use");
    let mut command = shadowtap();
    command
        .args(["findings", "ack", &uid, "--data-dir"])
        .arg(week.0.path())
        .env_remove("USER")
        .env_remove("SUDO_USER");
    let ran = run(&mut command);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--by"), "{}", ran.stderr);
    run(command.env("USER", "root").env("SUDO_USER", "bo")).ok();
    assert_eq!(week.show(&uid)["finding"]["acknowledged_by"], "bo");
    let none = run(shadowtap().args(["findings", "list", "--data-dir"]).arg(week.path("none")));
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("holds no findings yet") && !week.path("none").exists(), "{}", none.stderr);
}

#[test]
fn what_people_do_reaches_the_siem_in_the_next_round() {
    let dir = TempDir::new().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = dir.path().join("shadowtap.toml");
    let text = fs::read_to_string(own("demo.toml")).unwrap();
    fs::write(&config, format!("{text}\n[[siem]]\ntype = \"syslog\"\naddress = \"127.0.0.1:{port}\"\n")).unwrap();
    let with = |args: &[&str]| {
        let mut command = shadowtap();
        command.args(args).arg("--data-dir").arg(dir.path()).arg("--config").arg(&config).env("USER", "ana");
        run(command.args(["--policy", "pcaps/demo.policy.toml"])).ok().stdout
    };
    with(&["read", "pcaps/office-week.pcap"]);
    let list: Value =
        serde_json::from_str(&with(&["findings", "list", "--format", "json", "--severity", "8"])).unwrap();
    let uid = list["findings"][0]["uid"].as_str().unwrap().to_owned();
    let said = with(&["findings", "close", &uid, "--reason", "assessed"]);
    assert!(said.contains("1 event for 127.0.0.1:") && said.contains("next round"), "{said}");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let received = thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    with(&["read", "pcaps/browser-tcp.pcap"]);
    let received = received.join().unwrap();
    let close = |text: &&str| text.contains("\"action\":\"close\"") && text.contains(&uid);
    assert!(received.split("shadowtap - finding - ").any(|text| close(&text)), "{received}");
}

#[test]
fn an_incident_report_is_filled_in() {
    let week = Office::week();
    let uid = week.uid("prohibited-use");
    let page = week.run(&["incident", "export", &uid[..8]]).ok().stdout;
    for part in [
        &format!("# AI incident report {uid}"),
        "| Type of incident | AI tool in use that the policy prohibits |",
        "| Reported by | ____________________ |",
        "not told before a first assessment",
        "## What is not known",
        "rotate it first",
        "| Department | Finance |",
        "| chat.deepseek.com | exact | app | definite |",
        "| Devices at the site | 1 |",
        "## History",
        "| Community ID | 1:",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    let file = week.path("incident.json");
    let args = ["incident", "export", &uid, "--format", "json", "--out", file.to_str().unwrap()];
    assert!(week.run(&args).ok().stdout.contains("incident.json"));
    let form = json(&file);
    assert_eq!(
        (&form["format"], &form["reference"]["uid"]),
        (&"shadowtap-incident/1".into(), &uid.as_str().into())
    );
    assert_eq!(form["incident_type"]["id"], "prohibited_tool");
    assert!(form["reported_by"].is_null() && form["vetting"]["bytes_up"].as_u64() > Some(0));
    let nowhere = week.path("no/such/folder.md");
    let ran = week.run(&["incident", "export", &uid, "--out", nowhere.to_str().unwrap()]);
    assert!(ran.code == 1 && ran.stderr.contains("folder.md"), "{}", ran.stderr);
}

/// What judging again and a fresh read have to agree on. Clocks of findings that are new do not: nobody could know
/// before.
fn judgement(finding: &Value) -> Vec<Value> {
    let keys = "uid rule status severity department flows exchanges bytes_up bytes_down upload_bytes first_seen last_seen \
                detected_at";
    keys.split_whitespace().map(|key| finding[key].clone()).collect()
}

#[test]
fn judging_again_is_reading_again() {
    let week = Office::week();
    let policy = week.next_policy();
    let with = |dir: &Path, args: &[&str]| run(&mut office(dir, args, &policy)).ok().stdout;
    let before = week.findings();
    let would: Value = serde_json::from_str(&with(week.0.path(), &["rejudge", "--format", "json"])).unwrap();
    assert_eq!(would["applied"], false);
    assert_eq!(week.findings(), before, "nothing is touched");
    let did: Value =
        serde_json::from_str(&with(week.0.path(), &["rejudge", "--apply", "--format", "json"])).unwrap();
    assert_eq!((&did["applied"], &did["opened"].as_array().unwrap().len()), (&true.into(), &7));
    for key in ["opened", "closed", "changed", "kept", "services"] {
        assert_eq!(did[key], would[key], "{key}");
    }

    let fresh = TempDir::new().unwrap();
    with(fresh.path(), &["read", "pcaps/office-week.pcap"]);
    let open = |dir: &Path| -> Vec<Vec<Value>> {
        let list: Value = serde_json::from_str(&with(dir, &["findings", "list", "--format", "json"])).unwrap();
        let mut rows: Vec<_> = list["findings"].as_array().unwrap().iter().map(judgement).collect();
        rows.sort_by_key(|row| row[0].to_string());
        rows
    };
    assert_eq!(open(week.0.path()), open(fresh.path()));
    let again = with(week.0.path(), &["rejudge", "--fail-on", "changes"]);
    assert!(again.contains("would open: 0") && again.contains("would close: 0"), "{again}");
    assert!(again.contains("were never stored"), "{again}");

    let report = |dir: &Path| {
        let out = fresh.path().join(if dir == fresh.path() { "fresh" } else { "again" });
        with(dir, &["report", "--out", out.to_str().unwrap()]);
        json(&out.join("report.json"))
    };
    let (mut again, mut fresh) = (report(week.0.path()), report(fresh.path()));
    for report in [&mut again, &mut fresh] {
        // Clocks that have only begun are not late, and what closes now was open last week.
        let totals = report["totals"].as_object_mut().unwrap();
        totals.retain(|key, _| !key.starts_with("findings_") && !key.starts_with("deadlines_"));
        assert!(totals.len() >= 5, "{totals:?}");
    }
    for key in ["services", "totals", "departments", "uploads"] {
        assert_eq!(again[key], fresh[key], "{key}");
    }
}

#[test]
fn judging_again_tells_what_would_change() {
    let week = Office::week();
    let policy = week.next_policy();
    let ran = run(&mut office(week.0.path(), &["rejudge", "--fail-on", "changes"], &policy));
    assert_eq!(ran.code, 3);
    for part in ["would open: 7", "would close: 7", "Next policy", "prohibited 8", "Nothing was changed", "ChatGPT"]
    {
        assert!(ran.stdout.contains(part), "{part} in\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| !line.contains("  ") || line.chars().count() <= 100), "{}", ran.stdout);
    let same = week.run(&["rejudge", "--fail-on", "changes", "--since", "90d"]).ok();
    assert!(same.stdout.contains("would change: 0"), "{}", same.stdout);
}

#[test]
fn nobody_judges_while_the_result_takes_its_place() {
    let week = Office::week();
    let policy = week.next_policy();
    let lock = fs::File::create(week.path("lock")).unwrap();
    lock.lock().unwrap();
    run(&mut office(week.0.path(), &["rejudge"], &policy)).ok();
    let ran = run(&mut office(week.0.path(), &["rejudge", "--apply"], &policy));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("in use by another shadowtap"), "{}", ran.stderr);
}

#[test]
fn what_people_did_survives_judging_again() {
    let week = Office::week();
    let policy = week.next_policy();
    let uid = week.uid("first-sight");
    week.run(&["findings", "ack", &uid, "--note", "known"]).ok();
    run(&mut office(week.0.path(), &["rejudge", "--apply"], &policy)).ok();
    let shown = week.show(&uid);
    assert_eq!(
        (&shown["finding"]["state"], &shown["finding"]["acknowledged_by"]),
        (&"acknowledged".into(), &"ana".into())
    );
}
