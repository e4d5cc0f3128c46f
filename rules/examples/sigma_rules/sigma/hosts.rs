//! Rules by host: what stands in a DNS question or a TLS server name, per category of service.
//!
//! Only hosts that definitely are a service's app, api or upload host count. The catalogue's longest pattern wins; Sigma
//! knows no such order, so hosts below a pattern that mean something else are a filter, and hosts below those that mean
//! the service again are a second selection.

use std::collections::{BTreeMap, BTreeSet};

use rules::catalogue::{Catalogue, Category, Kind, Pattern, Role, Service, Strength};

use super::{Rule, quoted};

/// Folder, field, log source, level, what a match is.
const SOURCES: [Source; 3] = [
    Source {
        folder: "dns",
        field: "query",
        logsource: &[("category", "dns")],
        level: "informational",
        title: "DNS question for",
        note: "A look-up is no use: browsers ask ahead of a click.",
    },
    Source {
        folder: "zeek-dns",
        field: "query",
        logsource: &[("product", "zeek"), ("service", "dns")],
        level: "informational",
        title: "DNS question in Zeek for",
        note: "A look-up is no use: browsers ask ahead of a click.",
    },
    Source {
        folder: "zeek-ssl",
        field: "server_name",
        logsource: &[("product", "zeek"), ("service", "ssl")],
        level: "low",
        title: "TLS connection in Zeek to",
        note: "A connection is contact, not use: a page that was opened looks the same as a question.",
    },
];

struct Source {
    folder: &'static str,
    field: &'static str,
    logsource: &'static [(&'static str, &'static str)],
    level: &'static str,
    title: &'static str,
    note: &'static str,
}

/// A rule per source and category that has hosts.
pub(crate) fn all(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let mut rules = BTreeMap::new();
    for category in Category::ALL {
        let hosts = Hosts::of(catalogue, *category);
        if hosts.selection.is_empty() {
            continue;
        }
        for source in &SOURCES {
            let file = format!("{}_ai_{category}", source.folder).replace('-', "_");
            let name = format!("{}/{file}", source.folder);
            rules.insert(format!("{name}.yml"), rule(source, &name, *category, &hosts).text());
        }
    }
    rules
}

fn rule<'a>(source: &Source, name: &'a str, category: Category, hosts: &Hosts) -> Rule<'a> {
    Rule {
        name,
        title: format!("{} an AI Service ({category})", source.title),
        description: format!(
            "Host of one of {} AI services of the category {category}: where people or programs ask or upload, as \
             shadowtap's catalogue knows them. {}",
            hosts.services, source.note
        ),
        date: hosts.date.clone(),
        tags: &[],
        logsource: source.logsource,
        detection: hosts.detection(source.field),
        false_positives: "Use that the organisation has approved",
        level: source.level,
    }
}

/// The hosts of a rule.
pub(crate) struct Hosts {
    pub(crate) selection: Matcher,
    pub(crate) filter: Matcher,
    pub(crate) again: Matcher,
    services: usize,
    date: String,
}

impl Hosts {
    pub(crate) fn of(catalogue: &Catalogue, category: Category) -> Self {
        let patterns = || catalogue.services().iter().flat_map(|s| s.patterns.iter().map(move |p| (s, p)));
        let (own, others): (Vec<_>, Vec<_>) = patterns().partition(|(service, p)| means(service, p, category));
        let selection = Matcher::of(own.iter().map(|(_, pattern)| *pattern));
        let below = others.iter().map(|(_, pattern)| *pattern).filter(|p| selection.matches(&concrete(p)));
        let filter = Matcher::of(below);
        let hidden = own.iter().map(|(_, pattern)| *pattern).filter(|p| filter.matches(&concrete(p)));
        let again = Matcher::of(hidden);
        let services: BTreeSet<&str> = own.iter().map(|(service, _)| service.id.as_str()).collect();
        let date = own.iter().map(|(_, p)| p.date.to_string()).max().unwrap_or_default();
        Self { selection, filter, again, services: services.len(), date }
    }

    /// What a log engine would say of a host.
    #[allow(dead_code, reason = "the test asks")]
    pub(crate) fn matches(&self, host: &str) -> bool {
        self.selection.matches(host) && !self.filter.matches(host) || self.again.matches(host)
    }

    fn detection(&self, field: &str) -> String {
        let mut text = self.selection.text("selection", field);
        let mut condition = "1 of selection_*".to_owned();
        if !self.filter.is_empty() {
            text += &self.filter.text("filter", field);
            condition += " and not 1 of filter_*";
        }
        if !self.again.is_empty() {
            text += &self.again.text("again", field);
            condition = format!("({condition}) or 1 of again_*");
        }
        format!("{text}    condition: {condition}\n")
    }
}

/// True for a host that definitely is where the category's services are used.
pub(crate) fn means(service: &Service, pattern: &Pattern, category: Category) -> bool {
    service.category == category
        && pattern.strength == Strength::Definite
        && matches!(pattern.role, Role::App | Role::Api | Role::Upload)
}

/// A host that the pattern is about.
pub(crate) fn concrete(pattern: &Pattern) -> String {
    pattern.text.replace('*', "x1")
}

/// A list of Sigma values: whole hosts, some with `*`, and ends of hosts.
#[derive(Default)]
pub(crate) struct Matcher {
    whole: BTreeSet<String>,
    ends: BTreeSet<String>,
}

impl Matcher {
    fn of<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let mut matcher = Self::default();
        for pattern in patterns {
            let text = &pattern.text;
            match (pattern.kind, text.strip_prefix('*').filter(|rest| !rest.contains('*'))) {
                (Kind::Suffix, _) => {
                    matcher.whole.insert(text.clone());
                    matcher.ends.insert(format!(".{text}"));
                }
                (Kind::Glob, Some(end)) => drop(matcher.ends.insert(end.to_owned())),
                (Kind::Exact | Kind::Glob, _) => drop(matcher.whole.insert(text.clone())),
            }
        }
        matcher
    }

    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.ends.is_empty()
    }

    /// As Sigma compares: `*` is any run of characters, dots among them.
    fn matches(&self, host: &str) -> bool {
        self.ends.iter().any(|end| host.ends_with(end)) || self.whole.iter().any(|whole| wildcard(whole, host))
    }

    fn text(&self, name: &str, field: &str) -> String {
        let block = |name: String, field: String, values: &BTreeSet<String>| {
            let values: String = values.iter().map(|v| format!("            - {}\n", quoted(v))).collect();
            if values.is_empty() { values } else { format!("    {name}:\n        {field}:\n{values}") }
        };
        block(format!("{name}_host"), field.to_owned(), &self.whole)
            + &block(format!("{name}_below"), format!("{field}|endswith"), &self.ends)
    }
}

fn wildcard(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == host,
        Some((start, rest)) => host
            .strip_prefix(start)
            .is_some_and(|more| more.char_indices().any(|(at, _)| wildcard(rest, &more[at..]))),
    }
}
