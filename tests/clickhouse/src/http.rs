//! As much of HTTP/1.1 as ClickHouse clients speak: POST and GET, bodies by length or in chunks, connections kept.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

/// A request, its body complete. A client that breaks off in the middle of one gets no answer, and nothing is run.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The fields of the query string, decoded, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// Headers by lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// The client wants the connection to end with the answer.
    pub(crate) last: bool,
}

impl Request {
    /// A field of the query string.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// A response.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// Exception code; 0 when all went well.
    pub(crate) code: u32,
    /// `Content-Encoding`, when the body has one.
    pub(crate) encoding: Option<&'static str>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// The next request; none when the client closes the connection between two.
pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(first) = line(reader)? else { return Ok(None) };
    let target = first.split(' ').nth(1).unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let mut request = Request { fields: fields(query), ..Request::default() };
    loop {
        let header = line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        request.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    request.last = first.ends_with("HTTP/1.0") || request.header("connection") == "close";
    if request.header("transfer-encoding") == "chunked" {
        while chunk(reader, &mut request.body)? {}
    } else {
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
    }
    Ok(Some(request))
}

/// Writes a response; the connection stays open.
pub(crate) fn write(writer: &mut impl Write, response: &Response) -> io::Result<()> {
    let status = if response.code == 0 { "200 OK" } else { "500 Internal Server Error" };
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", response.body.len());
    if response.code != 0 {
        head.push_str(&format!("X-ClickHouse-Exception-Code: {}\r\n", response.code));
    }
    if let Some(encoding) = response.encoding {
        head.push_str(&format!("Content-Encoding: {encoding}\r\n"));
    }
    head.push_str("\r\n");
    writer.write_all(&[head.as_bytes(), &response.body].concat())
}

fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    if reader.read_line(&mut text)? == 0 {
        return Ok(None);
    }
    if !text.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Appends the next chunk; false after the last one.
fn chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let size = line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
        .map_err(|_| io::Error::other("a chunk without its size"))?;
    let start = body.len();
    body.resize(start + size, 0);
    reader.read_exact(body.get_mut(start..).unwrap_or_default())?;
    line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(size > 0)
}

fn fields(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (decode(a), decode(b))).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                let hex = std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(hex.unwrap_or(b'?'));
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
