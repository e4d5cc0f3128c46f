//! A form out of a finding. Names off the wire are made safe for one line here, for every format.

use jiff::tz::TimeZone;
use rules::catalogue::{Catalogue, Service};
use rules::policy::Policy;

use super::model::{
    Affected, Evidence, Form, Host, Informed, Moment, Observed, PolicyLine, Recurrence, Reference, Times, Vetting,
};
use super::{FORMAT, Seen, measure, words};
use crate::judge::{Finding, HistoryRow, evidence_words, observed, policy_words, rule_name};
use crate::text::{safe_name, safe_text};
use crate::time::utc;

/// What a form is filled in from, beside the finding.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The catalogue: hosts and promises of the service.
    pub catalogue: &'a Catalogue,
    /// The policy: routes and data tiers.
    pub policy: &'a Policy,
    /// The site's time zone.
    pub time_zone: &'a TimeZone,
    /// What the store knows of the service at the site; absent without a store.
    pub seen: Option<Seen>,
    /// When the form is written, µs UTC.
    pub at: i64,
    /// Version of the program.
    pub binary: &'a str,
}

impl Form {
    /// Fills in what is known.
    pub fn of(finding: &Finding, history: &[HistoryRow], context: &Context<'_>) -> Self {
        Self {
            format: FORMAT,
            reference: Reference {
                uid: finding.uid.clone(),
                revision: finding.revision,
                rule: finding.rule.as_str().to_owned(),
                title: rule_name(finding.rule).to_owned(),
                state: finding.state.as_str().to_owned(),
            },
            times: times(finding, context),
            reported_by: None,
            informed: informed(finding, context.policy),
            incident_type: words::incident_type(finding.rule),
            severity: finding.severity,
            observed: Observed {
                sentence: format!("{}.", safe_text(&observed(finding))),
                measurements: measure::measurements(finding),
            },
            not_known: words::not_known(finding.rule),
            affected: affected(finding, context.policy),
            recurrence: Recurrence {
                repeated: finding.repeated(),
                occurrences: finding.occurrences,
                earlier_findings: finding.earlier,
                sentence: words::recurrence(finding),
            },
            policy: PolicyLine {
                status: finding.status.map(|status| status.as_str().to_owned()),
                line: safe_text(&finding.why),
                version: safe_text(&finding.policy),
            },
            immediate_steps: words::immediate_steps(finding).iter().map(|step| safe_text(step)).collect(),
            assessment: words::assessment(finding.rule),
            vetting: context.catalogue.service(&finding.service).map(|service| vetting(service, context.seen)),
            timeline: history.iter().map(moment).collect(),
            evidence: evidence(finding, context),
        }
    }

    /// The form as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn times(finding: &Finding, context: &Context<'_>) -> Times {
    Times {
        first_seen: utc(finding.first_seen),
        last_seen: utc(finding.last_seen),
        detected_at: utc(finding.detected_at),
        report_due_at: finding.report_due_at.map(utc),
        clock: finding.clock(context.at).as_str().to_owned(),
        acknowledged_at: finding.acknowledged_at.map(utc),
        acknowledged_by: finding.acknowledged_by.as_deref().map(safe_text),
        written_at: utc(context.at),
        time_zone: context.time_zone.iana_name().unwrap_or("UTC").to_owned(),
    }
}

fn informed(finding: &Finding, policy: &Policy) -> Informed {
    let route = policy.route(Some(&finding.site));
    Informed {
        security: route.security.map(safe_text),
        risk_owner: route.risk_owner.map(safe_text),
        client: route.client.map(safe_text),
        alerted: finding.alerted,
        client_rule: words::CLIENT_RULE,
    }
}

fn affected(finding: &Finding, policy: &Policy) -> Affected {
    let group = policy.groups().iter().find(|group| Some(&group.id) == finding.group_id.as_ref());
    let contact = finding.contact.as_ref();
    let known = |text: &str| Some(text).filter(|text| !text.is_empty()).map(safe_text);
    Affected {
        device: known(&finding.device).map(|device| safe_name(&device)).filter(|_| words::about_use(finding.rule)),
        client_ip: contact.map(|contact| contact.client_ip.to_string()),
        client_mac: contact.and_then(|contact| contact.client_mac.as_deref().map(safe_name)),
        vlan: contact.and_then(|contact| contact.vlan),
        department: finding.group_name.as_deref().map(safe_text),
        data_tier: group.and_then(|group| group.data_tier).map(|tier| tier.as_str().to_owned()),
        site: known(&finding.site),
        sensor: known(&finding.sensor),
        service: finding.category.and(known(&finding.service)),
        service_name: finding.category.and(known(&finding.service_name)),
        vendor: known(&finding.vendor),
        devices: finding.devices,
    }
}

fn vetting(service: &Service, seen: Option<Seen>) -> Vetting {
    let promises = service.vetting.as_ref();
    Vetting {
        service: service.id.clone(),
        name: service.name.clone(),
        vendor: service.vendor.clone(),
        category: service.category.as_str().to_owned(),
        country: service.country.clone(),
        homepage: service.homepage.clone(),
        note: service.note.clone(),
        hosts: service.patterns.iter().map(host).collect(),
        first_seen: seen.and_then(|seen| seen.first_seen).map(utc),
        devices: seen.map(|seen| seen.devices),
        bytes_up: seen.map(|seen| seen.bytes_up),
        bytes_down: seen.map(|seen| seen.bytes_down),
        retention: promises.and_then(|promises| promises.retention.clone()),
        training: promises.and_then(|promises| promises.training.clone()),
        certifications: promises.map(|promises| promises.certifications.clone()).unwrap_or_default(),
        source: promises.map(|promises| promises.source.clone()),
        questions: words::vetting(),
    }
}

fn host(pattern: &rules::catalogue::Pattern) -> Host {
    Host {
        pattern: pattern.text.clone(),
        kind: pattern.kind.as_str(),
        role: pattern.role.as_str(),
        strength: pattern.strength.as_str(),
    }
}

fn moment(row: &HistoryRow) -> Moment {
    Moment { at: utc(row.at), who: safe_text(&row.who), what: safe_text(&row.what), text: safe_text(&row.text) }
}

fn evidence(finding: &Finding, context: &Context<'_>) -> Evidence {
    let contact = finding.contact.as_ref();
    Evidence {
        community_id: contact.map(|contact| contact.community_id.clone()),
        host: contact.and_then(|contact| contact.host.as_deref().map(safe_name)),
        grade: contact.map(|contact| evidence_words(contact.evidence).to_owned()),
        strength: contact.map(|contact| contact.strength.as_str().to_owned()),
        server: contact.map(|contact| format!("{} port {}", contact.server_ip, contact.server_port)),
        protocol: contact.map(|contact| format!("{}, {}", contact.transport.as_str(), contact.protocol.as_str())),
        catalogue: Some(finding.catalogue.clone()).filter(|version| !version.is_empty()),
        policy: safe_text(&finding.policy),
        policy_at_hand: safe_text(&policy_words(context.policy)),
        binary: context.binary.to_owned(),
    }
}
