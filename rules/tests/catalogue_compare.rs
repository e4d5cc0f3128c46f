//! The catalogue against public lists and against other catalogues.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::catalogue::{
    Catalogue, Change,
    compare::{Cover, PublicList, compare},
    diff,
};

fn catalogue(id: &str, hosts: &[&str]) -> Catalogue {
    let mut text = format!(
        "[[service]]\nid = \"{id}\"\nname = \"N\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n"
    );
    for host in hosts {
        let (kind, name) = host.split_once(' ').unwrap();
        text += &format!(
            "{{ {kind} = \"{name}\", role = \"app\", strength = \"likely\", source = \"t\", date = 2026-11-20 }},\n"
        );
    }
    Catalogue::parse([("a.toml", (text + "]\n").as_str())]).unwrap()
}

const HOSTS: &[&str] =
    &["suffix a.com", "exact b.com", "exact x.c.com", "glob e-*.d.com", "glob *.f.com", "suffix ours.com"];

#[test]
fn each_entry_of_theirs_gets_our_answer() {
    let ours = catalogue("a", HOSTS);
    let list = PublicList::parse(
        "a.com\nfull:y.a.com\nb.com\nfull:b.com\nc.com\nfull:c.com\nfull:e-1.d.com\nd.com\nnone.com\nfull:g.f.com\n",
    );
    let found = compare(&ours, &list);
    let covers: Vec<_> = found.theirs.iter().map(|theirs| (theirs.entry.name.as_str(), theirs.cover)).collect();
    let expect = [
        ("a.com", Cover::Whole),
        ("y.a.com", Cover::Whole),
        ("b.com", Cover::Part),
        ("b.com", Cover::Whole),
        ("c.com", Cover::Part),
        ("c.com", Cover::Nothing),
        ("e-1.d.com", Cover::Whole),
        ("d.com", Cover::Part),
        ("none.com", Cover::Nothing),
        ("g.f.com", Cover::Whole),
    ];
    assert_eq!(covers, expect);
    assert_eq!(found.theirs[1].hit.unwrap().pattern.text, "a.com");
    assert!(found.theirs[4].hit.is_none());
    assert_eq!(found.theirs_with(Cover::Nothing), 2);
}

#[test]
fn each_pattern_of_ours_is_covered_or_not() {
    let ours = catalogue("a", HOSTS);
    let list = PublicList::parse("full:a.com\nb.com\nc.com\nd.com\nfull:g.f.com\n");
    let found = compare(&ours, &list);
    let covers: Vec<_> = found.ours.iter().map(|ours| (ours.line.pattern.text.as_str(), ours.cover)).collect();
    let expect = [
        ("a.com", Cover::Part),
        ("b.com", Cover::Whole),
        ("x.c.com", Cover::Whole),
        ("e-*.d.com", Cover::Whole),
        ("*.f.com", Cover::Part),
        ("ours.com", Cover::Nothing),
    ];
    assert_eq!(covers, expect);
    assert_eq!(found.ours_with(Cover::Whole), 3);
}

#[test]
fn the_built_in_catalogue_holds_all_of_itself() {
    let ours = Catalogue::builtin();
    let mut text = String::new();
    for pattern in ours.services().iter().flat_map(|service| &service.patterns) {
        text += &match pattern.kind.as_str() {
            "suffix" => format!("domain:{}\n", pattern.text),
            "exact" => format!("full:{}\n", pattern.text),
            _ => continue,
        };
    }
    let list = PublicList::parse(&text);
    let found = compare(&ours, &list);
    assert!(found.theirs.iter().all(|theirs| theirs.cover == Cover::Whole));
    assert!(found.ours.iter().all(|ours| ours.cover == Cover::Whole || ours.line.pattern.kind.as_str() == "glob"));
}

#[test]
fn a_diff_names_what_came_went_and_changed() {
    let old = catalogue("a", &["suffix a.com", "exact gone.com", "exact same.com"]);
    let text = "[[service]]\nid = \"b\"\nname = \"N\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n\
        { suffix = \"a.com\", role = \"api\", strength = \"likely\", plan = \"business\", source = \"t\", date = 2026-11-21 },\n\
        { exact = \"new.com\", role = \"app\", strength = \"likely\", source = \"t\", date = 2026-11-20 },\n]\n\
        [[service]]\nid = \"a\"\nname = \"M\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n\
        { exact = \"same.com\", role = \"app\", strength = \"likely\", source = \"other\", date = 2026-11-21, note = \"x\" },\n]\n";
    let new = Catalogue::parse([("a.toml", text)]).unwrap();
    let found = diff(&old, &new);
    let expect = "~ service a: name N -> M\n+ service b\n\
        ~ suffix a.com of a: service a -> b; role app -> api; plan nothing -> business\n\
        - exact gone.com of a\n+ exact new.com of b\n";
    assert_eq!(found.to_string(), expect);
    assert!(matches!(&found.patterns[0], Change::Changed { facts, .. } if facts.len() == 3));
    assert!(diff(&new, &new).is_empty());
}
