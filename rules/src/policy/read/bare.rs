//! Bare values that people expect to write: `personal = true`, `vlans = [30]`.
//!
//! A [`Block`] hands out strings, dates and tables. The few other values of a policy are
//! put in quotes before it reads the text; no line feed is added or lost, so each line keeps its number.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use crate::{
    fault::Fault,
    file::{Block, Word},
};

/// Keys that hold true or false.
const FLAGS: [&str; 2] = ["personal", "exception"];

/// A key that holds numbers and ranges of numbers.
const NUMBERS: &str = "vlans";

/// The text with those values in quotes. Text that is not TOML is left for the reader to refuse.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let worth = FLAGS.iter().chain([&NUMBERS]).any(|key| text.contains(key));
    let Some(table) = worth.then(|| DeTable::parse(text).ok()).flatten() else {
        return Cow::Borrowed(text);
    };
    let mut marks = Vec::new();
    walk(&table.into_inner(), &mut marks);
    marks.sort_unstable();
    let (mut out, mut done) = (String::with_capacity(text.len() + marks.len()), 0);
    for mark in marks {
        out += text.get(done..mark).unwrap_or_default();
        out.push('"');
        done = mark;
    }
    out += text.get(done..).unwrap_or_default();
    Cow::Owned(out)
}

/// Collects where a quotation mark is missing.
fn walk(table: &DeTable<'_>, marks: &mut Vec<usize>) {
    for (key, value) in table {
        let scalar = !matches!(value.get_ref(), DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_));
        if scalar && FLAGS.contains(&key.get_ref().as_ref()) {
            marks.extend([value.span().start, value.span().end]);
        }
        match value.get_ref() {
            DeValue::Table(inner) => walk(inner, marks),
            DeValue::Array(items) => {
                for item in items {
                    match item.get_ref() {
                        DeValue::Table(inner) => walk(inner, marks),
                        DeValue::Integer(_) if key.get_ref() == NUMBERS => {
                            marks.extend([item.span().start, item.span().end]);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// One of the flags; absent: false.
pub(super) fn flag(block: &mut Block<'_>, key: &'static str) -> Result<bool, Fault> {
    let read = |word: Word| match word.text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(word.at.fault(format!("{other:?} is neither true nor false: write one of the two"))),
    };
    block.word(key)?.map_or(Ok(false), read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_values_get_quotes_and_nothing_else_changes() {
        let text = "# personal = true\n[groups.a]\npersonal = true\nvlans = [30, \"40-49\"]\n[[rule]]\nexception=false # x\nseverity = 3\n";
        let want = "# personal = true\n[groups.a]\npersonal = \"true\"\nvlans = [\"30\", \"40-49\"]\n[[rule]]\nexception=\"false\" # x\nseverity = 3\n";
        assert_eq!(quoted(text), want);
        assert_eq!(quoted("personal = {"), "personal = {");
        assert_eq!(quoted("groups = { a = { personal = true } }"), "groups = { a = { personal = \"true\" } }");
    }
}
