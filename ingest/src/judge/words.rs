//! What a finding says to people. No sentence supposes an intent.

use rules::policy::{FindingRule, Status};
use sensor::record::Evidence;

use super::budget::MISSED;
use super::{Contact, Digest, Finding};
use super::{measured, steps};
use crate::text::{bytes, counted, safe_name, safe_text};
use crate::time::{span, utc};

/// The rule's title.
pub fn rule_name(rule: FindingRule) -> &'static str {
    match rule {
        FindingRule::UnapprovedUse => "AI service in use that is not approved",
        FindingRule::ProhibitedUse => "AI service in use that the policy prohibits",
        FindingRule::FirstSight => "AI service seen at this site for the first time",
        FindingRule::UploadLimit => "Upload to an AI service over the policy's limit",
        FindingRule::UploadAnomaly => "Unusually large upload to an AI service",
        FindingRule::LocalModelServer => "Local model server in the network",
        FindingRule::ModelDownload => "Model weights downloaded",
        FindingRule::GoingDark => "Visibility lost for a device",
        FindingRule::SensorHealth => "The sensor does not see everything",
        FindingRule::ReviewDue => "Review of the policy is due",
    }
}

/// How a name is known, in words.
pub fn evidence_words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Sni => "seen as TLS server name",
        Evidence::QuicSni => "seen as QUIC server name",
        Evidence::HttpHost => "seen as HTTP host",
        Evidence::Endpoint => "seen as a model server's endpoint on the local network",
        Evidence::Dns => "known from the client's DNS answers",
        Evidence::Ambiguous => "one of several names in the client's DNS answers",
    }
}

/// The finding in one sentence of measurements, policy and clock, and one that says what it is not.
pub fn sentence(finding: &Finding) -> String {
    format!("{}{}{}. {}", observed(finding), deadline(finding), answered(finding), close(finding.rule))
}

fn deadline(finding: &Finding) -> String {
    let Some(due) = finding.report_due_at else { return String::new() };
    let after = span(due.saturating_sub(finding.detected_at));
    match finding.missed_at {
        None => format!("; report due {} ({after} after detection)", utc(due)),
        Some(_) => {
            format!("; the report was due {} ({after} after detection) and nobody had taken it on", utc(due))
        }
    }
}

/// What people, or time, have done about it.
fn answered(finding: &Finding) -> String {
    let by = |who: &Option<String>| who.as_deref().map_or(String::new(), |who| format!(" by {}", safe_text(who)));
    match (finding.closed_at, finding.acknowledged_at) {
        (Some(at), _) => {
            let reason =
                finding.closed_reason.as_deref().map_or(String::new(), |why| format!(": {}", safe_text(why)));
            format!("; closed {}{}{reason}", utc(at), by(&finding.closed_by))
        }
        (None, Some(at)) => format!("; taken on {}{}", utc(at), by(&finding.acknowledged_by)),
        (None, None) => String::new(),
    }
}

/// What was seen, how sure that is, and what the policy says: a sentence without a full stop.
pub fn observed(finding: &Finding) -> String {
    let what = match finding.rule {
        FindingRule::UnapprovedUse | FindingRule::ProhibitedUse => used(finding),
        _ => measured::measured(finding),
    };
    let parts = [what, finding.why.clone(), site_wide(finding), history(finding)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What the budget held back in one hour.
pub fn digest_sentence(digest: &Digest) -> String {
    let alerts = || digest.held.iter().filter(|(what, _)| *what != MISSED);
    let total: u64 = alerts().map(|(_, held)| held).sum();
    let missed = digest.held.get(MISSED).copied().unwrap_or_default();
    let rules: Vec<String> = alerts().map(|(rule, held)| format!("{rule} {held}")).collect();
    let held = format!("{} held back by the policy's budget", counted(total, "alert"));
    let passed = format!("{} passed of findings without an event of their own", counted(missed, "deadline"));
    let what = match (total, missed) {
        (_, 0) => held,
        (0, _) => passed,
        _ => format!("{held} and {passed}"),
    };
    let rules = if rules.is_empty() { String::new() } else { format!(": {}", rules.join(", ")) };
    format!(
        "{what} between {} and {}{rules}; {} concerned. They are open findings with their own clocks: \
         `shadowtap findings list` shows them.",
        utc(digest.from),
        utc(digest.to),
        counted(digest.devices, "device"),
    )
}

fn used(finding: &Finding) -> String {
    format!(
        "{} used {}{} with {}, {} up",
        who(finding),
        finding.service_name,
        how(finding.contact.as_ref()),
        counted(finding.turns, "exchange"),
        bytes(finding.bytes_up),
    )
}

pub(super) fn who(finding: &Finding) -> String {
    let group = finding.group_name.as_ref().map(|group| format!(" ({group})")).unwrap_or_default();
    format!("{}{group}", safe_name(&finding.device))
}

pub(super) fn how(contact: Option<&Contact>) -> String {
    let Some(contact) = contact else { return String::new() };
    let seen = match &contact.host {
        Some(host) => format!("{}, {}", safe_name(host), evidence_words(contact.evidence)),
        None => evidence_words(contact.evidence).to_owned(),
    };
    format!(" ({seen}, {})", contact.strength)
}

fn site_wide(finding: &Finding) -> String {
    match finding.devices {
        0 | 1 => String::new(),
        devices => format!("{} at this site so far", counted(devices, "device")),
    }
}

fn history(finding: &Finding) -> String {
    if finding.device.is_empty() || finding.rule == FindingRule::SensorHealth {
        return String::new();
    }
    let again = match finding.occurrences {
        0 | 1 => String::new(),
        times => format!("seen again after it was closed ({times} times in all), "),
    };
    match finding.earlier {
        0 if again.is_empty() => "first finding for this device".to_owned(),
        0 => format!("{again}no other finding for this device"),
        earlier => format!("{again}this device has {}", counted(earlier, "earlier finding")),
    }
}

fn close(rule: FindingRule) -> &'static str {
    match rule {
        FindingRule::SensorHealth | FindingRule::ReviewDue => {
            "This is about the sensor or the policy, not about a person."
        }
        FindingRule::GoingDark => {
            "There are good reasons for each of these; this says what the sensor can no longer tell."
        }
        _ => "This is an observation, not an accusation; IT assesses the tool.",
    }
}

/// What to do next, in order.
pub fn next_steps(finding: &Finding) -> [String; 3] {
    steps::next_steps(finding)
}

/// How a status asks to be answered; used by [`steps`].
pub(super) fn by_status(finding: &Finding) -> String {
    let name = &finding.service_name;
    match finding.status {
        Some(Status::Prohibited) => format!("Point to the approved alternative and stop work use of {name}."),
        Some(Status::RequiresApproval) => {
            format!("Check whether an approval for {name} was given; if not, start one.")
        }
        Some(Status::InReview) => format!("Add this use to the running review of {name}."),
        Some(Status::Approved) => format!("Nothing is to be decided: {name} is approved."),
        _ => format!("Start the assessment of {name} ({}) and enter the result in the policy.", finding.vendor),
    }
}
