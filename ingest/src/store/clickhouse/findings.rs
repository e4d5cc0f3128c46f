//! Findings as a SIEM is told of them, as rows of the table `finding`. One told revision is one row, however often it
//! is sent.

use clickhouse::Row;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ClickHouseError, ClickHouseStore};

/// One day.
const DAY_SECONDS: u32 = 86_400;
/// The rule whose device is the server, while the event's source is a client of it.
const LOCAL_SERVER: &str = "local-model-server";
/// The rule that names a device and is about none.
const FIRST_SIGHT: &str = "first-sight";
/// Labels that say what a rule is about where that is no service.
const ABOUT: [&str; 4] = ["health", "hidden_by", "anomaly", "review"];

/// One told revision of a finding. The columns are explained in `schema/clickhouse/0003_findings.sql`; times are
/// seconds since 1970, UTC, as events carry them.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize)]
pub struct FindingRow {
    uid: String,
    revision: u64,
    at: u32,
    day: u16,
    site: String,
    sensor: String,
    action: String,
    rule: String,
    state: String,
    deadline: String,
    severity: u8,
    repeated: bool,
    earlier: u64,
    status: String,
    device: String,
    department: String,
    service: String,
    category: String,
    about: String,
    reason: String,
    policy: String,
    catalogue: String,
    first_seen: u32,
    last_seen: u32,
    detected_at: Option<u32>,
    report_due_at: Option<u32>,
    acknowledged_at: Option<u32>,
    closed_at: Option<u32>,
    missed_at: Option<u32>,
    devices: u64,
    flows: u64,
    turns: u64,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
}

impl FindingRow {
    /// The row of an event as `siem::ecs_event` makes it. None for a digest, which is about no single finding, and for
    /// what lacks an id, a revision or a time.
    pub fn of_event(event: &Value) -> Option<Self> {
        let event = Event(event);
        if event.text("/event/dataset") != "shadowtap.finding" {
            return None;
        }
        let at = event.seconds("/@timestamp")?;
        let (action, state, rule) = (event.text("/event/action"), event.label("state"), event.text("/rule/id"));
        let (deadline, report_due_at) = (event.label("deadline"), event.seconds("/labels/report_due_at"));
        Some(Self {
            uid: Some(event.text("/event/id")).filter(|uid| !uid.is_empty())?,
            revision: event.0.pointer("/event/sequence")?.as_u64()?,
            at,
            day: u16::try_from(at / DAY_SECONDS).unwrap_or(u16::MAX),
            site: event.text("/observer/geo/name"),
            sensor: event.text("/observer/name"),
            severity: u8::try_from(event.number("/event/severity")).unwrap_or(u8::MAX),
            repeated: event.label("occurrences") == "repeated",
            earlier: event.count("earlier_findings"),
            status: event.label("policy_status"),
            device: event.device(&rule),
            department: event.label("department"),
            service: event.text("/service/id"),
            category: event.label("category"),
            about: ABOUT.iter().map(|label| event.label(label)).find(|word| !word.is_empty()).unwrap_or_default(),
            reason: event.text("/event/reason"),
            policy: event.text("/rule/ruleset"),
            catalogue: event.label("catalogue"),
            first_seen: event.seconds("/event/start").unwrap_or(at),
            last_seen: event.seconds("/event/end").unwrap_or(at),
            detected_at: (action == "create").then_some(at),
            acknowledged_at: (state == "acknowledged").then_some(at),
            closed_at: (state == "closed").then_some(at),
            // The deadline is missed at its second, whenever that is told.
            missed_at: report_due_at.filter(|_| deadline == "missed"),
            report_due_at,
            devices: event.count("devices"),
            flows: event.count("flows"),
            turns: event.count("exchanges"),
            bytes_up: event.number("/source/bytes"),
            bytes_down: event.number("/destination/bytes"),
            upload_bytes: event.count("upload_bytes"),
            action,
            state,
            rule,
            deadline,
        })
    }
}

/// Reads an event's fields; what is absent or of another kind is empty or 0.
struct Event<'a>(&'a Value);

impl Event<'_> {
    fn text(&self, pointer: &str) -> String {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn label(&self, name: &str) -> String {
        self.text(&format!("/labels/{name}"))
    }

    fn number(&self, pointer: &str) -> u64 {
        self.0.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    /// Labels are text, numbers among them.
    fn count(&self, label: &str) -> u64 {
        self.label(label).parse().unwrap_or(0)
    }

    /// A time that the column can hold; one outside of it lands on the edge.
    fn seconds(&self, pointer: &str) -> Option<u32> {
        let time: Timestamp = self.text(pointer).parse().ok()?;
        Some(u32::try_from(time.as_second().max(0)).unwrap_or(u32::MAX))
    }

    fn device(&self, rule: &str) -> String {
        match rule {
            FIRST_SIGHT => String::new(),
            LOCAL_SERVER => self.text("/destination/ip"),
            _ => self.text("/source/address"),
        }
    }
}

impl ClickHouseStore {
    /// Adds told revisions of findings and makes the schema where it is missing. Rows that are in change nothing.
    ///
    /// # Errors
    /// What the server or the network says. The same rows may be sent again whenever `ClickHouseError::retry` is true;
    /// pauses between tries are the caller's.
    pub fn insert_findings(&self, findings: &[FindingRow]) -> Result<(), ClickHouseError> {
        let done = self.prepare().and_then(|()| match findings {
            [] => Ok(()),
            rows => self.connection.insert::<FindingRow>("finding", &token(rows), rows),
        });
        if done.as_ref().is_err_and(|error| !error.poison()) {
            self.set_ready(false);
        }
        done
    }
}

/// The same revisions in the same order are the same block.
fn token(rows: &[FindingRow]) -> String {
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(format!("{} {} {}\n", row.uid, row.revision, row.site));
    }
    let digits = hash.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("findings-{digits:032x}")
}

#[cfg(test)]
mod tests;
