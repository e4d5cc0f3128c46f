//! What the fields of each format are meant to hold, written down a second time: from the documentation's tables, not
//! with the code that makes the events.

use std::collections::BTreeSet;

use super::reader::Fields;

/// Every field that an ECS event may have, beside labels.
pub const ECS: &[&str] = &[
    "/@timestamp",
    "/ecs/version",
    "/message",
    "/event/kind",
    "/event/category/0",
    "/event/type/0",
    "/event/type/1",
    "/event/module",
    "/event/dataset",
    "/event/provider",
    "/event/action",
    "/event/id",
    "/event/sequence",
    "/event/code",
    "/event/severity",
    "/event/start",
    "/event/end",
    "/event/reason",
    "/rule/id",
    "/rule/name",
    "/rule/description",
    "/rule/ruleset",
    "/source/ip",
    "/source/port",
    "/source/address",
    "/source/mac",
    "/source/bytes",
    "/source/packets",
    "/destination/ip",
    "/destination/port",
    "/destination/address",
    "/destination/domain",
    "/destination/bytes",
    "/destination/packets",
    "/network/application",
    "/network/protocol",
    "/network/transport",
    "/network/type",
    "/network/direction",
    "/network/community_id",
    "/network/bytes",
    "/service/id",
    "/service/name",
    "/observer/name",
    "/observer/version",
    "/observer/type",
    "/observer/vendor",
    "/observer/product",
    "/observer/geo/name",
    "/related/ip/0",
    "/related/ip/1",
    "/related/hosts/0",
    "/threat/framework",
    "/threat/technique/id/0",
    "/threat/technique/name/0",
    "/tls/client/server_name",
    "/tls/client/ja4",
];

/// Keys of CEF, the field that each holds, and the standard's length.
const CEF: &[(&str, &str, usize)] = &[
    ("externalId", "/event/id", 40),
    ("act", "/event/action", 63),
    ("cat", "/event/dataset", 1023),
    ("cnt", "/labels/flows", 1023),
    ("dvchost", "/observer/name", 100),
    ("deviceExternalId", "/observer/geo/name", 255),
    ("msg", "/message", 1023),
    ("reason", "/event/reason", 1023),
    ("src", "/source/ip", 1023),
    ("spt", "/source/port", 1023),
    ("smac", "/source/mac", 63),
    ("shost", "/source/address", 1023),
    ("dst", "/destination/ip", 1023),
    ("dpt", "/destination/port", 1023),
    ("dhost", "/destination/domain", 1023),
    ("destinationServiceName", "/service/name", 1023),
    ("proto", "/network/transport", 31),
    ("app", "/network/protocol", 31),
    ("out", "/source/bytes", 1023),
    ("in", "/destination/bytes", 1023),
    ("cs1", "/service/id", 4000),
    ("cs2", "/labels/policy_status", 4000),
    ("cs3", "/labels/evidence", 4000),
    ("cs4", "/labels/deadline", 4000),
    ("cs5", "/labels/department", 4000),
    ("cs6", "/network/community_id", 4000),
    ("cn1", "/event/sequence", 1023),
    ("cn2", "/labels/devices", 1023),
    ("cn3", "/labels/exchanges", 1023),
    ("shadowtapTechnique", "/threat/technique/id/0", 1023),
    ("shadowtapRuleset", "/rule/ruleset", 1023),
    ("shadowtapJa4", "/tls/client/ja4", 1023),
];

/// Labels of custom fields.
const CEF_LABELS: &[(&str, &str)] = &[
    ("cs1", "aiService"),
    ("cs2", "policyStatus"),
    ("cs3", "evidence"),
    ("cs4", "deadline"),
    ("cs5", "department"),
    ("cs6", "communityId"),
    ("cn1", "revision"),
    ("cn2", "devices"),
    ("cn3", "exchanges"),
];

const CEF_TIMES: &[(&str, &str)] = &[
    ("rt", "/@timestamp"),
    ("start", "/event/start"),
    ("end", "/event/end"),
    ("deviceCustomDate1", "/labels/report_due_at"),
];

/// Text of people and configurations: what could harm its reader is written as `\u{..}`; 1,024 characters at most.
pub fn text(text: &str) -> String {
    ingest::text::safe_within(text, 1024)
}

