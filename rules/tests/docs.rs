//! The samples in the documentation are read by the parsers that they explain.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::{
    catalogue::{Catalogue, Category, Kind, Role, Strength, check},
    policy::{Policy, Status},
};

const CATALOGUE: &str = include_str!("../../docs/catalogue.md");
const POLICY: &str = include_str!("../../docs/policy.md");

/// The fenced blocks of one language.
fn samples<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn catalogue_samples_parse_and_leave_nothing_to_mend() {
    let samples = samples(CATALOGUE, "toml");
    assert!(!samples.is_empty());
    for sample in samples {
        let catalogue =
            Catalogue::parse([("sample.toml", sample)]).unwrap_or_else(|error| panic!("{error}\n{sample}"));
        assert!(check(&catalogue).is_empty(), "{:?}", check(&catalogue));
    }
}

#[test]
fn policy_samples_parse() {
    let catalogue = Catalogue::builtin();
    let samples = samples(POLICY, "toml");
    assert!(!samples.is_empty());
    for sample in samples {
        Policy::parse(sample, "policy.toml", &catalogue).unwrap_or_else(|error| panic!("{error}\n{sample}"));
    }
}

/// Every word that a file may hold stands in its page.
#[test]
fn the_pages_name_every_word() {
    let words = |page: &str, words: &mut dyn Iterator<Item = &'static str>| {
        for word in words {
            assert!(page.contains(&format!("`{word}`")), "{word} is not explained");
        }
    };
    words(CATALOGUE, &mut Kind::ALL.iter().map(|word| word.as_str()));
    words(CATALOGUE, &mut Role::ALL.iter().map(|word| word.as_str()));
    words(CATALOGUE, &mut Strength::ALL.iter().map(|word| word.as_str()));
    words(CATALOGUE, &mut Category::ALL.iter().map(|word| word.as_str()));
    words(POLICY, &mut Status::ALL.iter().map(|word| word.as_str()));
}
