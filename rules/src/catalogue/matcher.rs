//! A trie of labels, read from the right, with edges for labels that hold `*`.

use std::{cmp::Reverse, collections::HashMap};

use super::service::{Kind, Service};

/// Index of a service and of a pattern in it.
type Target = (usize, usize);

/// All patterns of a catalogue. A look-up visits each node at most once, so its cost is bounded by the
/// trie whatever the name.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    literal: HashMap<Box<str>, usize>,
    wild: Vec<(Box<str>, usize)>,
    exact: Option<Target>,
    suffix: Option<Target>,
    glob: Option<Glob>,
}

/// A glob and how specific it is: more literal characters win, the text decides a tie.
type Glob = (usize, Reverse<Box<str>>, Target);

impl Matcher {
    pub(super) fn over(services: &[Service]) -> Self {
        let mut matcher = Matcher { nodes: vec![Node::default()] };
        for (service, entry) in services.iter().enumerate() {
            for (pattern, text) in entry.patterns.iter().enumerate() {
                matcher.insert(&text.text, text.kind, (service, pattern));
            }
        }
        matcher
    }

    fn insert(&mut self, text: &str, kind: Kind, target: Target) {
        let mut at = 0;
        for label in text.rsplit('.') {
            at = self.child(at, label);
        }
        let Some(node) = self.nodes.get_mut(at) else {
            return;
        };
        match kind {
            Kind::Exact => node.exact = Some(target),
            Kind::Suffix => node.suffix = Some(target),
            Kind::Glob => node.glob = Some((literals(text), Reverse(text.into()), target)),
        }
    }

    fn child(&mut self, at: usize, label: &str) -> usize {
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let child = if !label.contains('*') {
            *node.literal.entry(label.into()).or_insert(fresh)
        } else if let Some((_, child)) = node.wild.iter().find(|(wild, _)| **wild == *label) {
            *child
        } else {
            node.wild.push((label.into(), fresh));
            fresh
        };
        if child == fresh {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The most specific pattern for a normalised host: exact, then glob, then the longest suffix.
    pub(super) fn find(&self, host: &str) -> Option<Target> {
        let mut best = Best::default();
        self.walk(0, Some(host), &mut best);
        best.exact.or(best.glob.map(|(_, _, target)| *target)).or(best.suffix.map(|(_, target)| target))
    }

    fn walk<'m>(&'m self, at: usize, rest: Option<&str>, best: &mut Best<'m>) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        if let Some(target) = node.suffix {
            let left = rest.map_or(0, |rest| rest.len() + 1);
            if best.suffix.is_none_or(|(shortest, _)| left < shortest) {
                best.suffix = Some((left, target));
            }
        }
        let Some(rest) = rest else {
            best.exact = best.exact.or(node.exact);
            best.glob = best.glob.max(node.glob.as_ref().map(|(size, text, target)| (*size, text, target)));
            return;
        };
        let (rest, label) = match rest.rsplit_once('.') {
            Some((rest, label)) => (Some(rest), label),
            None => (None, rest),
        };
        if let Some(&child) = node.literal.get(label) {
            self.walk(child, rest, best);
        }
        for (wild, child) in &node.wild {
            if label_matches(wild, label) {
                self.walk(*child, rest, best);
            }
        }
    }
}

/// The best of each kind so far; a suffix is measured by what it leaves of the host.
#[derive(Default)]
struct Best<'m> {
    exact: Option<Target>,
    glob: Option<(usize, &'m Reverse<Box<str>>, &'m Target)>,
    suffix: Option<(usize, Target)>,
}

/// How many characters of a glob are literal.
fn literals(text: &str) -> usize {
    text.bytes().filter(|&byte| byte != b'*').count()
}

/// True when a label fits a label pattern, where each `*` stands for one or more characters. The label is
/// normalised already, so its characters are all of those that `*` may stand for.
fn label_matches(wild: &str, label: &str) -> bool {
    let mut parts = wild.split('*');
    let Some(rest) = parts.next().and_then(|head| label.strip_prefix(head)) else {
        return false;
    };
    let Some(tail) = parts.next_back() else {
        return rest.is_empty();
    };
    let Some(mut middle) = rest.strip_suffix(tail) else {
        return false;
    };
    // Between head and tail each part needs one free character before it, and one is left for the last `*`.
    for part in parts {
        let Some(found) = middle.get(1..).and_then(|after| after.find(part)) else {
            return false;
        };
        middle = middle.get(1 + found + part.len()..).unwrap_or_default();
    }
    !middle.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_at_least_one_character() {
        assert!(label_matches("*", "a"));
        assert!(!label_matches("*", ""));
        assert!(label_matches("*-aiplatform", "europe-west4-aiplatform"));
        assert!(!label_matches("*-aiplatform", "-aiplatform"));
        assert!(label_matches("repo*", "repo42"));
        assert!(!label_matches("repo*", "repo"));
        assert!(!label_matches("a*a", "a"));
        assert!(!label_matches("a*a", "aa"));
    }

    #[test]
    fn several_stars_in_one_label() {
        assert!(label_matches("a*b*c", "axbxc"));
        assert!(label_matches("a*b*c", "axbbbc"));
        assert!(!label_matches("a*b*c", "abxc"));
        assert!(!label_matches("a*b*c", "axbc"));
        assert!(label_matches("*b*", "abb"));
        assert!(!label_matches("*b*", "ab"));
    }
}
