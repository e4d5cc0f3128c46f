//! What every host of the lab answers: pages with sub-resources, chats, uploads, telemetry.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};

use crate::answers;
use crate::truth::Exchange;

/// How much of a request body is kept to see whether the client wants a stream.
const KEPT: usize = 256 * 1024;

/// The request body: counted in full, kept only at its start.
#[derive(Default)]
pub struct Received {
    pub bytes: u64,
    pub start: Vec<u8>,
}

impl Received {
    pub fn take(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        let room = KEPT.saturating_sub(self.start.len()).min(data.len());
        self.start.extend_from_slice(&data[..room]);
    }
}

/// A response: its parts are sent one after the other, each after its pause.
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    pub parts: Vec<(Duration, Bytes)>,
}

impl Reply {
    pub fn whole(content_type: &'static str, data: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type, parts: vec![(Duration::ZERO, data.into())] }
    }

    pub fn stream(content_type: &'static str, parts: Vec<(Duration, Bytes)>) -> Self {
        Self { status: StatusCode::OK, content_type, parts }
    }

    /// Taken, and nothing to say.
    pub fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: "text/plain", parts: Vec::new() }
    }

    pub fn head(&self) -> Response<()> {
        let mut head = Response::new(());
        *head.status_mut() = self.status;
        let value = http::HeaderValue::from_static(self.content_type);
        head.headers_mut().insert(header::CONTENT_TYPE, value);
        // Pages of two sites share code, and one uploads to the other.
        for open in [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_ALLOW_METHODS] {
            head.headers_mut().insert(open, http::HeaderValue::from_static("*"));
        }
        head
    }
}

/// Answers a request and notes in `exchange` what kind it was.
pub fn reply(exchange: &mut Exchange, received: &Received) -> Reply {
    exchange.up = received.bytes;
    let (path, host) = (exchange.path.as_str(), exchange.host.as_str());
    let is_any = |words: &[&str]| words.iter().any(|w| path.contains(w));
    let (kind, reply) = match exchange.method.as_str() {
        "PUT" => ("upload", accepted(received)),
        "POST" if is_any(&["/upload", "/files", "/backup"]) => ("upload", accepted(received)),
        "POST" if is_any(&["telemetry", "rgstr", "/events"]) => {
            ("telemetry", Reply::whole("application/json", "{\"success\":true}"))
        }
        "POST" if is_any(&["/event_logging", "/log_event", "/ces/"]) => ("telemetry", Reply::empty()),
        "POST" if is_any(&["/prepare"]) => ("browse", Reply::whole("application/json", token(host))),
        "POST" if is_any(&["/mail/"]) => ("browse", Reply::whole("application/json", "{\"sent\":true}")),
        "POST" => {
            exchange.prompts = 1;
            (asker(host), answers::answer(path, received))
        }
        _ if path.ends_with("/heartbeat") => ("browse", Reply::empty()),
        _ => ("browse", page_or_asset(host, path)),
    };
    exchange.kind = kind;
    reply
}

/// Prompts to an API come from programs, those to a site from its page.
pub fn asker(host: &str) -> &'static str {
    if host.starts_with("api.") { "api" } else { "chat" }
}

/// What a page fetches before it may send a prompt.
fn token(host: &str) -> String {
    format!("{{\"token\":\"{}\"}}", answers::prose(1_300, spread(host, "token")))
}

fn accepted(received: &Received) -> Reply {
    Reply::whole("application/json", format!("{{\"received\":{}}}", received.bytes))
}

fn page_or_asset(host: &str, path: &str) -> Reply {
    let size = |low: usize, high: usize| low + (spread(host, path) as usize) % (high - low);
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("js") => Reply::whole("text/javascript", code(size(18_000, 46_000))),
        Some("css") => Reply::whole("text/css", code(size(4_000, 12_000))),
        Some("png" | "ico") => Reply::whole("image/png", noise(size(2_000, 9_000), spread(host, path))),
        _ => Reply::whole("text/html; charset=utf-8", page(host)),
    }
}

fn page(host: &str) -> String {
    // The news site keeps its assets on a second host, as such sites do.
    let assets = if host == "news.example" { "https://static.news.example" } else { "" };
    let body = answers::prose(2_400, spread(host, "/"));
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>{host}</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{assets}/assets/main.css\">\
         <script src=\"{assets}/assets/vendor.js\" defer></script><script src=\"{assets}/assets/app.js\" defer></script>\
         </head><body><img src=\"{assets}/assets/logo.png\" alt=\"\"><p>{body}</p></body></html>"
    )
}

/// A number that differs between sites and stays the same between runs (FNV-1a).
fn spread(host: &str, path: &str) -> u32 {
    host.bytes().chain(path.bytes()).fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Text that a browser takes as a script or as a style sheet: one long comment.
fn code(size: usize) -> String {
    format!("/*{}*/", answers::prose(size, size as u32))
}

/// One packet of sound, 80 to 160 bytes; `state` makes the next one another.
pub fn sound(state: &mut u32) -> Vec<u8> {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    noise(80 + (*state >> 8) as usize % 81, *state)
}

pub fn noise(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect()
}
