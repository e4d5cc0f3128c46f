//! Catalogue files, signed bundles and policies as people work with them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Ran, own, run, shadowtap};

const OWN_SERVICE: &str = r#"
[[service]]
id = "house-gateway"
name = "House gateway"
vendor = "Example Office"
category = "api"
access = ["api"]
modality = ["text"]
country = "DE"
homepage = "https://intranet.example"
hosts = [
    { exact = "ai-gateway.intranet.example", role = "api", strength = "definite", source = "our own", date = 2026-11-21 },
]
"#;

fn catalog(args: &[&str]) -> Ran {
    run(shadowtap().arg("catalog").args(args))
}

/// A folder with one service of our own, a key pair, and a bundle with serial 7.
fn publisher() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("own")).unwrap();
    fs::write(dir.path().join("own/house.toml"), OWN_SERVICE).unwrap();
    catalog(&["keygen", text(&dir.path().join("k"))]).ok();
    seal(&dir, 7);
    dir
}

fn seal(dir: &TempDir, serial: u64) -> PathBuf {
    let bundle = dir.path().join("catalogue.bundle");
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, serial) = (path("k.key"), serial.to_string());
    catalog(&["seal", "--key", &key, "--serial", &serial, "--out", text(&bundle), &path("own")]).ok();
    bundle
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What `policy explain` says of our own host with the bundle configured.
fn explain(dir: &TempDir) -> Ran {
    let config = dir.path().join("shadowtap.toml");
    fs::write(&config, "[bundle]\nfile = \"catalogue.bundle\"\npublic_key = \"k.pub\"\n").unwrap();
    let mut command = shadowtap();
    command.args(["policy", "explain", "--client", "10.0.0.1", "--host", "ai-gateway.intranet.example"]);
    run(command.arg("--data-dir").arg(dir.path().join("data")).arg("--config").arg(config)).ok()
}

#[test]
fn a_signed_bundle_extends_the_catalogue() {
    let dir = publisher();
    let ran = explain(&dir);
    assert!(ran.stdout.contains("House gateway (house-gateway)"), "{}{}", ran.stdout, ran.stderr);
    let plain = catalog(&["find", "ai-gateway.intranet.example"]).ok();
    assert!(plain.stdout.contains("no AI service"), "{}", plain.stdout);
}

#[test]
fn a_changed_bundle_is_refused_and_the_old_catalogue_stays() {
    let dir = publisher();
    let bundle = dir.path().join("catalogue.bundle");
    let changed = fs::read_to_string(&bundle).unwrap().replace("House gateway", "Mouse gateway");
    fs::write(&bundle, changed).unwrap();
    let ran = explain(&dir);
    assert!(ran.stderr.contains("wrong signature") && ran.stderr.contains("stays"), "{}", ran.stderr);
    assert!(ran.stdout.contains("service none"), "{}", ran.stdout);
}

#[test]
fn an_older_bundle_is_refused_after_a_restart_too() {
    let dir = publisher();
    explain(&dir);
    // A command that writes into the data directory remembers the serial.
    let mut read = shadowtap();
    read.arg("read").arg(own("browser-tcp.pcap")).arg("--data-dir").arg(dir.path().join("data"));
    run(read.arg("--config").arg(dir.path().join("shadowtap.toml"))).ok();
    let same = explain(&dir);
    assert!(same.stderr.is_empty() && same.stdout.contains("House gateway"), "{}", same.stderr);
    seal(&dir, 6);
    let older = explain(&dir);
    assert!(older.stderr.contains("serial 6 is not newer"), "{}", older.stderr);
    seal(&dir, 8);
    assert!(explain(&dir).stdout.contains("House gateway"));
}

#[test]
fn keys_are_never_overwritten() {
    let dir = publisher();
    let again = catalog(&["keygen", text(&dir.path().join("k"))]);
    assert!(again.code == 1 && again.stderr.contains("k.key"), "{}", again.stderr);
}

