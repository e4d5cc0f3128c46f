//! The two ends of a flow and what runs between them.

use serde_json::{Value, json};

use super::Object;
use crate::siem::format::read::{number, text};

/// The client.
pub(super) fn source(ecs: &Value) -> Option<Value> {
    let mut end = Object::default();
    end.set("ip", text(ecs, "/source/ip"));
    end.set("port", number(ecs, "/source/port"));
    end.set("mac", mac(ecs));
    end.set("uid", text(ecs, "/source/address"));
    (!end.is_empty()).then(|| end.into())
}

/// The server.
pub(super) fn destination(ecs: &Value) -> Option<Value> {
    let mut end = Object::default();
    end.set("ip", text(ecs, "/destination/ip"));
    end.set("port", number(ecs, "/destination/port"));
    end.set("hostname", text(ecs, "/destination/domain"));
    if end.is_empty() {
        return None;
    }
    end.set("svc_name", text(ecs, "/service/name"));
    Some(end.into())
}

/// The client's hardware address with colons.
pub(super) fn mac(ecs: &Value) -> Option<String> {
    Some(text(ecs, "/source/mac")?.replace('-', ":"))
}

/// Protocols, direction and the Community ID.
pub(super) fn connection(ecs: &Value) -> Option<Value> {
    let transport = text(ecs, "/network/transport")?;
    let (direction, direction_name) = match text(ecs, "/network/direction") {
        Some("outbound") => (2, "Outbound"),
        Some("internal") => (3, "Lateral"),
        _ => (0, "Unknown"),
    };
    let (version, version_name) = match text(ecs, "/network/type") {
        Some("ipv4") => (4, "Internet Protocol version 4 (IPv4)"),
        Some("ipv6") => (6, "Internet Protocol version 6 (IPv6)"),
        _ => (0, "Unknown"),
    };
    let mut info = Object::default();
    info.set("community_uid", text(ecs, "/network/community_id"));
    info.set("direction_id", Some(direction));
    info.set("direction", Some(direction_name));
    info.set("protocol_name", Some(transport));
    info.set(
        "protocol_num",
        match transport {
            "tcp" => Some(6),
            "udp" => Some(17),
            _ => None,
        },
    );
    info.set("protocol_ver_id", Some(version));
    info.set("protocol_ver", Some(version_name));
    Some(info.into())
}

/// The name in the ClientHello. The schema asks for the version that both sides agreed on, which no record has.
pub(super) fn tls(ecs: &Value) -> Option<Value> {
    Some(json!({"sni": text(ecs, "/tls/client/server_name")?, "version": "Unknown"}))
}

/// Values worth searching for, with the attribute that holds each. `at` is where the endpoints are.
pub(super) fn observables(ecs: &Value, at: &str) -> Option<Value> {
    let mac = mac(ecs);
    let found = [
        ("src_endpoint.ip", 2, "IP Address", text(ecs, "/source/ip")),
        ("src_endpoint.mac", 3, "MAC Address", mac.as_deref()),
        ("dst_endpoint.ip", 2, "IP Address", text(ecs, "/destination/ip")),
        ("dst_endpoint.hostname", 1, "Hostname", text(ecs, "/destination/domain")),
    ];
    let list: Vec<Value> = found
        .into_iter()
        .filter_map(|(name, id, kind, value)| {
            Some(json!({"name": format!("{at}{name}"), "type_id": id, "type": kind, "value": value?}))
        })
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}
