//! A small HTTP server: GET and HEAD of a few paths, one request per connection, everything bounded. Whoever is slow or
//! hostile loses its connection; nothing that it does reaches the sensor.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

/// Connections at a time: a scraper or two, a monitor, a person.
const CONNECTIONS: usize = 32;
/// From the first byte of a connection to its last: a page is a few kilobytes to this machine.
const SPAN: Duration = Duration::from_secs(5);
/// The head of a request; it is some hundred bytes.
const HEAD: usize = 8 << 10;
/// Fields in it.
const FIELDS: usize = 64;
/// After a failed accept: out of descriptors, most likely.
const BREATH: Duration = Duration::from_millis(100);

/// What a path answers.
pub(super) struct Answer {
    pub(super) well: bool,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// Answers a path; nothing where there is no such page.
pub(super) type Pages = Arc<dyn Fn(&str) -> Option<Answer> + Send + Sync>;

/// Serves on a thread of its own, which ends with the process.
pub(super) fn serve(listener: TcpListener, pages: Pages) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let names = if listener.local_addr()?.ip().is_loopback() { Names::Own } else { Names::Any };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let work = move || {
        runtime.block_on(async {
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                accept(listener, pages, names).await;
            }
        });
    };
    thread::Builder::new().name("health".to_owned()).spawn(work).map(drop)
}

async fn accept(listener: tokio::net::TcpListener, pages: Pages, names: Names) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed: the loop goes on until the process ends.
    while let Ok(place) = room.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let pages = pages.clone();
        tokio::spawn(async move {
            let answering = service_fn(|request| {
                let answer = answer(&request, &pages, names);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(SPAN).max_buf_size(HEAD).max_headers(FIELDS);
            let served = http.keep_alive(false).serve_connection(TokioIo::new(stream), answering);
            // What goes wrong on a connection is its client's concern.
            let _ = tokio::time::timeout(SPAN, served).await;
            drop(place);
        });
    }
}

/// Which names of this server are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Addresses and `localhost`. A browser on this machine may show a page whose own name was made to point here
    /// (DNS rebinding); it would read the numbers in that name, and could not in these.
    Own,
    /// Whatever scrapers call it.
    Any,
}

impl Names {
    fn has(self, request: &Request<Incoming>) -> bool {
        let Some(host) = request.headers().get(HOST).filter(|_| self == Self::Own) else { return true };
        let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        authority.is_some_and(|authority| {
            let name = authority.host().trim_start_matches('[').trim_end_matches(']');
            name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
        })
    }
}

fn answer(request: &Request<Incoming>, pages: &Pages, names: Names) -> Response<Full<Bytes>> {
    if !names.has(request) {
        return plain(StatusCode::MISDIRECTED_REQUEST, "ask for this by an address, or as localhost\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let Some(page) = pages(request.uri().path()) else {
        return plain(StatusCode::NOT_FOUND, "there are /healthz and /metrics\n");
    };
    let status = if page.well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(status, page.content_type, page.body.into())
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    use super::*;

    fn started() -> SocketAddr {
        at("127.0.0.1:0")
    }

    fn at(address: &str) -> SocketAddr {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let page = |path: &str| {
            (path == "/well" || path == "/ill").then(|| Answer {
                well: path == "/well",
                content_type: "text/plain",
                body: "a page\n".to_owned(),
            })
        };
        serve(listener, Arc::new(page)).unwrap();
        address
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        // Who is refused may have been hung up on already.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(address: SocketAddr, path: &str) -> String {
        ask(address, format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes())
    }

    #[test]
    fn pages_are_answered_and_everything_else_is_refused() {
        let address = started();
        let well = get(address, "/well?x=1");
        assert!(well.starts_with("HTTP/1.1 200 OK\r\n") && well.ends_with("\r\n\r\na page\n"), "{well}");
        assert!(get(address, "/ill").starts_with("HTTP/1.1 503 "));
        assert!(get(address, "/../etc/passwd").starts_with("HTTP/1.1 404 "));
        assert!(ask(address, b"POST /well HTTP/1.1\r\nhost: localhost\r\n\r\n").starts_with("HTTP/1.1 405 "));
        let head = ask(address, b"HEAD /well HTTP/1.0\r\n\r\n");
        assert!(head.starts_with("HTTP/1.0 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    }

    /// What a page of `evil.example` asks once that name points to this machine.
    #[test]
    fn no_page_of_a_browser_reads_numbers_under_its_own_name() {
        let named =
            |address, host: &str| ask(address, format!("GET /well HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
        let address = started();
        for host in ["evil.example:9430", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(named(address, host).starts_with("HTTP/1.1 421 "), "{host}");
        }
        for host in ["localhost:9430", "LOCALHOST", "127.0.0.1", "[::1]:9430"] {
            assert!(named(address, host).starts_with("HTTP/1.1 200 "), "{host}");
        }
        // Who opened it to others calls it what they like.
        let open = SocketAddr::from(([127, 0, 0, 1], at("0.0.0.0:0").port()));
        assert!(named(open, "sensor.intranet.example:9430").starts_with("HTTP/1.1 200 "));
    }

    #[test]
    fn rubbish_and_endless_heads_end_in_an_error() {
        let address = started();
        assert!(ask(address, b"\x16\x03\x01\x02\x00\x01\xff\r\n\r\n").starts_with("HTTP/1.1 400 "));
        let long = [b"GET /well HTTP/1.1\r\nx: ".as_slice(), &[b'a'; 2 * HEAD]].concat();
        assert!(!ask(address, &long).contains(" 200 "));
        let many = format!("GET /well HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS + 1));
        assert!(!ask(address, many.as_bytes()).contains(" 200 "));
        assert!(get(address, "/well").contains(" 200 "));
    }

    /// More clients than there is room for send half a head and stay. They lose their places, and others are served.
    #[test]
    fn clients_that_say_nothing_keep_nobody_out() {
        let address = started();
        let slow: Vec<TcpStream> = (0..CONNECTIONS + 8)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"GET /well HT").unwrap();
                stream
            })
            .collect();
        assert!(get(address, "/well").contains(" 200 "));
        drop(slow);
    }
}
