//! `run` on a wire of the test's own, with its two halves in view.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::live::Namespace;
use crate::support::skip;

/// A wait that is longer than this is a failure.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn namespace() -> Option<Namespace> {
    let namespace = Namespace::new();
    if namespace.is_none() {
        skip("no network namespace can be made here (needs root and iproute2)");
    }
    namespace
}

/// `run` on `mirror0`.
pub(crate) struct Office<'a> {
    namespace: &'a Namespace,
    pub(crate) run: Child,
    /// Its standard error, and that of its halves.
    pub(crate) said: std::io::Lines<BufReader<ChildStderr>>,
    pub(crate) dir: TempDir,
}

impl<'a> Office<'a> {
    pub(crate) fn open(namespace: &'a Namespace) -> Self {
        Self::with(namespace, TempDir::new().unwrap(), &[])
    }

    pub(crate) fn with(namespace: &'a Namespace, dir: TempDir, more: &[&str]) -> Self {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir.path()).args(more);
        Self::start(namespace, dir, &mut command)
    }

    pub(crate) fn start(namespace: &'a Namespace, dir: TempDir, command: &mut Command) -> Self {
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(run.stderr.take().unwrap()).lines();
        let mut office = Self { namespace, run, said, dir };
        office.hears("listening on mirror0");
        wait("both halves", || office.pids().len() == 2);
        office
    }

    /// Process numbers of both halves, as far as they run.
    pub(crate) fn pids(&self) -> BTreeMap<String, u32> {
        let of = format!("/proc/{0}/task/{0}/children", self.run.id());
        let children = fs::read_to_string(of).unwrap_or_default();
        let half = |pid: &str| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            Some((words.split('\0').nth(1)?.to_owned(), pid.parse().unwrap()))
        };
        children.split_whitespace().filter_map(half).collect()
    }

    pub(crate) fn pid(&self, half: &str) -> u32 {
        wait(half, || self.pids().contains_key(half));
        self.pids()[half]
    }

    /// Reads what is said up to a line with this in it.
    pub(crate) fn hears(&mut self, wanted: &str) -> String {
        self.said
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(wanted))
            .unwrap_or_else(|| panic!("{wanted}"))
    }

    pub(crate) fn ip(&self, args: &[&str]) {
        assert!(self.namespace.command("ip").args(args).status().unwrap().success(), "{args:?}");
    }

    /// SIGTERM; everything is delivered and the exit code is 0.
    pub(crate) fn close(mut self) -> TempDir {
        signal(self.run.id(), "-TERM");
        let rest: Vec<_> = self.said.by_ref().map(Result::unwrap).collect();
        assert!(self.run.wait().unwrap().success(), "{rest:?}");
        self.dir
    }

    pub(crate) fn flows(&self) -> usize {
        flows(self.dir.path())
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

pub(crate) fn wait(what: &str, mut come: impl FnMut() -> bool) {
    let since = Instant::now();
    while !come() {
        assert!(since.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Flows in the store, those without an end included; 0 while there is none yet.
pub(crate) fn flows(dir: &Path) -> usize {
    let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = rusqlite::Connection::open_with_flags(dir.join("shadowtap.db"), read_only);
    let count = |store: rusqlite::Connection| {
        store.query_row("SELECT count(DISTINCT flow_id) FROM flow", [], |row| row.get::<_, u32>(0))
    };
    store.and_then(count).unwrap_or(0) as usize
}
