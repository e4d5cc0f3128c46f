//! Looking for mistakes that a parser cannot see.

use std::{collections::HashMap, fmt};

use super::{
    Catalogue, file,
    service::{Kind, Pattern, Service},
};
use crate::fault::Fault;

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

/// Every problem of a catalogue that parses.
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
            Err(fault) => found.push(Problem { level: Level::Error, fault }),
        }
    }
    services.sort_by(|a: &Service, b| a.id.cmp(&b.id));
    found.extend(problems(&services));
    found
}

fn problems(services: &[Service]) -> Vec<Problem> {
    let errors = clashes(services).into_iter().map(|fault| (Level::Error, fault));
    let notes = [nested(services), public(services), order(services), missing(services)].concat();
    let mut found: Vec<Problem> = errors
        .chain(notes.into_iter().map(|fault| (Level::Note, fault)))
        .map(|(level, fault)| Problem { level, fault })
        .collect();
    found.sort_by(|a, b| {
        let key = |problem: &Problem| (problem.fault.file.clone(), problem.fault.line);
        b.level.cmp(&a.level).then_with(|| key(a).cmp(&key(b)))
    });
    found
}

/// Ids or patterns that stand twice. The answer to a host would depend on the order of files.
pub(super) fn clashes(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut ids: HashMap<&str, &Service> = HashMap::new();
    let mut texts: HashMap<(&str, Kind), &Pattern> = HashMap::new();
    for service in services {
        if let Some(first) = ids.insert(&service.id, service) {
            let text = format!(
                "{} is declared at {}:{} already: merge the two blocks",
                service.id, first.file, first.line
            );
            found.push(fault_at(&service.file, service.line, "service.id", text));
        }
        for pattern in &service.patterns {
            if let Some(first) = texts.insert((&pattern.text, pattern.kind), pattern) {
                let text = format!(
                    "{} stands at {}:{} already: keep one of the two",
                    pattern.text, first.file, first.line
                );
                found.push(fault_at(&pattern.file, pattern.line, "service.hosts", text));
            }
        }
    }
    found
}

/// Lines of one vendor below a suffix of another: mostly a slip, while a product below its own vendor's
/// domain is meant. And lines that a wider line of the same service makes idle.
fn nested(services: &[Service]) -> Vec<Fault> {
    let suffixes: HashMap<&str, (&Service, &Pattern)> = patterns(services)
        .filter(|(_, pattern)| pattern.kind == Kind::Suffix)
        .map(|(service, pattern)| (pattern.text.as_str(), (service, pattern)))
        .collect();
    let mut found = Vec::new();
    for (service, pattern) in patterns(services) {
        let Some((owner, outer)) = parents(&pattern.text).find_map(|parent| suffixes.get(parent)) else {
            continue;
        };
        let text = if owner.vendor != service.vendor {
            format!("{} lies below {} of {}, another vendor: is that meant?", pattern.text, outer.text, owner.id)
        } else if owner.id == service.id && says_no_more(pattern, outer) {
            format!("{} says no more than {} at line {}: drop it", pattern.text, outer.text, outer.line)
        } else {
            continue;
        };
        found.push(fault_at(&pattern.file, pattern.line, "service.hosts", text));
    }
    found
}

fn says_no_more(inner: &Pattern, outer: &Pattern) -> bool {
    (inner.role, inner.strength) == (outer.role, outer.strength) && inner.note.is_none()
}

/// Suffixes that many owners share. The list is short on purpose: it holds what has been mistaken for a
/// service before, not all public suffixes.
#[rustfmt::skip]
const SHARED_GROUND: &[&str] = &[
    "amazonaws.com", "appspot.com", "azure.com", "azurewebsites.net", "bing.com", "cloudfront.net", "co.uk", "com.cn",
    "core.windows.net", "firebaseapp.com", "github.com", "github.io", "githubusercontent.com", "google.com",
    "googleapis.com", "hf.space", "herokuapp.com", "livekit.cloud", "microsoft.com", "netlify.app", "office.com",
    "pages.dev", "r2.dev", "replit.app", "replit.dev", "run.app", "sentry.io", "slack.com", "statsig.com", "vercel.app",
    "web.app", "windows.net", "workers.dev", "x.com", "zoom.us",
];

fn public(services: &[Service]) -> Vec<Fault> {
    patterns(services)
        .filter(|(_, pattern)| pattern.kind == Kind::Suffix && SHARED_GROUND.contains(&pattern.text.as_str()))
        .filter(|(_, pattern)| pattern.strength != super::Strength::Weak)
        .map(|(_, pattern)| {
            let text = format!("{} is ground that many owners share: name the host, or make it weak", pattern.text);
            fault_at(&pattern.file, pattern.line, "service.hosts", text)
        })
        .collect()
}

/// Services by id inside a file, hosts by role and then by name inside a service.
fn order(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    for service in services {
        let line = last.entry(&service.file).or_default();
        if service.line < *line {
            let text = format!("{} stands out of order: sort services by id", service.id);
            found.push(fault_at(&service.file, service.line, "service.id", text));
        }
        *line = service.line.max(*line);
        for pair in service.patterns.windows(2) {
            let [a, b] = pair else { continue };
            if (a.role, &a.text) > (b.role, &b.text) {
                let text =
                    format!("{} stands out of order: sort hosts by role ({}), then by name", b.text, roles());
                found.push(fault_at(&b.file, b.line, "service.hosts", text));
            }
        }
    }
    found
}

/// Facts that an assessor asks for and the parser can do without.
fn missing(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    for service in services {
        for (key, absent) in [("country", service.country.is_none()), ("homepage", service.homepage.is_none())] {
            if absent {
                let text = format!("{} has no {key}", service.id);
                found.push(fault_at(&service.file, service.line, &format!("service.{key}"), text));
            }
        }
    }
    found
}

fn roles() -> String {
    let words: Vec<&str> = super::Role::ALL.iter().map(|role| role.as_str()).collect();
    words.join(", ")
}

fn patterns(services: &[Service]) -> impl Iterator<Item = (&Service, &Pattern)> {
    services.iter().flat_map(|service| service.patterns.iter().map(move |pattern| (service, pattern)))
}

/// The names above a host, nearest first.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(host.split_once('.'), |(_, rest)| rest.split_once('.')).map(|(_, rest)| rest)
}

fn fault_at(file: &str, line: usize, key: &str, text: String) -> Fault {
    Fault { file: file.to_owned(), line, key: key.to_owned(), text }
}
