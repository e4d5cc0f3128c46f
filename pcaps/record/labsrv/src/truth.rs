//! The truth log: one JSON line per connection, request and DNS question, as the server saw it.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::Serialize;

/// Microseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// An open log file; lines are written whole.
pub struct Log(Mutex<File>);

impl Log {
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self(Mutex::new(File::create(path)?)))
    }

    fn write(&self, line: &impl Serialize) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = file.write_all(&text) {
            eprintln!("truth log: {e}");
        }
    }

    pub fn dns(&self, question: &Question<'_>) {
        self.write(question);
    }

    pub fn media(&self, line: &Media) {
        self.write(line);
    }
}

/// One DNS question.
#[derive(Serialize)]
pub struct Question<'a> {
    pub t: &'static str,
    pub ts: u64,
    pub client: String,
    pub client_port: u16,
    pub transport: &'static str,
    pub name: &'a str,
    pub qtype: String,
    pub rcode: &'static str,
    pub answers: u16,
}

/// One connection. It is logged when the last holder lets go of it.
pub struct Conn {
    log: Arc<Log>,
    ends: Ends,
    start: u64,
    requests: AtomicU64,
}

/// Who speaks with whom, and over what.
#[derive(Clone, Serialize)]
pub struct Ends {
    pub client: String,
    pub client_port: u16,
    pub server: String,
    pub server_port: u16,
    /// `tls`, `quic`, `http` or `media`.
    pub proto: &'static str,
    pub sni: Option<String>,
    pub alpn: Option<String>,
}

impl Ends {
    pub fn new(client: SocketAddr, server: SocketAddr, proto: &'static str) -> Self {
        Self {
            client: client.ip().to_canonical().to_string(),
            client_port: client.port(),
            server: server.ip().to_canonical().to_string(),
            server_port: server.port(),
            proto,
            sni: None,
            alpn: None,
        }
    }
}

#[derive(Serialize)]
struct ConnLine<'a> {
    t: &'static str,
    #[serde(flatten)]
    ends: &'a Ends,
    requests: u64,
    start: u64,
    end: u64,
}

impl Conn {
    pub fn open(log: Arc<Log>, ends: Ends) -> Arc<Self> {
        Self::open_since(log, ends, now())
    }

    pub fn open_since(log: Arc<Log>, ends: Ends, start: u64) -> Arc<Self> {
        Arc::new(Self { log, ends, start, requests: AtomicU64::new(0) })
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let requests = self.requests.load(Ordering::Relaxed);
        let line = ConnLine { t: "conn", ends: &self.ends, requests, start: self.start, end: now() };
        self.log.write(&line);
    }
}

/// Sound over UDP with one client: datagrams and their payload bytes.
#[derive(Serialize)]
pub struct Media {
    t: &'static str,
    #[serde(flatten)]
    ends: Ends,
    pub packets_up: u64,
    pub packets_down: u64,
    pub up: u64,
    pub down: u64,
    start: u64,
    pub end: u64,
}

impl Media {
    pub fn new(ends: Ends) -> Self {
        let start = now();
        Self { t: "media", ends, packets_up: 0, packets_down: 0, up: 0, down: 0, start, end: start }
    }
}

/// One request in the making: `up` and `down` are body bytes, without headers, without TLS.
#[derive(Serialize)]
pub struct Exchange {
    t: &'static str,
    #[serde(flatten)]
    ends: Ends,
    pub host: String,
    pub version: &'static str,
    pub method: String,
    pub path: String,
    pub kind: &'static str,
    /// Requests for an answer; a WebSocket carries many.
    pub prompts: u64,
    pub up: u64,
    pub down: u64,
    pub start: u64,
    end: u64,
    #[serde(skip)]
    conn: Arc<Conn>,
}

impl Exchange {
    pub fn begin(conn: &Arc<Conn>, version: &'static str, head: &http::request::Parts) -> Self {
        conn.requests.fetch_add(1, Ordering::Relaxed);
        let from_header = head.headers.get(http::header::HOST).and_then(|h| h.to_str().ok());
        let host = head.uri.authority().map(|a| a.as_str()).or(from_header).unwrap_or_default();
        Self {
            t: "req",
            ends: conn.ends.clone(),
            host: host.to_ascii_lowercase(),
            version,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            kind: "browse",
            prompts: 0,
            up: 0,
            down: 0,
            start: now(),
            end: 0,
            conn: conn.clone(),
        }
    }

    pub fn finish(mut self) {
        self.end = now();
        self.conn.log.write(&self);
    }
}
