//! Names that are easily taken for one another: a slip of ours, or a name that imitates.

use std::collections::{BTreeMap, HashMap};

use super::{Problem, at_line, distance::one_slip, error, note, patterns};
use crate::catalogue::service::{Pattern, Service};

/// Shorter registered labels are one slip away from each other by nature: `x.ai`, `z.ai`, `c.ai`.
const SHORTEST: usize = 6;

pub(super) fn problems(services: &[Service]) -> Vec<Problem> {
    let mut found: Vec<Problem> = patterns(services).filter_map(|(_, pattern)| foreign(pattern)).collect();
    found.extend(slips(services));
    found
}

/// Registered labels of two vendors that one slip makes equal. A `note` on either line says that both are
/// known to be real.
fn slips(services: &[Service]) -> Vec<Problem> {
    let mut labels: BTreeMap<&str, Vec<(&Service, &Pattern)>> = BTreeMap::new();
    for (service, pattern) in patterns(services) {
        if let Some(label) = registered(&pattern.text).filter(|label| label.len() >= SHORTEST) {
            labels.entry(label).or_default().push((service, pattern));
        }
    }
    let mut by_length: HashMap<usize, Vec<&str>> = HashMap::new();
    for label in labels.keys() {
        by_length.entry(label.len()).or_default().push(label);
    }
    let mut found = Vec::new();
    for (label, lines) in &labels {
        let same = by_length.get(&label.len()).into_iter().flatten().filter(|other| label < *other);
        let longer = by_length.get(&(label.len() + 1)).into_iter().flatten();
        for other in same.chain(longer).filter(|other| one_slip(label, other)) {
            found.extend(labels.get(other).and_then(|others| pair(lines, others)));
        }
    }
    found
}

/// The first line of each label, when no vendor has both and no line of either is explained.
fn pair(one: &[(&Service, &Pattern)], other: &[(&Service, &Pattern)]) -> Option<Problem> {
    let related = one.iter().any(|(a, _)| other.iter().any(|(b, _)| a.vendor == b.vendor));
    let explained = one.iter().chain(other).any(|(_, pattern)| pattern.note.is_some());
    let ((owner, first), (_, second)) = (one.first()?, other.first()?);
    if related || explained {
        return None;
    }
    let text = format!("{} is one slip away from {} of {}: are both real?", second.text, first.text, owner.id);
    Some(note(at_line(second, text)))
}

/// The label that somebody registered: the one left of the public suffix.
fn registered(text: &str) -> Option<&str> {
    let plain = text.rsplit('*').next()?;
    psl::domain_str(plain)?.split('.').next().filter(|label| !label.is_empty())
}

/// A name with `xn--` labels: an error when one of them mixes letters of several scripts, as imitations do.
fn foreign(pattern: &Pattern) -> Option<Problem> {
    if !pattern.text.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (shown, _) = idna::domain_to_unicode(&pattern.text);
    let text = &pattern.text;
    if shown.split('.').any(is_mixed) {
        let text = format!("{text} reads {shown} and mixes scripts in one label: an imitation is nobody's host");
        return Some(error(at_line(pattern, text)));
    }
    let text = format!("{text} reads {shown}: say in its note who owns it");
    pattern.note.is_none().then(|| note(at_line(pattern, text)))
}

/// Latin beside Greek or Cyrillic, the scripts that lend look-alike letters.
fn is_mixed(label: &str) -> bool {
    let latin = label.chars().any(|char| char.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&char));
    latin && label.chars().any(|char| ('\u{370}'..='\u{52f}').contains(&char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_label_stands_left_of_the_public_suffix() {
        assert_eq!(registered("api.example.co.uk"), Some("example"));
        assert_eq!(registered("runtime.*.example.com"), Some("example"));
        assert_eq!(registered("mine.github.io"), Some("mine"));
        assert_eq!(registered("co.uk"), None);
    }

    #[test]
    fn a_cyrillic_letter_in_a_latin_word_is_mixed() {
        assert!(is_mixed("\u{43e}penai"));
        assert!(!is_mixed("b\u{fc}cher"));
        assert!(!is_mixed("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}"));
    }
}
