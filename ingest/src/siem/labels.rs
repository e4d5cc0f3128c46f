//! What ECS has no field for. Labels are keywords, so numbers are written as text. Texts of people are made safe with
//! the whole event.

use serde_json::{Map, Value};

use crate::judge::{Contact, Detail, Finding, next_steps};
use crate::text::safe_name;
use crate::time::utc;

/// Labels of a finding's event at a moment.
pub(super) fn labels(finding: &Finding, at: i64) -> Value {
    let mut labels = Labels(Map::new());
    labels.put("state", finding.state.as_str());
    labels.put("deadline", finding.clock(at).as_str());
    labels.put("revision", finding.revision);
    labels.put("occurrences", if finding.repeated() { "repeated" } else { "first-time" });
    labels.put("earlier_findings", finding.earlier);
    labels.put("devices", finding.devices);
    labels.put("exchanges", finding.turns);
    labels.put("flows", finding.count);
    labels.put("upload_bytes", finding.upload_bytes);
    labels.maybe("report_due_at", finding.report_due_at.map(utc));
    labels.maybe("policy_status", finding.status.map(|status| status.as_str()));
    labels.maybe("category", finding.category.map(|category| category.as_str()));
    labels.maybe("vendor", Some(&finding.vendor).filter(|vendor| !vendor.is_empty()));
    labels.maybe("catalogue", Some(&finding.catalogue).filter(|catalogue| !catalogue.is_empty()));
    labels.maybe("department", finding.group_name.as_ref());
    labels.maybe("acknowledged_by", finding.acknowledged_by.as_deref());
    labels.maybe("closed_by", finding.closed_by.as_deref());
    labels.maybe("closed_reason", finding.closed_reason.as_deref());
    if let Some(contact) = &finding.contact {
        labels.contact(contact);
    }
    labels.detail(&finding.detail);
    for (number, step) in (1..).zip(next_steps(finding)) {
        labels.put(&format!("next_step_{number}"), step);
    }
    Value::Object(labels.0)
}

struct Labels(Map<String, Value>);

impl Labels {
    fn put(&mut self, key: &str, value: impl ToString) {
        self.0.insert(key.to_owned(), Value::String(value.to_string()));
    }

    fn maybe(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn contact(&mut self, contact: &Contact) {
        self.put("access", contact.access.as_str());
        self.put("evidence", contact.evidence.as_str());
        self.put("strength", contact.strength.as_str());
        self.maybe("plan", contact.plan.map(|plan| plan.as_str()));
        self.maybe("behaviour", contact.behaviour.map(|behaviour| behaviour.as_str()));
        self.maybe("client", contact.client.map(|client| client.as_str()));
    }

    fn detail(&mut self, detail: &Detail) {
        match detail {
            Detail::None => {}
            Detail::FirstSight { device, shared } => {
                self.put("first_device", safe_name(device));
                self.put("shared_host", shared);
            }
            Detail::Limit { limit, bytes, per, since, owner, episodes } => {
                self.put("limit_bytes", limit);
                self.put("limit_per", per);
                self.put("limit_owner", owner);
                self.put("episodes", episodes);
                self.span(*bytes, *since);
            }
            Detail::Anomaly { what, bytes, since, until, references, score, learning } => {
                self.put("anomaly", what);
                self.put("usual", references.join("; "));
                self.put("score", format!("{}.{}", score / 10, score % 10));
                self.put("learning", learning);
                self.put("span_until", utc(*until));
                self.span(*bytes, *since);
            }
            Detail::Local { endpoint, port, clients, .. } => {
                self.maybe("endpoint", endpoint.map(|endpoint| endpoint.as_str()));
                self.put("port", port);
                self.put("clients", clients);
            }
            Detail::Download { bytes, limit, since, .. } => {
                self.put("limit_bytes", limit);
                self.span(*bytes, *since);
            }
            Detail::Dark { class, since, before, after, ai_days } => {
                self.put("hidden_by", class);
                self.put("hidden_since", utc(*since));
                self.maybe("named_before_percent", *before);
                self.put("named_after_percent", after);
                self.put("ai_days", ai_days);
            }
            Detail::Health { what, frames, amount, since } => {
                self.put("health", what);
                self.put("frames", frames);
                self.put("amount", amount);
                self.put("health_since", utc(*since));
            }
            Detail::Review { what, due, overdue, .. } => {
                self.put("review", what);
                self.put("review_due", due);
                self.put("overdue", overdue);
            }
        }
    }

    fn span(&mut self, bytes: u64, since: i64) {
        self.put("span_bytes", bytes);
        self.put("span_since", utc(since));
    }
}
