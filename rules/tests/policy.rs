//! Policies by example: what is decided, why, and how each mistake is reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use std::{net::IpAddr, path::Path, time::Duration};

use jiff::civil::{Date, date};
use rules::{
    catalogue::{Catalogue, Plan},
    policy::{Decision, FindingRule, Policy, Status, Subject, mac},
};

const GROUPS: &str = "[groups.finance]\nname = \"Finance\"\nsubnets = [\"10.0.3.0/24\"]\n[groups.it]\nsubnets = [\"10.0.4.0/24\", \"2001:db8::/64\"]\n";
const FINANCE: &str = "10.0.3.7";
const IT: &str = "10.0.4.7";
const NOBODY: &str = "10.9.9.9";
const TODAY: Date = date(2026, 11, 20);

fn parse(text: &str) -> Policy {
    Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap()
}

fn decide<'a>(policy: &'a Policy, client: &str, service: &str, on: Date) -> Decision<'a> {
    let catalogue = Catalogue::builtin();
    policy.decide(client.parse().unwrap(), catalogue.service(service).unwrap(), on)
}

fn status(policy: &Policy, client: &str, service: &str) -> Status {
    decide(policy, client, service, TODAY).status
}

#[test]
fn no_policy_means_unreviewed() {
    let policy = Policy::empty();
    let decision = decide(&policy, FINANCE, "claude", TODAY);
    assert_eq!((decision.status, decision.rule, decision.group), (Status::Unreviewed, None, None));
    assert_eq!(decision.why, "claude is unreviewed: no policy is loaded");
    assert_eq!((policy.version(), policy.name()), ("none", "none"));
}

