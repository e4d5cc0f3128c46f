//! The built-in catalogue as data, and the file format by example.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use std::{fs, path::Path};

use rules::catalogue::{Catalogue, Kind, Level, Role, Strength, check, check_files};

/// One service whose `{HOSTS}` a test fills in.
fn file(hosts: &str) -> String {
    format!(
        "[[service]]\nid = \"a\"\nname = \"A\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n{hosts}\n]\n"
    )
}

fn host(kind: &str, text: &str) -> String {
    format!(
        "{{ {kind} = \"{text}\", role = \"app\", strength = \"likely\", source = \"test\", date = 2026-11-20 }},"
    )
}

fn error(text: &str) -> String {
    Catalogue::parse([("a.toml", text)]).unwrap_err().to_string()
}

#[test]
fn the_built_in_files_leave_nothing_to_mend() {
    let problems = check_files(Catalogue::builtin_files().iter().copied());
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert_eq!(check(&Catalogue::builtin()), problems);
}

#[test]
fn the_built_in_catalogue_is_the_folder() {
    let built_in = Catalogue::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    assert_eq!(Catalogue::load(&folder).unwrap().version(), built_in.version());
    assert_eq!(built_in.version().len(), 12);
    assert!(built_in.services().len() >= 60, "{} services", built_in.services().len());
    assert!(built_in.services().is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(built_in.service("claude").unwrap().name, "Claude");
    assert!(built_in.service("nobody").is_none());
}

#[test]
fn the_order_of_files_changes_nothing() {
    let files = Catalogue::builtin_files();
    let backwards = Catalogue::parse(files.iter().rev().copied()).unwrap();
    assert_eq!(backwards.version(), Catalogue::builtin().version());
}

#[test]
fn every_service_can_be_contacted_and_judgement_alone_is_never_definite() {
    for service in Catalogue::builtin().services() {
        for pattern in &service.patterns {
            let own = pattern.source == "judgement" && pattern.strength == Strength::Definite;
            assert!(!own, "{} at {}:{}", pattern.text, pattern.file, pattern.line);
            assert!(pattern.date >= "2026-11-01".parse().unwrap(), "{}", pattern.text);
        }
    }
}

#[test]
fn exact_beats_glob_beats_longer_suffix() {
    let text = file(
        &[
            host("suffix", "example.com"),
            host("suffix", "b.example.com"),
            host("glob", "*.b.example.com"),
            host("glob", "api-*.b.example.com"),
            host("exact", "api-1.b.example.com"),
        ]
        .join("\n"),
    );
    let catalogue = Catalogue::parse([("a.toml", text.as_str())]).unwrap();
    let pattern = |host| catalogue.find(host).map(|hit| (hit.pattern.kind, hit.pattern.text.as_str()));
    assert_eq!(pattern("example.com"), Some((Kind::Suffix, "example.com")));
    assert_eq!(pattern("c.example.com"), Some((Kind::Suffix, "example.com")));
    assert_eq!(pattern("b.example.com"), Some((Kind::Suffix, "b.example.com")));
    assert_eq!(pattern("x.b.example.com"), Some((Kind::Glob, "*.b.example.com")));
    assert_eq!(pattern("api-2.b.example.com"), Some((Kind::Glob, "api-*.b.example.com")));
    assert_eq!(pattern("api-1.b.example.com"), Some((Kind::Exact, "api-1.b.example.com")));
    assert_eq!(pattern("y.x.b.example.com"), Some((Kind::Suffix, "b.example.com")));
}

#[test]
fn a_pattern_knows_its_line() {
    let text = file(&host("suffix", "example.com"));
    let catalogue = Catalogue::parse([("a.toml", text.as_str())]).unwrap();
    let hit = catalogue.find("www.example.com").unwrap();
    assert_eq!((hit.pattern.file.as_str(), hit.pattern.line), ("a.toml", 9));
    assert_eq!((hit.service.file.as_str(), hit.service.line), ("a.toml", 1));
    assert_eq!((hit.pattern.role, hit.pattern.strength), (Role::App, Strength::Likely));
}

#[test]
fn errors_name_file_line_key_and_mend() {
    let one = host("suffix", "example.com");
    let cases = [
        (
            file(&one).replace("\"chat\"", "\"chatt\""),
            "a.toml:5: `service.category`: unknown category \"chatt\": use chat, code-assistant, api, search, image, video, audio, writing, notetaker, agent, data-platform, model-hub, local-model, embedded-saas, ai-browser",
        ),
        (
            file(&one).replace("vendor = \"V\"\n", ""),
            "a.toml:1: `service.vendor`: missing: every entry needs this key",
        ),
        (
            file(&one).replace("\"app\"", "\"apo\""),
            "a.toml:9: `service.hosts.role`: unknown role \"apo\": use app, api, upload, download, cdn, auth, telemetry, model-registry, shared",
        ),
        (
            file(&one).replace("strength", "strenght"),
            "a.toml:9: `service.hosts.strength`: missing: every entry needs this key",
        ),
        (
            file(&one).replace("source", "comment = \"x\", source"),
            "a.toml:9: `service.hosts.comment`: unknown key: use suffix, exact, glob, role, strength, plan, tenant, source, date, note",
        ),
        (
            file(&one).replace("2026-11-20", "\"November\""),
            "a.toml:9: `service.hosts.date`: \"November\" is not a date: write year-month-day, such as 2026-11-20",
        ),
        (file(""), "a.toml:1: `service.hosts`: missing: a service without a host can never be found"),
        (
            file(&one.replace("suffix = \"example.com\", ", "")),
            "a.toml:9: `service.hosts`: no host: begin the line with suffix = \"...\", exact = \"...\" or glob = \"...\"",
        ),
        (
            file(&one.replace("suffix", "exact = \"a.example.com\", suffix")),
            "a.toml:9: `service.hosts`: two hosts in one entry: give each host its own line",
        ),
        (
            file(&host("suffix", "*.example.com")),
            "a.toml:9: `service.hosts.suffix`: `*` stands in a glob only: write glob =",
        ),
        (
            file(&host("glob", "example.com")),
            "a.toml:9: `service.hosts.glob`: a glob without `*`: write exact = or suffix =",
        ),
        (
            file(&host("suffix", "Example.com")),
            "a.toml:9: `service.hosts.suffix`: \"Example.com\" is not a plain host name: write lower-case ASCII labels (xn-- for others) without port, path or trailing dot",
        ),
        (
            file(&host("suffix", "com")),
            "a.toml:9: `service.hosts.suffix`: a single label would match a whole top-level domain: write at least two labels",
        ),
        (
            file(&[one.clone(), one.clone()].join("\n")),
            "a.toml:10: `service.hosts`: example.com stands at a.toml:9 already: keep one of the two",
        ),
        (
            file(&one).replace("id = \"a\"", "id = \"A b\""),
            "a.toml:2: `service.id`: \"A b\" is not an id: use lower-case letters, digits and inner hyphens",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn one_id_in_two_files_is_refused() {
    let (a, b) = (file(&host("suffix", "a.example")), file(&host("suffix", "b.example")));
    let error = Catalogue::parse([("b.toml", b.as_str()), ("a.toml", a.as_str())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b.toml:1: `service.id`: a is declared at a.toml:1 already: merge the two blocks"
    );
}

#[test]
fn check_sees_what_a_parser_cannot() {
    let hosts = [
        host("suffix", "b.example"),
        host("suffix", "a.example"),
        host("suffix", "github.com"),
        host("exact", "x.a.example"),
    ];
    let text = file(&hosts.join("\n"));
    let found: Vec<String> = check_files([("a.toml", text.as_str())]).iter().map(ToString::to_string).collect();
    let expect = [
        "note: a.toml:1: `service.country`: a has no country",
        "note: a.toml:1: `service.homepage`: a has no homepage",
        "note: a.toml:10: `service.hosts`: a.example stands out of order: sort hosts by role (app, api, upload, download, cdn, auth, telemetry, model-registry, shared), then by name",
        "note: a.toml:11: `service.hosts`: github.com is ground that many owners share: name the host, or make it weak",
        "note: a.toml:12: `service.hosts`: x.a.example says no more than a.example at line 10: drop it",
    ];
    assert_eq!(found, expect);
}

#[test]
fn check_sees_a_host_below_another_vendor() {
    let a = file(&host("suffix", "example.com"));
    let b = file(&host("suffix", "x.example.com")).replace("\"a\"", "\"b\"").replace("\"V\"", "\"W\"");
    let found = check_files([("a.toml", a.as_str()), ("b.toml", b.as_str())]);
    let text =
        "b.toml:9: `service.hosts`: x.example.com lies below example.com of a, another vendor: is that meant?";
    assert!(found.iter().any(|problem| problem.fault.to_string() == text), "{found:#?}");
}

#[test]
fn one_broken_file_does_not_hide_the_others() {
    let good = file(&[host("suffix", "b.example"), host("suffix", "b.example")].join("\n"));
    let problems = check_files([("a.toml", "x ="), ("b.toml", good.as_str())]);
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    assert_eq!(errors, 2);
}

#[test]
fn a_folder_replaces_and_adds() {
    let dir = std::env::temp_dir().join(format!("rules-extended-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("own.toml"), file(&host("suffix", "llm.example"))).unwrap();
    fs::write(dir.join("xai.toml"), "# nothing of xAI\n").unwrap();
    let extended = Catalogue::extended(&dir).unwrap();
    let alone = Catalogue::load(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!(extended.find("chat.llm.example").unwrap().service.id, "a");
    assert!(extended.find("grok.com").is_none());
    assert!(extended.find("claude.ai").is_some());
    assert!(alone.find("claude.ai").is_none());
    assert!(Catalogue::load(Path::new("/nonexistent")).unwrap_err().to_string().starts_with("/nonexistent: "));
}
