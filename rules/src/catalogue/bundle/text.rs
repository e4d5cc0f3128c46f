//! The bytes of a bundle. The form stands in the parent module.

use std::collections::BTreeMap;

use super::{BundleError, Contents};

/// The first line: what the file is, and the number of its form.
pub(super) const FIRST: &str = "shadowtap-catalogue 1\n";

/// `signature `, 64 bytes in hex, a line feed.
const LAST: &str = "signature ";
const LAST_LEN: usize = LAST.len() + 128 + 1;

/// The built-in catalogue has some 50 files; an owner per file leaves room for any real one.
const MAX_FILES: usize = 4096;

/// Everything that is signed.
pub(super) fn write(contents: &Contents) -> Result<Vec<u8>, BundleError> {
    if contents.files.len() > MAX_FILES {
        return Err(BundleError::Broken { line: 5, text: TOO_MANY });
    }
    let mut head = String::from(FIRST);
    head += &format!("serial {}\ncreated {}\nmode {}\n", contents.serial, contents.created, contents.mode);
    for (index, (name, text)) in contents.files.iter().enumerate() {
        if !is_file_name(name) {
            return Err(BundleError::Broken { line: 5 + index, text: BAD_NAME });
        }
        head += &format!("file {name} {}\n", text.len());
    }
    head.push('\n');
    let bodies = contents.files.values().map(String::as_str);
    Ok(std::iter::once(head.as_str()).chain(bodies).collect::<String>().into_bytes())
}

pub(super) fn push_signature(bytes: &mut Vec<u8>, signature: &[u8; 64]) {
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.extend(format!("{LAST}{hex}\n").into_bytes());
}

/// The signed bytes and the signature.
pub(super) fn split_signature(bytes: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let (signed, last) = bytes.split_at_checked(bytes.len().checked_sub(LAST_LEN)?)?;
    let hex = std::str::from_utf8(last).ok()?.strip_prefix(LAST)?.strip_suffix('\n')?;
    Some((signed, super::key::from_hex(hex)?))
}

const TOO_MANY: &str = "more files than a bundle may hold (4096)";
const BAD_NAME: &str = "a file is named in lower-case letters, digits and hyphens and ends in .toml";

/// Reads what is signed. Every byte must be accounted for.
pub(super) fn read(signed: &[u8]) -> Result<Contents, BundleError> {
    let text = std::str::from_utf8(signed).map_err(|_| broken(1, "not UTF-8"))?;
    let (head, mut body) = text.split_once("\n\n").ok_or(broken(1, "no empty line after the header"))?;
    let mut lines = Lines { lines: head.split('\n'), line: 0 };
    lines.next();
    let serial = number(lines.value("serial ", "expected `serial NUMBER`")?).ok_or(broken(2, "not a serial"))?;
    let created = lines.value("created ", "expected `created DATE`")?;
    let created = created.parse().map_err(|_| broken(3, "not a date such as 2026-11-20"))?;
    let mode = lines.value("mode ", "expected `mode extend` or `mode replace`")?;
    let mode = mode.parse().map_err(|_| broken(4, "unknown mode: extend or replace"))?;
    let mut files = BTreeMap::new();
    while let Some(entry) = lines.next() {
        let (name, length) = file_entry(entry).ok_or(broken(lines.line, "expected `file NAME LENGTH`"))?;
        if !is_file_name(name) {
            return Err(broken(lines.line, BAD_NAME));
        }
        if files.len() == MAX_FILES {
            return Err(broken(lines.line, TOO_MANY));
        }
        if files.last_key_value().is_some_and(|(last, _): (&String, _)| last.as_str() >= name) {
            return Err(broken(lines.line, "files must be sorted by name, each once"));
        }
        let (text, rest) = body.split_at_checked(length).ok_or(broken(lines.line, "longer than what follows"))?;
        files.insert(name.to_owned(), text.to_owned());
        body = rest;
    }
    if !body.is_empty() {
        return Err(broken(lines.line, "bytes after the last file"));
    }
    Ok(Contents { serial, created, mode, files })
}

fn broken(line: usize, text: &'static str) -> BundleError {
    BundleError::Broken { line, text }
}

/// The lines of the header and the number of the last one taken.
struct Lines<'t> {
    lines: std::str::Split<'t, char>,
    line: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.line += 1;
        self.lines.next()
    }

    fn value(&mut self, key: &str, expected: &'static str) -> Result<&'t str, BundleError> {
        self.next().and_then(|line| line.strip_prefix(key)).ok_or(broken(self.line, expected))
    }
}

fn file_entry(line: &str) -> Option<(&str, usize)> {
    let (name, length) = line.strip_prefix("file ")?.split_once(' ')?;
    Some((name, number(length)?.try_into().ok()?))
}

/// A number in the one spelling that `write` gives it: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A name that cannot leave a folder, whatever is done with it later.
fn is_file_name(name: &str) -> bool {
    let stem = name.strip_suffix(".toml").unwrap_or_default();
    let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=64).contains(&stem.len()) && stem.bytes().all(good)
}
