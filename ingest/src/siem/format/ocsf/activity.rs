//! A record of a flow as Network Activity, class 4001, activity Traffic. Numbers are those of the record: a long flow
//! has several with the same `connection_info.uid`, and they add up.

use serde_json::{Value, json};

use super::network::{connection, destination, observables, source, tls};
use super::{Class, unmapped};
use crate::siem::format::read::{millis, number, text};

const CLASS: Class = Class { uid: 4001, name: "Network Activity", category: 4, category_name: "Network Activity" };

pub(super) fn event(ecs: &Value) -> Value {
    let mut event = CLASS.event(ecs, 6, "Traffic");
    let span = millis(ecs, "/event/end").zip(millis(ecs, "/event/start"));
    event.set("duration", span.map(|(end, start)| end.saturating_sub(start).max(0)));
    event.set("app_name", text(ecs, "/service/name"));
    event.set("src_endpoint", source(ecs));
    event.set("dst_endpoint", destination(ecs));
    event.set("connection_info", connection(ecs).map(|info| with_uid(info, ecs)));
    event.set("traffic", Some(traffic(ecs)));
    event.set("tls", tls(ecs));
    let ja4 = |value| json!([{"type_id": 1, "type": "JA4", "value": value}]);
    event.set("ja4_fingerprint_list", text(ecs, "/tls/client/ja4").map(ja4));
    event.set("observables", observables(ecs, ""));
    let mut rest = unmapped(ecs, &[]);
    if let Some(service) = text(ecs, "/service/id") {
        rest.insert("service_id".to_owned(), service.into());
    }
    event.set("unmapped", Some(rest));
    event.into()
}

fn with_uid(mut connection: Value, ecs: &Value) -> Value {
    connection["uid"] = text(ecs, "/event/id").into();
    connection
}

/// Out is from the client, in is from the server.
fn traffic(ecs: &Value) -> Value {
    let [out, back] = ["/source", "/destination"]
        .map(|end| ["bytes", "packets"].map(|what| number(ecs, &format!("{end}/{what}")).unwrap_or_default()));
    json!({
        "bytes": out[0].saturating_add(back[0]),
        "bytes_out": out[0],
        "bytes_in": back[0],
        "packets": out[1].saturating_add(back[1]),
        "packets_out": out[1],
        "packets_in": back[1],
    })
}
