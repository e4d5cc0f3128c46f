//! A finding as one event of the Elastic Common Schema. `docs/siem.md` holds the field table.

use std::net::IpAddr;

use rules::policy::Route;
use serde_json::{Map, Value, json};

use crate::judge::{Finding, next_steps, rule_name, sentence};
use crate::text::{safe_name, safe_text};
use crate::time::utc;

/// The ECS version whose field names are used.
const ECS_VERSION: &str = "8.17.0";

/// The event of a finding that has just opened. Same finding, same bytes: no clock is read.
pub fn event(finding: &Finding) -> Value {
    let mut event = json!({
        "@timestamp": utc(finding.detected_at),
        "ecs": {"version": ECS_VERSION},
        "message": sentence(finding),
        "event": event_fields(finding),
        "rule": {
            "id": finding.rule.as_str(),
            "name": rule_name(finding.rule),
            "description": finding.why,
            "ruleset": finding.policy,
        },
        "source": source(finding),
        "destination": destination(finding),
        "network": network(finding),
        "service": {"id": finding.service, "name": finding.service_name},
        "observer": {
            "name": safe_text(&finding.sensor),
            "type": "sensor",
            "vendor": "shadowtap",
            "product": "shadowtap",
            "version": env!("CARGO_PKG_VERSION"),
            "geo": {"name": safe_text(&finding.site)},
        },
        "labels": labels(finding),
        "related": {"ip": related_ip(finding), "hosts": finding.host.iter().map(|h| safe_name(h)).collect::<Vec<_>>()},
    });
    if let Some(host) = finding.host.as_ref().filter(|_| finding.protocol.as_str() != "http") {
        event["tls"] = json!({"client": {"server_name": safe_name(host)}});
    }
    event
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
            event["labels"][key] = Value::String(safe_text(recipient));
        }
    }
    event
}

fn event_fields(finding: &Finding) -> Value {
    json!({
        "kind": "alert",
        "category": ["network"],
        "type": ["info"],
        "module": "shadowtap",
        "dataset": "shadowtap.finding",
        "provider": "shadowtap",
        "action": "create",
        "id": finding.uid,
        "code": finding.rule.as_str(),
        "severity": finding.severity,
        "start": utc(finding.first_seen),
        "end": utc(finding.last_seen),
        "reason": finding.why,
    })
}

fn source(finding: &Finding) -> Value {
    let mut source = json!({
        "ip": finding.client_ip.to_string(),
        "address": safe_name(&finding.device),
        "bytes": finding.bytes_up,
    });
    if let Some(mac) = &finding.client_mac {
        source["mac"] = Value::String(mac.replace(':', "-").to_uppercase());
    }
    source
}

fn destination(finding: &Finding) -> Value {
    let mut destination = json!({
        "ip": finding.server_ip.to_string(),
        "port": finding.server_port,
        "bytes": finding.bytes_down,
    });
    if let Some(host) = &finding.host {
        let host = safe_name(host);
        destination["domain"] = Value::String(host.clone());
        destination["address"] = Value::String(host);
    }
    destination
}

fn network(finding: &Finding) -> Value {
    json!({
        "application": finding.service,
        "protocol": finding.protocol.as_str(),
        "transport": finding.transport.as_str(),
        "type": if matches!(finding.client_ip, IpAddr::V4(_)) { "ipv4" } else { "ipv6" },
        "community_id": finding.community_id,
        "bytes": finding.bytes_up.saturating_add(finding.bytes_down),
        "direction": "outbound",
    })
}

/// What ECS has no field for. Labels are keywords, so numbers are written as text.
fn labels(finding: &Finding) -> Value {
    let mut labels = Map::new();
    let mut put = |key: &str, value: String| labels.insert(key.to_owned(), Value::String(value));
    put("policy_status", finding.status.as_str().to_owned());
    put("report_due_at", utc(finding.report_due_at));
    put("category", finding.category.as_str().to_owned());
    put("vendor", finding.vendor.clone());
    put("access", finding.access.as_str().to_owned());
    put("evidence", finding.evidence.as_str().to_owned());
    put("strength", finding.strength.as_str().to_owned());
    put("exchanges", finding.turns.to_string());
    put("flows", finding.count.to_string());
    put("upload_bytes", finding.upload_bytes.to_string());
    put("earlier_findings", finding.earlier.to_string());
    put("catalogue", finding.catalogue.clone());
    for (number, step) in (1..).zip(next_steps(finding)) {
        put(&format!("next_step_{number}"), step);
    }
    if let Some(group) = &finding.group_name {
        put("department", group.clone());
    }
    Value::Object(labels)
}

fn related_ip(finding: &Finding) -> Vec<String> {
    vec![finding.client_ip.to_string(), finding.server_ip.to_string()]
}
