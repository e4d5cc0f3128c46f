//! Common Event Format, version 0: `CEF:0|vendor|product|version|id|name|severity|key=value ...` on one line. Keys and
//! lengths are those of the producers' dictionary of the ArcSight implementation standard; what it has no key for goes
//! under keys of our own that begin with `shadowtap`. `docs/siem-formats.md` holds the field table.

mod escape;

use std::fmt::Write;

use serde_json::Value;

use super::read::{address, millis, number, text};
use escape::{header, value};

/// The standard's length of most text fields.
const TEXT: usize = 1023;
/// Of device custom strings.
const CUSTOM: usize = 4000;
/// Of actions.
const SHORT: usize = 63;
/// Of protocols.
const PROTOCOL: usize = 31;
/// Of `externalId`.
const ID: usize = 40;
/// Of `dvchost`.
const DEVICE_HOST: usize = 100;
/// Of `deviceExternalId`.
const DEVICE_ID: usize = 255;

/// The event as one line of CEF in printable ASCII.
pub(super) fn line(ecs: &Value) -> String {
    let mut line = format!(
        "CEF:0|shadowtap|shadowtap|{}|{}|{}|{}|",
        header(text(ecs, "/observer/version").unwrap_or_default(), TEXT),
        header(text(ecs, "/event/code").unwrap_or_default(), TEXT),
        header(name(ecs), 512),
        number(ecs, "/event/severity").unwrap_or_default().min(10),
    );
    let mut extension = Extension { ecs, line: &mut line, first: true };
    extension.what_and_when();
    extension.ends();
    extension.policy();
    extension.ours();
    line
}

/// The header's name: the rule in words, or what kind of event it is.
fn name(ecs: &Value) -> &str {
    text(ecs, "/rule/name").unwrap_or(match text(ecs, "/event/code") {
        Some("digest") => "Alerts held back by the policy's budget",
        Some("activity") => "Traffic with an AI service",
        _ => "Test of the way to this receiver",
    })
}

/// Labels that have a key of the standard.
const PLACED: [&str; 9] = [
    "policy_status",
    "evidence",
    "department",
    "deadline",
    "devices",
    "exchanges",
    "flows",
    "report_due_at",
    "revision",
];

struct Extension<'a> {
    ecs: &'a Value,
    line: &'a mut String,
    first: bool,
}

