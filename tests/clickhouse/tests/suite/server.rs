//! A server for a test: the engine on a folder of its own, or a database of its own on a server that is named.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ingest::secret::Secret;
use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget, Keep, PASSWORD_VARIABLE};

use crate::sample::berlin;

/// A server that is named instead of the engine.
const NAMED: &str = "SHADOWTAP_TEST_CLICKHOUSE";
/// The engine's library; `tests/clickhouse/fetch.sh` prints it.
const ENGINE: &str = "SHADOWTAP_TEST_ENGINE";
const ENGINE_FOLDER: &str = "chdb-26.5.3/libchdb.so";

/// A database on a running server; gone when dropped.
pub(crate) struct Server {
    /// Where it is.
    pub(crate) target: ClickHouseTarget,
    /// Ends with this.
    _engine: Option<Engine>,
    /// The database is dropped with this.
    ours: bool,
}

/// A server, or none where the machine has none: the test is then skipped, unless nothing may be skipped.
pub(crate) fn server() -> Option<Server> {
    if let Ok(url) = std::env::var(NAMED) {
        let mut target = ClickHouseTarget::parse(&url).unwrap();
        target.database = format!("shadowtap_test_{}_{}", std::process::id(), number());
        target.password = std::env::var(PASSWORD_VARIABLE).ok().map(|text| Secret::new(&text));
        return Some(Server { target, _engine: None, ours: true });
    }
    Engine::start().map(|engine| {
        let target = engine.server().target.clone();
        Server { target, _engine: Some(engine), ours: false }
    })
}

/// The engine, for tests that kill it; skipped as above.
pub(crate) fn engine() -> Option<Engine> {
    if std::env::var(NAMED).is_ok() {
        eprintln!("skipped: a server that is named is not killed");
        return None;
    }
    Engine::start()
}

fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Server {
    /// Another database on the same server, for as long as this one lives.
    pub(crate) fn beside(&self, database: &str) -> Self {
        let target = ClickHouseTarget { database: database.to_owned(), ..self.target.clone() };
        Self { target, _engine: None, ours: false }
    }

    /// The store, with rows kept forever: the samples' dates must not grow old.
    pub(crate) fn store(&self) -> ClickHouseStore {
        store(self.target.clone())
    }

    /// Runs a statement and gives the answer's text.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.post(&self.target.database, sql).unwrap_or_else(|why| panic!("{sql}\n{why}"))
    }

    /// Runs a statement that the server may refuse.
    pub(crate) fn sql_try(&self, sql: &str) -> Option<String> {
        self.try_sql(sql).ok()
    }

    /// The same with the server's word.
    pub(crate) fn try_sql(&self, sql: &str) -> Result<String, String> {
        self.post(&self.target.database, sql)
    }

    /// Runs a statement outside of the test's database.
    pub(crate) fn sql_outside(&self, sql: &str) -> String {
        self.post("default", sql).unwrap_or_else(|why| panic!("{sql}\n{why}"))
    }

    fn post(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut stream = TcpStream::connect(format!("{}:{}", self.target.host, self.target.port)).unwrap();
        // An engine that hangs fails a test instead of stopping it.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let user = self.target.user.as_deref().unwrap_or("default");
        let password = std::env::var(PASSWORD_VARIABLE).unwrap_or_default();
        let headers = format!("X-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}");
        let length = sql.len();
        let head = format!("POST /?database={database} HTTP/1.0\r\n{headers}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{sql}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let body = body.trim_end().to_owned();
        if head.lines().next().unwrap().contains("200") { Ok(body) } else { Err(body) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.ours && !std::thread::panicking() {
            self.sql_outside(&format!("DROP DATABASE IF EXISTS {}", self.target.database));
        }
    }
}

/// A store that keeps rows forever.
pub(crate) fn store(target: ClickHouseTarget) -> ClickHouseStore {
    ClickHouseStore::new(target, Keep { raw_days: 0, rollup_days: 0, findings_days: 0 }, berlin()).unwrap()
}

/// The engine behind its HTTP interface, on a folder that outlives it.
pub(crate) struct Engine {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    library: PathBuf,
    data: tempfile::TempDir,
    configured: bool,
}

impl Engine {
    fn start() -> Option<Self> {
        let library = library()?;
        let data = tempfile::tempdir().unwrap();
        let (child, address) = launch(&library, data.path(), false);
        Some(Self { address, child, library, data, configured: false })
    }

    /// Starts it again on the same folder with a server's configuration and what its user may do.
    pub(crate) fn configure(&mut self, config: &str, user: &str) {
        let users = self.data.path().join("users.xml");
        let user =
            format!("<password></password><networks><ip>::/0</ip></networks><profile>default</profile>{user}");
        let user = format!("<users><default>{user}<quota>default</quota></default></users>");
        let rest = "<profiles><default/></profiles><quotas><default/></quotas>";
        std::fs::write(&users, format!("<clickhouse>{user}{rest}</clickhouse>")).unwrap();
        let config = format!("<clickhouse>{config}<users_config>{}</users_config></clickhouse>", users.display());
        std::fs::write(self.data.path().join("config.xml"), config).unwrap();
        self.configured = true;
        self.end();
        self.restart();
    }

    fn end(&mut self) {
        // Its input ends, and it closes its folder in order.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }

    /// The database of the test on it.
    pub(crate) fn server(&self) -> Server {
        let target = ClickHouseTarget::parse(&format!("clickhouse://{}/test", self.address)).unwrap();
        Server { target, _engine: None, ours: false }
    }

    /// Ends it at once, as a power cut does for the process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same folder, at another port.
    pub(crate) fn restart(&mut self) {
        (self.child, self.address) = launch(&self.library, self.data.path(), self.configured);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

fn launch(library: &Path, data: &Path, configured: bool) -> (Child, SocketAddr) {
    let mut front = Command::new(env!("CARGO_BIN_EXE_chdb-front"));
    front.arg(library).arg(data.join("engine"));
    if configured {
        front.arg("0").arg(data.join("config.xml"));
    }
    front.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = front.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().parse().unwrap_or_else(|_| panic!("the engine does not start: {line}"));
    (child, address)
}

fn library() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_chdb-front")).ancestors().nth(2).unwrap().join(ENGINE_FOLDER);
    let library = std::env::var_os(ENGINE).map_or(beside, PathBuf::from);
    if library.exists() {
        return Some(library);
    }
    let why = format!("no ClickHouse engine at {}: tests/clickhouse/fetch.sh brings it", library.display());
    assert!(std::env::var_os("SHADOWTAP_CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// Everything that a report can ask of a store, as text.
pub(crate) fn answers(store: &dyn Store) -> String {
    let window = ingest::time::Window { from: 0, to: crate::sample::MONDAY + 400 * crate::sample::DAY };
    format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:?}",
        store.usage("", window).unwrap(),
        store.first_seen("", window.to).unwrap(),
        store.lookups("", window).unwrap(),
        store.ledger("", window).unwrap(),
        store.tallies("", window).unwrap(),
        store.candidates("", window).unwrap(),
        store.device_names("", window).unwrap(),
        store.newest("", None).unwrap(),
    )
}
