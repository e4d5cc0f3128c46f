//! A sensor tells how it is: `/healthz`, `/metrics`, the renewed line of a terminal, lines for the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::live::replay;
use crate::sensor_process::{Sensor, namespace, until};
use crate::support::{own, run, shadowtap};

/// A page of metrics, held against the rules of the text form 0.0.4.
#[derive(Debug, Default)]
struct Page {
    kinds: BTreeMap<String, String>,
    /// Values by name, and by the labels as they stand.
    values: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let (mut helped, mut family) = (String::new(), String::new());
        assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(words.len() > 5, "{line}");
                helped = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, helped, "HELP stands before TYPE");
                assert!(is_name(name) && name.starts_with("shadowtap_"), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(page.kinds.insert(name.to_owned(), kind.to_owned()), None, "{name} comes twice");
                family = name.to_owned();
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| {
                    (name, rest.strip_suffix('}').unwrap_or_else(|| panic!("{line}")))
                });
                assert_eq!(name, family, "a value stands behind its TYPE");
                labels_are_well_formed(labels);
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && value >= 0.0, "{line}");
                let series = page.values.entry(name.to_owned()).or_default();
                assert_eq!(series.insert(labels.to_owned(), value), None, "{line} comes twice");
            }
        }
        page
    }

    fn one(&self, name: &str) -> f64 {
        self.values
            .get(name)
            .and_then(|series| series.get(""))
            .copied()
            .unwrap_or_else(|| panic!("{name} is missing"))
    }

    fn sum(&self, name: &str) -> f64 {
        self.values.get(name).map_or(0.0, |series| series.values().sum())
    }

    fn labelled(&self, name: &str, label: &str, value: &str) -> f64 {
        let labels = format!("{label}=\"{value}\"");
        self.values
            .get(name)
            .and_then(|series| series.get(&labels))
            .copied()
            .unwrap_or_else(|| panic!("{name}{{{labels}}}"))
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn labels_are_well_formed(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap_or_else(|| panic!("{labels}"));
        assert!(is_name(name), "{labels}");
        let mut escaped = false;
        let end = rest.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        labels = &rest[end.unwrap_or_else(|| panic!("{labels}")) + 1..];
        labels = if labels.is_empty() { labels } else { labels.strip_prefix(',').unwrap() };
    }
}

