//! The small commands, and the manners of all of them.

use std::fs;

use tempfile::TempDir;

use crate::support::{own, run, shadowtap};

#[test]
fn the_catalogue_knows_what_is_ai_and_what_is_not() {
    let ai = ["chatgpt.com", "CHATGPT.com.", "api.openai.com:443", "claude.ai", "eu.contoso.openai.azure.com"];
    let not = ["notopenai.com", "openai.com.evil.example", "api.github.com", "bing.com", "slack.com"];
    let ran = run(shadowtap().args(["catalog", "find", "--format", "json"]).args(ai).args(not)).ok();
    let lines = ran.lines();
    for (host, line) in ai.iter().chain(&not).zip(&lines) {
        assert_eq!(line["host"], *host);
        assert_eq!(line["service"].is_string(), ai.contains(host), "{line}");
    }
    let keys: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 8);
    for key in ["host", "service", "name", "category", "role", "strength", "pattern", "file"] {
        assert!(keys.contains(&key), "{key}");
    }
}

#[test]
fn the_built_in_catalogue_is_in_order() {
    let ran = run(shadowtap().args(["catalog", "check"])).ok();
    assert!(ran.stdout.contains(" 0 errors"), "{}", ran.stdout);
}

#[test]
fn a_policy_explains_itself() {
    let policy = own("demo.policy.toml");
    let explain = |client: &str, host: &str| {
        let mut command = shadowtap();
        command.args(["policy", "explain", "--client", client, "--host", host, "--format", "json", "--policy"]);
        run(command.arg(&policy).args(["--on", "2026-11-12"])).ok().lines().remove(0)
    };
    let finance = explain("10.20.1.14", "chat.deepseek.com");
    assert_eq!((&finance["group"], &finance["status"]), (&"finance".into(), &"prohibited".into()));
    assert!(finance["why"].as_str().unwrap().contains("demo.policy.toml:"), "{finance}");
    assert_eq!(explain("10.20.2.11", "api.openai.com")["status"], "approved");
    assert_eq!(explain("10.20.1.11", "api.openai.com")["status"], "unreviewed");
    assert_eq!(explain("10.20.1.11", "news.example")["service"], serde_json::Value::Null);
}

#[test]
fn the_example_policy_is_in_order() {
    for policy in ["pcaps/demo.policy.toml", "rules/policy.example.toml"] {
        let ran = run(shadowtap().args(["policy", "check", policy])).ok();
        assert!(ran.stdout.contains("in order"), "{}", ran.stdout);
    }
}

#[test]
fn every_command_shows_examples() {
    let help = run(shadowtap().arg("--help")).ok().stdout;
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let help = run(shadowtap().args([command, "--help"])).ok().stdout;
        assert!(help.contains("Examples:\n  "), "{command}");
    }
}

#[test]
fn usage_errors_have_exit_code_2() {
    for args in
        [&["read"][..], &["frobnicate"], &["report", "--week", "2026-W60"], &["inspect", "--format", "xml", "x"]]
    {
        assert_eq!(run(shadowtap().args(args)).code, 2, "{args:?}");
    }
}

#[test]
fn a_report_needs_facts() {
    let dir = TempDir::new().unwrap();
    let ran = run(shadowtap().args(["report", "--data-dir"]).arg(dir.path().join("none")));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("there is no data directory"), "{}", ran.stderr);
    let ran = run(shadowtap().args(["report", "--data-dir"]).arg(dir.path()));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("holds no facts yet"), "{}", ran.stderr);
}

#[test]
fn findings_can_fail_a_run() {
    let dir = TempDir::new().unwrap();
    let read = |data: &str| {
        let mut command = shadowtap();
        command.args(["read", "--fail-on", "findings,losses", "--data-dir"]).arg(dir.path().join(data));
        run(command.arg(own("browser-tcp.pcap"))).code
    };
    assert_eq!(read("a"), 3);
    // Known findings are no news.
    assert_eq!(read("a"), 0);
}

/// The contract that checkers and scripts rely on: names and order of the fields.
#[test]
fn inspect_lines_have_their_fields_in_order() {
    let fields = |line: &str| -> Vec<String> {
        let before = line.match_indices("\":").map(|(at, _)| &line[..at]);
        before.map(|text| text.rsplit('"').next().unwrap().to_owned()).collect()
    };
    let capture = own("browser-tcp.pcap");
    let ran = run(shadowtap().args(["inspect", "--flows", "--format", "ndjson"]).args([&capture, &capture])).ok();
    let name =
        "kind ts proto src_ip src_port dst_ip dst_port name qtype alpn ech esni ja4 service role evidence pcap";
    let flow = "kind proto a_ip a_port b_ip b_port pkts_ab bytes_ab pkts_ba bytes_ba ipbytes_ab ipbytes_ba pcap";
    let mut kinds = [false; 2];
    for line in ran.stdout.lines() {
        let names = line.starts_with(r#"{"kind":"name""#);
        kinds[usize::from(names)] = true;
        assert_eq!(fields(line).join(" "), if names { name } else { flow }, "{line}");
    }
    assert_eq!(kinds, [true; 2]);
    let alone = run(shadowtap().args(["inspect", "--format", "ndjson"]).arg(&capture)).ok();
    assert!(!alone.stdout.contains("\"pcap\""));
}

#[test]
fn a_table_is_for_people() {
    let ran = run(shadowtap().args(["inspect", "--format", "table"]).arg(own("browser-tcp.pcap"))).ok();
    let mut lines = ran.stdout.lines();
    assert!(lines.next().unwrap().starts_with("PROTO CLIENT"));
    assert!(ran.stdout.lines().any(|line| line.contains("chatgpt.com") && line.ends_with("app")), "{}", ran.stdout);
}

#[test]
fn reports_of_the_same_facts_under_another_policy_differ() {
    let dir = TempDir::new().unwrap();
    run(shadowtap().arg("read").arg(own("browser-tcp.pcap")).arg("--data-dir").arg(dir.path())).ok();
    let report = |policy: Option<&str>, out: &str| {
        let mut command = shadowtap();
        command.arg("report").arg("--data-dir").arg(dir.path()).arg("--out").arg(dir.path().join(out));
        if let Some(text) = policy {
            let path = dir.path().join("policy.toml");
            fs::write(&path, text).unwrap();
            command.arg("--policy").arg(path);
        }
        run(&mut command).ok();
        fs::read_to_string(dir.path().join(out).join("report.json")).unwrap()
    };
    let plain = report(None, "plain");
    let strict = report(Some("[[rule]]\nservices = [\"claude\"]\nstatus = \"prohibited\"\n"), "strict");
    assert!(!plain.contains("\"prohibited\"") || plain != strict);
    assert!(strict.contains("prohibited"));
}
