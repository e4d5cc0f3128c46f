//! The heads of cleartext HTTP/1 messages (RFC 9112): a request's Host and path, an answer's Server field. Nothing of
//! them is kept but the host; a path is compared with known ones and forgotten.

use super::{Parse, clean_name};

/// A request head longer than this is given up: servers refuse them from 8 KiB on.
const MAX_HEAD: usize = 16 << 10;

/// The longest method that is seen is BASELINE-CONTROL (RFC 3253).
const MAX_METHOD: usize = 24;

/// What a request head tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Host without port: lower case, no final dot; absent when the request has none.
    pub host: Option<String>,
}

/// What the head of an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status code; 0 when the status line has none.
    pub status: u16,
    /// The Server field; absent when the answer has none, or the segment ends before it.
    pub server: Option<&'a str>,
    /// What is there of the body.
    pub body: &'a [u8],
}

/// The path of the request line at the start of `stream`, without its query. `None` while the path is not whole, and
/// for the forms that proxies are asked in.
pub fn path(stream: &[u8]) -> Option<&str> {
    let target = stream.get(method(stream)?.saturating_add(1)..)?;
    let end = target.iter().position(|b| matches!(b, b' ' | b'?' | b'\r' | b'\n'))?;
    let path = target.get(..end).filter(|path| path.starts_with(b"/") && path.is_ascii())?;
    std::str::from_utf8(path).ok()
}

impl Answer<'_> {
    /// True for `100 Continue` and the like: the answer itself is still to come (RFC 9110 section 15.2).
    pub fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// True when the server did what it was asked, a switch of protocols included.
    pub fn is_success(&self) -> bool {
        matches!(self.status, 101 | 200..=299)
    }
}

/// True when the request at the start of `stream` brings a body, by its method and its head.
pub fn posts(stream: &[u8]) -> bool {
    let mut fields = Lines { rest: stream }.skip(1).take_while(|line| !line.is_empty());
    let brings = |line: &[u8]| {
        let length =
            field(line, b"content-length").is_some_and(|value| value.iter().any(|b| (b'1'..=b'9').contains(b)));
        length || field(line, b"transfer-encoding").is_some()
    };
    stream.starts_with(b"POST ") && fields.any(brings)
}

/// Reads as much of an answer's head as stands at the start of `stream`; `None` when that is no answer. Interim answers
/// before it are passed over.
pub fn answer(stream: &[u8]) -> Option<Answer<'_>> {
    let mut answer = head(stream)?;
    while answer.is_interim() {
        match head(answer.body) {
            Some(next) => answer = next,
            None => break,
        }
    }
    Some(answer)
}

fn head(stream: &[u8]) -> Option<Answer<'_>> {
    let mut lines = Lines { rest: stream };
    let status = status(lines.next()?)?;
    let mut server = None;
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        if let Some(value) = field(line, b"server") {
            server = std::str::from_utf8(value).ok();
        }
    }
    Some(Answer { status, server, body: lines.rest })
}

/// The code of a status line; `None` when the line is none.
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let code = rest.split(|&b| b == b' ').nth(1).filter(|code| code.len() == 3);
    Some(code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).unwrap_or(0))
}

/// Reads the request head at the start of a client's stream. Lines that were read are not read again.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// Where the first line begins that was not whole at the last look.
    line: usize,
    /// For a CONNECT, the host of its request line: the Host field may be missing there.
    target: Option<String>,
}

impl HeadReader {
    /// Reads on; `stream` begins with the request line each time.
    pub fn read(&mut self, stream: &[u8]) -> Parse<Request> {
        let stream = behind_empty_lines(stream);
        if !stream.is_empty() && !may_begin_request(stream) {
            return Parse::NotMine;
        }
        loop {
            let mut lines = Lines { rest: stream.get(self.line..).unwrap_or_default() };
            let Some(line) = lines.next() else { break };
            if self.line == 0 {
                if !is_request_line(line) {
                    return Parse::NotMine;
                }
                self.target = connect_target(line);
            } else if line.is_empty() {
                return Parse::Done(Request { host: self.target.take() });
            } else if let Some(value) = field(line, b"host") {
                return Parse::Done(Request { host: host(value).or(self.target.take()) });
            }
            self.line = stream.len().saturating_sub(lines.rest.len());
        }
        if stream.len() > MAX_HEAD { Parse::Malformed } else { Parse::More }
    }

