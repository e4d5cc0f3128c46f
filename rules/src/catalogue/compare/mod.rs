//! What a public list has that the catalogue lacks, and the other way round.
//!
//! Lists say "route" or "block" and the catalogue says "this host means this service", so neither side is
//! right by itself: each difference is a question for a person. Lists are read, never taken over.

mod list;

use std::collections::HashSet;

pub use list::{Entry, Form, PublicList, Reach};

use super::{
    Catalogue, Hit,
    service::{Kind, Pattern},
};
use crate::words::words;

words! {
    /// How far one side holds what the other names.
    pub enum Cover, "cover" {
        /// All of it.
        Whole = "whole",
        /// The name alone but not all below it, or names below it alone.
        Part = "part",
        /// None of it.
        Nothing = "nothing",
    }
}

/// One entry of the public list and the catalogue's answer.
#[derive(Debug, Clone)]
pub struct Theirs<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// What the catalogue says of the entry's own name.
    pub hit: Option<Hit<'a>>,
    /// How far the catalogue holds the entry.
    pub cover: Cover,
}

/// One pattern of the catalogue and how far the public list holds it.
#[derive(Debug, Clone)]
pub struct Ours<'a> {
    /// The pattern with its service.
    pub line: Hit<'a>,
    /// How far the public list holds it.
    pub cover: Cover,
}

/// Both sides, each in its own order.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    /// Every comparable entry of the public list.
    pub theirs: Vec<Theirs<'a>>,
    /// Every pattern of the catalogue.
    pub ours: Vec<Ours<'a>>,
}

impl Comparison<'_> {
    /// How many entries of theirs have this cover.
    pub fn theirs_with(&self, cover: Cover) -> usize {
        self.theirs.iter().filter(|theirs| theirs.cover == cover).count()
    }

    /// How many patterns of ours have this cover.
    pub fn ours_with(&self, cover: Cover) -> usize {
        self.ours.iter().filter(|ours| ours.cover == cover).count()
    }
}

/// Each entry of the list against the catalogue, each pattern of the catalogue against the list.
pub fn compare<'a>(catalogue: &'a Catalogue, list: &'a PublicList) -> Comparison<'a> {
    let ours = Names::of(lines(catalogue).map(|line| (line.pattern.text.as_str(), reach(line.pattern))));
    let theirs = Names::of(list.entries.iter().map(|entry| (entry.name.as_str(), entry.reach)));
    Comparison {
        theirs: list.entries.iter().map(|entry| entry_against(entry, catalogue, &ours)).collect(),
        ours: lines(catalogue).map(|line| Ours { line, cover: theirs.cover_pattern(line.pattern) }).collect(),
    }
}

fn lines(catalogue: &Catalogue) -> impl Iterator<Item = Hit<'_>> {
    let services = catalogue.services().iter();
    services.flat_map(|service| service.patterns.iter().map(move |pattern| Hit { service, pattern }))
}

fn entry_against<'a>(entry: &'a Entry, catalogue: &'a Catalogue, ours: &Names<'_>) -> Theirs<'a> {
    let hit = catalogue.find(&entry.name);
    let cover = match ours.cover(&entry.name, entry.reach) {
        // A glob of ours answers for the name, which no set of names can tell.
        Cover::Nothing | Cover::Part if hit.is_some() && entry.reach == Reach::Name => Cover::Whole,
        Cover::Nothing if hit.is_some() => Cover::Part,
        cover => cover,
    };
    Theirs { entry, hit, cover }
}

fn reach(pattern: &Pattern) -> Reach {
    if pattern.kind == Kind::Suffix { Reach::Below } else { Reach::Name }
}

/// One side as sets of names: those with all below them, those alone, and every name above any of them.
struct Names<'a> {
    below: HashSet<&'a str>,
    alone: HashSet<&'a str>,
    above: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(names: impl Iterator<Item = (&'a str, Reach)>) -> Self {
        let mut sets = Names { below: HashSet::new(), alone: HashSet::new(), above: HashSet::new() };
        for (name, reach) in names {
            let set = if reach == Reach::Below { &mut sets.below } else { &mut sets.alone };
            set.insert(name);
            sets.above.extend(with_parents(name).skip(1));
        }
        sets
    }

    fn cover(&self, name: &str, reach: Reach) -> Cover {
        if with_parents(name).any(|name| self.below.contains(name)) {
            return Cover::Whole;
        }
        match (reach, self.alone.contains(name)) {
            (Reach::Name, true) => Cover::Whole,
            (Reach::Below, true) => Cover::Part,
            (Reach::Below, false) if self.above.contains(name) => Cover::Part,
            _ => Cover::Nothing,
        }
    }

    /// A glob is held whole by a suffix above its stars, and in part by a name that it matches.
    fn cover_pattern(&self, pattern: &Pattern) -> Cover {
        if pattern.kind != Kind::Glob {
            return self.cover(&pattern.text, reach(pattern));
        }
        let fixed = with_parents(&pattern.text).find(|name| !name.contains('*')).unwrap_or_default();
        let matched = || self.alone.iter().chain(&self.below).any(|name| glob_matches(&pattern.text, name));
        match self.cover(fixed, Reach::Below) {
            Cover::Whole => Cover::Whole,
            _ if matched() => Cover::Part,
            _ => Cover::Nothing,
        }
    }
}

fn glob_matches(glob: &str, name: &str) -> bool {
    glob.split('.').count() == name.split('.').count()
        && glob.split('.').zip(name.split('.')).all(|(wild, label)| super::matcher::label_matches(wild, label))
}

/// The name and the names above it.
fn with_parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, rest)| rest))
}
