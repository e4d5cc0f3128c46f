//! Whom a rule is for: groups by everything that the wire tells about a client, plans, tiers and hours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use jiff::civil::{Date, date};
use rules::{
    catalogue::{Catalogue, Plan},
    policy::{Decision, Policy, Status, Subject, mac},
};

const TODAY: Date = date(2026, 11, 20);

fn parse(text: &str) -> Policy {
    Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap()
}

fn decide<'a>(policy: &'a Policy, client: &Subject<'_>, service: &str, plan: Option<Plan>) -> Decision<'a> {
    policy.decide_for(client, Catalogue::builtin().service(service).unwrap(), plan, TODAY)
}

fn client(ip: &str) -> Subject<'static> {
    Subject::of(ip.parse().unwrap())
}

const ORDER: &str = r#"
[groups.board]
devices = ["laptop-7"]
[groups.cameras]
macs = ["b8:27:eb"]
[groups.voice]
vlans = [30, "40-49"]
[groups.office]
subnets = ["10.0.0.0/16"]
[groups.office-phones]
subnets = ["10.0.0.0/16"]
macs = ["locally-administered"]
[groups.branch]
sites = ["branch"]
subnets = ["10.0.0.0/16"]
[groups.phones]
macs = ["locally-administered"]
[groups.client]
sites = ["acme"]
"#;

#[test]
fn a_client_belongs_to_the_group_that_asks_for_most() {
    let policy = parse(ORDER);
    let group = |client: Subject<'_>| policy.group_for(&client).map(|group| group.id.as_str());
    let (office, home) = (client("10.0.3.7"), client("192.0.2.7"));
    let (made_up, vendor) = (mac("02:77:00:00:00:11"), mac("b8:27:eb:00:00:01"));
    assert_eq!(group(office), Some("office"));
    assert_eq!(group(Subject { mac: made_up, ..office }), Some("office-phones"));
    assert_eq!(group(Subject { site: Some("branch"), ..office }), Some("branch"));
    assert_eq!(group(Subject { site: Some("branch"), mac: made_up, ..office }), Some("office-phones"));
    assert_eq!(group(Subject { vlan: Some(45), mac: made_up, ..office }), Some("voice"));
    assert_eq!(group(Subject { vlan: Some(50), ..office }), Some("office"));
    assert_eq!(group(Subject { mac: vendor, vlan: Some(30), ..office }), Some("cameras"));
    assert_eq!(group(Subject { device: Some("laptop-7"), mac: vendor, ..home }), Some("board"));
    assert_eq!(group(Subject { mac: made_up, ..home }), Some("phones"));
    assert_eq!(group(Subject { site: Some("acme"), ..home }), Some("client"));
    assert_eq!(group(Subject { site: Some("branch"), device: Some("laptop-8"), ..home }), None);
    assert_eq!(policy.group_of(office.ip).unwrap().id, "office");
}

#[test]
fn two_sites_may_use_the_same_addresses() {
    let policy = parse(
        "[groups.a]\nsites = [\"a\"]\nsubnets = [\"10.0.0.0/24\"]\n[groups.b]\nsites = [\"b\"]\nsubnets = [\"10.0.0.0/24\"]\n",
    );
    let group = |site| policy.group_for(&Subject { site, ..client("10.0.0.9") }).map(|group| group.id.as_str());
    assert_eq!((group(Some("a")), group(Some("b")), group(None)), (Some("a"), Some("b"), None));
}

#[test]
fn the_longest_network_holds_a_client_where_the_policy_says_so() {
    let policy = parse(
        "[policy]\noverlap = \"longest\"\n[groups.all]\nsubnets = [\"10.0.0.0/8\", \"0.0.0.0/0\"]\n[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\n[groups.cfo]\nsubnets = [\"10.0.3.255/32\"]\n",
    );
    let group = |ip: &str| policy.group_of(ip.parse().unwrap()).map(|group| group.id.as_str());
    assert_eq!(group("10.0.2.255"), Some("all"));
    assert_eq!(group("10.0.3.0"), Some("finance"));
    assert_eq!(group("10.0.3.255"), Some("cfo"));
    assert_eq!(group("10.0.4.0"), Some("all"));
    assert_eq!(group("255.255.255.255"), Some("all"));
    assert_eq!(group("2001:db8::1"), None);
}

