//! Rules for shadowtap's own events in ECS (`docs/siem-formats.md`): one per rule of findings, one for what weighs most,
//! for deadlines that passed, and for what the budget held back.

use std::collections::BTreeMap;

use rules::policy::FindingRule;

use super::Rule;

/// Day on which these rules changed last.
const DATE: &str = "2026-11-21";

/// Every rule by file.
pub(crate) fn all() -> BTreeMap<String, String> {
    let mut rules: BTreeMap<String, String> = FindingRule::ALL.iter().map(|rule| finding(*rule)).collect();
    rules.extend([
        special(
            "severity_critical",
            "Finding of Severity 9 or 10",
            "A finding that weighs most: prohibited use together with an upload over a limit, or what the policy says.",
            "critical",
            "        event.kind: alert\n        event.severity|gte: 9\n",
        ),
        special(
            "deadline_missed",
            "Report of a Finding Is Late",
            "The policy's deadline passed and nobody had taken the finding on.",
            "high",
            "        event.kind: alert\n        event.action: update\n        labels.deadline: missed\n        \
             labels.state: open\n",
        ),
        special(
            "digest",
            "Findings Held Back by the Budget",
            "Findings of one hour without an event of their own, counted by rule.",
            "low",
            "        event.kind: event\n        event.code: digest\n",
        ),
    ]);
    rules
}

/// Title, level, tags of a rule of findings. Use alone is no technique of ATT&CK.
fn words(rule: FindingRule) -> (&'static str, &'static str, &'static [&'static str]) {
    const UPLOAD: &[&str] = &["attack.exfiltration", "attack.t1567"];
    const HIDDEN: &[&str] = &["attack.command-and-control", "attack.t1572"];
    match rule {
        FindingRule::UnapprovedUse => ("AI Service in Use That Is Not Approved", "medium", &[]),
        FindingRule::ProhibitedUse => ("AI Service in Use That the Policy Prohibits", "high", &[]),
        FindingRule::FirstSight => ("AI Service Seen at This Site for the First Time", "low", &[]),
        FindingRule::UploadLimit => ("Upload to an AI Service over the Limit", "high", UPLOAD),
        FindingRule::UploadAnomaly => ("Unusually Large Upload to an AI Service", "high", UPLOAD),
        FindingRule::LocalModelServer => ("Local Model Server in the Network", "medium", &[]),
        FindingRule::ModelDownload => ("Model Weights Downloaded", "medium", &[]),
        FindingRule::GoingDark => ("Visibility Lost for a Device", "low", HIDDEN),
        FindingRule::SensorHealth => ("The Sensor Does Not See Everything", "medium", &[]),
        FindingRule::ReviewDue => ("Review of the AI Policy Is Due", "informational", &[]),
    }
}

fn finding(rule: FindingRule) -> (String, String) {
    let (title, level, tags) = words(rule);
    let name = format!("shadowtap/shadowtap_{}", rule.as_str().replace('-', "_"));
    let text = Rule {
        name: &name,
        title: title.to_owned(),
        description: format!("shadowtap opened a finding of the rule {rule}. docs/findings.md says when it does."),
        date: DATE.to_owned(),
        tags,
        logsource: &[("product", "shadowtap"), ("service", "finding")],
        detection: format!(
            "    selection:\n        event.kind: alert\n        event.action: create\n        event.code: {rule}\n    \
             condition: selection\n"
        ),
        false_positives: false_positives(rule),
        level,
    }
    .text();
    (format!("{name}.yml"), text)
}

fn false_positives(rule: FindingRule) -> &'static str {
    match rule {
        FindingRule::GoingDark => "A VPN or encrypted DNS that the organisation has rolled out",
        FindingRule::SensorHealth => "Maintenance of the mirror port",
        FindingRule::ReviewDue => "None known",
        _ => "Use that was approved and is not in the policy yet",
    }
}

fn special(name: &str, title: &str, description: &str, level: &str, selection: &str) -> (String, String) {
    let name = format!("shadowtap/shadowtap_{name}");
    let text = Rule {
        name: &name,
        title: title.to_owned(),
        description: description.to_owned(),
        date: DATE.to_owned(),
        tags: &[],
        logsource: &[("product", "shadowtap"), ("service", "finding")],
        detection: format!("    selection:\n{selection}    condition: selection\n"),
        false_positives: "None known",
        level,
    }
    .text();
    (format!("{name}.yml"), text)
}
