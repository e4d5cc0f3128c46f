//! Lines that hold other people's sites: public suffixes, shared ground, stars in the registrable domain.

use super::{Problem, at_line, error, note, patterns};
use crate::{
    catalogue::service::{Kind, Pattern, Service, Strength},
    usage,
};

/// The longest label and name of DNS; a longer pattern never matches.
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

/// Suffixes that many owners share although the Public Suffix List does not name them. The list is short
/// on purpose: it holds what has been mistaken for a service before.
#[rustfmt::skip]
const SHARED_GROUND: &[&str] = &[
    "amazonaws.com", "azure.com", "bing.com", "core.windows.net", "github.com", "google.com", "livekit.cloud",
    "microsoft.com", "office.com", "r2.dev", "run.app", "sentry.io", "slack.com", "statsig.com", "windows.net",
    "x.com", "zoom.us",
];

pub(super) fn problems(services: &[Service]) -> Vec<Problem> {
    patterns(services).filter_map(|(_, pattern)| problem(pattern)).collect()
}

fn problem(pattern: &Pattern) -> Option<Problem> {
    let text = &pattern.text;
    if text.len() > MAX_NAME || text.split('.').any(|label| label.len() > MAX_LABEL) {
        return Some(error(at_line(
            pattern,
            format!("{text} is longer than a host name can be: it never matches"),
        )));
    }
    let fixed = without_stars(text);
    match list_section(fixed) {
        Some(psl::Type::Icann) => {
            let text = format!("{text} reaches up to {fixed}, a public suffix: name the registered domain");
            return Some(error(at_line(pattern, text)));
        }
        Some(psl::Type::Private) if holds_all_below(pattern, fixed) => return hosting(pattern, fixed),
        _ => {}
    }
    if pattern.kind == Kind::Suffix && pattern.strength != Strength::Weak && SHARED_GROUND.contains(&text.as_str())
    {
        let text = format!("{text} is ground that many owners share: name the host, or make it weak");
        return Some(note(at_line(pattern, text)));
    }
    None
}

/// True when the line matches each name directly below `fixed`. A star that is a part of a label, such as
/// `*-aiplatform` below `googleapis.com`, follows a naming scheme of the owner.
fn holds_all_below(pattern: &Pattern, fixed: &str) -> bool {
    match pattern.kind {
        Kind::Exact => false,
        Kind::Suffix => pattern.text == fixed,
        Kind::Glob => pattern.text.strip_suffix(fixed).is_some_and(|left| left == "*." || left.ends_with(".*.")),
    }
}

/// A suffix of the list's private section: each name below it is somebody else's site. The line may stand
/// where contact never counts as use; a `note` says that this is known.
fn hosting(pattern: &Pattern, suffix: &str) -> Option<Problem> {
    let text = &pattern.text;
    let use_counts = usage::judge(pattern.role, pattern.strength, 1, u64::MAX) > usage::Use::Visited;
    if use_counts || pattern.strength == Strength::Definite {
        let text = format!(
            "{text} holds strangers' sites: {suffix} is a public suffix (private section); name the vendor's own \
             hosts below it and make the rest weak"
        );
        return Some(error(at_line(pattern, text)));
    }
    let text =
        format!("{text} holds strangers' sites: {suffix} is a public suffix (private section); say so in its note");
    pattern.note.is_none().then(|| note(at_line(pattern, text)))
}

/// The part to the right of every star: what a glob names for sure.
fn without_stars(text: &str) -> &str {
    match text.rfind('*') {
        None => text,
        Some(star) => text.get(star..).and_then(|rest| rest.split_once('.')).map_or("", |(_, fixed)| fixed),
    }
}

/// The section of the Public Suffix List that holds this very name; a top-level name that the list does
/// not know counts as one.
fn list_section(name: &str) -> Option<psl::Type> {
    if !name.contains('.') {
        return Some(psl::Type::Icann);
    }
    let suffix = psl::suffix(name.as_bytes()).filter(|suffix| suffix.as_bytes() == name.as_bytes())?;
    suffix.typ()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_frees_all_left_of_the_next_dot() {
        assert_eq!(without_stars("a.*.example.com"), "example.com");
        assert_eq!(without_stars("a.x*.co.uk"), "co.uk");
        assert_eq!(without_stars("a.example.*"), "");
        assert_eq!(without_stars("example.com"), "example.com");
    }

    #[test]
    fn both_sections_of_the_list_are_known() {
        assert_eq!(list_section("co.uk"), Some(psl::Type::Icann));
        assert_eq!(list_section("github.io"), Some(psl::Type::Private));
        assert_eq!(list_section("com"), Some(psl::Type::Icann));
        assert_eq!(list_section("nosuchtop"), Some(psl::Type::Icann));
        assert_eq!(list_section("example.co.uk"), None);
    }
}