#[test]
fn personal_devices_are_outside_the_policy() {
    let policy = parse(
        "[groups.guest]\nname = \"Guests\"\nvlans = [90]\npersonal = true
[[rule]]\nservices = [\"claude\"]\nstatus = \"prohibited\"
[[rule]]\ncategories = [\"local-model\"]\ngroups = [\"guest\"]\nstatus = \"prohibited\"",
    );
    let guest = Subject { vlan: Some(90), ..client("10.0.0.1") };
    let claude = decide(&policy, &guest, "claude", None);
    assert_eq!((claude.status, claude.severity, claude.rule), (Status::PersonalRisk, 1, None));
    assert_eq!(
        claude.why,
        "claude is personal risk for Guests by policy.toml:1: its devices are personal or guests"
    );
    assert_eq!(decide(&policy, &guest, "ollama", None).status, Status::Prohibited);
    assert_eq!(decide(&policy, &client("10.0.0.1"), "claude", None).status, Status::Prohibited);
}

#[test]
fn a_group_may_use_what_its_list_says_and_no_rule_for_everyone_widens_it() {
    let policy = parse(
        "[groups.finance]\nname = \"Finance\"\nsubnets = [\"10.0.3.0/24\"]\nmay_use = [\"microsoft-copilot\", \"gemini\"]
[[rule]]\nservices = [\"microsoft-copilot\", \"claude\"]\nstatus = \"approved\"
[[rule]]\nservices = [\"deepl\"]\ngroups = [\"finance\"]\nstatus = \"requires_approval\"",
    );
    let finance = client("10.0.3.7");
    let status = |service| decide(&policy, &finance, service, None).status;
    assert_eq!(status("microsoft-copilot"), Status::Approved);
    assert_eq!(status("gemini"), Status::Unreviewed);
    assert_eq!(status("claude"), Status::Prohibited);
    assert_eq!(status("deepl"), Status::RequiresApproval);
    assert_eq!(
        decide(&policy, &finance, "poe", None).why,
        "poe is prohibited for Finance by policy.toml:1: it may use only microsoft-copilot, gemini"
    );
}

#[test]
fn a_plan_counts_where_the_name_tells_it() {
    let policy = parse(
        "[[rule]]\nservices = [\"github-copilot\"]\nstatus = \"requires_approval\"
[[rule]]\nservices = [\"github-copilot\"]\nplans = [\"business\", \"enterprise\"]\nstatus = \"approved\"\nowner = \"IT\"
[[rule]]\ncategories = [\"code-assistant\"]\nplans = [\"individual\"]\nstatus = \"prohibited\"",
    );
    let status = |plan| decide(&policy, &client("10.0.3.7"), "github-copilot", plan).status;
    assert_eq!(status(None), Status::RequiresApproval);
    assert_eq!(status(Some(Plan::Business)), Status::Approved);
    assert_eq!(status(Some(Plan::Individual)), Status::RequiresApproval);
    let business = decide(&policy, &client("10.0.3.7"), "github-copilot", Some(Plan::Business));
    assert_eq!(business.why, "github-copilot is approved on the business plan by policy.toml:4, owner IT");
    let cursor = decide(&policy, &client("10.0.3.7"), "cursor", Some(Plan::Individual));
    assert_eq!(cursor.why, "cursor is prohibited on the individual plan by policy.toml:9 as code-assistant");
}

#[test]
fn a_tier_stands_between_a_group_and_everyone() {
    let policy = parse(
        "[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\ndata_tier = \"confidential\"
[groups.legal]\nsubnets = [\"10.0.4.0/24\"]\ndata_tier = \"confidential\"
[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"
[[rule]]\nservices = [\"claude\"]\ndata_tiers = [\"confidential\"]\nstatus = \"prohibited\"
[[rule]]\nservices = [\"claude\"]\ngroups = [\"legal\"]\nstatus = \"in_review\"",
    );
    let decide = |ip| decide(&policy, &client(ip), "claude", None);
    assert_eq!(decide("10.0.9.1").status, Status::Approved);
    assert_eq!(decide("10.0.4.1").status, Status::InReview);
    assert_eq!(decide("10.0.3.1").why, "claude is prohibited for confidential data by policy.toml:10");
}

#[test]
fn hours_hold_where_the_moment_is_known() {
    let policy = parse(
        "[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"
[[rule]]\nservices = [\"claude\"]\nhours = \"Mon-Fri 18:00-08:00\"\nstatus = \"prohibited\"",
    );
    let at = |hour| Subject { at: Some(TODAY.at(hour, 0, 0, 0)), ..client("10.0.3.7") };
    assert_eq!(decide(&policy, &at(12), "claude", None).status, Status::Approved);
    assert_eq!(decide(&policy, &client("10.0.3.7"), "claude", None).status, Status::Approved);
    assert_eq!(
        decide(&policy, &at(18), "claude", None).why,
        "claude is prohibited (Mon-Fri 18:00-08:00) by policy.toml:4"
    );
}

#[test]
fn an_exception_says_until_when() {
    let policy = parse(
        "[[rule]]\ncategories = [\"chat\"]\nstatus = \"prohibited\"
[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\nexception = true\nowner = \"CISO\"\nreason = \"pilot\"\nexpires = 2026-12-31\n",
    );
    let decision = decide(&policy, &client("10.0.3.7"), "claude", None);
    assert_eq!(
        decision.why,
        "claude is approved by policy.toml:4 (\"pilot\"), owner CISO, an exception until 2026-12-31"
    );
}
