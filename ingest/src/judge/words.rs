//! What a finding says to people. No sentence supposes an intent.

use rules::policy::{FindingRule, Status};
use sensor::record::Evidence;

use super::steps;
use super::{Contact, Detail, Digest, Finding};
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
        Evidence::Dns => "known from the client's DNS answers",
        Evidence::Ambiguous => "one of several names in the client's DNS answers",
    }
}

/// The finding in one sentence of measurements, policy and clock, and one that says what it is not.
pub fn sentence(finding: &Finding) -> String {
    let clock = match finding.report_due_at {
        Some(due) => {
            format!("; report due {} ({} after detection)", utc(due), span(due.saturating_sub(finding.detected_at)))
        }
        None => String::new(),
    };
    format!("{}{clock}. {}", observed(finding), close(finding.rule))
}

/// What was seen, how sure that is, and what the policy says: a sentence without a full stop.
pub fn observed(finding: &Finding) -> String {
    let what = match finding.rule {
        FindingRule::UnapprovedUse | FindingRule::ProhibitedUse => used(finding),
        _ => measured(finding),
    };
    let parts = [what, finding.why.clone(), site_wide(finding), history(finding)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What the budget held back in one hour.
pub fn digest_sentence(digest: &Digest) -> String {
    let total: u64 = digest.held.values().sum();
    let rules: Vec<String> = digest.held.iter().map(|(rule, held)| format!("{rule} {held}")).collect();
    format!(
        "{} held back by the policy's budget between {} and {}: {}; {} concerned. They are open findings with their \
         own clocks: `shadowtap findings list` shows them.",
        counted(total, "alert"),
        utc(digest.from),
        utc(digest.to),
        rules.join(", "),
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

fn measured(finding: &Finding) -> String {
    let (who, name) = (who(finding), &finding.service_name);
    let how = how(finding.contact.as_ref());
    match &finding.detail {
        Detail::FirstSight { device, shared } => {
            let sure = if *shared {
                "its host also serves other things, so use is not confirmed"
            } else {
                "use is confirmed"
            };
            format!(
                "{name}{how} was seen at {} for the first time, by {}; {sure}",
                safe_text(&finding.site),
                safe_name(device)
            )
        }
        Detail::Limit { limit, bytes: sent, per, since, owner, .. } => format!(
            "{who} sent {} to {name}{how} in the {per} since {}; the limit is {}, owner {owner}",
            bytes(*sent),
            utc(*since),
            bytes(*limit),
        ),
        Detail::Anomaly { what, bytes: sent, since, until, references, learning, .. } => format!(
            "{who} sent {} to {name}{how} from {} to {} ({}); usual: {}{}",
            bytes(*sent),
            utc(*since),
            utc(*until),
            unusual(what),
            references.join(", "),
            if *learning { "; what is usual is still being learnt" } else { "" },
        ),
        Detail::Local { endpoint, port, clients, shown } => {
            let class = endpoint.map(|endpoint| format!(" ({endpoint})")).unwrap_or_default();
            let shown: Vec<String> = shown.iter().map(|client| safe_name(client)).collect();
            format!(
                "{who} answers on port {port} as {name}{class}; {} asked it, {}: {}",
                counted(*clients, "client"),
                counted(finding.turns, "exchange"),
                shown.join(", ")
            )
        }
        Detail::Download { bytes: fetched, limit, since, .. } => format!(
            "{who} fetched {} of {name}{how} since {}; what counts as a model begins at {}",
            bytes(*fetched),
            utc(*since),
            bytes(*limit),
        ),
        Detail::Dark { class, since, before, after, ai_days } => {
            let before = before.map(|share| format!("{share} %")).unwrap_or_else(|| "an unknown share".to_owned());
            format!(
                "visibility lost for {who}: since {} its names are hidden by {}, and {after} % of its bytes carry a name after {before}; AI services were seen on {} of the four weeks before",
                utc(*since),
                hidden_by(class),
                counted(*ai_days, "day")
            )
        }
        Detail::Health { what, .. } => format!("sensor {}: {}", safe_name(&finding.device), health(what)),
        Detail::Review { what, due, overdue, .. } => {
            format!("the review of {what} was due on {due}{}", if *overdue { " and is overdue" } else { "" })
        }
        Detail::None => format!("{who} reached {name}{how}"),
    }
}

/// What is unusual, in words.
fn unusual(what: &str) -> &str {
    match what {
        "burst" => "much at once",
        "drip" => "little by little over seven days",
        "new-hours" => "at hours that are new for this device",
        "new-access" => "by a program, where a browser was used so far",
        other => other,
    }
}

/// What hides names, in words.
pub(super) fn hidden_by(class: &str) -> &str {
    match class {
        "doh" => "encrypted DNS (DoH)",
        "dot" => "encrypted DNS (DoT)",
        "relay" => "a privacy relay",
        "tor" => "Tor",
        "tunnel" => "a tunnel",
        "vpn" => "a VPN",
        "ech-real" => "encrypted server names (ECH)",
        other => other,
    }
}

fn health(what: &str) -> &'static str {
    match what {
        "loss" => "packets are lost before they are seen",
        "silence" => "no traffic arrives",
        "clock" => "its clock is not to be trusted",
        _ => "records are lost on their way",
    }
}

fn who(finding: &Finding) -> String {
    let group = finding.group_name.as_ref().map(|group| format!(" ({group})")).unwrap_or_default();
    format!("{}{group}", safe_name(&finding.device))
}

fn how(contact: Option<&Contact>) -> String {
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
