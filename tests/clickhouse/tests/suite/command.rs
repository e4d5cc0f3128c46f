//! The command line on a server: from a capture to the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::server;

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
    let pcaps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
    let arguments = arguments.replace("PCAPS", pcaps.to_str().unwrap());
    let ended = Command::new(program).current_dir(dir).args(arguments.split(' ')).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{arguments}: {text}");
    text
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
    let demo = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/demo.toml")).unwrap();
    let user = server.target.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
    let (host, port, database) = (&server.target.host, server.target.port, &server.target.database);
    let store =
        format!("[store]\nurl = \"clickhouse://{user}{host}:{port}/{database}\"\nraw_days = 0\nrollup_days = 0\n");
    fs::write(dir.path().join("demo.toml"), format!("{demo}\n{store}")).unwrap();
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
