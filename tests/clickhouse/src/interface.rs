//! ClickHouse's HTTP interface: where a request carries its statement, settings, parameters and rows.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::compression::{frame, unframe};
use crate::engine::{Engine, Exception};
use crate::http::{Request, Response};

/// Fields of the query string that are no settings of the query.
const OURS: [&str; 8] =
    ["query", "database", "default_format", "decompress", "query_id", "wait_end_of_query", "user", "password"];

/// Runs what a request asks for.
pub(crate) fn answer(engine: &mut Engine, request: &Request) -> Response {
    match run(engine, request) {
        Ok(body) if request.header("accept-encoding").contains("lz4") => match frame(&body) {
            Ok(body) => Response { encoding: Some("lz4"), body, ..Response::default() },
            Err(error) => refused(&Exception(error.to_string())),
        },
        Ok(body) => Response { body, ..Response::default() },
        Err(exception) => refused(&exception),
    }
}

fn refused(exception: &Exception) -> Response {
    // 1002 is ClickHouse's code for what has no code.
    let code = if exception.code() == 0 { 1002 } else { exception.code() };
    Response { code, body: format!("{exception}\n").into_bytes(), ..Response::default() }
}

fn run(engine: &mut Engine, request: &Request) -> Result<Vec<u8>, Exception> {
    let call = Call::of(request).map_err(|e| Exception(e.to_string()))?;
    engine.query(&format!("USE {}", identifier(request.field("database").unwrap_or("default"))), "TSV")?;
    let set: Vec<String> =
        call.settings.iter().map(|(name, value)| format!("{name} = {}", literal(value))).collect();
    if !set.is_empty() {
        engine.query(&format!("SET {}", set.join(", ")), "TSV")?;
    }
    let result = match &call.rows {
        Some(rows) => insert(engine, &call.sql, rows),
        None => engine.query(&call.sql, request.field("default_format").unwrap_or("TabSeparated")),
    };
    // The engine has one session: what this request set must not reach the next.
    let names = call.settings.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("param_"));
    let reset: Vec<String> = names.map(|name| format!("{name} = DEFAULT")).collect();
    if !reset.is_empty() {
        engine.query(&format!("SET {}", reset.join(", ")), "TSV")?;
    }
    result
}

/// A statement with what belongs to it.
struct Call {
    sql: String,
    settings: Vec<(String, String)>,
    rows: Option<Vec<u8>>,
}

impl Call {
    fn of(request: &Request) -> io::Result<Self> {
        let mut settings: Vec<_> =
            request.fields.iter().filter(|(name, _)| !OURS.contains(&name.as_str())).cloned().collect();
        let (mut sql, mut rows) = (String::new(), None);
        if let Some(boundary) = request.header("content-type").split("boundary=").nth(1) {
            for (name, value) in parts(&String::from_utf8_lossy(&request.body), boundary) {
                match name.as_str() {
                    "query" => sql = value,
                    _ => settings.push((name, value)),
                }
            }
        } else if let Some(query) = request.field("query") {
            sql = query.to_owned();
            let packed = request.field("decompress") == Some("1");
            rows = Some(if packed { unframe(&request.body)? } else { request.body.clone() });
        } else {
            sql = String::from_utf8_lossy(&request.body).into_owned();
        }
        let inserts = sql.trim_start().to_uppercase().starts_with("INSERT");
        Ok(Self { sql, settings, rows: rows.filter(|_| inserts) })
    }
}

/// The fields of a multipart form.
fn parts(body: &str, boundary: &str) -> Vec<(String, String)> {
    let part = |text: &str| {
        let (head, value) = text.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        Some((name.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
    };
    body.split(&format!("--{boundary}")).filter_map(part).collect()
}

/// The library cuts rows that stand inside a statement, so they come as a file that has no name.
fn insert(engine: &mut Engine, sql: &str, rows: &[u8]) -> Result<Vec<u8>, Exception> {
    let Some((head, format)) = sql.rsplit_once(" FORMAT ") else { return engine.query(sql, "TSV") };
    let file = || -> io::Result<File> {
        let mut file = File::from(memfd_create("rows", MemfdFlags::CLOEXEC)?);
        file.write_all(rows)?;
        file.rewind()?;
        Ok(file)
    };
    let file = file().map_err(|e| Exception(e.to_string()))?;
    engine.query(&format!("{head} FROM INFILE '/proc/self/fd/{}' FORMAT {format}", file.as_raw_fd()), "TSV")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn identifier(text: &str) -> String {
    format!("`{}`", text.replace('\\', "\\\\").replace('`', "\\`"))
}
