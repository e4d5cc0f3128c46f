//! What changed from one catalogue to another.

use std::{collections::BTreeMap, fmt};

use super::{Catalogue, Hit, Kind, Service};

/// All changes, sorted by service id and by host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<'a> {
    /// Services that came, went or are told differently. Their hosts are not looked at here.
    pub services: Vec<Change<&'a Service>>,
    /// Host patterns that came, went, moved to another service or say something else.
    pub patterns: Vec<Change<Hit<'a>>>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// In the new catalogue alone.
    Added(T),
    /// In the old catalogue alone.
    Removed(T),
    /// In both, with other facts.
    Changed {
        /// As it was.
        old: T,
        /// As it is.
        new: T,
        /// What differs. At least one.
        facts: Vec<Fact>,
    },
}

/// One fact that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Key of the file format, such as `role`; `service` when a host moved.
    pub key: &'static str,
    /// The old value; empty when there was none.
    pub old: String,
    /// The new value; empty when there is none.
    pub new: String,
}

/// What it takes to get from `old` to `new`. Notes, sources, dates and places in files do not count: they
/// change no answer.
pub fn diff<'a>(old: &'a Catalogue, new: &'a Catalogue) -> Diff<'a> {
    Diff {
        services: changes(services(old), &services(new), service_facts),
        patterns: changes(patterns(old), &patterns(new), pattern_facts),
    }
}

fn services(catalogue: &Catalogue) -> BTreeMap<&str, &Service> {
    catalogue.services().iter().map(|service| (service.id.as_str(), service)).collect()
}

fn patterns(catalogue: &Catalogue) -> BTreeMap<(&str, Kind), Hit<'_>> {
    let services = catalogue.services().iter();
    let lines = services.flat_map(|service| service.patterns.iter().map(move |pattern| Hit { service, pattern }));
    lines.map(|line| ((line.pattern.text.as_str(), line.pattern.kind), line)).collect()
}

type Facts = Vec<(&'static str, String)>;

fn changes<K: Ord + Copy, T: Copy>(
    old: BTreeMap<K, T>,
    new: &BTreeMap<K, T>,
    facts: fn(T) -> Facts,
) -> Vec<Change<T>> {
    let mut found: BTreeMap<K, Change<T>> = BTreeMap::new();
    for (&key, &was) in &old {
        let Some(&is) = new.get(&key) else {
            found.insert(key, Change::Removed(was));
            continue;
        };
        let pairs = facts(was).into_iter().zip(facts(is));
        let facts: Vec<Fact> = pairs
            .filter(|((_, old), (_, new))| old != new)
            .map(|((key, old), (_, new))| Fact { key, old, new })
            .collect();
        if !facts.is_empty() {
            found.insert(key, Change::Changed { old: was, new: is, facts });
        }
    }
    let added = new.iter().filter(|(key, _)| !old.contains_key(key));
    found.extend(added.map(|(&key, &is)| (key, Change::Added(is))));
    found.into_values().collect()
}

fn service_facts(service: &Service) -> Facts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("name", service.name.clone()),
        ("vendor", service.vendor.clone()),
        ("category", service.category.to_string()),
        ("access", words(&service.access)),
        ("modality", words(&service.modality)),
        ("country", text(&service.country)),
        ("homepage", text(&service.homepage)),
        ("retention", service.vetting.as_ref().map_or(String::new(), |vetting| text(&vetting.retention))),
        ("training", service.vetting.as_ref().map_or(String::new(), |vetting| text(&vetting.training))),
        ("certifications", service.vetting.as_ref().map_or(String::new(), |it| it.certifications.join(", "))),
    ]
}

fn pattern_facts(line: Hit<'_>) -> Facts {
    vec![
        ("service", line.service.id.clone()),
        ("role", line.pattern.role.to_string()),
        ("strength", line.pattern.strength.to_string()),
        ("plan", line.pattern.plan.map(|plan| plan.to_string()).unwrap_or_default()),
        ("tenant", if line.pattern.tenant { "true".to_owned() } else { String::new() }),
    ]
}

fn words(words: &[impl fmt::Display]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    words.join(", ")
}

impl Diff<'_> {
    /// True when both catalogues give the same answers.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.patterns.is_empty()
    }
}

/// One line per change: `+` added, `-` removed, `~` changed.
impl fmt::Display for Diff<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.services {
            line(out, change, |service| format!("service {}", service.id))?;
        }
        for change in &self.patterns {
            let name = |hit: &Hit<'_>| format!("{} {} of {}", hit.pattern.kind, hit.pattern.text, hit.service.id);
            line(out, change, name)?;
        }
        Ok(())
    }
}

fn line<T>(out: &mut fmt::Formatter<'_>, change: &Change<T>, name: impl Fn(&T) -> String) -> fmt::Result {
    match change {
        Change::Added(new) => writeln!(out, "+ {}", name(new)),
        Change::Removed(old) => writeln!(out, "- {}", name(old)),
        Change::Changed { old, facts, .. } => {
            let facts: Vec<String> = facts.iter().map(ToString::to_string).collect();
            writeln!(out, "~ {}: {}", name(old), facts.join("; "))
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        write!(out, "{} {} -> {}", self.key, shown(&self.old), shown(&self.new))
    }
}
