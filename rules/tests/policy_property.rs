//! The compiled decision against a naive one: 100,000 clients of random policies, the same each time.
//!
//! The reference knows nothing of the crate's compiled form: it walks over every group and every rule of its
//! own model, in the words of docs/policy.md.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

#[path = "policy_property/model.rs"]
mod model;
#[path = "policy_property/random.rs"]
mod random;
#[path = "policy_property/reference.rs"]
mod reference;

use jiff::{ToSpan, civil::date};
use rules::{
    catalogue::{Catalogue, Service},
    policy::{Policy, Subject},
};

use model::Client;
use random::Random;

const SEED: u64 = 0x5eed_2026_1120;
const CASES: usize = 100_000;
const CASES_PER_POLICY: usize = 20;
/// The lint looks at the whole catalogue, so it is asked about every other policy.
const LINT_EVERY: usize = 40;

#[test]
fn a_compiled_decision_is_the_naive_one() {
    let catalogue = Catalogue::builtin();
    let services: Vec<&Service> = model::SERVICES.iter().map(|id| catalogue.service(id).unwrap()).collect();
    let mut random = Random(SEED);
    let (mut cases, mut refused, mut statuses) = (0, 0, [0; 6]);
    while cases < CASES {
        let model = random.policy();
        let text = model.text();
        let parsed = Policy::parse(&text, "policy.toml", &catalogue);
        if reference::ties(&model) {
            let error = parsed.map(|_| ()).expect_err(&text).to_string();
            assert!(error.contains("at line"), "{error}\n{text}");
            refused += 1;
            continue;
        }
        let policy = parsed.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let never = if cases % LINT_EVERY == 0 { never(&policy, &catalogue) } else { Vec::new() };
        for _ in 0..CASES_PER_POLICY {
            let (client, plan) = (random.client(), random.plan());
            let service = services[random.below(services.len())];
            let on = date(2026, 11, 16) + (random.below(10) as i64).days();
            let want = reference::decide(&model, &client, service, plan, on);
            let got = policy.decide_for(&subject(&client), service, plan, on);
            let rule = got.rule.and_then(|rule| policy.rules().iter().position(|other| std::ptr::eq(other, rule)));
            let group = got.group.and_then(|group| policy.groups().iter().position(|g| g.id == group.id));
            assert_eq!(
                (got.status, got.severity, rule, group),
                (want.status, want.severity, want.rule, want.group),
                "{client:?} {} {plan:?} {on}: {}\n{text}",
                service.id,
                got.why
            );
            let numbers = (policy.client_number(&subject(&client)), policy.service_number(service));
            let status = policy.status_of(numbers.0, numbers.1, plan, client.at, on);
            assert_eq!(status, (want.status, want.severity));
            let line = rule.map(|index| policy.rules()[index].line);
            assert!(!line.is_some_and(|line| never.contains(&line)), "line {line:?} does decide\n{text}");
            statuses[want.status as usize] += 1;
            cases += 1;
        }
    }
    // A test that meets one answer only proves nothing.
    assert!(statuses.iter().all(|count| *count > CASES / 100), "{statuses:?}");
    assert!(refused > 20, "{refused}");
}

/// Lines of the rules that never decide, by the lint. A rule that has expired may still be named in an answer.
fn never(policy: &Policy, catalogue: &Catalogue) -> Vec<usize> {
    let lints = policy.lint(date(2026, 11, 16), catalogue);
    lints.iter().filter(|lint| lint.text.contains("never decides")).map(|lint| lint.line).collect()
}

fn subject(client: &Client) -> Subject<'_> {
    let (site, device) = (client.site.as_deref(), client.device.as_deref());
    Subject { ip: client.ip, vlan: client.vlan, site, device, mac: client.mac, at: client.at }
}
