//! The built-in catalogue against hosts that must and must not be found.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its failure message")]

use rules::catalogue::Catalogue;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn must_match() {
    let catalogue = Catalogue::builtin();
    let mut wrong = Vec::new();
    for line in lines(include_str!("corpus/must-match.txt")) {
        let [host, service, role] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not `host service role`: {line}");
        };
        let found = catalogue.find(host).map(|hit| (hit.service.id.as_str(), hit.pattern.role.as_str()));
        if found != Some((service, role)) {
            wrong.push(format!("{line}: found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn must_not_match() {
    let catalogue = Catalogue::builtin();
    let mut wrong = Vec::new();
    for host in lines(include_str!("corpus/must-not-match.txt")) {
        if let Some(hit) = catalogue.find(host) {
            wrong.push(format!("{host}: found {} by {}", hit.service.id, hit.pattern.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pages that the vendor shows to everyone can never be counted as use.
#[test]
fn documentation_and_status_pages_are_not_use() {
    let catalogue = Catalogue::builtin();
    for service in catalogue.services() {
        for pattern in &service.patterns {
            let first = pattern.text.split('.').next().unwrap_or_default();
            if matches!(first, "docs" | "status" | "help" | "support" | "blog" | "www") {
                let used = rules::usage::judge(pattern.role, pattern.strength, 9, u64::MAX);
                assert_ne!(used, rules::usage::Use::Used, "{} at {}:{}", pattern.text, pattern.file, pattern.line);
            }
        }
    }
}
