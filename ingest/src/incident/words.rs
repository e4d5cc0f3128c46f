//! What the form says and asks for each kind of finding. None of its words supposes an intent; a test reads them.

use rules::policy::FindingRule;

use super::{IncidentType, Question};
use crate::judge::{Finding, next_steps};
use crate::text::counted;

/// When a client hears of it.
pub(super) const CLIENT_RULE: &str = "The client is not told before a first assessment.";

/// The kind of incident that a rule makes.
pub(super) fn incident_type(rule: FindingRule) -> IncidentType {
    let (id, label) = match rule {
        FindingRule::UnapprovedUse => ("unapproved_tool", "AI tool in use that is not approved"),
        FindingRule::ProhibitedUse => ("prohibited_tool", "AI tool in use that the policy prohibits"),
        FindingRule::UploadLimit | FindingRule::UploadAnomaly => {
            ("suspected_data_upload", "Suspected upload of data to an AI tool")
        }
        FindingRule::LocalModelServer | FindingRule::ModelDownload => ("local_model", "Local AI model"),
        FindingRule::GoingDark => ("visibility_lost", "Visibility lost"),
        FindingRule::SensorHealth => ("sensor", "The sensor does not see everything"),
        FindingRule::FirstSight => ("first_sight", "AI tool seen at the site for the first time"),
        FindingRule::ReviewDue => ("policy_review", "Review of the policy is due"),
    };
    IncidentType { id, label }
}

/// True for findings about what somebody's device did, false for those about the sensor and the policy.
pub(super) fn about_use(rule: FindingRule) -> bool {
    !matches!(rule, FindingRule::SensorHealth | FindingRule::ReviewDue)
}

/// What a wire sensor cannot tell.
pub(super) fn not_known(rule: FindingRule) -> Vec<&'static str> {
    match rule {
        FindingRule::SensorHealth => vec!["What happened on the wire while the sensor did not see it."],
        FindingRule::ReviewDue => Vec::new(),
        FindingRule::GoingDark => vec![
            "What the device reached since then: its names are hidden.",
            "Who set this up, and why; it may be a default of the system or the browser.",
        ],
        _ => vec![
            "What was typed, uploaded or answered: the traffic is encrypted and no content is read.",
            "Which account was used, the organisation's or a personal one, and who sat at the device.",
            "Why it was used. The sensor sees contact, not intent.",
        ],
    }
}

/// What to do at once, in order.
pub(super) fn immediate_steps(finding: &Finding) -> Vec<String> {
    let first: &[&str] = match finding.rule {
        FindingRule::UploadLimit | FindingRule::UploadAnomaly => &[
            "If a password, key or token may have gone in: rotate it first, then go on with this form.",
            "Call Security, and the Risk Owner where client data may be concerned.",
            "Leave the conversation and the files as they are until Security has seen what is needed.",
        ],
        FindingRule::UnapprovedUse | FindingRule::ProhibitedUse | FindingRule::FirstSight => &[
            "If a password, key or token may have gone in: rotate it first, then go on with this form.",
            "Pause work use of the tool until it is assessed.",
        ],
        FindingRule::LocalModelServer | FindingRule::ModelDownload => &[
            "In a client's environment: hand over to the Security Lead first.",
            "Leave model and configuration in place until IT has looked at them.",
        ],
        FindingRule::GoingDark | FindingRule::SensorHealth | FindingRule::ReviewDue => &[],
    };
    first.iter().map(|step| (*step).to_owned()).chain(next_steps(finding)).collect()
}

/// First time or not, in words.
pub(super) fn recurrence(finding: &Finding) -> String {
    let again = match finding.occurrences {
        0 | 1 => "First time".to_owned(),
        times => format!("Repeated: opened {times} times"),
    };
    match (about_use(finding.rule) && !finding.device.is_empty(), finding.earlier) {
        (false, _) => format!("{again}."),
        (true, 0) => format!("{again}; no earlier finding for this device."),
        (true, earlier) => format!("{again}; {} for this device.", counted(earlier, "earlier finding")),
    }
}

/// What people have to find out.
pub(super) fn assessment(rule: FindingRule) -> Vec<Question> {
    if !about_use(rule) {
        return vec![
            ask("Cause", &[]),
            ask("Mended", &["yes", "no", "not needed"]),
            ask("Assessed by, and when", &[]),
        ];
    }
    vec![
        ask("Was it work use?", &["yes", "no, personal", "not known"]),
        ask("What was the tool used for?", &[]),
        ask("Most sensitive data that went in", &["none", "public", "internal", "confidential", "not known"]),
        ask("Did credentials go in?", &["no", "yes, and they are rotated", "yes, to be rotated", "not known"]),
        ask("Is client data concerned?", &["no", "yes", "not known"]),
        ask("Which account was used?", &["the organisation's", "a personal one", "none", "not known"]),
        ask("Was the report made within the deadline?", &["yes", "no"]),
        ask(
            "Response, in proportion",
            &["none needed", "explanation", "coaching", "training", "formal review by the policy's owners"],
        ),
        ask(
            "Decision about the tool",
            &["start its assessment", "approve", "approve with conditions", "not for work"],
        ),
        ask("Is the client to be told?", &["no", "yes, after this assessment"]),
        ask("Assessed by, and when", &[]),
    ]
}

/// What an assessor of the service asks its vendor.
pub(super) fn vetting() -> Vec<Question> {
    vec![
        ask("Where are inputs stored, and for how long?", &[]),
        ask("Are inputs used for training, and can that be switched off?", &["no", "yes", "can be switched off"]),
        ask("Is there a contract for data processing?", &["yes", "no"]),
        ask("Which certifications are current?", &[]),
        ask("Is there an account of the organisation with sign-on and audit log?", &["yes", "no"]),
        ask("Which tiers of data may go in?", &["none", "public", "internal", "confidential"]),
        ask("Is there an approved tool that serves the same purpose?", &["yes", "no"]),
    ]
}

fn ask(question: &'static str, choices: &[&'static str]) -> Question {
    Question { question, choices: choices.to_vec(), answer: None }
}
