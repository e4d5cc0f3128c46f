//! A finding as one event of the Elastic Common Schema. `docs/siem-formats.md` holds the field table.

use std::net::IpAddr;

use rules::policy::{FindingRule, Route};
use serde_json::{Map, Value, json};

use super::labels::labels;
use super::safe::{TEXT_MAX, safe};
use crate::judge::{Action, Contact, Detail, Digest, Finding, digest_sentence, rule_name, sentence};
use crate::text::{safe_name, safe_within};
use crate::time::utc;

/// The ECS version whose field names are used.
pub(super) const ECS_VERSION: &str = "8.17.0";

/// The event of a finding at the moment `at`, µs UTC. Same finding, same bytes: no clock is read.
pub fn event(finding: &Finding, action: Action, at: i64) -> Value {
    let mut event = json!({
        "@timestamp": utc(at),
        "ecs": {"version": ECS_VERSION},
        "message": sentence(finding),
        "event": event_fields(finding, action),
        "rule": {
            "id": finding.rule.as_str(),
            "name": rule_name(finding.rule),
            "description": finding.why,
            "ruleset": finding.policy,
        },
        "observer": observer(&finding.sensor, &finding.site),
        "labels": labels(finding, at),
    });
    if finding.category.is_some() {
        event["service"] = json!({"id": finding.service, "name": finding.service_name});
    }
    match &finding.contact {
        Some(contact) => by_contact(&mut event, finding, contact),
        None if !finding.device.is_empty() => {
            event["source"] = json!({"address": safe_name(&finding.device)});
        }
        None => {}
    }
    if let Some((id, name)) = technique(finding) {
        event["threat"] = json!({"framework": "MITRE ATT&CK", "technique": {"id": [id], "name": [name]}});
    }
    safe(event)
}

/// The event that counts what the budget held back.
pub fn digest(digest: &Digest, uid: &str) -> Value {
    let mut labels = Map::new();
    labels.insert("devices".to_owned(), Value::String(digest.devices.to_string()));
    for (rule, held) in &digest.held {
        labels.insert(format!("held_{}", rule.replace('-', "_")), Value::String(held.to_string()));
    }
    safe(json!({
        "@timestamp": utc(digest.to),
        "ecs": {"version": ECS_VERSION},
        "message": digest_sentence(digest),
        "event": own("event", "digest", json!({
            "type": ["info"],
            "action": "digest",
            "id": uid,
            "code": "digest",
            "severity": digest.severity,
            "start": utc(digest.from),
            "end": utc(digest.to),
        })),
        "observer": observer("", &digest.site),
        "labels": labels,
    }))
}

/// An event that says of itself that it is a test, with its id: for `shadowtap siem test`.
pub fn test(sensor: &str, site: &str, at: i64) -> (String, Value) {
    let uid = format!("test-{at}");
    let event = json!({
        "@timestamp": utc(at),
        "ecs": {"version": ECS_VERSION},
        "message": "Test of shadowtap's way to this receiver. Nothing was found and nothing is to be done.",
        "event": own("event", "test", json!({
            "type": ["info"],
            "action": "test",
            "id": uid,
            "sequence": 1,
            "code": "test",
            "severity": 0,
            "start": utc(at),
            "end": utc(at),
        })),
        "observer": observer(sensor, site),
        "labels": {"test": "true"},
    });
    (uid, safe(event))
}

/// Writes into an event who is to hear of it, as the policy's `[routes]` say. A client stands there only where the
/// policy names one for the site.
pub fn routed(mut event: Value, route: Route<'_>) -> Value {
    let recipients = [
        ("route_security", route.security),
        ("route_risk_owner", route.risk_owner),
        ("route_client", route.client),
    ];
    for (key, recipient) in recipients {
        if let Some(recipient) = recipient {
            event["labels"][key] = Value::String(safe_within(recipient, TEXT_MAX));
        }
    }
    event
}

