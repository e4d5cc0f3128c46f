//! A record of a flow to an AI service as an event: who spoke with which service, how much, by which evidence. No finding
//! and no alert; only for sinks that ask for it.

use rules::catalogue::{Access, Service};
use rules::policy::Status;
use sensor::record::{FlowRecord, Protocol};
use serde_json::{Map, Value, json};

use super::ecs::{ECS_VERSION, hardware, observer, own, version};
use super::safe::safe;
use crate::text::safe_name;
use crate::time::utc;

/// The event of one record. A long flow has several, whose numbers add up: `event.id` is the flow, `event.sequence` the
/// record, from 1 on.
pub(crate) fn event(flow: &FlowRecord, service: &Service, status: Status) -> Value {
    let mut event = json!({
        "@timestamp": utc(flow.emitted.max(flow.end)),
        "ecs": {"version": ECS_VERSION},
        "message": format!("{} and {}", safe_name(&flow.device), service.name),
        "event": own("event", "activity", json!({
            "type": if flow.last { json!(["connection", "end"]) } else { json!(["connection"]) },
            "action": "traffic",
            "id": flow.flow_id,
            "sequence": u64::from(flow.seq) + 1,
            "code": "activity",
            "severity": 0,
            "start": utc(flow.start),
            "end": utc(flow.end),
        })),
        "source": {
            "ip": flow.client_ip.to_string(),
            "port": flow.client_port,
            "address": safe_name(&flow.device),
            "bytes": flow.bytes_up,
            "packets": flow.packets_up,
        },
        "destination": {
            "ip": flow.server_ip.to_string(),
            "port": flow.server_port,
            "bytes": flow.bytes_down,
            "packets": flow.packets_down,
        },
        "network": {
            "application": flow.service,
            "protocol": flow.protocol.as_str(),
            "transport": flow.transport.as_str(),
            "type": version(flow.client_ip),
            "community_id": flow.community_id,
            "bytes": flow.bytes_up.saturating_add(flow.bytes_down),
            "direction": if flow.access == Access::Local { "internal" } else { "outbound" },
        },
        "service": {"id": flow.service, "name": service.name},
        "observer": observer(&flow.sensor, &flow.site),
        "related": {"ip": [flow.client_ip.to_string(), flow.server_ip.to_string()]},
        "labels": labels(flow, status),
    });
    if let Some(mac) = &flow.client_mac {
        event["source"]["mac"] = hardware(mac);
    }
    if let Some(host) = flow.host.as_deref().map(safe_name) {
        event["destination"]["domain"] = Value::String(host.clone());
        event["destination"]["address"] = Value::String(host.clone());
        event["related"]["hosts"] = json!([host]);
        if flow.protocol != Protocol::Http {
            let mut tls = json!({"client": {"server_name": host}});
            if let Some(ja4) = &flow.ja4 {
                tls["client"]["ja4"] = Value::String(ja4.clone());
            }
            event["tls"] = tls;
        }
    }
    safe(event)
}

fn labels(flow: &FlowRecord, status: Status) -> Value {
    let mut labels = Map::new();
    let mut put = |key: &str, value: String| labels.insert(key.to_owned(), Value::String(value));
    put("policy_status", status.as_str().to_owned());
    put("access", flow.access.as_str().to_owned());
    put("evidence", flow.evidence.as_str().to_owned());
    put("strength", flow.strength.as_str().to_owned());
    put("role", flow.role.as_str().to_owned());
    put("client", flow.client.as_str().to_owned());
    put("behaviour", flow.behaviour.as_str().to_owned());
    put("exchanges", flow.turns.to_string());
    put("upload_bytes", flow.upload_bytes.to_string());
    put("catalogue", flow.catalogue.clone());
    put("final", flow.last.to_string());
    Value::Object(labels)
}