    /// True when the request line was read.
    pub fn has_begun(&self) -> bool {
        self.line > 0
    }
}

/// The request head at the start of a whole stream.
pub fn request(stream: &[u8]) -> Parse<Request> {
    HeadReader::default().read(stream)
}

/// True when a segment begins a request: its first line is whole and ends as one does.
pub fn begins_request(segment: &[u8]) -> bool {
    let segment = behind_empty_lines(segment);
    method(segment).is_some() && Lines { rest: segment }.next().is_some_and(is_request_line)
}

/// What follows the request at the start of a segment, when that is another one: clients that keep a connection need not
/// wait for the answer (RFC 9112 section 9.3.2). `None` when not all of the first one is there.
pub fn behind_request(segment: &[u8]) -> Option<&[u8]> {
    let mut lines = Lines { rest: behind_empty_lines(segment) };
    lines.next().filter(|line| is_request_line(line) && !line.starts_with(b"CONNECT "))?;
    let mut body = 0;
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            return lines.rest.get(body..).filter(|rest| begins_request(rest));
        }
        if field(line, b"transfer-encoding").is_some() {
            return None;
        }
        if let Some(length) = field(line, b"content-length") {
            body = std::str::from_utf8(length).ok()?.parse().ok()?;
        }
    }
}

/// True when nothing in a stream, however short, speaks against a request: it begins with a method as far as it goes.
pub fn may_begin_request(stream: &[u8]) -> bool {
    let stream = behind_empty_lines(stream);
    if stream.is_empty() || stream == b"\r" {
        return true;
    }
    let length = method_length(stream);
    length > 0 && (length == stream.len() || method(stream).is_some())
}

/// What stands behind empty lines: a server passes over those that a client puts between two requests (RFC 9112 section
/// 2.2). Some clients end a body with one.
fn behind_empty_lines(stream: &[u8]) -> &[u8] {
    let (first, behind) = stream.split_first_chunk().unwrap_or((b"  ", stream));
    if first == b"\r\n" { behind.strip_prefix(b"\r\n").unwrap_or(behind) } else { stream }
}

/// The length of the method at the start, when a space follows it. Methods are many (WebDAV, UPnP, Exchange), and nearly
/// all are upper case: the version at the end of the line tells requests from the words of other protocols.
fn method(stream: &[u8]) -> Option<usize> {
    let length = method_length(stream);
    (length > 0 && stream.get(length) == Some(&b' ')).then_some(length)
}

fn method_length(stream: &[u8]) -> usize {
    let of_method = |b: &&u8| b.is_ascii_uppercase() || matches!(b, b'-' | b'_');
    let length = stream.iter().take(MAX_METHOD.saturating_add(1)).take_while(of_method).count();
    if length > MAX_METHOD || stream.first().is_some_and(|b| !b.is_ascii_uppercase()) { 0 } else { length }
}

/// True when a stream is a server's: it begins with the status line of an answer.
pub fn is_answer(stream: &[u8]) -> bool {
    stream.starts_with(b"HTTP/1.")
}

/// The same, and its code is there: the end of a request line is no answer.
pub fn tells_status(stream: &[u8]) -> bool {
    let code = stream.get(8..12).and_then(|rest| rest.strip_prefix(b" "));
    is_answer(stream) && code.is_some_and(|code| code.iter().all(u8::is_ascii_digit))
}

/// The host that a CONNECT asks for (RFC 9112 section 3.2.3).
fn connect_target(line: &[u8]) -> Option<String> {
    host(line.strip_prefix(b"CONNECT ")?.split(|&b| b == b' ').next()?)
}

/// Lines that end in CRLF or, as RFC 9112 section 2.2 lets a recipient accept, in LF alone.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&b| b == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn is_request_line(line: &[u8]) -> bool {
    line.trim_ascii_end().rsplit(|&b| b == b' ').next().is_some_and(|version| version.starts_with(b"HTTP/1."))
}