/// The page once the sensor has told that many packets.
fn metrics(sensor: &Sensor<'_>, packets: f64) -> Page {
    until("every packet in the metrics", || {
        let (code, text) = sensor.get("/metrics");
        assert_eq!(code, 200, "{text}");
        let page = Page::parse(&text);
        let seen =
            page.values.contains_key("shadowtap_packets_total") && page.one("shadowtap_packets_total") == packets;
        (seen && page.values.contains_key("shadowtap_store_last_batch_time_seconds")).then_some(page)
    })
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn metrics_say_what_the_summary_says() {
    let Some(namespace) = namespace() else { return };
    let sink = "[[siem]]\ntype = \"file\"\nname = \"soc\"\npath = \"events\"\n";
    let sensor = Sensor::start(&namespace, sink, &[]);
    let captures = [own("browser-tcp.pcap"), own("browser-quic.pcap"), own("clients-vlan-v6.pcapng")];
    let mut packets = 0.0;
    for capture in &captures {
        let summary = sensor.path("file.json");
        run(shadowtap().arg("inspect").arg(capture).arg("--summary").arg(&summary)).ok();
        packets += number(&crate::support::json(&summary)["packets"]);
        replay(&namespace, capture);
    }
    let page = metrics(&sensor, packets);
    let documented = documented();
    let (_, health) = sensor.get("/healthz");
    let (totals, _dir) = sensor.stop();

    for (metric, key) in [
        ("packets", "/packets"),
        ("bytes", "/bytes"),
        ("flows", "/flows"),
        ("ai_flows", "/ai_flows"),
        ("dns_questions", "/names/dns"),
        ("duplicate_packets", "/duplicates"),
        ("late_flows", "/late_flows"),
        ("clock_steps", "/clock_steps"),
        ("tcp_bytes", "/tcp/bytes"),
        ("tcp_missing_bytes", "/tcp/missing"),
        ("undecoded_packets", "/undecoded/frames"),
    ] {
        let told = page.one(&format!("shadowtap_{metric}_total"));
        assert_eq!(told, number(totals.pointer(key).unwrap()), "{metric}");
    }
    for (metric, label, keys) in [
        ("lost_packets", "place", ["kernel", "ring", "queue", "restart", "table"].as_slice()),
        ("lost_records", "kind", &["spool", "unjudged", "rejects"]),
    ] {
        for key in keys {
            let told = page.labelled(&format!("shadowtap_{metric}_total"), label, key);
            assert_eq!(told, number(&totals["losses"][key]), "{key}");
        }
    }
    for (kind, tally) in totals["not_flow"].as_object().unwrap() {
        assert_eq!(
            page.labelled("shadowtap_not_flow_packets_total", "kind", kind),
            number(&tally["frames"]),
            "{kind}"
        );
    }
    every_line_together_is_the_total(&page);
    every_line_of_the_summary_is_the_total(&totals);
    assert!(page.sum("shadowtap_method_flows_total") > 50.0 && page.one("shadowtap_ai_flows_total") > 10.0);
    assert_eq!(page.labelled("shadowtap_part_running", "part", "SIEM soc"), 1.0);
    assert!(page.one("shadowtap_store_records_total") > 0.0);
    assert_eq!(page.one("shadowtap_healthy"), 1.0, "{health}");
    let told: BTreeSet<_> = page.kinds.into_iter().collect();
    assert_eq!(told, documented, "docs/operations.md has a row for each metric, with its kind");
}

fn every_line_together_is_the_total(page: &Page) {
    let flows = page.sum("shadowtap_method_flows_total") + page.one("shadowtap_pending_flows");
    assert_eq!(flows, page.one("shadowtap_flows_total"));
    for what in ["packets", "bytes"] {
        let of = |line: &str| page.sum(&format!("shadowtap_{line}_{what}_total"));
        let lines =
            of("method") + of("not_flow") + of("undecoded") + page.one(&format!("shadowtap_pending_{what}"));
        assert_eq!(lines, page.one(&format!("shadowtap_{what}_total")), "{what}");
    }
}

fn every_line_of_the_summary_is_the_total(totals: &Value) {
    let sum = |lines: &Value, key: &str| -> f64 {
        lines.as_object().unwrap().values().map(|tally| number(&tally[key])).sum()
    };
    assert_eq!(sum(&totals["methods"], "flows"), number(&totals["flows"]));
    for (key, total) in [("frames", "packets"), ("bytes", "bytes")] {
        let lines =
            sum(&totals["methods"], key) + sum(&totals["not_flow"], key) + number(&totals["undecoded"][key]);
        assert_eq!(lines, number(&totals[total]), "{total}");
    }
}

/// Names and kinds of the table in the manual.
fn documented() -> BTreeSet<(String, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `shadowtap_"));
    let row = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[0].split(['`', '{']).next().unwrap();
        (format!("shadowtap_{name}"), cells[1].to_owned())
    };
    rows.map(row).collect()
}

#[test]
fn a_sensing_side_that_tells_nothing_is_ill() {
    let Some(namespace) = namespace() else { return };
    let sensor = Sensor::start(&namespace, "[health]\nstale_seconds = 2\n", &[]);
    until("health", || (sensor.get("/healthz").0 == 200).then_some(()));
    // A folder where the file is written aside: it cannot be renewed any more.
    let aside = sensor.path("data/spool/status/sense.part");
    until("a moment without the file aside", || fs::create_dir(&aside).ok());
    let body = until("illness", || Some(sensor.get("/healthz")).filter(|(code, _)| *code == 503)).1;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], "ill");
    let reason = body["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("the sensing side has told nothing for "), "{reason}");
    assert_eq!(Page::parse(&sensor.get("/metrics").1).one("shadowtap_healthy"), 0.0);
    fs::remove_dir(&aside).unwrap();
    until("health again", || (sensor.get("/healthz").0 == 200).then_some(()));
    let err = sensor.text("err");
    assert_eq!(err.matches("health will look stale").count(), 1, "{err}");
    sensor.stop();
}

