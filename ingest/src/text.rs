//! Words for people and machines out of names that strangers chose.

/// The longest name that DNS can hold (RFC 1035 section 3.1); what is longer is cut.
pub const NAME_MAX: usize = 253;

/// A name off the wire, safe in a log line: printable ASCII stays, anything else is written as `\u{..}`, and no more
/// than [`NAME_MAX`] characters come out.
pub fn safe_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len().min(NAME_MAX));
    for c in name.chars() {
        let piece = if c.is_ascii_graphic() && c != '\\' { c.to_string() } else { c.escape_unicode().to_string() };
        if safe.len() + piece.len() > NAME_MAX {
            break;
        }
        safe.push_str(&piece);
    }
    safe
}

/// Text for people without characters that could change how the rest of the line reads: controls, marks of direction
/// and what cannot be seen are written as `\u{..}`.
pub fn safe_text(text: &str) -> String {
    safe_within(text, usize::MAX)
}

/// The same, and no more than `max` characters come out.
pub fn safe_within(text: &str, max: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(max));
    let mut length = 0_usize;
    for c in text.chars() {
        let piece = if c.is_control() || turns(c) { c.escape_unicode().to_string() } else { c.to_string() };
        length = length.saturating_add(piece.chars().count());
        if length > max {
            break;
        }
        safe.push_str(&piece);
    }
    safe
}

/// Characters that turn the direction of text, end a line or take no room (Unicode's bidirectional controls, separators
/// and tags).
fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Bytes in the unit that keeps the number short: `950 B`, `12 kB`, `3.4 MB`. Powers of 1,000.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A number with thousands marked: `12,345`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 exchange`, `3 exchanges`.
pub fn counted(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", number(count))
}

/// A share of a whole as a percentage; a share that is neither nothing nor all never looks like it.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        s if s < 0.1 => "< 0.1 %".to_owned(),
        s if part < whole && s > 99.9 => "> 99.9 %".to_owned(),
        s if s < 10.0 => format!("{s:.1} %"),
        s => format!("{s:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_come_out_as_one_printable_line() {
        let safe = safe_name("a\nb\u{7f}\u{202e}<x>\\\0");
        assert_eq!(safe, "a\\u{a}b\\u{7f}\\u{202e}<x>\\u{5c}\\u{0}");
        assert_eq!(safe_name(&"x".repeat(9000)).len(), NAME_MAX);
    }

    #[test]
    fn text_is_cut_between_characters_and_never_within_an_escape() {
        assert_eq!(safe_within("Büro\n", 4), "Büro");
        assert_eq!(safe_within("Büro\n", 9), "Büro\\u{a}");
        assert_eq!(safe_within("Büro\n", 8), "Büro");
        assert_eq!(safe_text("a\u{61c}b\u{e0041}"), "a\\u{61c}b\\u{e0041}");
    }

    #[test]
    fn bytes_keep_two_or_three_digits() {
        let cases = [(0, "0 B"), (999, "999 B"), (12_300, "12 kB"), (1_500_000, "1.5 MB"), (999_999, "1.0 MB")];
        for (count, words) in cases {
            assert_eq!(bytes(count), words);
        }
    }

    #[test]
    fn a_small_share_is_not_nothing_and_a_large_one_is_not_all() {
        assert_eq!([percent(1, 100_000), percent(99_999, 100_000), percent(1, 0)], ["< 0.1 %", "> 99.9 %", "-"]);
        assert_eq!([percent(1, 3), percent(1, 20), percent(3, 3)], ["33 %", "5.0 %", "100 %"]);
    }

    #[test]
    fn thousands_are_marked() {
        assert_eq!([number(0), number(999), number(1000), number(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "exchange"), "1 exchange");
    }
}
