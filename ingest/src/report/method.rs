//! What the numbers rest on, and what they cannot say.

use super::build::ReportContext;
use super::model::Method;

/// What a sensor on a mirror port cannot know, whatever the numbers say.
const LIMITS: [&str; 6] = [
    "What was typed or answered: no content is read or kept, so whether data went in has to be asked.",
    "Whether a private or a company account was used: both go to the same host.",
    "AI inside other products (mail, office, ticket systems) when it shares their hosts: listed as shared, never as use.",
    "What is hidden by encrypted names (ECH), encrypted DNS, a VPN or a relay: counted under coverage where it shows.",
    "Devices whose traffic does not pass the mirror port: at home, on mobile networks, at sites without a sensor.",
    "Who sat at a device, and why: a finding is about a tool, not about a person.",
];

/// The method box.
pub(super) fn method(context: &ReportContext<'_>, departments: String) -> Method {
    Method {
        catalogue: context.catalogue.version().to_owned(),
        policy: crate::judge::policy_words(context.policy),
        binary: context.binary.clone(),
        limits: LIMITS.map(str::to_owned).to_vec(),
        departments,
    }
}