/// The CEF event that an ECS event becomes.
pub fn cef(ecs: &Fields) -> Fields {
    let mut meant = Fields::new();
    let name = match ecs["/event/code"].as_str() {
        "digest" => "Alerts held back by the policy's budget",
        "activity" => "Traffic with an AI service",
        _ => &ecs["/rule/name"],
    };
    meant.insert("/version".to_owned(), "0".to_owned());
    for (path, value) in [
        ("/device/vendor", "shadowtap"),
        ("/device/product", "shadowtap"),
        ("/device/version", &ecs["/observer/version"]),
        ("/device/event_class_id", &ecs["/event/code"]),
        ("/name", name),
        ("/severity", &ecs["/event/severity"]),
    ] {
        meant.insert(path.to_owned(), value.to_owned());
    }
    let mut extension = |key: &str, value: String| meant.insert(format!("/extension/{key}"), value);
    for (key, path, max) in CEF {
        let Some(value) = ecs.get(*path) else { continue };
        let value = match *key {
            "smac" => value.replace('-', ":"),
            "proto" => value.to_uppercase(),
            _ => value.clone(),
        };
        extension(key, ascii(&value, *max));
        if let Some((_, label)) = CEF_LABELS.iter().find(|(of, _)| of == key) {
            extension(&format!("{key}Label"), (*label).to_owned());
        }
    }
    for (key, path) in CEF_TIMES {
        if let Some(time) = ecs.get(*path) {
            let time: jiff::Timestamp = time.parse().unwrap();
            extension(key, time.as_millisecond().to_string());
        }
    }
    if ecs.contains_key("/labels/report_due_at") {
        extension("deviceCustomDate1Label", "reportDueAt".to_owned());
    }
    if ecs.get("/network/direction").is_some_and(|direction| direction == "outbound") {
        extension("deviceDirection", "1".to_owned());
    }
    for (path, value) in ecs {
        let placed = CEF.iter().any(|(_, of, _)| of == path) || path == "/labels/revision";
        if let Some(label) = path.strip_prefix("/labels/").filter(|label| !placed && *label != "report_due_at") {
            let words = label.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            extension(&format!("shadowtap{}", words.collect::<String>()), ascii(value, 1023));
        }
    }
    meant
}

/// Printable ASCII, the rest as `\u{..}`; no spaces at the ends; no more than `max` characters.
fn ascii(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in text.trim_matches(' ').chars() {
        let piece = if matches!(c, ' '..='~') { c.to_string() } else { format!("\\u{{{:x}}}", c as u32) };
        if out.len() + piece.len() > max {
            break;
        }
        out += &piece;
    }
    out.trim_end_matches(' ').to_owned()
}

/// Holds an OCSF event against the ECS event that it was made of: the fields that strangers and people fill hold the
/// same, and no text is in it that the ECS event does not have or the schema gives.
pub fn ocsf(ecs: &Fields, ocsf: &Fields) {
    let finding = ocsf["/class_uid"] == "2004";
    let end = if finding { "/evidences/0" } else { "" };
    let mut same = vec![
        ("/message".to_owned(), "/message"),
        ("/unmapped/site".to_owned(), "/observer/geo/name"),
        ("/metadata/loggers/0/name".to_owned(), "/observer/name"),
        (format!("{end}/dst_endpoint/hostname"), "/destination/domain"),
        (format!("{end}/dst_endpoint/svc_name"), "/service/name"),
        (format!("{end}/src_endpoint/uid"), "/source/address"),
        (format!("{end}/tls/sni"), "/tls/client/server_name"),
        ("/unmapped/route_security".to_owned(), "/labels/route_security"),
        ("/unmapped/vendor".to_owned(), "/labels/vendor"),
    ];
    if finding {
        same.extend([
            ("/finding_info/uid".to_owned(), "/event/id"),
            ("/finding_info/desc".to_owned(), "/event/reason"),
            ("/device/groups/0/name".to_owned(), "/labels/department"),
            ("/comment".to_owned(), "/labels/closed_reason"),
            ("/unmapped/policy".to_owned(), "/rule/ruleset"),
            ("/unmapped/limit_owner".to_owned(), "/labels/limit_owner"),
        ]);
    } else if ocsf["/class_uid"] == "4001" {
        same.push(("/ja4_fingerprint_list/0/value".to_owned(), "/tls/client/ja4"));
    }
    for (path, of) in same {
        assert_eq!(ocsf.get(&path), ecs.get(of), "{path}");
    }
    let texts: BTreeSet<&str> = ecs.values().map(String::as_str).collect();
    let forged = ocsf.iter().filter(|(_, value)| value.contains("forged") && !texts.contains(value.as_str()));
    let steps = |path: &String| path == "/remediation/desc";
    let forged: Vec<_> = forged.filter(|(path, _)| !steps(path)).collect();
    assert!(forged.is_empty(), "{forged:?}");
    let keys = ocsf.keys().filter(|path| path.contains("forged") || path.contains(['"', '\\', '{', ' ']));
    assert_eq!(keys.count(), 0, "fields that nobody wrote");
}
