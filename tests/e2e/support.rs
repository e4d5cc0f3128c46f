//! What the tests share: running the binary, finding captures, reading the store.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test, in the repository's folder.
pub(crate) fn shadowtap() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shadowtap"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("TZ", "UTC").env_remove("RUST_BACKTRACE");
    command
}

/// Runs to the end; the output must be valid UTF-8 and no panic.
pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let ran = Ran {
        code: status.code().expect("ended by a signal"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

/// A finished process.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Asserts exit code 0.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A capture in `pcaps/`.
pub(crate) fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps").join(name)
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The folder of third-party captures; `None` after saying that the test skips.
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SHADOWTAP_CORPUS") else {
        return skip("SHADOWTAP_CORPUS names no folder of captures").then(PathBuf::new);
    };
    let folder = PathBuf::from(root).join(folder);
    assert!(folder.is_dir(), "{} is missing", folder.display());
    Some(folder)
}

/// Says that a test skips; fails instead where everything must be there. Always false.
pub(crate) fn skip(why: &str) -> bool {
    assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "may not skip in CI: {why}");
    eprintln!("skipped: {why}");
    false
}

/// A capture read into a store of its own.
pub(crate) struct Store {
    pub(crate) dir: TempDir,
    pub(crate) summary: Value,
}

impl Store {
    /// Reads `capture` with further arguments.
    pub(crate) fn read(capture: &Path, args: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let summary = dir.path().join("summary.json");
        let mut command = shadowtap();
        command.arg("read").arg(capture).arg("--data-dir").arg(dir.path()).arg("--summary").arg(&summary);
        run(command.args(args)).ok();
        let summary = json(&summary);
        Self { dir, summary }
    }

    /// Rows of a query, each column as text.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        rows(self.dir.path(), sql)
    }
}

/// Rows of a query on the store of a data directory.
pub(crate) fn rows(data_dir: &Path, sql: &str) -> Vec<Vec<String>> {
    let db = rusqlite::Connection::open(data_dir.join("shadowtap.db")).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: rusqlite::types::ValueRef<'_>| match value {
        rusqlite::types::ValueRef::Null => String::new(),
        rusqlite::types::ValueRef::Integer(n) => n.to_string(),
        rusqlite::types::ValueRef::Real(n) => n.to_string(),
        rusqlite::types::ValueRef::Text(t) | rusqlite::types::ValueRef::Blob(t) => {
            String::from_utf8_lossy(t).into()
        }
    };
    let rows = statement.query_map([], |row| (0..columns).map(|i| row.get_ref(i).map(text)).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}