/// The value of a header line when its name is `name` (lower case).
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let colon = line.iter().position(|&b| b == b':')?;
    let (found, value) = line.split_at_checked(colon)?;
    found.trim_ascii_end().eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
}

/// A Host value without port; the brackets of an IPv6 literal go as well.
fn host(value: &[u8]) -> Option<String> {
    if let Some(literal) = value.strip_prefix(b"[") {
        return clean_name(literal.split(|&b| b == b']').next().unwrap_or_default());
    }
    let mut parts = value.rsplitn(2, |&b| b == b':');
    let (last, first) = (parts.next().unwrap_or_default(), parts.next());
    match first {
        Some(name) if !name.contains(&b':') && last.iter().all(u8::is_ascii_digit) => clean_name(name),
        _ => clean_name(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(stream: &str) -> Parse<Request> {
        request(stream.as_bytes())
    }

    #[test]
    fn host_with_port_case_and_dot() {
        for value in ["Example.COM", "example.com:8080", "example.com.", " example.com \t"] {
            let stream = format!("GET / HTTP/1.1\r\nAccept: */*\r\nhOsT:{value}\r\n\r\n");
            assert_eq!(host_of(&stream), Parse::Done(Request { host: Some("example.com".into()) }), "{value}");
        }
        let v6 = Parse::Done(Request { host: Some("2001:db8::1".into()) });
        assert_eq!(host_of("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n"), v6);
    }

    #[test]
    fn every_truncation_waits() {
        let stream = "POST /a HTTP/1.1\r\nX: 1\r\nHost: a.example\r\n";
        for end in 0..stream.len() - 1 {
            assert_eq!(host_of(&stream[..end]), Parse::More, "{end}");
        }
    }

    #[test]
    fn methods_are_many() {
        for method in ["GET", "M-SEARCH", "BASELINE-CONTROL", "RPC_IN_DATA", "SUBSCRIBE"] {
            let stream = format!("{method} /a HTTP/1.1\r\nHost : a.example\r\n\r\n");
            assert_eq!(host_of(&stream), Parse::Done(Request { host: Some("a.example".into()) }), "{method}");
            assert!(begins_request(stream.as_bytes()));
        }
        for other in [
            "EHLO a.example\r\n",
            "get / HTTP/1.1\r\n",
            "-A / HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n\r\n",
            "INVITE sip:a SIP/2.0\r\n",
        ] {
            assert_eq!(host_of(other), Parse::NotMine, "{other}");
        }
        assert_eq!(request(&[b'A'; MAX_METHOD + 1]), Parse::NotMine);
    }

    #[test]
    fn lines_are_read_once() {
        let stream = b"POST /a HTTP/1.1\r\nX: 1\r\nHost: a.example\r\n";
        let mut reader = HeadReader::default();
        for end in 0..stream.len() {
            assert_eq!(reader.read(&stream[..end]), Parse::More, "{end}");
        }
        assert_eq!(reader.line, 24);
        assert_eq!(reader.read(stream), Parse::Done(Request { host: Some("a.example".into()) }));
    }

    #[test]
    fn what_servers_pass_over() {
        let named = Parse::Done(Request { host: Some("a.example".into()) });
        for line in ["\r\nGET / HTTP/1.1", "\r\n\r\nGET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1\t"] {
            let stream = format!("{line}\r\nHost: a.example\r\n\r\n");
            assert!(begins_request(stream.as_bytes()), "{line:?}");
            for end in 0..stream.len() {
                assert!(may_begin_request(&stream.as_bytes()[..end]), "{line:?}, {end}");
            }
            let mut reader = HeadReader::default();
            let read =
                (0..stream.len()).map(|end| reader.read(&stream.as_bytes()[..end])).find(|it| *it != Parse::More);
            assert_eq!(read, Some(named.clone()), "{line:?}");
        }
        assert!(!begins_request(b"\r\n\r\n\r\nGET / HTTP/1.1\r\n"));
    }

    #[test]
    fn what_follows_a_request_is_another_one_or_nothing() {
        let second = "GET /b HTTP/1.1\r\n";
        let behind = |first: &str| behind_request(format!("{first}{second}").as_bytes()).is_some();
        for first in
            ["GET / HTTP/1.1\r\n\r\n", "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "GET / HTTP/1.1\n\n\r\n"]
        {
            assert!(behind(first), "{first:?}");
        }
        for first in [
            "",
            "GET / HTTP/1.1\r\nX: 1\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "CONNECT a:80 HTTP/1.1\r\n\r\n",
        ] {
            assert!(!behind(first), "{first:?}");
        }
    }

    #[test]
    fn a_host_that_no_server_can_have_is_none() {
        let of = |length: usize| host_of(&format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(length)));
        assert!(matches!(of(255), Parse::Done(Request { host: Some(host) }) if host.len() == 255));
        assert_eq!(of(256), Parse::Done(Request { host: None }));
    }

    #[test]
    fn a_connect_names_its_host_twice_or_once() {
        let target = Parse::Done(Request { host: Some("a.example".into()) });
        assert_eq!(host_of("CONNECT A.example:443 HTTP/1.1\r\nX: 1\r\n\r\n"), target);
        assert_eq!(host_of("CONNECT b.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"), target);
        assert_eq!(host_of("GET http://a.example/ HTTP/1.0\r\n\r\n"), Parse::Done(Request { host: None }));
    }

    #[test]
    fn a_path_is_whole_or_not_there() {
        assert_eq!(path(b"POST /api/chat HTTP/1.1\r\n"), Some("/api/chat"));
        assert_eq!(path(b"GET /v1/models?limit=1 HTTP/1.1\r\n"), Some("/v1/models"));
        for none in ["POST /api/ch", "GET http://a.example/ HTTP/1.1", "CONNECT a.example:443 HTTP/1.1", "SSH-2.0"]
        {
            assert_eq!(path(none.as_bytes()), None, "{none}");
        }
        assert_eq!(path("GET /\u{fc} HTTP/1.1".as_bytes()), None);
    }

    #[test]
    fn an_answer_names_its_server_and_shows_its_body() {
        let stream = b"HTTP/1.1 200 OK\r\nserver: llama.cpp\r\nX: 1\r\n\r\nbody";
        assert_eq!(answer(stream), Some(Answer { status: 200, server: Some("llama.cpp"), body: b"body" }));
        let plain = Answer { status: 404, server: None, body: b"" };
        assert_eq!(answer(b"HTTP/1.1 404 Not Found\r\nX: 1\r\n\r\n"), Some(plain));
        assert_eq!(answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\r\n"), Some(plain));
        assert!(answer(b"HTTP/1.1 100 Continue\r\n\r\n").is_some_and(|answer| answer.is_interim()));
        for odd in ["HTTP/1.1\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 +20 OK\r\n", "HTTP/1.1 abc\r\n\r\n"] {
            assert!(answer(odd.as_bytes()).is_some_and(|answer| !answer.is_success()), "{odd}");
        }
        assert_eq!(answer(b"{\"a\": 1}\n"), None);
        for end in 0..stream.len() {
            let server = answer(&stream[..end]).and_then(|answer| answer.server);
            assert_eq!(server.is_some(), end >= 36, "{end}");
        }
    }

    #[test]
    fn a_post_with_a_body() {
        assert!(posts(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
        assert!(posts(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n"));
        assert!(!posts(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"));
        assert!(!posts(b"POST / HTTP/1.1\r\n\r\nContent-Length: 5\r\n"));
        assert!(!posts(b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"));
    }

    #[test]
    fn other_protocols_are_not_waited_for() {
        assert_eq!(host_of("SSH-2.0-x\r\n"), Parse::NotMine);
        assert_eq!(host_of("GET the paper\r\n"), Parse::NotMine);
        assert_eq!(request(&[0x16, 3, 1]), Parse::NotMine);
    }

    #[test]
    fn a_request_without_host_has_no_name() {
        assert_eq!(host_of("GET / HTTP/1.0\r\n\r\n"), Parse::Done(Request { host: None }));
    }
}