#[test]
fn the_more_specific_rule_decides() {
    let policy = parse(&format!(
        "{GROUPS}
        [[rule]]\ncategories = [\"chat\"]\nstatus = \"requires_approval\"
        [[rule]]\ncategories = [\"chat\"]\ngroups = [\"finance\"]\nstatus = \"prohibited\"
        [[rule]]\nservices = [\"claude\"]\nstatus = \"in_review\"
        [[rule]]\nservices = [\"claude\"]\ngroups = [\"it\"]\nstatus = \"approved\""
    ));
    assert_eq!(status(&policy, IT, "claude"), Status::Approved);
    assert_eq!(status(&policy, FINANCE, "claude"), Status::InReview);
    assert_eq!(status(&policy, NOBODY, "claude"), Status::InReview);
    assert_eq!(status(&policy, FINANCE, "poe"), Status::Prohibited);
    assert_eq!(status(&policy, IT, "poe"), Status::RequiresApproval);
    assert_eq!(status(&policy, NOBODY, "otter"), Status::Unreviewed);
}

#[test]
fn the_reason_is_a_sentence() {
    let policy = parse(&format!(
        "{GROUPS}
[[rule]]
services = [\"claude\"]
groups = [\"finance\"]
status = \"prohibited\"
owner = \"IT\"
reason = \"client data\"

[[rule]]
categories = [\"notetaker\"]
status = \"approved\"
review_by = 2026-05-01"
    ));
    let claude = decide(&policy, FINANCE, "claude", TODAY);
    assert_eq!(claude.why, "claude is prohibited for Finance by policy.toml:7 (\"client data\"), owner IT");
    assert_eq!(
        (claude.severity, claude.group.unwrap().name.as_str(), claude.rule.unwrap().line),
        (8, "Finance", 7)
    );
    let otter = decide(&policy, NOBODY, "otter", TODAY);
    assert_eq!(otter.why, "otter is approved by policy.toml:14 as notetaker; its review was due on 2026-05-01");
    let poe = decide(&policy, NOBODY, "poe", TODAY);
    assert_eq!(poe.why, "poe is unreviewed: no rule in policy.toml names it or its category chat");
}

#[test]
fn an_approval_that_ran_out_approves_nothing() {
    let text = "[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\nowner = \"IT\"\nexpires = 2026-11-20\n";
    let policy = parse(text);
    assert_eq!(status(&policy, NOBODY, "claude"), Status::Approved);
    let tomorrow = decide(&policy, NOBODY, "claude", date(2026, 11, 21));
    assert_eq!(tomorrow.status, Status::Unreviewed);
    assert_eq!(tomorrow.why, "claude is unreviewed: the approval at policy.toml:1 expired on 2026-11-20, owner IT");

    let wider = parse(&format!("{text}[[rule]]\ncategories = [\"chat\"]\nstatus = \"approved\"\n"));
    assert_eq!(decide(&wider, NOBODY, "claude", date(2026, 11, 21)).status, Status::Unreviewed);

    let strict = parse(&format!("{text}[[rule]]\ncategories = [\"chat\"]\nstatus = \"prohibited\"\n"));
    let back = decide(&strict, NOBODY, "claude", date(2026, 11, 21));
    assert_eq!(back.status, Status::Prohibited);
    assert_eq!(back.why, "claude is prohibited by policy.toml:6 as chat; policy.toml:1 expired on 2026-11-20");
}

#[test]
fn groups_are_found_by_address() {
    let policy = parse(GROUPS);
    let group = |ip: &str| policy.group_of(ip.parse::<IpAddr>().unwrap()).map(|group| group.id.as_str());
    assert_eq!(group("10.0.3.255"), Some("finance"));
    assert_eq!(group("10.0.4.0"), Some("it"));
    assert_eq!(group("10.0.5.0"), None);
    assert_eq!(group("2001:db8::7"), Some("it"));
    assert_eq!(group("::ffff:10.0.3.9"), Some("finance"));
    assert_eq!(policy.groups()[1].name, "it");
}

#[test]
fn deadlines_have_defaults() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let policy = parse("[deadlines]\nprohibited_tool = \"30m\"\n");
    assert_eq!(policy.deadline(FindingRule::ProhibitedUse), Some(minutes(30)));
    assert_eq!(policy.deadline(FindingRule::UnapprovedUse), Some(minutes(240)));
    assert_eq!(policy.deadline(FindingRule::UploadLimit), Some(minutes(15)));
    assert_eq!(Policy::empty().deadline(FindingRule::ProhibitedUse), Some(minutes(60)));
}

fn example() -> Policy {
    Policy::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policy.example.toml"), &Catalogue::builtin()).unwrap()
}

#[test]
fn the_example_says_what_an_office_needs() {
    let policy = example();
    assert_eq!((policy.name(), policy.version().len()), ("AI tools at work", 12));
    assert_eq!(policy.owner(), Some("IT and Security"));
    assert_eq!(policy.reviewed(), Some(date(2026, 11, 2)));
    assert_eq!(status(&policy, "10.0.8.5", "microsoft-copilot"), Status::Approved);
    assert_eq!(status(&policy, "10.0.8.5", "github-copilot"), Status::RequiresApproval);
    assert_eq!(status(&policy, "10.0.8.5", "claude"), Status::RequiresApproval);
    assert_eq!(status(&policy, "10.0.8.5", "chatgpt"), Status::InReview);
    assert_eq!(status(&policy, "10.0.8.5", "poe"), Status::Unreviewed);
    assert_eq!(status(&policy, "10.0.3.5", "microsoft-copilot"), Status::Approved);
    assert_eq!(status(&policy, "10.0.3.5", "poe"), Status::Prohibited);
    assert_eq!(status(&policy, "10.0.3.5", "claude"), Status::Prohibited);
    assert_eq!(status(&policy, "192.168.90.5", "poe"), Status::PersonalRisk);
    assert_eq!(status(&policy, "192.168.90.5", "chatgpt"), Status::PersonalRisk);
    assert_eq!(status(&policy, "192.168.90.5", "deepseek"), Status::PersonalRisk);
    assert_eq!(status(&policy, "10.0.8.5", "ollama"), Status::Prohibited);
    assert_eq!(status(&policy, "10.60.1.1", "claude"), Status::Prohibited);
    assert_eq!(decide(&policy, "10.60.1.1", "ollama", TODAY).severity, 9);
    assert_eq!(policy.deadline(FindingRule::UnapprovedUse), Some(Duration::from_secs(4 * 3600)));
}

#[test]
fn the_example_knows_a_licence_a_client_site_and_a_private_phone() {
    let (policy, catalogue) = (example(), Catalogue::builtin());
    let on = |client: &Subject<'_>, service: &str, plan| {
        policy.decide_for(client, catalogue.service(service).unwrap(), plan, TODAY)
    };
    let client = |ip: &str| Subject::of(ip.parse().unwrap());
    let engineer = client("10.0.4.5");
    assert_eq!(on(&engineer, "github-copilot", Some(Plan::Business)).status, Status::Approved);
    assert_eq!(on(&engineer, "github-copilot", Some(Plan::Individual)).status, Status::RequiresApproval);
    assert_eq!(on(&engineer, "lm-studio", None).status, Status::Approved);

    let acme = Subject { site: Some("acme"), ..client("192.0.2.7") };
    let ollama = on(&acme, "ollama", None);
    assert_eq!((ollama.status, ollama.severity), (Status::Prohibited, 9));
    assert_eq!(policy.deadline_for(&ollama, FindingRule::ProhibitedUse), Some(Duration::from_secs(15 * 60)));
    let route = policy.route(Some("acme"));
    assert_eq!(route.security, Some("security-lead@msp.example"));
    assert_eq!((route.risk_owner, route.client), (Some("risk-owner@msp.example"), None));

    let phone = Subject { mac: mac("3a:10:20:30:40:50"), ..client("10.0.13.9") };
    assert_eq!(on(&phone, "deepseek", None).status, Status::PersonalRisk);
    assert_eq!(on(&client("10.0.13.9"), "deepseek", None).status, Status::Prohibited);
}

#[test]
fn the_example_has_nothing_to_mend() {
    let lints = example().lint(TODAY, &Catalogue::builtin());
    assert!(lints.is_empty(), "{lints:#?}");
}
