//! The committed pages of `docs/catalogue/` are what the catalogue says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

#[path = "../examples/catalogue_pages/pages/mod.rs"]
mod pages;

use std::fs;

use rules::catalogue::Catalogue;

#[test]
fn the_pages_are_those_that_the_generator_writes() {
    let folder = pages::folder();
    let made = pages::all(&Catalogue::builtin()).unwrap();
    let there = pages::files(&folder).unwrap();
    let mut wrong: Vec<&String> = there.iter().filter(|name| !made.contains_key(*name)).collect();
    wrong.extend(
        made.iter()
            .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
            .map(|(name, _)| name),
    );
    assert!(wrong.is_empty(), "out of date: {wrong:?}\nmake them again: {}", pages::COMMAND);
}

#[test]
fn forty_services_have_a_page() {
    assert_eq!(pages::BIGGEST.len(), 40);
    let distinct: std::collections::BTreeSet<_> = pages::BIGGEST.iter().collect();
    assert_eq!(distinct.len(), 40);
}

/// Each row of the hand-written page: a feature, its host, and what the catalogue says of that host.
#[test]
fn what_cannot_be_said_is_not_said() {
    let catalogue = Catalogue::builtin();
    let page = fs::read_to_string(pages::folder().join("cannot-say.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (hosts, says) = (cells[2], cells[3]);
        for host in hosts.split(", ").map(|host| host.trim_matches('`')) {
            let hit = catalogue.find(host).map(|hit| hit.service.id.clone());
            let found = hit.map_or("nothing".to_owned(), |id| format!("`{id}`"));
            if found != says {
                wrong.push(format!("{host}: the page says {says}, the catalogue {found}"));
            }
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen} hosts");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
