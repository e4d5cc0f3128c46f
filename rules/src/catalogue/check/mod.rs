//! Looking for mistakes that a parser cannot see.
//!
//! An **error** makes the catalogue's answers wrong: two owners of one host, a line that holds strangers'
//! sites, a line that never matches. A **note** is for a reviewer's eye and may be meant; where one line may
//! be judged either way, a `note` on that line says that somebody has, and silences it.

mod alike;
mod clash;
mod distance;
mod ground;
mod idle;
mod nested;
mod order;
mod owner;

use std::fmt;

use super::{
    Catalogue, file,
    service::{Pattern, Service, Strength},
};
use crate::fault::Fault;

pub(super) use clash::clashes;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth a look; may be meant.
    Note,
    /// The catalogue is wrong or cannot be read.
    Error,
}

/// One thing that a reviewer of the catalogue should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub level: Level,
    /// Where and what.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Note => "note",
            Level::Error => "error",
        };
        write!(out, "{level}: {}", self.fault)
    }
}

/// Every problem of a catalogue that parses: errors first, each kind by file and line.
pub fn check(catalogue: &Catalogue) -> Vec<Problem> {
    problems(catalogue.services())
}

/// Every problem of a set of files, also those that keep it from being parsed: one broken file does not
/// hide what is wrong in the others.
pub fn check_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut services = Vec::new();
    for (name, text) in files {
        match file::read(name, text) {
            Ok(read) => services.extend(read),
            Err(fault) => found.push(error(fault)),
        }
    }
    services.sort_by(|a: &Service, b| a.id.cmp(&b.id));
    found.extend(problems(&services));
    found
}

fn problems(services: &[Service]) -> Vec<Problem> {
    let mut found: Vec<Problem> = clashes(services).into_iter().map(error).collect();
    found.extend(clash::owners(services).into_iter().map(error));
    found.extend(unproven(services).into_iter().map(error));
    found.extend(ground::problems(services));
    found.extend(alike::problems(services));
    for notes in [nested::notes, idle::notes, order::notes, owner::notes, missing] {
        found.extend(notes(services).into_iter().map(note));
    }
    found.sort_by(|a, b| {
        let key = |problem: &Problem| (problem.fault.file.clone(), problem.fault.line);
        b.level.cmp(&a.level).then_with(|| key(a).cmp(&key(b)))
    });
    found
}

/// Facts that an assessor asks for and the parser can do without. Where a program without hosts comes from says
/// nothing about where data goes: it stays in the house.
fn missing(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    for service in services {
        let nowhere = service.country.is_none() && !service.patterns.is_empty();
        for (key, absent) in [("country", nowhere), ("homepage", service.homepage.is_none())] {
            if absent {
                found.push(at_service(service, key, format!("{} has no {key}", service.id)));
            }
        }
    }
    found
}

/// Our own word is not proof.
fn unproven(services: &[Service]) -> Vec<Fault> {
    let lines = patterns(services).map(|(_, pattern)| pattern);
    let unproven = lines.filter(|line| line.source == "judgement" && line.strength == Strength::Definite);
    unproven
        .map(|line| {
            at_line(line, format!("{} is definite by judgement alone: find a source, or say likely", line.text))
        })
        .collect()
}

fn patterns(services: &[Service]) -> impl Iterator<Item = (&Service, &Pattern)> {
    services.iter().flat_map(|service| service.patterns.iter().map(move |pattern| (service, pattern)))
}

/// The names above a host, nearest first.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(host.split_once('.'), |(_, rest)| rest.split_once('.')).map(|(_, rest)| rest)
}

fn error(fault: Fault) -> Problem {
    Problem { level: Level::Error, fault }
}

fn note(fault: Fault) -> Problem {
    Problem { level: Level::Note, fault }
}

fn at_service(service: &Service, key: &str, text: String) -> Fault {
    Fault { file: service.file.clone(), line: service.line, key: format!("service.{key}"), text }
}

fn at_line(pattern: &Pattern, text: String) -> Fault {
    Fault { file: pattern.file.clone(), line: pattern.line, key: "service.hosts".to_owned(), text }
}