/// A ClickHouse server and a receiver that nobody runs: both are reasons once something has waited long enough.
#[test]
fn what_waits_for_too_long_is_ill() {
    let Some(namespace) = namespace() else { return };
    let config = "[health]\nqueue_seconds = 1\n[store]\nurl = \"clickhouse://127.0.0.1:1/x\"\nbatch_seconds = 1\n\
                  [[siem]]\ntype = \"syslog\"\nname = \"soc\"\naddress = \"127.0.0.1:2\"\n";
    let sensor = Sensor::start(&namespace, config, &[]);
    until("health", || (sensor.get("/healthz").0 == 200).then_some(()));
    replay(&namespace, &own("shapes-tcp.pcap"));
    let reasons = |body: &str| -> Vec<String> {
        let body: Value = serde_json::from_str(body).unwrap();
        body["reasons"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let found = until("both reasons", || {
        let (code, body) = sensor.get("/healthz");
        let reasons = reasons(&body);
        assert_eq!(code == 503, !reasons.is_empty(), "{body}");
        let has = |words: &str| reasons.iter().any(|reason| reason.starts_with(words));
        (has("the queue store has waited for") && has("the SIEM soc has taken none of")).then_some(reasons)
    });
    assert!(found.iter().all(|reason| reason.contains("Connection refused")), "each says why: {found:?}");
    let page = Page::parse(&sensor.get("/metrics").1);
    assert!(page.labelled("shadowtap_spool_oldest_seconds", "queue", "store") > 1.0);
    assert!(page.labelled("shadowtap_spool_bytes", "queue", "store") > 0.0);
    assert_eq!(page.labelled("shadowtap_spool_oldest_seconds", "queue", "judge"), 0.0, "findings go on");
    assert!(page.labelled("shadowtap_part_errors_total", "part", "store") > 0.0);
    assert!(page.labelled("shadowtap_siem_waiting_events", "sink", "soc") > 0.0);
    assert!(page.labelled("shadowtap_siem_stuck_seconds", "sink", "soc") > 1.0);
    let data = sensor.path("data");
    let listed = |narrowed: &[&str]| -> usize {
        let mut list = shadowtap();
        list.args(["findings", "list", "--format", "json", "--data-dir"]).arg(&data).args(narrowed);
        let listed: Value = serde_json::from_str(&run(&mut list).ok().stdout).unwrap();
        listed["findings"].as_array().unwrap().len()
    };
    let open = until("as many open findings as the lists have", || {
        let open = Page::parse(&sensor.get("/metrics").1).sum("shadowtap_findings_open");
        // First sights have a list of their own.
        (open == (listed(&[]) + listed(&["--rule", "first-sight"])) as f64).then_some(open)
    });
    assert!(open > 0.0);
    sensor.end();
}

#[test]
fn the_address_is_this_machines_and_one_that_was_asked_for_must_be_had() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("open.toml");
    fs::write(&config, "[health]\nlisten = \"0.0.0.0:9430\"\n").unwrap();
    let refused = run(shadowtap().args(["policy", "check", "--config"]).arg(&config));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("expose = true"), "{}", refused.stderr);

    let Some(namespace) = namespace() else { return };
    let first = Sensor::start(&namespace, "", &[]);
    let second = Sensor::start(&namespace, "", &[]);
    let taken = "no /healthz and /metrics: cannot listen on 127.0.0.1:9430";
    until("the warning", || second.text("err").contains(taken).then_some(()));
    second.stop();
    fs::write(&config, "[health]\nlisten = \"127.0.0.1:9430\"\n").unwrap();
    let mut third = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    third.args(["run", "-i", "mirror0", "--config"]).arg(&config).arg("--data-dir").arg(dir.path().join("data"));
    let third = run(&mut third);
    assert_eq!(third.code, 1, "{}", third.stderr);
    assert!(third.stderr.contains("cannot listen on 127.0.0.1:9430") && third.stderr.contains("health.listen"));
    first.stop();
}

