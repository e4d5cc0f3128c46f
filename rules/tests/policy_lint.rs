//! What `lint` says about policies that hold but should not stay as they are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use jiff::civil::{Date, date};
use rules::{catalogue::Catalogue, policy::Policy};

const TODAY: Date = date(2026, 11, 20);

const CATALOGUE: &str = r#"
[[service]]
id = "talk"
name = "Talk"
vendor = "Talk"
category = "chat"
access = ["web"]
modality = ["text"]
homepage = "https://talk.example"
hosts = [{ suffix = "talk.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "chatter"
name = "Chatter"
vendor = "Chatter"
category = "chat"
access = ["web"]
modality = ["text"]
homepage = "https://chatter.example"
hosts = [{ suffix = "chatter.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]

[[service]]
id = "coder"
name = "Coder"
vendor = "Coder"
category = "code-assistant"
access = ["web"]
modality = ["code"]
homepage = "https://coder.example"
hosts = [{ suffix = "coder.example", role = "app", strength = "definite", source = "test", date = 2026-11-01 }]
"#;

fn catalogue() -> Catalogue {
    Catalogue::parse([("test.toml", CATALOGUE)]).unwrap()
}

const HEAD: &str = "[policy]\nreviewed = 2026-11-02\n";

/// The lints of a policy behind [`HEAD`]: its first line is line 3.
fn lint(text: &str) -> Vec<String> {
    let policy = Policy::parse(&format!("{HEAD}{text}"), "p.toml", &catalogue()).unwrap();
    policy.lint(TODAY, &catalogue()).iter().map(ToString::to_string).collect()
}

fn rule(what: &str, status: &str, more: &str) -> String {
    format!("[[rule]]\n{what}\nstatus = \"{status}\"\n{more}\n")
}

const SIGNED: &str = "owner = \"IT\"\nreason = \"contract\"";

#[test]
fn a_policy_in_order_has_no_lints() {
    let group = "[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\n";
    let text = format!(
        "{group}{}{}",
        rule("services = [\"coder\"]", "approved", SIGNED),
        rule("categories = [\"chat\"]\ngroups = [\"finance\"]", "prohibited", "")
    );
    assert_eq!(lint(&text), [""; 0]);
}

#[test]
fn rules_that_never_decide() {
    let shadowed = rule("services = [\"talk\", \"chatter\"]", "in_review", "")
        + &rule("categories = [\"chat\"]", "prohibited", "");
    assert_eq!(
        lint(&shadowed),
        [
            "p.toml:7: warning: the rule for category chat never decides: more specific words come first for all it covers, those of line 3"
        ]
    );
    let groups = "[groups.a]\nvlans = [1]\n[groups.b]\nvlans = [2]\n";
    let by_groups = format!(
        "{groups}{}{}{}",
        rule("services = [\"talk\"]\ngroups = [\"a\"]\nhours = \"Mon 08:00-09:00\"", "in_review", ""),
        rule("services = [\"talk\"]", "in_review", ""),
        rule("categories = [\"chat\"]\ngroups = [\"a\"]", "prohibited", "")
    );
    // The category rule still decides about the other service of its category.
    assert_eq!(lint(&by_groups), ["p.toml:5: note: no rule names group b: only rules for everyone hold for it"]);
    let personal = "[groups.guest]\nvlans = [1]\npersonal = true\ndata_tier = \"public\"\n";
    let kept_out =
        format!("{personal}{}", rule("services = [\"talk\"]\ndata_tiers = [\"public\"]", "in_review", ""));
    assert_eq!(
        lint(&kept_out),
        [
            "p.toml:7: warning: the rule for talk never decides: more specific words come first for all it covers, those of group guest itself"
        ]
    );
    let no_tier = rule("services = [\"talk\"]\ndata_tiers = [\"public\"]", "in_review", "");
    assert_eq!(lint(&no_tier), ["p.toml:3: warning: never decides: no group has the data tier public"]);
}

#[test]
fn a_rule_that_runs_out_or_asks_for_more_hides_nothing() {
    let category = rule("categories = [\"code-assistant\"]", "prohibited", "");
    for more in ["plans = [\"business\"]", "hours = \"Mon-Fri 08:00-18:00\"", "expires = 2026-12-31"] {
        let text = rule("services = [\"coder\"]", "in_review", more) + &category;
        assert_eq!(lint(&text), [""; 0], "{more}");
    }
    let narrow = "plans = [\"business\"]\nhours = \"Mon 09:00-10:00\"";
    let same = rule("services = [\"coder\"]\nplans = [\"business\"]", "in_review", "");
    let text = same + &rule(&format!("categories = [\"code-assistant\"]\n{narrow}"), "prohibited", "");
    assert_eq!(lint(&text).len(), 1);
}

#[test]
fn words_that_are_missing_and_names_that_are_unknown() {
    let approved = rule("services = [\"coder\"]", "approved", "reason = \"contract\"");
    assert_eq!(
        lint(&approved),
        ["p.toml:3: warning: coder is approved without `owner`: write who answers and why"]
    );
    assert_eq!(
        lint(&rule("categories = [\"video\"]", "prohibited", "")),
        ["p.toml:3: note: this catalogue has no service of category video"]
    );
    let policy = Policy::parse(&rule("services = [\"claude\"]", "prohibited", ""), "p.toml", &Catalogue::builtin());
    let lints = policy.unwrap().lint(TODAY, &catalogue());
    assert_eq!(lints[0].text, "nobody has reviewed this policy: write `reviewed` under [policy]");
    assert_eq!(lints[1].text, "this catalogue has no service \"claude\": the rule never decides it");
}

#[test]
fn an_approval_beside_a_prohibition() {
    let approved = rule("services = [\"talk\"]", "approved", SIGNED);
    let everyone = approved.clone() + &rule("categories = [\"chat\"]", "prohibited", "");
    assert_eq!(
        lint(&everyone),
        [
            "p.toml:3: note: approves talk, while line 8 prohibits category chat: if that is meant, write `exception = true` with an owner, a reason and a last day"
        ]
    );
    let meant = approved.replace("reason", "exception = true\nexpires = 2026-12-31\nreason");
    assert_eq!(lint(&(meant + &rule("categories = [\"chat\"]", "prohibited", ""))), [""; 0]);
    let group = "[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\n";
    let trap =
        format!("{group}{approved}{}", rule("categories = [\"chat\"]\ngroups = [\"finance\"]", "prohibited", ""));
    assert_eq!(
        lint(&trap),
        [
            "p.toml:10: warning: chat is prohibited for finance, yet talk stays approved by line 5: a rule that names a service outranks one for its category, so add a rule that names the service for them"
        ]
    );
}

#[test]
fn dates_that_have_passed() {
    let text = rule("services = [\"talk\"]", "approved", &format!("{SIGNED}\nexpires = 2026-11-19"))
        + &rule("services = [\"coder\"]", "approved", &format!("{SIGNED}\nreview_by = 2026-05-01"))
        + "[[suppression]]\nservices = [\"talk\"]\nowner = \"IT\"\nreason = \"pilot\"\nexpires = 2026-01-01\n";
    assert_eq!(
        lint(&text),
        [
            "p.toml:3: warning: the rule for talk expired on 2026-11-19: decide again or remove it",
            "p.toml:9: warning: the review of coder was due on 2026-05-01 and is overdue",
            "p.toml:15: warning: this suppression expired on 2026-01-01: decide again or remove it",
        ]
    );
    let old = Policy::parse("[policy]\nreviewed = 2026-05-01\n", "p.toml", &catalogue()).unwrap();
    assert_eq!(old.lint(TODAY, &catalogue())[0].text, "the review of the policy as a whole was due on 2026-11-01");
}

#[test]
fn what_a_group_may_use_wants_an_approval() {
    let text = "[groups.finance]\nsubnets = [\"10.0.3.0/24\"]\nmay_use = [\"coder\"]\n";
    assert_eq!(lint(text), ["p.toml:3: note: finance may use coder, but no rule approves it: it is unreviewed"]);
}

#[test]
fn approvals_that_the_rules_contradict() {
    let steps = |step: &str, more: &str| {
        format!(
            "[[approval]]\nservice = \"talk\"\nsteps = [{{ step = \"{step}\", on = 2026-11-01, who = \"IT\", why = \"asked\"{more} }}]\n"
        )
    };
    let said = |status: &str| rule("services = [\"talk\"]", status, SIGNED);
    let decided = steps("decided", ", status = \"prohibited\"");
    assert_eq!(lint(&(decided.clone() + &said("prohibited"))), [""; 0]);
    assert_eq!(
        lint(&(decided + &said("in_review"))),
        [
            "p.toml:5: warning: talk was last decided as prohibited on 2026-11-01, but the rules say in_review: write the next step or mend the rule"
        ]
    );
    assert_eq!(lint(&(steps("in_review", "") + &said("in_review"))), [""; 0]);
    assert_eq!(lint(&steps("seen", "")), [""; 0]);
    assert_eq!(lint(&(steps("submitted", "") + &said("approved"))).len(), 1);
    let ahead = steps("seen", "").replace("2026-11-01", "2026-12-01");
    assert_eq!(lint(&ahead), ["p.toml:5: warning: the step lies ahead: 2026-12-01 is after 2026-11-20"]);
}

#[test]
fn a_site_whose_findings_nobody_hears_of() {
    let text = "[routes]\nsecurity = \"soc\"\n[routes.sites.acme]\nsecurity = \"lead\"\n";
    assert_eq!(
        lint(text),
        ["p.toml:5: warning: findings at acme have no `risk_owner`: write it here or under [routes]"]
    );
}
