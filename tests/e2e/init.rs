//! `init`: each configuration that it writes is one that the program takes, whatever was answered.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::{Ran, run, shadowtap, skip};

/// Runs `init` without a terminal.
fn init(out: &Path, args: &[&str]) -> Ran {
    let mut command = shadowtap();
    command.args(["init", "--out"]).arg(out).args(args).stdin(Stdio::null());
    run(&mut command)
}

fn keys(path: &Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The program reads the file, and says what it read of the sinks.
fn taken(config: &Path) -> String {
    let mut command = shadowtap();
    command.args(["siem", "status", "--config"]).arg(config).arg("--data-dir").arg(config.with_extension("data"));
    run(&mut command).ok().stdout
}

const SITES: [&str; 7] = ["hq", "it's \"hq\"", "\"\"\"", "a\\nb", "Zürich 東京", "] [siem]", "'''# name = \"x\""];
const NETS: [&str; 4] = ["private", "10.0.0.0/8", "10.1.2.3/16, 2001:db8::/32", "0.0.0.0/0"];
const INTERFACES: [&str; 5] = ["none", "eth1", "eth1,eth2", "a\"b", "\\n]"];
const RECEIVERS: [&str; 5] =
    ["none", "siem.example:601", "tls://siem.example:6514", "udp://192.0.2.1:514", "tcp://[2001:db8::1]:601"];

#[test]
fn all_answers_make_a_configuration_that_is_taken() {
    let dir = TempDir::new().unwrap();
    for at in 0..SITES.len() {
        let path = dir.path().join(format!("{at}.toml"));
        let (site, nets) = (SITES[at], NETS[at % NETS.len()]);
        let (interface, receiver) = (INTERFACES[at % INTERFACES.len()], RECEIVERS[at % RECEIVERS.len()]);
        let args = ["--site", site, "--time-zone", "Europe/Berlin", "--interface", interface, "--local-nets", nets];
        let ran = init(&path, &[&args[..], &["--syslog", receiver]].concat()).ok();
        assert!(ran.stdout.starts_with(&format!("wrote {}\n", path.display())), "{}", ran.stdout);
        let written = keys(&path);
        assert_eq!(written["site"]["name"].as_str(), Some(site));
        assert_eq!(written["site"]["time_zone"].as_str(), Some("Europe/Berlin"));
        let told = written["sensor"].get("interface").map(|value| match value.as_array() {
            Some(all) => all.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(","),
            None => value.as_str().unwrap().to_owned(),
        });
        assert_eq!(told.as_deref(), Some(interface).filter(|&name| name != "none"));
        assert_eq!(written["sensor"].get("local_nets").is_none(), nets == "private");
        let sinks = taken(&path);
        match receiver {
            "none" => assert_eq!(sinks, "no SIEM is configured\n"),
            _ => assert!(sinks.starts_with(receiver.rsplit("://").next().unwrap()), "{sinks}"),
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }
}

/// The lines behind `# ` in the file are configuration as well.
#[test]
fn what_is_commented_out_is_taken_once_it_is_not() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shadowtap.toml");
    init(&path, &["--yes", "--interface", "none"]).ok();
    let is_key = |line: &str| line.contains(" = ") || line == "# [[siem]]";
    let text: Vec<String> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|_| is_key(line)).unwrap_or(line).to_owned())
        .collect();
    fs::write(&path, text.join("\n").replace("policy = \"policy.toml\"", "")).unwrap();
    assert_eq!(keys(&path)["sensor"]["interface"].as_str(), Some("eth1"));
    assert!(taken(&path).starts_with("siem.example:6514: 0 waiting"));
}

