//! What a finding says to people. No sentence supposes an intent.

use rules::policy::{FindingRule, Status};
use sensor::record::Evidence;

use super::Finding;
use crate::text::{bytes, counted, safe_name};
use crate::time::{span, utc};

/// The rule's title.
pub fn rule_name(rule: FindingRule) -> &'static str {
    match rule {
        FindingRule::UnapprovedUse => "AI service in use that is not approved",
        FindingRule::ProhibitedUse => "AI service in use that the policy prohibits",
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
    format!(
        "{}; report due {} ({} after detection). This is an observation, not an accusation; IT assesses the tool.",
        observed(finding),
        utc(finding.report_due_at),
        span(finding.report_due_at.saturating_sub(finding.detected_at)),
    )
}

/// What was seen, how sure that is, and what the policy says: a sentence without a full stop.
pub fn observed(finding: &Finding) -> String {
    format!(
        "{}{} used {} ({}, {}) with {}, {} up; {}; {}",
        safe_name(&finding.device),
        finding.group_name.as_ref().map(|group| format!(" ({group})")).unwrap_or_default(),
        finding.service_name,
        seen(finding),
        finding.strength,
        counted(finding.turns, "exchange"),
        bytes(finding.bytes_up),
        finding.why,
        history(finding),
    )
}

fn seen(finding: &Finding) -> String {
    match &finding.host {
        Some(host) => format!("{}, {}", safe_name(host), evidence_words(finding.evidence)),
        None => evidence_words(finding.evidence).to_owned(),
    }
}

fn history(finding: &Finding) -> String {
    match finding.earlier {
        0 => "first finding for this device".to_owned(),
        earlier => format!("this device has {}", counted(earlier, "earlier finding")),
    }
}

/// What to do next, in order.
pub fn next_steps(finding: &Finding) -> [String; 3] {
    let name = &finding.service_name;
    let first = "Ask the person what the tool was used for and whether work data went in; the sensor cannot see \
                 content.";
    let second = match finding.status {
        Status::Prohibited => format!("Point to the approved alternative and stop work use of {name}."),
        Status::RequiresApproval => format!("Check whether an approval for {name} was given; if not, start one."),
        Status::InReview => format!("Add this use to the running review of {name}."),
        _ => format!("Start the assessment of {name} ({}) and enter the result in the policy.", finding.vendor),
    };
    let third = format!("File the report before {}.", utc(finding.report_due_at));
    [first.to_owned(), second, third]
}
