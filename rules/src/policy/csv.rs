//! Lines of a table with commas (RFC 4180), one row each.

/// The fields of a line without the blanks around them; `None` when a quote is left open, or something follows it.
pub(super) fn read_line(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => rest
                .split_once(',')
                .map_or((rest.trim().to_owned(), None), |(field, rest)| (field.trim().to_owned(), Some(rest))),
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Some(fields),
        }
    }
}

/// A field behind its first quote, and what follows its comma.
fn quoted_field(text: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None if after.trim().is_empty() => return Some((field.trim().to_owned(), None)),
            None => return Some((field.trim().to_owned(), Some(after.trim_start().strip_prefix(',')?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_quotes() {
        let read = |line| read_line(line).map(|fields| fields.join("|"));
        assert_eq!(read("a, b ,,d").as_deref(), Some("a|b||d"));
        assert_eq!(read("\"a, \"\"x\"\"\", b\r").as_deref(), Some("a, \"x\"|b"));
        assert_eq!(read("").as_deref(), Some(""));
        assert_eq!(read("a,\"b"), None);
        assert_eq!(read("\"a\"b,c"), None);
    }
}
