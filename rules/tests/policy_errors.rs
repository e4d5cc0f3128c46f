//! Each mistake that a policy can hold, and how it is reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use std::path::Path;

use rules::{catalogue::Catalogue, policy::Policy};

const GROUPS: &str = "[groups.finance]\nname = \"Finance\"\nsubnets = [\"10.0.3.0/24\"]\n[groups.it]\nsubnets = [\"10.0.4.0/24\", \"2001:db8::/64\"]\n";

fn error(text: &str) -> String {
    Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap_err().to_string()
}

#[test]
fn errors_name_file_line_key_and_mend() {
    let rule = "[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\n";
    let cases = [
        (
            rule.replace("approved", "aproved"),
            "policy.toml:3: `rule.status`: unknown status \"aproved\": use approved, requires_approval, prohibited, personal_risk, in_review, unreviewed",
        ),
        (
            format!("{rule}severty = 3\n"),
            "policy.toml:4: `rule.severty`: unknown key: use services, categories, groups, status, owner, reason, review_by, expires, severity",
        ),
        (format!("{rule}severity = 11\n"), "policy.toml:4: `rule.severity`: must be a whole number from 0 to 10"),
        (
            "[[rules]]\nstatus = \"approved\"\n".to_owned(),
            "policy.toml:1: `rules`: unknown key: use policy, groups, rule, deadlines",
        ),
        ("[rule]\nstatus = \"approved\"\n".to_owned(), "policy.toml:1: `rule`: must be a list of tables: write [[rule]]"),
        (
            rule.replace("\"claude\"", "\"claud\""),
            "policy.toml:2: `rule.services`: the catalogue has no service \"claud\": did you mean \"claude\"?",
        ),
        (
            rule.replace("\"claude\"", "\"xyzzy\""),
            "policy.toml:2: `rule.services`: the catalogue has no service \"xyzzy\": `shadowtap catalog list` prints the ids",
        ),
        (
            rule.replace("\"claude\"", "\"claude\",\n  \"claude\""),
            "policy.toml:3: `rule.services`: \"claude\" is named twice in this list: name it once",
        ),
        (
            rule.replace("services = [\"claude\"]", "categories = [\"chats\"]"),
            "policy.toml:2: `rule.categories`: unknown category \"chats\": use chat, code-assistant, api, search, image, video, audio, writing, notetaker, agent, data-platform, model-hub, local-model, embedded-saas, ai-browser",
        ),
        (
            format!("{rule}categories = [\"chat\"]\n"),
            "policy.toml:1: `rule`: a rule names either services or categories: write one of the two lists",
        ),
        (
            "[[rule]]\nstatus = \"approved\"\n".to_owned(),
            "policy.toml:1: `rule`: a rule names either services or categories: write one of the two lists",
        ),
        (
            rule.replace("[\"claude\"]", "[]"),
            "policy.toml:2: `rule.services`: the list is empty: name at least one, or leave the key out",
        ),
        (
            rule.replace("[\"claude\"]", "\"claude\""),
            "policy.toml:2: `rule.services`: must be a list of strings, such as [\"one\", \"two\"]",
        ),
        (
            rule.replace("status = \"approved\"\n", ""),
            "policy.toml:1: `rule.status`: missing: every entry needs this key",
        ),
        (
            format!("{rule}groups = [\"sales\"]\n"),
            "policy.toml:4: `rule.groups`: unknown group \"sales\": declare it as [groups.sales]",
        ),
        (
            format!("{GROUPS}{rule}groups = [\"sales\"]\n"),
            "policy.toml:9: `rule.groups`: unknown group \"sales\": use finance, it",
        ),
        (
            format!("{rule}expires = \"next year\"\n"),
            "policy.toml:4: `rule.expires`: \"next year\" is not a date: write year-month-day, such as 2026-11-20",
        ),
        (
            "[policy]\nreviewed = \"2026-13-01\"\n".to_owned(),
            "policy.toml:2: `policy.reviewed`: \"2026-13-01\" is not a date: write year-month-day, such as 2026-11-20",
        ),
        (
            "[groups.a]\nsubnets = [\"10.0.3.7\"]\n".to_owned(),
            "policy.toml:2: `groups.a.subnets`: \"10.0.3.7\" is not a subnet: write address/length, such as 10.0.3.0/24",
        ),
        (
            "[groups.a]\nsubnets = [\"10.0.3.7/24\"]\n".to_owned(),
            "policy.toml:2: `groups.a.subnets`: \"10.0.3.7/24\" has bits behind its length: write 10.0.3.0/24",
        ),
        (
            "[groups.a]\nname = \"A\"\n".to_owned(),
            "policy.toml:1: `groups.a.subnets`: missing: a group without a subnet holds nobody",
        ),
        (
            "[deadlines]\nunapproved_tool = \"soon\"\n".to_owned(),
            "policy.toml:2: `deadlines.unapproved_tool`: \"soon\" is not a deadline: write a number and s, m, h or d, such as \"4h\" (at most 90d)",
        ),
        (
            format!("{GROUPS}[groups.all]\nsubnets = [\"10.0.0.0/16\"]\n"),
            "policy.toml:6: `groups.all`: 10.0.0.0/16 overlaps 10.0.3.0/24 of `groups.finance` at line 1: a client belongs to one group, so split the networks or merge the groups",
        ),
        (
            format!("{rule}\n{rule}"),
            "policy.toml:5: `rule`: claude for everyone is decided by the rule at line 1 already: remove claude from one of the two",
        ),
        (
            format!("{GROUPS}{rule}groups = [\"it\", \"finance\"]\n{rule}groups = [\"finance\"]\n"),
            "policy.toml:10: `rule`: claude for group finance is decided by the rule at line 6 already: remove claude from one of the two",
        ),
        (
            "[[rule]]\ncategories = [\"chat\"]\nstatus = \"approved\"\n[[rule]]\ncategories = [\"api\", \"chat\"]\nstatus = \"prohibited\"\n".to_owned(),
            "policy.toml:4: `rule`: chat for everyone is decided by the rule at line 1 already: remove chat from one of the two",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn broken_toml_and_a_missing_file_are_told() {
    assert!(error("[policy\n").starts_with("policy.toml:1: not TOML: "), "{}", error("[policy\n"));
    let missing = Policy::load(Path::new("/nonexistent/policy.toml"), &Catalogue::builtin()).unwrap_err();
    assert!(missing.to_string().starts_with("/nonexistent/policy.toml: "), "{missing}");
}