impl Extension<'_> {
    fn what_and_when(&mut self) {
        self.time("rt", "/@timestamp");
        self.time("start", "/event/start");
        self.time("end", "/event/end");
        self.text("externalId", "/event/id", ID);
        self.text("act", "/event/action", SHORT);
        self.text("cat", "/event/dataset", TEXT);
        self.number("cnt", label(self.ecs, "flows"));
        self.text("dvchost", "/observer/name", DEVICE_HOST);
        self.text("deviceExternalId", "/observer/geo/name", DEVICE_ID);
        self.text("msg", "/message", TEXT);
        self.text("reason", "/event/reason", TEXT);
    }

    /// Client and server. `src` and `dst` are IPv4 in version 0; IPv6 has fields of its own.
    fn ends(&mut self) {
        self.address("src", "c6a2", "Source IPv6 Address", "/source/ip");
        self.number("spt", number(self.ecs, "/source/port"));
        if let Some(mac) = text(self.ecs, "/source/mac") {
            self.put("smac", &mac.replace('-', ":"), SHORT);
        }
        self.text("shost", "/source/address", TEXT);
        self.address("dst", "c6a3", "Destination IPv6 Address", "/destination/ip");
        self.number("dpt", number(self.ecs, "/destination/port"));
        self.text("dhost", "/destination/domain", TEXT);
        self.text("destinationServiceName", "/service/name", TEXT);
        if let Some(transport) = text(self.ecs, "/network/transport") {
            self.put("proto", &transport.to_uppercase(), PROTOCOL);
        }
        self.text("app", "/network/protocol", PROTOCOL);
        self.number("out", number(self.ecs, "/source/bytes"));
        self.number("in", number(self.ecs, "/destination/bytes"));
        if text(self.ecs, "/network/direction") == Some("outbound") {
            self.number("deviceDirection", Some(1));
        }
    }

    fn policy(&mut self) {
        self.custom("cs1", "aiService", "/service/id");
        self.custom("cs2", "policyStatus", "/labels/policy_status");
        self.custom("cs3", "evidence", "/labels/evidence");
        self.custom("cs4", "deadline", "/labels/deadline");
        self.custom("cs5", "department", "/labels/department");
        self.custom("cs6", "communityId", "/network/community_id");
        self.count("cn1", "revision", number(self.ecs, "/event/sequence"));
        self.count("cn2", "devices", label(self.ecs, "devices"));
        self.count("cn3", "exchanges", label(self.ecs, "exchanges"));
        if let Some(due) = millis(self.ecs, "/labels/report_due_at") {
            self.number("deviceCustomDate1", Some(due.unsigned_abs()));
            self.put("deviceCustomDate1Label", "reportDueAt", TEXT);
        }
    }

    /// What the standard has no key for, under ours.
    fn ours(&mut self) {
        self.text("shadowtapTechnique", "/threat/technique/id/0", TEXT);
        self.text("shadowtapRuleset", "/rule/ruleset", TEXT);
        self.text("shadowtapJa4", "/tls/client/ja4", TEXT);
        let labels = self.ecs.get("labels").and_then(Value::as_object);
        for (name, value) in labels.into_iter().flatten() {
            if let Some(value) = value.as_str().filter(|_| !PLACED.contains(&name.as_str())) {
                self.put(&key(name), value, TEXT);
            }
        }
    }

    fn text(&mut self, key: &str, pointer: &str, max: usize) {
        if let Some(text) = text(self.ecs, pointer) {
            self.put(key, text, max);
        }
    }

    fn time(&mut self, key: &str, pointer: &str) {
        if let Some(ms) = millis(self.ecs, pointer) {
            self.put(key, &ms.to_string(), TEXT);
        }
    }

    fn number(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.put(key, &number.to_string(), TEXT);
        }
    }

    fn address(&mut self, v4: &str, v6: &str, label: &str, pointer: &str) {
        match address(self.ecs, pointer) {
            Some(ip) if ip.is_ipv4() => self.put(v4, &ip.to_string(), TEXT),
            Some(ip) => {
                self.put(v6, &ip.to_string(), TEXT);
                self.put(&format!("{v6}Label"), label, TEXT);
            }
            None => {}
        }
    }

    fn custom(&mut self, key: &str, label: &str, pointer: &str) {
        if let Some(text) = text(self.ecs, pointer) {
            self.put(key, text, CUSTOM);
            self.put(&format!("{key}Label"), label, TEXT);
        }
    }

    fn count(&mut self, key: &str, label: &str, number: Option<u64>) {
        if number.is_some() {
            self.number(key, number);
            self.put(&format!("{key}Label"), label, TEXT);
        }
    }

    fn put(&mut self, key: &str, text: &str, max: usize) {
        let space = if std::mem::take(&mut self.first) { "" } else { " " };
        let _ = write!(self.line, "{space}{key}={}", value(text, max));
    }
}

/// A label that counts.
fn label(ecs: &Value, name: &str) -> Option<u64> {
    text(ecs, &format!("/labels/{name}"))?.parse().ok()
}

/// `next_step_1` as `shadowtapNextStep1`: keys are letters and digits.
fn key(label: &str) -> String {
    let mut key = "shadowtap".to_owned();
    for word in label.split('_') {
        let mut letters = word.chars().filter(char::is_ascii_alphanumeric);
        key.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        key.extend(letters);
    }
    key
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn header_and_extension_are_in_the_order_of_the_standard() {
        let event = json!({
            "@timestamp": "2026-11-09T08:00:00Z",
            "event": {"code": "prohibited-use", "severity": 8, "id": "0cfe7ef48ee25468"},
            "rule": {"name": "a|b\\c"},
            "observer": {"version": "1.0"},
            "source": {"mac": "02-77-00-00-00-11", "ip": "10.0.0.1"},
            "labels": {"next_step_1": "ask; a=b"},
        });
        assert_eq!(
            line(&event),
            "CEF:0|shadowtap|shadowtap|1.0|prohibited-use|a\\|b\\\\c|8|rt=1794211200000 externalId=0cfe7ef48ee25468 \
             src=10.0.0.1 smac=02:77:00:00:00:11 shadowtapNextStep1=ask; a\\=b"
        );
    }

    #[test]
    fn ipv6_addresses_have_fields_of_their_own() {
        let line = line(&json!({"source": {"ip": "2001:db8::1"}, "destination": {"ip": "2001:db8::2"}}));
        assert!(line.contains("c6a2=2001:db8::1 c6a2Label=Source IPv6 Address"), "{line}");
        assert!(line.contains("c6a3=2001:db8::2 c6a3Label=Destination IPv6 Address"), "{line}");
        assert!(!line.contains("src=") && !line.contains("dst="), "{line}");
    }

    #[test]
    fn no_key_is_written_twice() {
        let event = json!({"labels": {"policy_status": "x", "devices": "3", "test": "true"}});
        let line = line(&event);
        assert_eq!(line.matches("=x").count(), 1, "{line}");
        assert_eq!((line.matches("cn2=3").count(), line.matches("=3").count()), (1, 1), "{line}");
    }
}
