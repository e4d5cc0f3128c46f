//! A Markdown page under way: headings, tables, lists, boxes. What comes from outside is escaped by whoever hands it in.

use std::fmt::{Arguments, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::escape;
use super::model::Question;

/// A line to write on.
pub(super) const LINE: &str = "____________________";

/// A page, with the clock of its reader.
pub(super) struct Page<'a> {
    pub(super) text: String,
    pub(super) zone: &'a TimeZone,
}

impl Page<'_> {
    /// Writing to a string cannot fail.
    pub(super) fn line(&mut self, line: Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }

    pub(super) fn heading(&mut self, title: &str) {
        self.line(format_args!("\n## {title}\n"));
    }

    /// A line of a two-column table.
    pub(super) fn row(&mut self, what: &str, value: &str) {
        self.line(format_args!("| {what} | {} |", if value.is_empty() { "-" } else { value }));
    }

    pub(super) fn table(&mut self, head: &[&str]) {
        self.line(format_args!("| {} |", head.join(" | ")));
        self.line(format_args!("|{}", "---|".repeat(head.len())));
    }

    /// On the site's clock, with the instant in UTC.
    pub(super) fn time(&self, utc: &str) -> String {
        match utc.parse::<Timestamp>() {
            Ok(at) if *self.zone != TimeZone::UTC => {
                format!("{} ({utc})", at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z"))
            }
            _ => utc.to_owned(),
        }
    }

    pub(super) fn maybe_time(&self, utc: Option<&String>) -> String {
        utc.map(|utc| self.time(utc)).unwrap_or_default()
    }

    pub(super) fn list(&mut self, title: &str, entries: &[String], numbered: bool) {
        self.heading(title);
        for (number, entry) in (1..).zip(entries) {
            match numbered {
                true => self.line(format_args!("{number}. {}", escape(entry))),
                false => self.line(format_args!("- {}", escape(entry))),
            }
        }
    }

    pub(super) fn ask(&mut self, questions: &[Question]) {
        for question in questions {
            let choices: Vec<String> = question.choices.iter().map(|choice| format!("[ ] {choice}")).collect();
            let answer = if choices.is_empty() { LINE.to_owned() } else { choices.join(" ") };
            self.line(format_args!("- {}: {answer}", question.question.trim_end_matches('?')));
        }
    }
}
