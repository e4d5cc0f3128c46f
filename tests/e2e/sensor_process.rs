//! A sensor at work on `mirror0` of a test's own namespace, and what it answers there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::live::Namespace;
use crate::support::{json, skip};

/// Names the request, and the file for its answer, to the copy of this test binary that runs inside the namespace.
const FETCH: (&str, &str) = ("SHADOWTAP_TEST_FETCH", "SHADOWTAP_TEST_FETCHED");
/// How often a test looks for what must come, and what it waits in between. Nothing is measured by it.
const LOOKS: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(100);

/// A namespace; nothing after saying that the test skips.
pub(crate) fn namespace() -> Option<Namespace> {
    let made = Namespace::new();
    if made.is_none() {
        skip("no network namespace can be made here (needs root and iproute2)");
    }
    made
}

/// Looks until there is something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(BETWEEN);
    }
    panic!("{what} did not come");
}

/// A running sensor with a folder of its own.
pub(crate) struct Sensor<'a> {
    namespace: &'a Namespace,
    pub(crate) dir: TempDir,
    child: Child,
}

impl<'a> Sensor<'a> {
    /// Starts `shadowtap run` with this configuration and these arguments, and waits until it listens.
    pub(crate) fn start(namespace: &'a Namespace, config: &str, args: &[&str]) -> Self {
        Self::start_in(namespace, TempDir::new().unwrap(), config, args)
    }

    /// The same in a folder that is there.
    pub(crate) fn start_in(namespace: &'a Namespace, dir: TempDir, config: &str, args: &[&str]) -> Self {
        let path = |name: &str| dir.path().join(name);
        fs::write(path("config.toml"), config).unwrap();
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command.args(["run", "-i", "mirror0", "--data-dir"]).arg(path("data")).args(args);
        command.arg("--config").arg(path("config.toml")).arg("--summary").arg(path("summary.json"));
        command.env("TZ", "UTC");
        command.stdout(File::create(path("out")).unwrap()).stderr(File::create(path("err")).unwrap());
        let mut sensor = Self { namespace, child: command.spawn().unwrap(), dir };
        until("the word that it listens", || {
            assert!(sensor.child.try_wait().unwrap().is_none(), "{}", sensor.text("err"));
            sensor.text("err").contains("listening on mirror0").then_some(())
        });
        sensor
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What stands in a file of its folder.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Status code and body of a page.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = self.path("answer");
        let mut fetch = self.namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
        fetch
            .args(["--exact", "sensor_process::fetch_inside_the_namespace"])
            .env(FETCH.0, path)
            .env(FETCH.1, &answer);
        assert!(fetch.output().unwrap().status.success(), "{path}: {}", self.text("err"));
        let answer = self.text("answer");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Stops it; gives its totals and its folder.
    pub(crate) fn stop(mut self) -> (Value, TempDir) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success(), "{}", self.text("err"));
        let dir = std::mem::replace(&mut self.dir, TempDir::new().unwrap());
        (json(&dir.path().join("summary.json")), dir)
    }

    /// Ends it, however it ends.
    pub(crate) fn end(mut self) -> TempDir {
        self.signal("-TERM");
        self.child.wait().unwrap();
        std::mem::replace(&mut self.dir, TempDir::new().unwrap())
    }
}

impl Drop for Sensor<'_> {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Not a test of its own: does nothing unless a test starts it with a request.
#[test]
fn fetch_inside_the_namespace() {
    let Some((path, answer)) = std::env::var(FETCH.0).ok().zip(std::env::var_os(FETCH.1)) else { return };
    // `deliver` may still be starting when `sense` listens.
    let mut stream = until("the server", || TcpStream::connect("127.0.0.1:9430").ok());
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    fs::write(Path::new(&answer), bytes).unwrap();
}
