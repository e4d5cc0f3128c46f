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
            "policy.toml:4: `rule.severty`: unknown key: use services, categories, plans, groups, data_tiers, hours, status, exception, owner, reason, review_by, expires, severity, report_within",
        ),
        (format!("{rule}severity = 11\n"), "policy.toml:4: `rule.severity`: must be a whole number from 0 to 10"),
        (
            "[[rules]]\nstatus = \"approved\"\n".to_owned(),
            "policy.toml:1: `rules`: unknown key: use policy, groups, rule, approval, deadlines, routes, quiet_hours, suppression, severity, limit, budget, models",
        ),
        (
            "[[limit]]\nbytes = \"50 MiB\"\nper = \"day\"\nowner = \"a\"\nreason = \"b\"\n".to_owned(),
            "policy.toml:2: `limit.bytes`: \"50 MiB\" is no amount: write a number and B, kB, MB or GB, such as \"50MB\"",
        ),
        (
            "[[limit]]\nbytes = \"50MB\"\nper = \"month\"\nowner = \"a\"\nreason = \"b\"\n".to_owned(),
            "policy.toml:3: `limit.per`: unknown span \"month\": use hour, day, week",
        ),
        (
            "[[limit]]\nbytes = \"50MB\"\nper = \"day\"\nowner = \"a\"\n".to_owned(),
            "policy.toml:1: `limit.reason`: missing: every entry needs this key",
        ),
        (
            "[[limit]]\nservices = [\"claude\"]\ncategories = [\"chat\"]\nbytes = \"50MB\"\nper = \"day\"\nowner = \"a\"\nreason = \"b\"\n".to_owned(),
            "policy.toml:1: `limit.categories`: a limit names services or categories: write one of the two lists, or neither for all",
        ),
        (
            "[budget]\nfirst_per_site = \"no\"\n".to_owned(),
            "policy.toml:2: `budget.first_per_site`: \"no\" is neither true nor false: write one of the two",
        ),
        ("[severity]\nfirst-sight = 11\n".to_owned(), "policy.toml:2: `severity.first-sight`: must be a whole number from 0 to 10"),
        ("[models]\ndownload_bytes = \"0MB\"\n".to_owned(), "policy.toml:2: `models.download_bytes`: \"0MB\" is no amount: write a number and B, kB, MB or GB, such as \"50MB\""),
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
            "policy.toml:1: `groups.a`: holds nobody: write subnets, vlans, sites, macs or devices",
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

