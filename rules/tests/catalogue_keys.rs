//! Keys of the catalogue that most lines do without: plan, tenant, vetting.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::catalogue::{Catalogue, Plan};

/// One service with more keys of its own and one host line.
fn file(keys: &str, host: &str) -> String {
    format!(
        "[[service]]\nid = \"a\"\nname = \"A\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\n{keys}\nhosts = [\n{{ {host}, role = \"api\", strength = \"likely\", source = \"test\", date = 2026-11-20 }},\n]\n"
    )
}

fn catalogue(keys: &str, host: &str) -> Catalogue {
    Catalogue::parse([("a.toml", file(keys, host).as_str())]).unwrap()
}

fn error(keys: &str, host: &str) -> String {
    Catalogue::parse([("a.toml", file(keys, host).as_str())]).unwrap_err().to_string()
}

fn tenant(host_line: &str, host: &str) -> Option<String> {
    let catalogue = catalogue("", host_line);
    let tenant = catalogue.find(host).unwrap().tenant(host);
    tenant.map(|tenant| tenant.into_owned())
}

#[test]
fn a_plan_is_one_of_three_words() {
    let catalogue = catalogue("", "suffix = \"example.com\", plan = \"business\"");
    assert_eq!(catalogue.find("example.com").unwrap().pattern.plan, Some(Plan::Business));
    assert_eq!(
        error("", "suffix = \"example.com\", plan = \"pro\""),
        "a.toml:10: `service.hosts.plan`: unknown plan \"pro\": use individual, business, enterprise"
    );
}

#[test]
fn a_tenant_is_what_stands_under_the_star_or_left_of_the_suffix() {
    let glob = "glob = \"*.openai.example.com\", tenant = true";
    assert_eq!(tenant(glob, "contoso.openai.example.com").as_deref(), Some("contoso"));
    assert_eq!(tenant(glob, "Contoso.OpenAI.Example.com.:443").as_deref(), Some("contoso"));
    let suffix = "suffix = \"ai.example.com\", tenant = true";
    assert_eq!(tenant(suffix, "contoso.eu.ai.example.com").as_deref(), Some("contoso.eu"));
    assert_eq!(tenant(suffix, "ai.example.com"), None);
    assert_eq!(tenant("suffix = \"ai.example.com\"", "contoso.ai.example.com"), None);
    assert_eq!(tenant("suffix = \"ai.example.com\", tenant = false", "contoso.ai.example.com"), None);
}

#[test]
fn a_tenant_flag_is_a_boolean_on_a_pattern_that_can_hold_one() {
    let wrong = "a.toml:10: `service.hosts.tenant`: must be true, or left out";
    assert_eq!(error("", "suffix = \"example.com\", tenant = \"yes\""), wrong);
    assert_eq!(error("", "suffix = \"example.com\", tenant = 1"), wrong);
    assert_eq!(
        error("", "exact = \"a.example.com\", tenant = true"),
        "a.toml:10: `service.hosts.tenant`: an exact host holds no customer's label: write suffix = or glob ="
    );
}

#[test]
fn vetting_needs_a_source_and_something_to_say() {
    let host = "suffix = \"example.com\"";
    let full = "vetting = { retention = \"30 days\", training = \"no\", certifications = [\"ISO 27001\"], source = \"vendor: terms\" }";
    let full = catalogue(full, host);
    let vetting = full.services()[0].vetting.as_ref().unwrap();
    assert_eq!((vetting.retention.as_deref(), vetting.training.as_deref()), (Some("30 days"), Some("no")));
    assert_eq!(
        (vetting.certifications.as_slice(), vetting.source.as_str()),
        (&["ISO 27001".to_owned()][..], "vendor: terms")
    );
    assert_eq!(
        error("vetting = { training = \"no\" }", host),
        "a.toml:8: `service.vetting.source`: missing: every entry needs this key"
    );
    assert_eq!(
        error("vetting = { source = \"x\" }", host),
        "a.toml:8: `service.vetting`: says nothing: give retention, training or certifications, or leave it out"
    );
    assert_eq!(
        error("vetting = { training = \"no\", score = \"9\", source = \"x\" }", host),
        "a.toml:8: `service.vetting.score`: unknown key: use retention, training, certifications, source"
    );
    assert!(catalogue("", host).services()[0].vetting.is_none());
}

#[test]
fn the_page_names_every_plan_and_key() {
    let page = include_str!("../../docs/catalogue.md");
    let keys = ["plan", "tenant", "vetting", "retention", "training", "certifications"];
    for word in Plan::ALL.iter().map(|plan| plan.as_str()).chain(keys) {
        assert!(page.contains(&format!("`{word}`")), "{word} is not explained");
    }
}
