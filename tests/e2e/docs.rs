//! What the documentation says of the code is compared with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{Store, own, run, shadowtap};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The keys of a table of a manifest.
fn dependencies(manifest: &str, table: &str) -> BTreeSet<String> {
    let manifest: toml::Table = file(manifest).parse().unwrap();
    manifest.get(table).and_then(|t| t.as_table()).into_iter().flat_map(|t| t.keys().cloned()).collect()
}

#[test]
fn each_dependency_has_its_reason() {
    let page = file("docs/dependencies.md");
    let sections: Vec<_> = page.split("\n## ").collect();
    for (package, manifest) in [
        ("rules", "rules/Cargo.toml"),
        ("sensor", "sensor/Cargo.toml"),
        ("ingest", "ingest/Cargo.toml"),
        ("shadowtap", "Cargo.toml"),
        ("clickhouse-tests", "tests/clickhouse/Cargo.toml"),
    ] {
        let section = sections.iter().find(|s| s.starts_with(&format!("`{package}`"))).unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let listed: BTreeSet<_> = rows.map(str::to_owned).collect();
        assert_eq!(listed, dependencies(manifest, "dependencies"), "{package}");
        for name in dependencies(manifest, "dev-dependencies") {
            assert!(section.contains(&format!("`{name}`")), "{package}: {name}");
        }
    }
}

/// CONTRIBUTING shows how to add a service: done as it says, the checks pass and the hosts are found.
#[test]
fn adding_a_service_works_as_written() {
    let page = file("CONTRIBUTING.md");
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root.join("rules/catalog")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    let chat = dir.path().join("chat.toml");
    let text = fs::read_to_string(&chat).unwrap();
    let id = |service: &str| service.split('"').nth(1).unwrap().to_owned();
    let new = id(block);
    let next = text.match_indices("[[service]]").find(|(at, _)| id(&text[*at..]) > new).unwrap().0;
    fs::write(&chat, format!("{}{block}\n{}", &text[..next], &text[next..])).unwrap();
    let check = run(shadowtap().args(["catalog", "check"]).arg(dir.path())).ok().stdout;
    assert!(check.contains("0 errors, 0 notes"), "{check}");
    let mut find = shadowtap();
    find.args(["catalog", "find", "ws.chat.example.com", "example.com", "--catalogue"]);
    let found = run(find.arg(dir.path())).ok().stdout;
    assert!(found.contains("role app, definite") && found.contains("example.com: no AI service"), "{found}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = |dir: &str| {
        fs::read_dir(root.join(dir))
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "md"))
    };
    let mut checked = 0;
    for page in pages("").chain(pages("docs")).chain(pages("docs/adr")).chain(pages("pcaps")) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            assert!(page.parent().unwrap().join(path).exists(), "{}: {link}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked} links");
}

/// The scripts that delete what is old leave nobody's trace when everything is old.
#[test]
fn what_is_deleted_after_the_period_leaves_no_device() {
    let page = file("docs/privacy.md");
    let mut scripts = page.split("<<'SQL'\n").skip(1).map(|rest| rest.split("\nSQL\n").next().unwrap());
    let (of_findings, of_facts) = (scripts.next().unwrap(), scripts.next().unwrap());
    let store = Store::read(&own("office-week.pcap"), &["--policy", "pcaps/demo.policy.toml"]);
    let findings = store.dir.path().join("findings.db");
    let all_is_old = |script: &str| script.replace("'-90 days'", "'+100 years'");
    rusqlite::Connection::open(&findings).unwrap().execute_batch(&all_is_old(of_findings)).unwrap();
    let db = rusqlite::Connection::open(store.dir.path().join("shadowtap.db")).unwrap();
    db.execute("ATTACH ?1 AS f", [findings.display().to_string()]).unwrap();
    let leftovers = |schema: &str| -> Vec<String> {
        let tables = format!("SELECT name FROM {schema}.sqlite_schema WHERE type = 'table'");
        let mut query = db.prepare(&tables).unwrap();
        let names: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let rows = |name: &str| -> i64 {
            db.query_row(&format!("SELECT count(*) FROM {schema}.{name}"), [], |row| row.get(0)).unwrap()
        };
        names.into_iter().filter(|name| rows(name) > 0).collect()
    };
    let before = leftovers("main").len();
    db.execute_batch(&all_is_old(of_facts)).unwrap();
    // Names of batches, versions of the schemas, sensors and clocks: nothing of any device.
    assert_eq!(leftovers("main"), ["schema_version", "batch"], "of {before} tables");
    let left = leftovers("f");
    let known = ["schema_version", "memory", "sqlite_sequence"];
    assert!(left.iter().all(|table| known.contains(&&**table)), "{left:?}");
    let mut query = db.prepare("SELECT DISTINCT kind FROM f.memory").unwrap();
    let kinds: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(kinds.iter().all(|kind| ["sensor", "mark", "held"].contains(&&**kind)), "{kinds:?}");
}

