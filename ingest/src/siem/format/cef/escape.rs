//! CEF's escapes. A character outside of printable ASCII is written as `\u{..}` first, as in every format; the
//! backslash of that is escaped like any other.

/// A header field: backslash and pipe are escaped.
pub(super) fn header(text: &str, max: usize) -> String {
    escaped(text, max, ['\\', '|'])
}

/// The value of an extension: backslash and equals sign are escaped. A pipe stands as it is. Spaces at both ends go,
/// since readers tell values apart by spaces.
pub(super) fn value(text: &str, max: usize) -> String {
    escaped(text.trim_matches(' '), max, ['\\', '=']).trim_end().to_owned()
}

/// `max` counts characters as the receiver reads them, so before its escapes are added and after ours.
fn escaped(text: &str, max: usize, special: [char; 2]) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    let mut length = 0;
    for c in text.chars() {
        let piece = if c == ' ' || c.is_ascii_graphic() { c.to_string() } else { c.escape_unicode().to_string() };
        length += piece.len();
        if length > max {
            break;
        }
        for c in piece.chars() {
            if special.contains(&c) {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_value_escape_what_would_end_them() {
        assert_eq!(header("a|b\\c=d", 99), "a\\|b\\\\c=d");
        assert_eq!(value("a|b\\c=d", 99), "a|b\\\\c\\=d");
        assert_eq!(value("line\nnext\r\u{2028}\u{7f}", 99), "line\\\\u{a}next\\\\u{d}\\\\u{2028}\\\\u{7f}");
    }

    #[test]
    fn a_value_is_cut_between_characters_and_never_within_an_escape() {
        assert_eq!(value("=====", 3), "\\=\\=\\=");
        assert_eq!(value("ab\u{2028}", 9), "ab");
        assert_eq!([value("  x  ", 9), value("x y", 2)], ["x", "x"]);
    }
}
