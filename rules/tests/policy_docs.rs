//! docs/policy.md: every key has its row and its example, and every error that it shows is one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::{
    catalogue::{Catalogue, Plan},
    policy::{DataTier, Policy, Stage},
};

const PAGE: &str = include_str!("../../docs/policy.md");

/// The tables of the file and their keys, as errors name them.
fn known() -> Vec<(&'static str, Vec<String>)> {
    let catalogue = Catalogue::builtin();
    let keys = |text: &str| {
        let error = Policy::parse(text, "p.toml", &catalogue).unwrap_err().to_string();
        let list = error.split_once("unknown key: use ").unwrap_or_else(|| panic!("{error}")).1.to_owned();
        list.split(", ").map(str::to_owned).collect()
    };
    let (claude, step) =
        ("services = [\"claude\"]\n", "step = \"seen\", on = 2026-11-02, who = \"a\", why = \"b\"");
    vec![
        ("policy", keys("[policy]\nx = 1\n")),
        ("groups", keys("[groups.a]\nsubnets = [\"10.0.0.0/8\"]\nx = 1\n")),
        ("rule", keys(&format!("[[rule]]\n{claude}status = \"approved\"\nx = 1\n"))),
        ("approval", keys(&format!("[[approval]]\nservice = \"claude\"\nsteps = [{{ {step} }}]\nx = 1\n"))),
        ("approval", keys(&format!("[[approval]]\nservice = \"claude\"\nsteps = [{{ {step}, x = 1 }}]\n"))),
        ("deadlines", keys("[deadlines]\nx = 1\n")),
        ("routes", keys("[routes]\nx = 1\n")),
        ("routes", keys("[routes.sites.a]\nx = 1\n")),
        ("severity", keys("[severity]\nx = 1\n")),
        ("limit", keys("[[limit]]\nbytes = \"1MB\"\nper = \"day\"\nowner = \"a\"\nreason = \"b\"\nx = 1\n")),
        ("budget", keys("[budget]\nx = 1\n")),
        ("models", keys("[models]\nx = 1\n")),
        ("quiet_hours", keys("[quiet_hours]\nhours = \"00:00-06:00\"\nx = 1\n")),
        (
            "suppression",
            keys(&format!("[[suppression]]\n{claude}owner = \"a\"\nreason = \"b\"\nexpires = 2027-01-01\nx = 1\n")),
        ),
    ]
}

#[test]
fn every_key_has_a_row_and_an_example_that_parses() {
    let catalogue = Catalogue::builtin();
    for (table, keys) in known() {
        let heading = PAGE.split("\n### `").find(|part| part.trim_start_matches('[').starts_with(table));
        let part = heading.unwrap_or_else(|| panic!("{table} has no heading"));
        let example = part.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let example = example.unwrap_or_else(|| panic!("{table} has no example"));
        Policy::parse(example, "policy.toml", &catalogue).unwrap_or_else(|error| panic!("{error}\n{example}"));
        for key in keys {
            assert!(part.contains(&format!("| `{key}` |")), "{table}.{key} has no row");
            let written = [format!("{key} = "), format!(".{key}.")].iter().any(|text| example.contains(text));
            assert!(written, "{table}.{key} has no example");
        }
    }
}

#[test]
fn every_word_stands_in_the_page() {
    let tiers = DataTier::ALL.iter().map(|word| word.as_str());
    let words =
        tiers.chain(Stage::ALL.iter().map(|word| word.as_str())).chain(Plan::ALL.iter().map(|w| w.as_str()));
    for word in words {
        assert!(PAGE.contains(&format!("`{word}`")), "{word} is not explained");
    }
}

/// The page shows messages; each of them stands in the source of a test that provokes it, apart from its place.
#[test]
fn the_errors_of_the_page_are_those_of_the_tests() {
    let tests = include_str!("policy_errors.rs").replace("\\\"", "\"");
    let part = PAGE.split("\n## Errors\n").nth(1).unwrap();
    let errors = part.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(errors.lines().count() >= 10);
    for line in errors.lines() {
        let (place, text) = line.split_once(": `").unwrap();
        assert!(place.contains(".toml:"), "{line}");
        let text = text.split_once("`: ").unwrap().1;
        let end = text.find(" at line").or_else(|| text.find(" of line")).unwrap_or(text.len());
        let start = text.get(..end).unwrap();
        assert!(tests.contains(start), "{line}");
    }
}
