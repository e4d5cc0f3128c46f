//! What to do next about a finding.

use rules::policy::FindingRule;

use super::words::by_status;
use super::{Detail, Finding};
use crate::text::safe_name;
use crate::time::utc;

const ASK: &str =
    "Ask the person what the tool was used for and whether work data went in; the sensor cannot see content.";

/// Three steps, in order.
pub(super) fn next_steps(finding: &Finding) -> [String; 3] {
    let name = &finding.service_name;
    let [first, second] = match finding.rule {
        FindingRule::UnapprovedUse | FindingRule::ProhibitedUse => [ASK.to_owned(), by_status(finding)],
        FindingRule::FirstSight => [format!("Find out which team uses {name} and what for."), by_status(finding)],
        FindingRule::UploadLimit | FindingRule::UploadAnomaly => [
            "Ask the person what was sent and whether it was work data; the sensor cannot see content.".to_owned(),
            "If sensitive data went in, call Security and follow the data exposure procedure.".to_owned(),
        ],
        FindingRule::LocalModelServer => [
            format!("Find the owner of {} and ask what the model server is for.", safe_name(&finding.device)),
            by_status(finding),
        ],
        FindingRule::ModelDownload => [
            format!("Ask the owner of {} which model was fetched and what it is for.", safe_name(&finding.device)),
            by_status(finding),
        ],
        FindingRule::GoingDark => [
            "Check whether IT rolled out encrypted DNS, a VPN or a relay on this device.".to_owned(),
            "If not, ask the person; private relays and encrypted DNS are often on by default.".to_owned(),
        ],
        FindingRule::SensorHealth => sensor(finding),
        FindingRule::ReviewDue => [
            "Look at what the entry says and whether it still fits.".to_owned(),
            "Enter the new date in the policy, or change the decision.".to_owned(),
        ],
    };
    [first, second, last(finding)]
}

fn sensor(finding: &Finding) -> [String; 2] {
    let what = match &finding.detail {
        Detail::Health { what, .. } => what.as_str(),
        _ => "",
    };
    let [first, second] = match what {
        "loss" => [
            "Look at the mirror port: is it sending more than the sensor's link or ring can take?",
            "Raise `--ring`, or narrow the mirror or the filter.",
        ],
        "mirror" => [
            "Look at the switch: a mirror port drops what is more than its own speed, both directions together.",
            "Mirror fewer ports or VLANs, take a faster port, or put a tap in its place.",
        ],
        "silence" => [
            "Check the mirror port and its cable.",
            "Check that `shadowtap run` is running and that frames arrive: `ip -s link`.",
        ],
        "clock" => ["Check the sensor's time source (NTP or PTP).", "Treat times of this span with care."],
        _ => ["Check free space and load of the sensor.", "See which sink does not take its records."],
    };
    [first.to_owned(), second.to_owned()]
}

fn last(finding: &Finding) -> String {
    match (finding.report_due_at, finding.rule) {
        (Some(due), FindingRule::SensorHealth) if finding.missed_at.is_some() => {
            format!("It was to be mended or acknowledged before {}: do it now.", utc(due))
        }
        (Some(due), _) if finding.missed_at.is_some() => format!("The report was due {}: file it now.", utc(due)),
        (Some(due), FindingRule::SensorHealth) => format!("Mend it or acknowledge it before {}.", utc(due)),
        (Some(due), _) => format!("File the report before {}.", utc(due)),
        (None, _) => "Nothing has to be reported; close the finding when it is dealt with.".to_owned(),
    }
}
