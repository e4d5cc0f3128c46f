//! Dates, audit rows, routes, quiet hours and suppressions.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use std::{fs, time::Duration};

use jiff::civil::{Date, date, datetime};
use rules::{
    catalogue::Catalogue,
    policy::{FindingRule, Policy, ReviewState, Route, Stage, Status, Subject},
};

const TODAY: Date = date(2026, 11, 20);

fn parse(text: &str) -> Policy {
    Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap()
}

#[test]
fn a_review_is_due_after_six_months_and_overdue_after_twelve() {
    let policy = parse(
        "[policy]\nreviewed = 2026-05-20
[[rule]]\nservices = [\"claude\"]\nstatus = \"approved\"\nreview_by = 2026-05-20
[[rule]]\ncategories = [\"chat\"]\nstatus = \"prohibited\"\nreview_by = 2027-05-20
[[rule]]\nservices = [\"poe\"]\nstatus = \"approved\"\nreview_by = 2026-01-01\nexpires = 2026-02-01",
    );
    let reviews = |on| {
        let list = policy.reviews(on);
        list.into_iter().map(|review| (review.line, review.what, review.state)).collect::<Vec<_>>()
    };
    let whole = "the policy as a whole".to_owned();
    assert_eq!(
        reviews(TODAY),
        [
            (3, "claude".to_owned(), ReviewState::Overdue),
            (1, whole.clone(), ReviewState::Due),
            (7, "category chat".to_owned(), ReviewState::Current),
        ]
    );
    assert_eq!(reviews(date(2026, 11, 19))[0].2, ReviewState::Due);
    assert_eq!(reviews(date(2026, 11, 19))[1].2, ReviewState::Current);
    assert_eq!(reviews(date(2027, 5, 20))[1], (1, whole, ReviewState::Overdue));
    assert!(Policy::empty().reviews(TODAY).is_empty());
}

const APPROVAL: &str = r#"
[[approval]]
service = "chatgpt"
steps = [
    { step = "seen", on = 2026-09-01, who = "sensor", why = "in use by 12 devices" },
    { step = "submitted", on = 2026-09-07, who = "Head of Sales", why = "drafts of offers" },
    { step = "in_review", on = 2026-09-10, who = "Security", why = "vendor assessment" },
    { step = "decided", on = 2026-10-01, who = "CISO", why = "no contract", status = "prohibited" },
    { step = "submitted", on = 2026-11-01, who = "Head of Sales", why = "there is a contract now" },
]
"#;

#[test]
fn every_step_of_an_approval_is_an_audit_row() {
    let policy = parse(APPROVAL);
    let rows = policy.approvals();
    assert_eq!(rows.len(), 5);
    assert_eq!((rows[1].service.as_str(), rows[1].line, rows[1].stage), ("chatgpt", 6, Stage::Submitted));
    assert_eq!((rows[1].who.as_str(), rows[1].on), ("Head of Sales", date(2026, 9, 7)));
    assert_eq!((rows[3].status, rows[4].status), (Some(Status::Prohibited), None));
}

#[test]
fn approvals_may_stand_in_a_file_of_their_own() {
    let dir = std::env::temp_dir().join(format!("policy-life-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join("policy.toml");
    let load = || Policy::load(&path, &Catalogue::builtin());
    fs::write(&path, "[policy]\napprovals = \"approvals.toml\"\n").unwrap();
    assert!(load().unwrap_err().to_string().contains("approvals.toml: "));
    fs::write(dir.join("approvals.toml"), APPROVAL).unwrap();
    assert_eq!(load().unwrap().approvals()[0].file, "approvals.toml");
    fs::write(dir.join("approvals.toml"), APPROVAL.replace("\"chatgpt\"", "\"chatgtp\"")).unwrap();
    assert!(load().unwrap_err().to_string().starts_with("approvals.toml:3: `approval.service`: "));
    fs::write(dir.join("approvals.toml"), "[[rule]]\n").unwrap();
    assert_eq!(load().unwrap_err().to_string(), "approvals.toml:1: `rule`: unknown key: use approval");
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_client_hears_nothing_unless_its_own_table_says_so() {
    let policy = parse(
        "[routes]\nsecurity = \"soc@msp.example\"\nrisk_owner = \"risk@msp.example\"
[routes.sites.acme]\nsecurity = \"security-lead@msp.example\"
[routes.sites.told]\nclient = \"it@told.example\"",
    );
    let (security, risk_owner) = (Some("soc@msp.example"), Some("risk@msp.example"));
    assert_eq!(policy.route(None), Route { security, risk_owner, client: None });
    assert_eq!(policy.route(Some("unknown")), policy.route(None));
    let lead = Some("security-lead@msp.example");
    assert_eq!(policy.route(Some("acme")), Route { security: lead, risk_owner, client: None });
    assert_eq!(policy.route(Some("told")), Route { security, risk_owner, client: Some("it@told.example") });
    assert_eq!(Policy::empty().route(Some("acme")), Route::default());
}

#[test]
fn a_rule_can_have_a_clock_of_its_own() {
    let policy = parse(
        "[[rule]]\nservices = [\"claude\"]\nstatus = \"prohibited\"\nreport_within = \"15m\"
[[rule]]\nservices = [\"poe\"]\nstatus = \"prohibited\"",
    );
    let catalogue = Catalogue::builtin();
    let clock = |service: &str| {
        let client = Subject::of("10.0.0.1".parse().unwrap());
        let decision = policy.decide_for(&client, catalogue.service(service).unwrap(), None, TODAY);
        policy.deadline_for(&decision, FindingRule::ProhibitedUse)
    };
    assert_eq!(clock("claude"), Some(Duration::from_secs(900)));
    assert_eq!(clock("poe"), Some(Duration::from_secs(3600)));
}

#[test]
fn what_is_not_urgent_waits_for_the_morning() {
    let policy = parse("[quiet_hours]\nhours = \"Mon-Fri 18:00-08:00, Sat-Sun 00:00-24:00\"\n");
    let until = |at, severity| policy.quiet_until(at, severity);
    // 2026-11-20 is a Friday.
    let morning = datetime(2026, 11, 20, 8, 0, 0, 0);
    assert_eq!(until(datetime(2026, 11, 19, 23, 30, 59, 0), 6), Some(morning));
    assert_eq!(until(datetime(2026, 11, 20, 12, 0, 0, 0), 6), None);
    assert_eq!(until(datetime(2026, 11, 19, 23, 30, 0, 0), 8), None);
    // The weekend ends on Monday at midnight: Sunday's night is nobody's here.
    assert_eq!(until(datetime(2026, 11, 20, 19, 0, 0, 0), 6), Some(datetime(2026, 11, 23, 0, 0, 0, 0)));
    let night = parse("[quiet_hours]\nhours = \"20:00-06:00\"\nurgent_from = 6\n");
    assert_eq!(night.quiet_until(datetime(2026, 11, 22, 21, 0, 0, 0), 5), Some(datetime(2026, 11, 23, 6, 0, 0, 0)));
    assert_eq!(night.quiet_until(datetime(2026, 11, 22, 21, 0, 0, 0), 6), None);
    assert_eq!(Policy::empty().quiet_until(morning, 0), None);
}

#[test]
fn a_suppression_holds_back_what_it_names_and_ends() {
    let policy = parse(
        "[groups.lab]\nsubnets = [\"10.0.9.0/24\"]
[[suppression]]\nservices = [\"ollama\"]\ngroups = [\"lab\"]\nowner = \"Research\"\nreason = \"test bench\"\nexpires = 2026-12-31
[[suppression]]\ndevices = [\"scanner-1\"]\nowner = \"Security\"\nreason = \"our own scanner\"\nexpires = 2026-12-31",
    );
    let catalogue = Catalogue::builtin();
    let held = |client: &Subject<'_>, service: &str, on| {
        policy.suppressed(client, catalogue.service(service).unwrap(), on).map(|one| one.line)
    };
    let (lab, other) = (Subject::of("10.0.9.1".parse().unwrap()), Subject::of("10.0.8.1".parse().unwrap()));
    assert_eq!(held(&lab, "ollama", TODAY), Some(3));
    assert_eq!(held(&lab, "claude", TODAY), None);
    assert_eq!(held(&other, "ollama", TODAY), None);
    assert_eq!(held(&lab, "ollama", date(2027, 1, 1)), None);
    assert_eq!(held(&Subject { device: Some("scanner-1"), ..other }, "claude", TODAY), Some(9));
    assert_eq!(policy.suppressions()[0].owner, "Research");
}
