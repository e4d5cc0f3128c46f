//! What a rule measured, in one part of a sentence.

use super::words::{how, who};
use super::{Detail, Finding};
use crate::text::{bytes, counted, safe_name, safe_text};
use crate::time::utc;

/// The part of the sentence that holds the numbers.
pub(super) fn measured(finding: &Finding) -> String {
    let (who, name) = (who(finding), &finding.service_name);
    let how = how(finding.contact.as_ref());
    match &finding.detail {
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
        Detail::Download { bytes: fetched, limit, since, .. } => format!(
            "{who} fetched {} of {name}{how} since {}; what counts as a model begins at {}",
            bytes(*fetched),
            utc(*since),
            bytes(*limit),
        ),
        Detail::None => format!("{who} reached {name}{how}"),
        other => without_traffic(finding, other, &who, &how),
    }
}

/// What is not about an amount that one device sent or fetched.
fn without_traffic(finding: &Finding, detail: &Detail, who: &str, how: &str) -> String {
    let name = &finding.service_name;
    match detail {
        Detail::FirstSight { device, shared } => {
            let (site, device) = (safe_text(&finding.site), safe_name(device));
            let sure = match shared {
                true => "its host also serves other things, so use is not confirmed",
                false => "use is confirmed",
            };
            format!("{name}{how} was seen at {site} for the first time, by {device}; {sure}")
        }
        Detail::Local { endpoint, port, clients, shown } => {
            let class = endpoint.map(|endpoint| format!(" ({endpoint})")).unwrap_or_default();
            let shown: Vec<String> = shown.iter().map(|client| safe_name(client)).collect();
            let (clients, turns) = (counted(*clients, "client"), counted(finding.turns, "exchange"));
            let shown = shown.join(", ");
            format!("{who} answers on port {port} as {name}{class}; {clients} asked it, {turns}: {shown}")
        }
        Detail::Dark { class, since, before, after, ai_days } => {
            let before = before.map_or_else(|| "an unknown share".to_owned(), |share| format!("{share} %"));
            let (since, hidden, days) = (utc(*since), hidden_by(class), counted(*ai_days, "day"));
            format!(
                "visibility lost for {who}: since {since} its names are hidden by {hidden}, and {after} % of its bytes \
                 carry a name after {before}; AI services were seen on {days} of the four weeks before"
            )
        }
        Detail::Health { what, .. } => format!("sensor {}: {}", safe_name(&finding.device), health(what)),
        Detail::Review { what, due, overdue, .. } => {
            format!("the review of {what} was due on {due}{}", if *overdue { " and is overdue" } else { "" })
        }
        _ => format!("{who} reached {name}{how}"),
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
        "mirror" => "traffic is lost before it reaches the sensor",
        "silence" => "no traffic arrives",
        "clock" => "its clock is not to be trusted",
        _ => "records are lost on their way",
    }
}