/// On a terminal one line is renewed, and what is said meanwhile stands on lines of its own.
#[test]
fn the_renewed_line_and_messages_do_not_tear_each_other() {
    let Some(namespace) = namespace() else { return };
    if !Command::new("script").arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        crate::support::skip("no terminal can be made here (needs `script` of util-linux)");
        return;
    }
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let sensor = format!(
        "echo $$ > {}; exec {} run -i mirror0 --data-dir {}",
        path("pid"),
        env!("CARGO_BIN_EXE_shadowtap"),
        path("data")
    );
    let mut script = namespace.command("script");
    script.args(["-qefc", &format!("stty cols 100; {sensor}"), &path("typed")]).env("TERM", "xterm");
    let mut script =
        script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let typed = || String::from_utf8_lossy(&fs::read(dir.path().join("typed")).unwrap_or_default()).into_owned();
    let signal = |name: &str| {
        let pid = fs::read_to_string(dir.path().join("pid")).unwrap();
        assert!(Command::new("kill").args([name, pid.trim()]).status().unwrap().success());
    };
    until("the line", || typed().contains("packets/s").then_some(()));
    replay(&namespace, &own("browser-tcp.pcap"));
    until("the flows in the line", || typed().contains("79 flows, 8 AI").then_some(()));
    signal("-HUP");
    until("the answer", || typed().contains("policy none").then_some(()));
    until("the line again", || typed().rsplit_once("policy none").unwrap().1.contains("packets/s").then_some(()));
    signal("-TERM");
    assert!(script.wait().unwrap().success(), "{}", typed());
    let screen = screen(&typed());
    assert!(screen.iter().any(|line| line.starts_with("catalogue ") && line.ends_with(" services")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("1,226 packets, ")), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.contains("packets/s")), "the line is gone at the end: {screen:#?}");
}

/// What stands on a terminal after it got these bytes, as far as they go: back, down, up, and clearing a line.
fn screen(typed: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::<char>::new()], 0_usize, 0_usize);
    let mut chars = typed.chars();
    while let Some(char) = chars.next() {
        match char {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                let rest = chars.as_str();
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                match &rest[..=end] {
                    "[2K" => lines[row].clear(),
                    "[K" | "[0K" => lines[row].truncate(column),
                    "[J" | "[0J" => {
                        lines.truncate(row + 1);
                        lines[row].truncate(column);
                    }
                    up if up.ends_with('A') => row -= up[1..up.len() - 1].parse().unwrap_or(1),
                    "[?25l" | "[?25h" => {}
                    other => panic!("an order that this terminal does not know: {other:?}"),
                }
                chars = rest[end + 1..].chars();
            }
            char => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = char;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

/// Under systemd each message is one line with its weight in front, and nothing is renewed.
#[test]
fn the_journal_gets_weights_and_whole_lines() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let (config, policy) = (dir.path().join("config.toml"), dir.path().join("policy.toml"));
    fs::write(&policy, "[policy]\nname = \"one\"\n").unwrap();
    fs::write(&config, "policy = \"policy.toml\"\n").unwrap();
    let err = File::create(dir.path().join("err")).unwrap();
    let about = err.metadata().unwrap();
    let mut sensor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    sensor.args(["run", "-i", "mirror0", "--config"]).arg(&config).arg("--data-dir").arg(dir.path().join("data"));
    sensor.env("JOURNAL_STREAM", format!("{}:{}", about.dev(), about.ino()));
    let mut sensor = sensor.stdout(std::process::Stdio::null()).stderr(err).spawn().unwrap();
    let said = || fs::read_to_string(dir.path().join("err")).unwrap();
    until("the first line", || said().contains("listening").then_some(()));
    // It is opened behind the policy.
    until("deliver", || dir.path().join("data/findings.db").exists().then_some(()));
    fs::write(&policy, "nonsense").unwrap();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &sensor.id().to_string()]).status().unwrap().success())
    };
    signal("-HUP");
    until("the refusal", || said().contains("stays").then_some(()));
    signal("-TERM");
    assert!(sensor.wait().unwrap().success());
    let said = said();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("<6>listening on mirror0"), "{said}");
    assert!(lines.iter().any(|line| line.starts_with("<4>the policy in force stays: ")), "{said}");
    assert!(lines.iter().all(|line| ["<3>", "<4>", "<6>"].iter().any(|weight| line.starts_with(weight))), "{said}");
}
