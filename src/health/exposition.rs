//! The text form of Prometheus, version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write;

/// What the server says of the form.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Kinds of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until the program starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

/// A metric of the page, and its values.
pub(super) struct Family<'a> {
    page: &'a mut Page,
    name: &'a str,
}

impl Page {
    /// Begins a metric. Its name comes once on a page.
    pub(super) fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = if kind == Kind::Counter { "counter" } else { "gauge" };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { page: self, name }
    }

    /// A counter with one value.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, Kind::Counter, help).value(value);
    }

    /// A gauge with one value.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Into<Number>) {
        self.family(name, Kind::Gauge, help).value(value);
    }

    /// The whole page.
    pub(super) fn text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// The value of a metric without labels.
    pub(super) fn value(self, value: impl Into<Number>) {
        let _ = writeln!(self.page.text, "{} {}", self.name, value.into().0);
    }

    /// The value under labels: names are ours, values may be anybody's words.
    pub(super) fn labelled(&mut self, labels: &[(&str, &str)], value: impl Into<Number>) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(self.page.text, "{}{{{}}} {}", self.name, labels.join(","), value.into().0);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A value as it is written.
pub(super) struct Number(String);

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self(u8::from(value).to_string())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_break_no_line() {
        let mut page = Page::default();
        page.family("a_total", Kind::Counter, "one\ntwo \\").labelled(&[("sink", "x\"} 9\n\\")], 1);
        let lines = "# HELP a_total one\\ntwo \\\\\n# TYPE a_total counter\na_total{sink=\"x\\\"} 9\\n\\\\\"} 1\n";
        assert_eq!(page.text(), lines);
    }
}