/// Techniques of ATT&CK, for what was sent and for what hides it. Use alone has none.
fn technique(finding: &Finding) -> Option<(&'static str, &'static str)> {
    match (finding.rule, &finding.detail) {
        (FindingRule::UploadLimit | FindingRule::UploadAnomaly, _) => {
            Some(("T1567", "Exfiltration Over Web Service"))
        }
        (FindingRule::GoingDark, Detail::Dark { class, .. })
            if ["relay", "tor", "vpn"].contains(&class.as_str()) =>
        {
            Some(("T1090", "Proxy"))
        }
        (FindingRule::GoingDark, _) => Some(("T1572", "Protocol Tunneling")),
        _ => None,
    }
}

fn event_fields(finding: &Finding, action: Action) -> Value {
    let fields = json!({
        "type": ["info"],
        "action": action.as_str(),
        "id": finding.uid,
        "sequence": finding.revision,
        "code": finding.rule.as_str(),
        "severity": finding.severity,
        "start": utc(finding.first_seen),
        "end": utc(finding.last_seen),
        "reason": finding.why,
    });
    own("alert", "finding", fields)
}

/// The fields `event.*` with those that tell whose event it is.
pub(super) fn own(kind: &str, dataset: &str, mut fields: Value) -> Value {
    fields["kind"] = json!(kind);
    fields["category"] = json!(["network"]);
    fields["module"] = json!("shadowtap");
    fields["dataset"] = Value::String(format!("shadowtap.{dataset}"));
    fields["provider"] = json!("shadowtap");
    fields
}

pub(super) fn observer(sensor: &str, site: &str) -> Value {
    let mut observer = json!({
        "type": "sensor",
        "vendor": "shadowtap",
        "product": "shadowtap",
        "version": env!("CARGO_PKG_VERSION"),
    });
    if !sensor.is_empty() {
        observer["name"] = Value::String(sensor.to_owned());
    }
    if !site.is_empty() {
        observer["geo"] = json!({"name": site});
    }
    observer
}

fn by_contact(event: &mut Value, finding: &Finding, contact: &Contact) {
    event["source"] = source(finding, contact);
    event["destination"] = destination(finding, contact);
    event["network"] = network(finding, contact);
    let hosts: Vec<String> = contact.host.iter().map(|host| safe_name(host)).collect();
    event["related"] =
        json!({"ip": [contact.client_ip.to_string(), contact.server_ip.to_string()], "hosts": hosts});
    if let Some(host) = contact.host.as_ref().filter(|_| contact.protocol.as_str() != "http") {
        event["tls"] = json!({"client": {"server_name": safe_name(host)}});
    }
}

fn source(finding: &Finding, contact: &Contact) -> Value {
    let address = if finding.rule == FindingRule::LocalModelServer || finding.device.is_empty() {
        contact.client_ip.to_string()
    } else {
        safe_name(&finding.device)
    };
    let mut source = json!({
        "ip": contact.client_ip.to_string(),
        "address": address,
        "bytes": finding.bytes_up,
    });
    if let Some(mac) = &contact.client_mac {
        source["mac"] = hardware(mac);
    }
    source
}

/// A hardware address as ECS writes it (RFC 7042): `02-77-00-00-00-11`.
pub(super) fn hardware(mac: &str) -> Value {
    Value::String(mac.replace(':', "-").to_uppercase())
}

fn destination(finding: &Finding, contact: &Contact) -> Value {
    let mut destination = json!({
        "ip": contact.server_ip.to_string(),
        "port": contact.server_port,
        "bytes": finding.bytes_down,
    });
    if let Some(host) = &contact.host {
        let host = safe_name(host);
        destination["domain"] = Value::String(host.clone());
        destination["address"] = Value::String(host);
    }
    destination
}

/// `network.type`.
pub(super) fn version(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ipv4" } else { "ipv6" }
}

fn network(finding: &Finding, contact: &Contact) -> Value {
    json!({
        "application": finding.service,
        "protocol": contact.protocol.as_str(),
        "transport": contact.transport.as_str(),
        "type": version(contact.client_ip),
        "community_id": contact.community_id,
        "bytes": finding.bytes_up.saturating_add(finding.bytes_down),
        "direction": if finding.rule == FindingRule::LocalModelServer { "internal" } else { "outbound" },
    })
}
