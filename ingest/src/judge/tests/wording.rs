//! What findings say: never a guess about people.

use super::*;
use crate::sample::{download, local_flow, visibility};

const ACCUSING: [&str; 22] = [
    "violation",
    "violat",
    "offend",
    "offence",
    "culprit",
    "guilty",
    "caught",
    "suspect",
    "blame",
    "at fault",
    "breach",
    "illegal",
    "malicious",
    "abuse",
    "misuse",
    "cheat",
    "punish",
    "disciplin",
    "wrongdo",
    "evad",
    "circumvent",
    "unauthori",
];

/// One finding of every rule, through the judge itself.
fn every_rule() -> Vec<Finding> {
    let (_dir, mut db) = findings();
    let more = "\n[[limit]]\nbytes = \"1MB\"\nper = \"week\"\nowner = \"Security\"\nreason = \"client data\"\n\
                \n[[rule]]\nservices = [\"assistant\"]\nstatus = \"in_review\"\nreview_by = 2026-11-01\n";
    let judge = judge_with(more);
    let mut records = crate::sample::week();
    let day = |n: i64| MONDAY + n * DAY;
    records.extend([
        flow_record(FlowRecord { upload_bytes: 5_000_000, ..flow("10.20.1.1", "deep", MONDAY) }),
        flow_record(local_flow("10.20.1.1", "10.20.2.9", MONDAY)),
        flow_record(download("10.20.1.1", 900_000_000, MONDAY)),
        flow_record(flow("10.20.1.1", "good", day(1))),
        visibility("10.20.1.1", [1, 0, 900], "ech-real", day(2)),
    ]);
    judge.segment(&mut db, &records).unwrap();
    judge.tick(&mut db, day(4)).unwrap();
    db.list(&Filter::default()).unwrap()
}

#[test]
fn no_finding_of_any_rule_accuses_anybody() {
    let findings = every_rule();
    for &rule in FindingRule::ALL.iter().filter(|rule| **rule != FindingRule::UploadAnomaly) {
        assert!(findings.iter().any(|finding| finding.rule == rule), "{rule} is missing");
    }
    for mut finding in findings {
        for occurrences in [1, 3] {
            finding.occurrences = occurrences;
            let mut texts = vec![sentence(&finding), rule_name(finding.rule).to_owned()];
            texts.extend(next_steps(&finding));
            for text in texts {
                let lower = text.to_lowercase().replace("not an accusation", "");
                assert!(!ACCUSING.iter().any(|word| lower.contains(word)), "{text}");
                assert!(!text.contains("  ") && !text.contains(" ,"), "{text}");
            }
        }
    }
}

#[test]
fn an_unusual_upload_has_its_words_ready() {
    let mut finding = every_rule().into_iter().find(|one| one.rule == FindingRule::UploadLimit).unwrap();
    finding.rule = FindingRule::UploadAnomaly;
    finding.detail = Detail::Anomaly {
        what: "burst".to_owned(),
        bytes: 400_000_000,
        since: MONDAY,
        until: MONDAY + HOUR,
        references: vec!["this device 12 MB".to_owned(), "Finance 30 MB".to_owned()],
        score: 72,
        learning: true,
    };
    let text = observed(&finding);
    assert!(
        text.contains("sent 400 MB to Deep") && text.contains("usual: this device 12 MB, Finance 30 MB"),
        "{text}"
    );
    assert!(text.contains("still being learnt"));
}
