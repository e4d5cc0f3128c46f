//! The committed Sigma rules are what the catalogue says, and they say of a host what the catalogue says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

#[path = "../examples/sigma_rules/sigma/mod.rs"]
mod sigma;

use std::collections::BTreeSet;
use std::fs;

use rules::catalogue::{Catalogue, Category, Role, Strength};
use sigma::hosts::{Hosts, concrete};

#[test]
fn the_rules_are_those_that_the_generator_writes() {
    let folder = sigma::folder();
    let made = sigma::all(&Catalogue::builtin());
    let there = sigma::files(&folder).unwrap();
    let mut wrong: Vec<&String> = there.iter().filter(|name| !made.contains_key(*name)).collect();
    wrong.extend(
        made.iter()
            .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
            .map(|(name, _)| name),
    );
    assert!(wrong.is_empty(), "out of date: {wrong:?}\nmake them again: {}", sigma::COMMAND);
}

/// Each pattern's host, one below it and one beside it: a rule matches where the catalogue's answer is a definite app,
/// api or upload host of the rule's category, and nowhere else.
#[test]
fn a_rule_matches_the_hosts_that_the_catalogue_means() {
    let catalogue = Catalogue::builtin();
    let patterns = catalogue.services().iter().flat_map(|service| &service.patterns);
    let probes: BTreeSet<String> = patterns
        .map(concrete)
        .flat_map(|host| [format!("x1.{host}"), format!("not{host}"), format!("{host}.evil.example"), host])
        .collect();
    let mut wrong = Vec::new();
    let mut matched = 0;
    for category in Category::ALL {
        let hosts = Hosts::of(&catalogue, *category);
        for host in &probes {
            let meant = catalogue.find(host).is_some_and(|hit| {
                hit.service.category == *category
                    && hit.pattern.strength == Strength::Definite
                    && [Role::App, Role::Api, Role::Upload].contains(&hit.pattern.role)
            });
            matched += usize::from(meant);
            // Sigma's `*` crosses dots, the catalogue's does not: a label more below a glob is matched as well.
            let below_glob = host.starts_with("x1.x1");
            if hosts.matches(host) != meant && !below_glob {
                wrong.push(format!("{category}: {host} should be {meant}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(matched > 600, "{matched} hosts");
}

#[test]
fn ids_are_uuids_that_depend_on_the_name_alone() {
    assert_eq!(sigma::id("dns/chat"), sigma::id("dns/chat"));
    let ids: BTreeSet<String> = sigma::all(&Catalogue::builtin())
        .values()
        .filter_map(|text| text.lines().find_map(|line| line.strip_prefix("id: ").map(str::to_owned)))
        .collect();
    assert_eq!(ids.len(), sigma::all(&Catalogue::builtin()).len());
    for id in ids {
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!((groups, &id[14..15]), (vec![8, 4, 4, 4, 12], "8"), "{id}");
    }
}
