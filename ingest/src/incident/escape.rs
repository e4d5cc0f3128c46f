//! Names that strangers chose, as text in a Markdown file.

use crate::text::safe_text;

/// Text that means nothing to a Markdown reader: no heading, list, table cell, link, code or HTML can begin in it,
/// and it stays on its line. The text must not be put into a code span.
pub fn escape(text: &str) -> String {
    let safe = safe_text(text.trim());
    let mut out = String::with_capacity(safe.len() + 8);
    let mut before = String::new();
    for (at, c) in safe.char_indices() {
        let rest = safe.get(at..).unwrap_or_default();
        if special(c) || starts_a_block(c, rest, &before) || starts_a_link(c, rest, &before) {
            out.push('\\');
        }
        out.push(c);
        before.push(c);
    }
    out
}

fn special(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '@')
}

/// Headings, lists and rules, which only stand at a beginning.
fn starts_a_block(c: char, rest: &str, before: &str) -> bool {
    match c {
        '#' | '+' | '-' | '=' => before.is_empty(),
        '.' | ')' => {
            let number = !before.is_empty() && before.bytes().all(|b| b.is_ascii_digit());
            number && rest.chars().nth(1).is_none_or(char::is_whitespace)
        }
        _ => false,
    }
}

/// Addresses that many readers make a link of, although nobody wrote one.
fn starts_a_link(c: char, rest: &str, before: &str) -> bool {
    match c {
        ':' => rest.starts_with("://"),
        '.' => before.get(before.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case("www")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_is_markup() {
        let cases = [
            ("laptop-7", "laptop-7"),
            ("10.20.1.12", "10.20.1.12"),
            ("7.", "7\\."),
            ("a|b`c*d_e", "a\\|b\\`c\\*d\\_e"),
            ("<img src=x>&lt;", "\\<img src=x\\>\\&lt;"),
            ("[x](http://evil.example)", "\\[x\\](http\\://evil.example)"),
            ("www.evil.example", "www\\.evil.example"),
            ("# title", "\\# title"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("1) item", "1\\) item"),
            ("=====", "\\====="),
            ("a\n\n# b", "a\\\\u{a}\\\\u{a}# b"),
            ("    code", "code"),
            ("\u{202e}evil", "\\\\u{202e}evil"),
        ];
        for (name, text) in cases {
            assert_eq!(escape(name), text, "{name:?}");
        }
    }
}