#[test]
fn hostile_answers_are_refused_and_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shadowtap.toml");
    let long = "x".repeat(65);
    for (option, answer) in [
        ("--site", "a\nname = \"b\""),
        ("--site", ""),
        ("--site", &long),
        ("--site", "\u{1b}[2J"),
        ("--time-zone", "Mars/Olympus"),
        ("--time-zone", "UTC\"\n[store]"),
        ("--interface", "../../etc"),
        ("--interface", "eth\n1"),
        ("--interface", "sixteen-bytes-16"),
        ("--local-nets", "10.0.0.0/8\"]\n[store]"),
        ("--local-nets", "10.0.0.0/99"),
        ("--syslog", "siem.example"),
        ("--syslog", "siem\".example:514"),
        ("--syslog", "http://siem.example:80"),
        ("--syslog", "siem\n.example:514"),
    ] {
        let ran = init(&path, &["--yes", option, answer]);
        assert!(ran.code == 2 && ran.stderr.contains(option), "{option} {answer:?}: {}", ran.stderr);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_exists_stays_without_force() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep/er/shadowtap.toml");
    init(&path, &["--yes", "--site", "one"]).ok();
    let ran = init(&path, &["--yes", "--site", "two"]);
    assert!(ran.code == 1 && ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(keys(&path)["site"]["name"].as_str(), Some("one"));
    let link = dir.path().join("link.toml");
    symlink(dir.path().join("nowhere"), &link).unwrap();
    assert_eq!(init(&link, &["--yes"]).code, 1, "a link that leads nowhere is somebody's as well");
    init(&path, &["--yes", "--force", "--site", "two"]).ok();
    assert_eq!(keys(&path)["site"]["name"].as_str(), Some("two"));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no part is left");
}

#[test]
fn without_a_terminal_the_missing_options_are_named() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shadowtap.toml");
    let ran = init(&path, &["--site", "hq", "--syslog", "none"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--time-zone, --interface, --local-nets missing"), "{}", ran.stderr);
    assert!(!path.exists());
}

/// The time zone of the machine is the default; the interface that was named stands in the next commands.
#[test]
fn defaults_and_the_next_commands() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("it's here.toml");
    let mut command = shadowtap();
    command.args(["init", "--yes", "--interface", "eth1", "--out"]).arg(&path).env("TZ", "Asia/Tokyo");
    let ran = run(command.stdin(Stdio::null())).ok();
    assert_eq!(keys(&path)["site"]["time_zone"].as_str(), Some("Asia/Tokyo"));
    let config = format!("'{}'", path.to_str().unwrap().replace('\'', "'\\''"));
    let next: Vec<&str> = ran.stdout.lines().skip(3).map(str::trim).collect();
    assert_eq!(
        next,
        [
            format!("sudo shadowtap doctor -i eth1 --config {config}"),
            format!("sudo shadowtap run --discover -i eth1 --config {config}"),
            format!("sudo shadowtap policy draft --config {config} > policy.toml"),
        ]
    );
}

/// On a terminal: a wrong answer is asked again, an empty line is the default.
#[test]
fn answers_on_a_terminal() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shadowtap.toml");
    let line =
        format!("{} init --time-zone Europe/Paris --out {}", env!("CARGO_BIN_EXE_shadowtap"), path.display());
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        skip("`script` of util-linux makes no terminal here");
        return;
    };
    let answers = "\na \"b\"\nno/interface\neth7\n10.0.0.0/99\n10.0.0.0/8\ntls://siem.example:6514\n";
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Name of this site [office]:"), "{said}");
    assert!(said.contains("is no interface's name") && said.contains("is no network"), "{said}");
    assert!(!said.contains("Time zone of the site"), "an option answers it: {said}");
    let written = keys(&path);
    // The first line took the default, so each answer moved on by one question.
    assert_eq!(written["site"]["name"].as_str(), Some("office"));
    assert_eq!(written["sensor"]["interface"].as_str(), Some("eth7"));
    assert_eq!(written["siem"][0]["transport"].as_str(), Some("tls"));
}

/// What is printed can be pasted into a shell, whatever the file is called.
#[test]
fn the_next_command_runs_as_printed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("it's $HOME.toml");
    let ran = init(&path, &["--yes", "--interface", "no-such-if0"]).ok();
    let line = ran.stdout.lines().nth(3).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("sudo() {{ \"$@\"; }}; shadowtap() {{ \"$BIN\" \"$@\"; }}; {line}")]);
    shell.env("BIN", env!("CARGO_BIN_EXE_shadowtap")).current_dir(dir.path());
    let doctor = run(shell.stdin(Stdio::null()));
    assert!(doctor.code == 1 && doctor.stdout.contains("fail     interface "), "{}", doctor.stdout);
    let read = doctor.stdout.lines().next().unwrap();
    assert!(read.starts_with("ok       config ") && read.contains("it's $HOME.toml"), "{read}");
}