#[test]
fn services_and_differences_are_shown() {
    let dir = publisher();
    let show = catalog(&["show", "github-copilot"]).ok().stdout;
    assert!(show.contains("business.githubcopilot.com") && show.contains(" business "), "{show}");
    assert_eq!(catalog(&["show", "no-such"]).code, 1);
    let diff = catalog(&["diff", "builtin", text(&dir.path().join("own"))]).ok().stdout;
    assert!(diff.contains("+") && diff.contains("house-gateway"), "{diff}");
    assert_eq!(catalog(&["diff", "builtin", "builtin"]).ok().stdout.trim(), "no difference");
}

#[test]
fn a_public_list_is_compared() {
    let dir = TempDir::new().unwrap();
    let list = dir.path().join("list");
    fs::write(
        &list,
        "# a list\nfull:chatgpt.com\ndomain:claude.ai @ads\nkeyword:gpt\n0.0.0.0 no-such-ai.example\n",
    )
    .unwrap();
    let out = catalog(&["check", "--against", text(&list)]).ok().stdout;
    assert!(out.contains("no-such-ai.example") && out.contains("not comparable: 1 keyword"), "{out}");
    assert!(!out.lines().any(|line| line.starts_with("theirs") && line.contains("claude.ai")), "{out}");
    fs::write(&list, "# nothing\n").unwrap();
    assert_eq!(catalog(&["check", "--against", text(&list)]).code, 2);
}

#[test]
fn a_policy_is_drafted_from_what_was_seen() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let none = run(shadowtap().args(["policy", "draft", "--data-dir"]).arg(&data));
    assert!(none.code == 1 && none.stderr.contains("no facts yet"), "{}", none.stderr);
    run(shadowtap().arg("read").arg(own("office-week.pcap")).arg("--data-dir").arg(&data)).ok();
    let mut command = shadowtap();
    command.args(["policy", "draft", "--on", "2026-11-21", "--data-dir"]).arg(&data);
    let draft = run(command.arg("--policy").arg(own("demo.policy.toml"))).ok().stdout;
    for word in ["deepseek", "chatgpt", "finance"] {
        assert!(draft.contains(word), "{word} in {draft}");
    }
    let file = dir.path().join("draft.toml");
    fs::write(&file, draft).unwrap();
    let check = run(shadowtap().args(["policy", "check"]).arg(&file)).ok();
    assert!(check.stdout.contains("in order"), "{}", check.stdout);
}

#[test]
fn a_policy_is_linted_and_compared() {
    let dir = TempDir::new().unwrap();
    let policy = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let old =
        policy("old.toml", "[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\nexpires = 2026-01-01\n");
    let lint = run(shadowtap().args(["policy", "lint", "--on", "2026-11-21"]).arg(&old));
    assert!(
        lint.stdout.contains("old.toml:") && lint.stdout.contains("expired"),
        "{} {}",
        lint.stdout,
        lint.stderr
    );
    let new = policy("new.toml", "[[rule]]\nservices = [\"claude\"]\nstatus = \"prohibited\"\n");
    let diff = run(shadowtap().args(["policy", "diff", "--on", "2026-11-21"]).args([&old, &new])).ok().stdout;
    assert!(diff.contains("claude for no group: unreviewed") && diff.contains("-> prohibited (line"), "{diff}");
}

#[test]
fn licence_and_tenant_are_facts_that_a_policy_can_use() {
    let dir = TempDir::new().unwrap();
    let policy = dir.path().join("policy.toml");
    let rule = |plan: &str, status: &str| {
        format!("[[rule]]\nservices = [\"github-copilot\"]\nplans = [\"{plan}\"]\nstatus = \"{status}\"\n")
    };
    fs::write(&policy, rule("business", "approved") + &rule("individual", "prohibited")).unwrap();
    let status = |host: &str| {
        let mut command = shadowtap();
        command.args(["policy", "explain", "--client", "10.0.0.1", "--format", "json", "--host", host, "--policy"]);
        run(command.arg(&policy)).ok().lines().remove(0)
    };
    assert_eq!(status("api.business.githubcopilot.com")["status"], "approved");
    assert_eq!(status("api.individual.githubcopilot.com")["status"], "prohibited");
    assert_eq!(status("api.githubcopilot.com")["status"], "unreviewed");
    assert_eq!(status("contoso.openai.azure.com")["tenant"], "contoso");
}
