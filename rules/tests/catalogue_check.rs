//! What `check` says of files that parse and are wrong all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::catalogue::{Level, check_files};

/// A service `id` of `vendor`; a host is `kind text role strength` with more keys after it.
fn service(id: &str, vendor: &str, hosts: &[&str]) -> String {
    let mut text = format!(
        "[[service]]\nid = \"{id}\"\nname = \"N\"\nvendor = \"{vendor}\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\ncountry = \"US\"\nhomepage = \"https://x\"\nhosts = [\n"
    );
    for host in hosts {
        let mut words = host.splitn(5, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (kind, name, role, strength, more) = (word(), word(), word(), word(), word());
        text += &format!(
            "{{ {kind} = \"{name}\", role = \"{role}\", strength = \"{strength}\", source = \"t\", date = 2026-11-20{more} }},\n"
        );
    }
    text + "]\n"
}

fn problems(level: Level, files: &[(&str, String)]) -> Vec<String> {
    let found = check_files(files.iter().map(|(name, text)| (*name, text.as_str())));
    found.into_iter().filter(|problem| problem.level == level).map(|problem| problem.fault.text).collect()
}

fn of_lines(level: Level, hosts: &[&str]) -> Vec<String> {
    problems(level, &[("a.toml", service("a", "V", hosts))])
}

#[test]
fn public_suffixes_of_both_sections_are_errors() {
    for (host, suffix) in [
        ("suffix co.uk app likely", "co.uk"),
        ("exact com.cn app weak", "com.cn"),
        ("glob *.com app likely", "com"),
        ("glob api.*.co.uk api likely", "co.uk"),
        ("glob example.* app likely", ""),
    ] {
        let found = of_lines(Level::Error, &[host]);
        assert_eq!(found.len(), 1, "{host}");
        assert!(found[0].contains(&format!("reaches up to {suffix}, a public suffix")), "{found:?}");
    }
    for host in ["suffix github.io app likely", "glob *.vercel.app api likely", "suffix pages.dev cdn definite"] {
        let found = of_lines(Level::Error, &[host]);
        assert!(found.len() == 1 && found[0].contains("holds strangers' sites"), "{host}: {found:?}");
    }
}

#[test]
fn hosting_that_never_counts_as_use_may_stand() {
    assert!(of_lines(Level::Error, &["suffix github.io app weak"]).is_empty());
    assert_eq!(of_lines(Level::Note, &["suffix github.io app weak"]).len(), 1);
    assert!(of_lines(Level::Note, &["suffix github.io app weak , note = \"pages of other people\""]).is_empty());
    for own in [
        "exact mine.github.io app likely",
        "suffix mine.vercel.app app likely",
        "glob x-*.googleapis.com api likely",
    ] {
        assert!(of_lines(Level::Error, &[own]).is_empty(), "{own}");
    }
}

#[test]
fn a_pattern_longer_than_any_name_is_an_error() {
    let host = format!("suffix {}.example.com app likely", "a".repeat(64));
    assert!(of_lines(Level::Error, &[host.as_str()])[0].contains("it never matches"));
}

#[test]
fn a_name_has_one_owner() {
    let a = ("a.toml", service("a", "V", &["suffix example.com app likely"]));
    let b = |vendor| ("b.toml", service("b", vendor, &["exact example.com cdn weak"]));
    let found = problems(Level::Error, &[a.clone(), b("W")]);
    assert_eq!(found, ["example.com belongs to W here and to V at a.toml:11: a name has one owner"]);
    assert!(problems(Level::Error, &[a, b("V")]).is_empty());
}

#[test]
fn a_line_that_changes_no_answer_is_noted() {
    let idle = |hosts: &[&str]| of_lines(Level::Note, hosts).iter().any(|text| text.contains("says no more than"));
    assert!(idle(&["suffix example.com app likely", "exact x.example.com app likely"]));
    assert!(idle(&["exact example.com app likely", "suffix example.com app likely"]));
    assert!(idle(&["glob *.example.com app likely", "glob a-*.example.com app likely"]));
    assert!(idle(&["glob *.b.example.com app likely", "exact a.b.example.com app likely"]));
    assert!(!idle(&["suffix example.com app likely", "exact x.example.com app weak"]));
    assert!(!idle(&["suffix example.com app likely", "exact x.example.com app likely , plan = \"business\""]));
    assert!(!idle(&["suffix example.com app likely", "exact x.example.com app likely , note = \"known\""]));
    // A glob stands between the two: without the exact line the glob would answer, and say something else.
    assert!(!idle(&[
        "suffix example.com app likely",
        "glob *.example.com api likely",
        "exact x.example.com app likely"
    ]));
}

#[test]
fn names_one_slip_apart_are_noted() {
    let b = |host: &str| ("b.toml", service("b", "W", &[host]));
    let a = || ("a.toml", service("a", "V", &["suffix example.com app likely"]));
    let alike =
        |host: &str| problems(Level::Note, &[a(), b(host)]).iter().any(|text| text.contains("one slip away"));
    assert!(alike("suffix examp1e.com app likely"));
    assert!(alike("exact api.exampel.ai api likely"));
    assert!(!alike("suffix examp1e.com app likely , note = \"no kin of example.com\""));
    assert!(!alike("suffix sample.com app likely"));
}

#[test]
fn labels_of_other_scripts_are_shown() {
    // xn--penai-iye is Cyrillic о before Latin letters; xn--bcher-kva is a plain German word.
    let mixed = of_lines(Level::Error, &["suffix xn--penai-iye.com app likely"]);
    assert!(mixed.len() == 1 && mixed[0].contains("mixes scripts"), "{mixed:?}");
    let plain = of_lines(Level::Note, &["suffix xn--bcher-kva.example.com app likely"]);
    assert!(plain.iter().any(|text| text.contains("reads b\u{fc}cher.example.com")), "{plain:?}");
}

#[test]
fn owners_stand_in_the_right_file() {
    let many = [
        "suffix a.com app likely",
        "suffix b.com app likely",
        "suffix c.com app likely",
        "suffix d.com app likely",
    ];
    let big = problems(Level::Note, &[("chat.toml", service("a", "V", &many))]);
    assert_eq!(big, ["V has 1 services and 4 hosts: give it a file of its own"]);
    let one = service("a", "V", &many[..1]);
    assert!(problems(Level::Note, &[("chat.toml", one.clone())]).is_empty());
    let stray = problems(Level::Note, &[("image.toml", one.clone())]);
    assert_eq!(stray, ["a is of category chat: it does not belong in image.toml"]);
    let two = problems(Level::Note, &[("a.toml", one.clone()), ("b.toml", service("b", "V", &many[1..2]))]);
    assert_eq!(two, ["V stands in a.toml and b.toml: one file per owner"]);
    let spelt = problems(Level::Note, &[("a.toml", one), ("b.toml", service("b", "v.", &many[1..2]))]);
    assert_eq!(spelt, ["v. is written V elsewhere: write one name for one owner"]);
}

#[test]
fn judgement_alone_is_never_definite() {
    let text = service("a", "V", &["suffix example.com app definite"]).replace("\"t\"", "\"judgement\"");
    assert_eq!(problems(Level::Error, &[("a.toml", text)]).len(), 1);
}
