//! A trie of labels, read from the right, with edges for labels that hold `*`.
//!
//! The trie is flat: nodes in one array, all literal edges of all nodes in one hash table. A look-up costs
//! one hash and mostly one probe per label and ends at the first label that nobody's pattern has.

mod edges;
mod wild;

pub(super) use wild::{label_matches, literals};

use std::{cmp::Reverse, mem::size_of};

use super::service::Kind;
use edges::Edges;

/// Two indices that the owner of the patterns chose; here, of a service and of a pattern in it.
type Target = (usize, usize);

/// Stands for "none" in a node: 32 bits are enough for any catalogue and keep a node in half a cache line.
const NONE: u32 = u32::MAX;

/// All patterns of a catalogue. A look-up visits each node at most once, so its cost is bounded by the
/// trie whatever the name.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    nodes: Vec<Node>,
    edges: Edges,
    wild: Vec<Vec<Wild>>,
    targets: Vec<Target>,
    globs: Vec<Glob>,
}

/// What ends here, as indices into `targets` and `globs`, and where the wild edges stand.
#[derive(Debug, Clone, Copy)]
struct Node {
    exact: u32,
    suffix: u32,
    glob: u32,
    wild: u32,
}

/// An edge whose label holds `*`.
#[derive(Debug, Clone)]
struct Wild {
    label: Box<str>,
    child: u32,
}

/// A glob and how specific it is: more literal characters win, the text decides a tie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Glob {
    literals: usize,
    text: Reverse<Box<str>>,
    target: u32,
}

impl Matcher {
    /// A matcher over (text, kind, target).
    pub(super) fn over<'a>(patterns: impl Iterator<Item = (&'a str, Kind, Target)>) -> Self {
        let mut matcher = Matcher::default();
        matcher.push_node();
        for (text, kind, target) in patterns {
            matcher.insert(text, kind, target);
        }
        matcher
    }

    fn insert(&mut self, text: &str, kind: Kind, target: Target) {
        let at = text.rsplit('.').fold(0, |at, label| self.child(at, label));
        let target = push(&mut self.targets, target);
        let glob = || Glob { literals: literals(text), text: Reverse(text.into()), target };
        let glob = if kind == Kind::Glob { push(&mut self.globs, glob()) } else { NONE };
        let Some(node) = self.nodes.get_mut(at as usize) else {
            return;
        };
        match kind {
            Kind::Exact => node.exact = target,
            Kind::Suffix => node.suffix = target,
            Kind::Glob => node.glob = glob,
        }
    }

    /// The node below `at` for this label, made where there is none.
    fn child(&mut self, at: u32, label: &str) -> u32 {
        if !label.contains('*') {
            return self.edges.find(at, label).unwrap_or_else(|| {
                let fresh = self.push_node();
                self.edges.insert(at, label, fresh);
                fresh
            });
        }
        let group = match self.nodes.get(at as usize).map_or(NONE, |node| node.wild) {
            NONE => push(&mut self.wild, Vec::new()),
            group => group,
        };
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.wild = group;
        }
        let known = self.wild_edges(group).iter().find(|edge| *edge.label == *label).map(|edge| edge.child);
        known.unwrap_or_else(|| {
            let child = self.push_node();
            if let Some(edges) = self.wild.get_mut(group as usize) {
                edges.push(Wild { label: label.into(), child });
            }
            child
        })
    }

    fn push_node(&mut self) -> u32 {
        push(&mut self.nodes, Node { exact: NONE, suffix: NONE, glob: NONE, wild: NONE })
    }

    fn wild_edges(&self, group: u32) -> &[Wild] {
        self.wild.get(group as usize).map_or(&[], Vec::as_slice)
    }

    /// The most specific pattern for a normalised host: exact, then glob, then the longest suffix.
    pub(super) fn find(&self, host: &str) -> Option<Target> {
        let mut best = Best::default();
        self.walk(0, Some(host), 0, &mut best);
        let target = best.exact.or(best.glob.map(|glob| glob.target)).or(best.suffix.map(|(_, target)| target))?;
        self.targets.get(target as usize).copied()
    }

    /// Goes down from a node with the labels that are left; `depth` labels have been taken.
    fn walk<'m>(&'m self, at: u32, rest: Option<&str>, depth: u32, best: &mut Best<'m>) {
        let Some(node) = self.nodes.get(at as usize) else {
            return;
        };
        if node.suffix != NONE && best.suffix.is_none_or(|(longest, _)| depth > longest) {
            best.suffix = Some((depth, node.suffix));
        }
        let Some(rest) = rest else {
            if node.exact != NONE {
                best.exact = Some(node.exact);
            }
            best.glob = best.glob.max(self.globs.get(node.glob as usize));
            return;
        };
        let (rest, label) = last_label(rest);
        if let Some(child) = self.edges.find(at, label) {
            self.walk(child, rest, depth + 1, best);
        }
        if node.wild != NONE {
            for edge in self.wild_edges(node.wild).iter().filter(|edge| label_matches(&edge.label, label)) {
                self.walk(edge.child, rest, depth + 1, best);
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let wild = self.wild.iter().flatten().map(|edge| edge.label.len() + size_of::<Wild>());
        let globs = self.globs.iter().map(|glob| glob.text.0.len() + size_of::<Glob>());
        size_of_val(self.nodes.as_slice())
            + size_of_val(self.targets.as_slice())
            + size_of_val(self.wild.as_slice())
            + self.edges.bytes()
            + wild.sum::<usize>()
            + globs.sum::<usize>()
    }
}

/// The index of what is pushed. A catalogue of 4 thousand million patterns does not fit into memory.
fn push<T>(list: &mut Vec<T>, item: T) -> u32 {
    list.push(item);
    u32::try_from(list.len() - 1).unwrap_or(NONE)
}

/// The rightmost label and what is left of its dot. A plain loop: labels are too short for a search by
/// machine words to pay.
fn last_label(host: &str) -> (Option<&str>, &str) {
    match host.bytes().rposition(|byte| byte == b'.') {
        None => (None, host),
        Some(dot) => (host.get(..dot), host.get(dot + 1..).unwrap_or_default()),
    }
}

/// The best of each kind so far; a suffix is measured by its labels.
#[derive(Default)]
struct Best<'m> {
    exact: Option<u32>,
    glob: Option<&'m Glob>,
    suffix: Option<(u32, u32)>,
}