#[test]
fn errors_in_the_scope_of_groups_and_rules() {
    let group = |keys: &str| format!("[groups.a]\n{keys}\n");
    let rule = |keys: &str| format!("[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\n{keys}\n");
    let two = |a: &str, b: &str| format!("[groups.a]\n{a}\n[groups.b]\n{b}\n");
    let cases = [
        (
            group("vlans = [4095]"),
            "policy.toml:2: `groups.a.vlans`: \"4095\" is no VLAN: write an id from 1 to 4094 or a range, such as 30 or \"40-49\"",
        ),
        (
            group("macs = [\"b8:27\"]"),
            "policy.toml:2: `groups.a.macs`: \"b8:27\" is no hardware address: write the first 3 to 6 octets, such as \"b8:27:eb\", or \"locally-administered\"",
        ),
        (
            group("vlans = [1]\npersonal = 1"),
            "policy.toml:3: `groups.a.personal`: \"1\" is neither true nor false: write one of the two",
        ),
        (
            group("vlans = [1]\ndata_tier = \"secret\""),
            "policy.toml:3: `groups.a.data_tier`: unknown data tier \"secret\": use public, internal, confidential",
        ),
        (
            group("vlans = [1]\npersonal = true\nmay_use = [\"claude\"]"),
            "policy.toml:1: `groups.a.may_use`: a personal group is outside the policy's scope: remove `may_use`, or `personal` if it is not",
        ),
        (
            two("devices = [\"laptop-7\"]", "vlans = [3]\ndevices = [\"laptop-7\"]"),
            "policy.toml:3: `groups.b`: device \"laptop-7\" is one of `groups.a` at line 1 already: a client belongs to one group, so remove it from one of the two",
        ),
        (
            two("vlans = [\"30-39\"]", "vlans = [35]"),
            "policy.toml:3: `groups.b`: the same clients would belong to `groups.a` at line 1: a client belongs to one group, so add a key that tells the two apart",
        ),
        (
            format!(
                "[policy]\noverlap = \"longest\"\n{}",
                two("subnets = [\"10.0.0.0/8\"]", "subnets = [\"10.0.0.0/8\"]")
            ),
            "policy.toml:5: `groups.b`: 10.0.0.0/8 is a subnet of `groups.a` at line 3 already: a client belongs to one group, so remove it from one of the two or add a key that tells them apart",
        ),
        (
            "[policy]\noverlap = \"any\"\n".to_owned(),
            "policy.toml:2: `policy.overlap`: unknown overlap \"any\": use refuse, longest",
        ),
        (
            rule("plans = [\"free\"]"),
            "policy.toml:4: `rule.plans`: unknown plan \"free\": use individual, business, enterprise",
        ),
        (
            rule("hours = \"9 to 5\""),
            "policy.toml:4: `rule.hours`: \"9 to 5\" are no hours: write days and times, such as \"Mon-Fri 08:00-18:00\" or \"Mon-Thu 08:00-18:00, Fri 08:00-15:00\"",
        ),
        (
            format!("{GROUPS}{}", rule("groups = [\"it\"]\ndata_tiers = [\"public\"]")),
            "policy.toml:6: `rule.data_tiers`: a rule is for groups or for the data tiers of groups: write one of the two lists",
        ),
        (
            rule("exception = true\nowner = \"IT\"\nreason = \"pilot\""),
            "policy.toml:1: `rule.expires`: missing: an exception has an owner, a reason and a last day",
        ),
        (
            format!("{}{}", rule("hours = \"Mon-Fri 08:00-18:00\""), rule("hours = \"Fri 17:00-23:00\"")),
            "policy.toml:5: `rule`: claude for everyone is decided by the rule at line 1 already: remove claude from one of the two",
        ),
        (
            format!("{}{}", rule("data_tiers = [\"public\", \"internal\"]"), rule("data_tiers = [\"internal\"]")),
            "policy.toml:5: `rule`: claude for internal data is decided by the rule at line 1 already: remove claude from one of the two",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn errors_in_approvals_routes_and_suppressions() {
    let step = |step: &str, on: &str, more: &str| {
        format!("  {{ step = \"{step}\", on = {on}, who = \"IT\", why = \"asked\"{more} }},\n")
    };
    let life = |steps: &[String]| format!("[[approval]]\nservice = \"claude\"\nsteps = [\n{}]\n", steps.concat());
    let cases = [
        (
            life(&[step("in_review", "2026-11-02", ""), step("submitted", "2026-11-03", "")]),
            "policy.toml:5: `approval.steps.step`: submitted cannot follow in_review of line 4: a tool is seen, submitted, in_review, decided, and may then be submitted again",
        ),
        (
            life(&[step("seen", "2026-11-02", ""), step("submitted", "2026-11-01", "")]),
            "policy.toml:5: `approval.steps.on`: 2026-11-01 is before 2026-11-02, the day of the step at line 4: write the steps in order",
        ),
        (
            life(&[step("decided", "2026-11-02", "")]),
            "policy.toml:4: `approval.steps.status`: missing: a decided step says what was decided",
        ),
        (
            life(&[step("seen", "2026-11-02", ", status = \"approved\"")]),
            "policy.toml:4: `approval.steps.status`: a tool that is seen has no answer yet: remove this key",
        ),
        (
            "[[approval]]\nservice = \"claude\"\n".to_owned(),
            "policy.toml:1: `approval.steps`: missing: write at least { step = \"seen\", on = 2026-11-02, who = \"...\", why = \"...\" }",
        ),
        (
            "[routes]\nsecurity = \"soc\"\nclient = \"them\"\n".to_owned(),
            "policy.toml:3: `routes.client`: a client hears of its own site alone: write `client` under [routes.sites.SITE], or remove it",
        ),
        (
            "[routes.sites.acme]\nclient_mail = \"x\"\n".to_owned(),
            "policy.toml:2: `routes.sites.acme.client_mail`: unknown key: use security, risk_owner, client",
        ),
        (
            "[[suppression]]\nowner = \"IT\"\nreason = \"lab\"\nexpires = 2027-01-01\n".to_owned(),
            "policy.toml:1: `suppression`: would hold back everything: name services, groups or devices",
        ),
        (
            "[[suppression]]\nservices = [\"claude\"]\nowner = \"IT\"\nreason = \"lab\"\n".to_owned(),
            "policy.toml:1: `suppression.expires`: missing: a suppression has a last day",
        ),
        (
            "[[suppression]]\nservices = [\"claude\"]\nreason = \"lab\"\n".to_owned(),
            "policy.toml:1: `suppression.owner`: missing: every entry needs this key",
        ),
        ("[quiet_hours]\n".to_owned(), "policy.toml:1: `quiet_hours.hours`: missing: every entry needs this key"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected);
    }
}