/// Each block of docs/siem.md is a configuration that the program takes.
#[test]
fn the_sinks_of_the_page_on_siem_are_taken() {
    let page = file("docs/siem.md");
    let mut kinds = BTreeSet::new();
    for block in page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let dir = tempfile::TempDir::new().unwrap();
        let table: toml::Table = block.parse().unwrap();
        let Some(sinks) = table.get("siem").and_then(|sinks| sinks.as_array()) else { continue };
        for secret in sinks.iter().filter_map(|sink| sink.get("secret_file")) {
            fs::write(dir.path().join(secret.as_str().unwrap()), "secret\n").unwrap();
        }
        kinds.extend(sinks.iter().map(|sink| sink["type"].as_str().unwrap().to_owned()));
        let config = dir.path().join("shadowtap.toml");
        fs::write(&config, format!("data_dir = \"data\"\n{block}")).unwrap();
        let status = run(shadowtap().args(["siem", "status", "--config"]).arg(&config)).ok().stdout;
        assert!(status.contains("0 waiting"), "{status}");
    }
    for kind in ["splunk", "elastic", "sentinel", "webhook"] {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
}

/// Every line of Rust below a folder, with strings over several lines put together.
fn code(dir: &Path, all: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            for line in fs::read_to_string(&path).unwrap().lines() {
                match line.trim_start().strip_suffix('\\') {
                    Some(begun) => all.push_str(begun),
                    None => *all += &format!("{}\n", line.trim_start()),
                }
            }
        }
    }
}

/// The page on SIEMs explains messages: each is one that the program or the system says.
#[test]
fn the_messages_of_the_page_on_siem_are_in_the_code() {
    let page = file("docs/siem.md");
    let (_, part) = page.split_once("\n## When it does not work\n").unwrap();
    let (_, table) = part.split_once("\n| message |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    code(&root.join("ingest/src"), &mut all);
    code(&root.join("src"), &mut all);
    let of_the_system = ["Connection refused", "timed out", "No such file or directory", "Permission denied"];
    let mut checked = 0;
    for row in table.lines().skip(2) {
        let cell = row.split(" | ").next().unwrap();
        for message in cell.split('`').skip(1).step_by(2).flat_map(|quoted| quoted.split(" ... ")) {
            assert!(all.contains(message) || of_the_system.contains(&message), "{message:?} is said nowhere");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked} messages");
}

/// The table of the doctor has each of its checks, and no other.
#[test]
fn the_checks_of_the_page_on_operations_are_those_of_the_doctor() {
    let page = file("docs/operations.md");
    let (_, part) = page.split_once("\n## Doctor\n").unwrap();
    let (part, _) = part.split_once("\n## ").unwrap();
    let (_, table) = part.split_once("| check | ok |").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: Vec<_> = rows.map(str::to_owned).collect();
    let mut all = String::new();
    code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/command/doctor"), &mut all);
    let ids = all.split(": Id = Id(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let ids: BTreeSet<_> = ids.map(str::to_owned).collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), ids);
    assert!(rows.len() == ids.len() && ids.len() > 30, "{} rows", rows.len());
}

/// Each limit that the page on the architecture names is a constant of the code.
#[test]
fn the_limits_of_the_page_on_architecture_are_there() {
    let page = file("docs/architecture.md");
    let (_, part) = page.split_once("\n## Bounds\n").unwrap();
    let (part, _) = part.split_once("\n## ").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for dir in ["rules/src", "sensor/src", "ingest/src", "src"] {
        code(&root.join(dir), &mut all);
    }
    let mut checked = 0;
    for row in part.lines().filter(|line| line.starts_with("| ")) {
        let cell = row.split(" | ").next().unwrap();
        let names = cell.split('`').skip(1).step_by(2).map(|path| path.rsplit("::").next().unwrap());
        let is_const = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        for name in names.filter(is_const) {
            assert!(all.contains(&format!("const {name}: ")), "{name}: no such limit");
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked} limits");
}

/// Files that the page on the architecture names are there, in some folder of the repository.
#[test]
fn the_files_of_the_page_on_architecture_are_there() {
    let page = file("docs/architecture.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "rules", "sensor", "ingest", "tests", "dashboards", "benches"] {
        gather(&root.join(dir), &mut files);
    }
    let mut checked = 0;
    for name in page.split('`').skip(1).step_by(2) {
        let is_file = [".rs", ".sql", ".toml"].iter().any(|end| name.ends_with(end));
        if !is_file || name.contains([' ', '*', '<']) {
            continue;
        }
        let end = format!("/{name}");
        assert!(files.iter().any(|file| file.ends_with(&end)), "{name}: no such file");
        checked += 1;
    }
    assert!(checked > 50, "{checked} files");
}

fn gather(dir: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => gather(&path, files),
            false => files.push(path.to_str().unwrap().to_owned()),
        }
    }
}
