//! The command line on a server: from a capture to the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Server, server};

/// The program, which the workspace builds beside the engine's front.
fn shadowtap() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_chdb-front")).with_file_name("shadowtap");
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "{} is not built", path.display());
    eprintln!("skipped: {} is not built", path.display());
    None
}

fn run(program: &Path, dir: &Path, arguments: &str) -> String {
    let (out, told) = both(program, dir, arguments);
    format!("{out}{told}")
}

/// What a run that ends well prints, and what it tells beside that.
fn both(program: &Path, dir: &Path, arguments: &str) -> (String, String) {
    let pcaps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
    let arguments = arguments.replace("PCAPS", pcaps.to_str().unwrap());
    let ended = Command::new(program).current_dir(dir).args(arguments.split(' ')).output().unwrap();
    let [out, told] = [ended.stdout, ended.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(ended.status.success(), "{arguments}: {out}{told}");
    (out, told)
}

/// Writes `demo.toml`: the demo's configuration with this server as its store.
fn configure(dir: &Path, server: &Server) {
    let demo = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/demo.toml")).unwrap();
    let user = server.target.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
    let (host, port, database) = (&server.target.host, server.target.port, &server.target.database);
    let store =
        format!("[store]\nurl = \"clickhouse://{user}{host}:{port}/{database}\"\nraw_days = 0\nrollup_days = 0\n");
    fs::write(dir.join("demo.toml"), format!("{demo}\n{store}")).unwrap();
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (PathBuf::from(path.file_name().unwrap()), fs::read(&path).unwrap())).collect()
}

#[test]
fn a_capture_read_into_a_server_gives_the_report_of_the_embedded_store() {
    let (Some(program), Some(server)) = (shadowtap(), server()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &str| run(&program, dir.path(), arguments);
    configure(dir.path(), &server);
    let rules = "--config demo.toml --policy PCAPS/demo.policy.toml";
    run(&format!("read {rules} --data-dir server --report server/report PCAPS/office-week.pcap"));
    run(&format!("read {rules} --data-dir file --store sqlite --report file/report PCAPS/office-week.pcap"));
    assert!(!dir.path().join("server/shadowtap.db").exists() && dir.path().join("file/shadowtap.db").exists());
    let embedded = files(&dir.path().join("file/report"));
    assert!(embedded.len() > 5 && embedded == files(&dir.path().join("server/report")));
    run(&format!("read {rules} --data-dir server PCAPS/office-week.pcap"));
    run(&format!("report {rules} --data-dir server --out again"));
    assert_eq!(embedded, files(&dir.path().join("again")), "read twice");
    assert!(run(&format!("policy draft {rules} --data-dir server")).contains("services in use"));
    assert!(run(&format!("spool rejects {rules} --data-dir server")).contains("0 batch files set aside"));
}

#[test]
fn facts_of_a_server_are_judged_again_as_those_of_the_embedded_store() {
    let (Some(program), Some(server)) = (shadowtap(), server()) else { return };
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &server);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/demo.policy.toml");
    let next = fs::read_to_string(policy).unwrap().replace("\"in_review\"", "\"approved\"");
    fs::write(dir.path().join("next.toml"), next.replace("\"requires_approval\"", "\"prohibited\"")).unwrap();
    let embedded = "--data-dir file --store sqlite";
    for store in ["--data-dir server", embedded] {
        let read = "read --config demo.toml --policy PCAPS/demo.policy.toml";
        run(&program, dir.path(), &format!("{read} {store} PCAPS/office-week.pcap"));
    }
    for rest in ["", " --since 3d", " --apply", ""] {
        let rejudge = |store: &str| {
            let arguments = format!("rejudge --config demo.toml --policy next.toml --format json {store}{rest}");
            both(&program, dir.path(), &arguments).0
        };
        let (server, file) = (rejudge("--data-dir server"), rejudge(embedded));
        let json: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert!(json["flows"].as_u64().unwrap() > 20, "{json:#}");
        // Once it is applied nothing is left to change.
        let changes = ["opened", "closed", "changed"].map(|list| json[list].as_array().unwrap().len());
        assert!(changes.iter().any(|n| *n > 0) || rest.is_empty(), "{json:#}");
        assert_eq!(server, file, "rejudge{rest}");
    }
}
