//! What changes from one policy to the next, and the first policy out of what was seen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use jiff::civil::{Date, date};
use rules::{
    catalogue::{Catalogue, Plan},
    policy::{Change, Policy, ReviewState, Seen, Status, diff, draft},
    usage::Use,
};

const TODAY: Date = date(2026, 11, 20);

fn parse(text: &str) -> Policy {
    Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap()
}

fn changes(old: &str, new: &str) -> Vec<Change> {
    diff(&parse(old), &parse(new), &Catalogue::builtin(), TODAY)
}

fn words(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change| {
        let group = change.group.as_deref().unwrap_or("-");
        let line = |line: Option<usize>| line.map_or("-".to_owned(), |line| line.to_string());
        let (from, to) = (line(change.old_line), line(change.new_line));
        format!("{} {group} {}:{from} {}:{to}", change.service, change.from, change.to)
    };
    changes.iter().map(word).collect()
}

const GROUP: &str = "[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\n";

#[test]
fn the_same_policy_changes_nothing() {
    let example = include_str!("../policy.example.toml");
    assert!(changes(example, example).is_empty());
    assert!(diff(&Policy::empty(), &Policy::empty(), &Catalogue::builtin(), TODAY).is_empty());
}

#[test]
fn each_service_and_group_with_another_status_is_a_change() {
    let old = format!("{GROUP}[[rule]]\nservices = [\"claude\", \"poe\"]\nstatus = \"approved\"\n");
    let new = format!(
        "{GROUP}[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\n[[rule]]\nservices = [\"claude\"]\ngroups = [\"finance\"]\nstatus = \"prohibited\"\n"
    );
    assert_eq!(
        words(&changes(&old, &new)),
        [
            "claude finance approved:3 prohibited:6",
            "poe - approved:3 unreviewed:-",
            "poe finance approved:3 unreviewed:-",
        ]
    );
}

#[test]
fn a_new_limit_of_a_group_is_told_by_its_line() {
    let limit = format!("{GROUP}may_use = [\"claude\"]\n");
    let changes = changes(GROUP, &limit);
    assert_eq!(changes.len(), Catalogue::builtin().services().len() - 1);
    assert!(changes.iter().all(|change| change.new_line == Some(1) && change.to == Status::Prohibited));
}

#[test]
fn a_change_at_some_hours_or_on_one_plan_says_so() {
    let rule = "[[rule]]\nservices = [\"github-copilot\"]\nstatus = \"requires_approval\"\n";
    let business = format!("{rule}plans = [\"business\"]\n");
    let by_plan = changes(rule, &format!("{rule}{}", business.replace("requires_approval", "approved")));
    assert_eq!((by_plan.len(), by_plan[0].plan, by_plan[0].at.as_deref()), (1, Some(Plan::Business), None));
    let night = rule.replace("requires_approval", "prohibited") + "hours = \"Mon-Fri 18:00-08:00\"\n";
    let by_hour = changes(rule, &format!("{rule}{night}"));
    assert_eq!((by_hour.len(), by_hour[0].at.as_deref()), (1, Some("Mon 18:00")));
}

fn seen(service: &str, group: Option<&str>, devices: u64, usage: Use) -> Seen {
    Seen { service: service.to_owned(), group: group.map(str::to_owned), devices, usage }
}

#[test]
fn a_draft_parses_and_approves_nothing() {
    let groups = parse(
        "[groups.finance]\nname = \"Finance \\\"and\\\\ more\"\nsubnets = [\"10.0.3.0/24\", \"2001:db8::/32\"]\ndata_tier = \"confidential\"\nmay_use = [\"gemini\"]
[groups.\"guest net\"]\nvlans = [30, \"40-49\"]\nsites = [\"hq\"]\nmacs = [\"locally-administered\", \"b8:27:eb\"]\ndevices = [\"d\\n1\"]\npersonal = true\n",
    );
    let groups = groups.groups();
    let all = [
        seen("claude", Some("finance"), 3, Use::Used),
        seen("claude", None, 1, Use::Visited),
        seen("chatgpt", Some("guest net"), 12, Use::Used),
        seen("gemini", None, 7, Use::Shared),
        seen("poe", None, 2, Use::Nothing),
    ];
    let text = draft(&all, groups, TODAY);
    let policy = parse(&text);
    assert_eq!(policy.groups().len(), 2);
    for (drafted, group) in policy.groups().iter().zip(groups) {
        assert_eq!(&rules::policy::Group { line: group.line, ..drafted.clone() }, group);
    }
    let services: Vec<_> = policy.rules().iter().map(|rule| (rule.services[0].as_str(), rule.status)).collect();
    assert_eq!(services, [("chatgpt", Status::InReview), ("claude", Status::InReview)]);
    assert!(
        text.contains("# claude: Finance \"and\\ more 3 devices (used), others 1 device (visited)\n"),
        "{text}"
    );
    assert!(text.contains("# gemini: others 7 devices (shared)\n") && !text.contains("poe"), "{text}");
    assert_eq!(policy.rules()[1].reason.as_deref(), Some("found in use by 3 devices, not assessed yet"));
    // Nobody has gone through a draft yet.
    assert_eq!(policy.reviewed(), None);
    let due = policy.reviews(date(2026, 12, 20));
    assert_eq!(due.iter().filter(|review| review.state == ReviewState::Due).count(), 2);
    assert_eq!(policy.approvals().len(), 2);
    let lints = policy.lint(TODAY, &Catalogue::builtin());
    assert!(lints.iter().all(|lint| !lint.text.contains("was last")), "{lints:?}");
}

#[test]
fn a_draft_keeps_networks_inside_each_other() {
    let text = "[policy]\noverlap = \"longest\"\n[groups.all]\nsubnets = [\"10.0.0.0/8\"]\n[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\n";
    let drafted = parse(&draft(&[], parse(text).groups(), TODAY));
    assert_eq!(drafted.group_of("10.0.3.1".parse().unwrap()).unwrap().id, "finance");
}

#[test]
fn a_draft_of_nothing_is_a_policy_too() {
    let policy = parse(&draft(&[], &[], TODAY));
    assert!(policy.rules().is_empty() && policy.groups().is_empty());
}

/// What the marks of a comment hide parses as well, once they are taken away.
#[test]
fn the_rules_that_a_draft_offers_are_rules() {
    let text = draft(&[], &[], TODAY);
    let keys = ["[[rule]]", "categories", "status", "owner", "reason"];
    let bare = |line: &str| {
        let rest = line.strip_prefix("# ").filter(|rest| keys.iter().any(|key| rest.starts_with(key)));
        rest.unwrap_or(line).to_owned() + "\n"
    };
    assert_eq!(parse(&text.lines().map(bare).collect::<String>()).rules().len(), 2);
}
