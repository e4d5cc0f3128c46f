//! The form as a model. Its field names are those of the JSON and stay; docs/incident.md says what each means.

use serde::Serialize;

/// An incident report about one finding. Times are RFC 3339 in UTC; absent values are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Form {
    /// [`FORMAT`](super::FORMAT).
    pub format: &'static str,
    /// Which finding it is about.
    pub reference: Reference,
    /// Its clock.
    pub times: Times,
    /// Who reports: always null, for people to fill in.
    pub reported_by: Option<String>,
    /// Who is to hear of it.
    pub informed: Informed,
    /// What kind of incident it is.
    pub incident_type: IncidentType,
    /// How much it matters, 0 to 10.
    pub severity: u8,
    /// What was seen.
    pub observed: Observed,
    /// What a wire sensor cannot tell.
    pub not_known: Vec<&'static str>,
    /// Whom and what it concerns.
    pub affected: Affected,
    /// First time or not.
    pub recurrence: Recurrence,
    /// What the policy says.
    pub policy: PolicyLine,
    /// What to do at once, in order.
    pub immediate_steps: Vec<String>,
    /// What people have to find out; no answer is filled in.
    pub assessment: Vec<Question>,
    /// Where an assessment of the service starts; null where no service is concerned.
    pub vetting: Option<Vetting>,
    /// What happened to the finding, oldest first.
    pub timeline: Vec<Moment>,
    /// What an auditor follows it back by.
    pub evidence: Evidence,
}

/// Which finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Stable id of the finding.
    pub uid: String,
    /// Its revision when the form was written.
    pub revision: u64,
    /// Its rule.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// Where it stands: `open`, `acknowledged` or `closed`.
    pub state: String,
}

/// The clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Times {
    /// First packet.
    pub first_seen: String,
    /// Last packet.
    pub last_seen: String,
    /// When the sensor knew; the deadline counts from here.
    pub detected_at: String,
    /// When the report is due; null where the policy sets no deadline.
    pub report_due_at: Option<String>,
    /// `none`, `running`, `met` or `missed` when the form was written.
    pub clock: String,
    /// When somebody took the finding on.
    pub acknowledged_at: Option<String>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When the form was written.
    pub written_at: String,
    /// The site's time zone, in which the Markdown form prints times.
    pub time_zone: String,
}

/// Recipients by the policy's `[routes]`. That somebody is named here does not mean that he has been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Informed {
    /// Security, or the provider's Security Lead.
    pub security: Option<String>,
    /// The Risk Owner.
    pub risk_owner: Option<String>,
    /// The client, where the site's own table names one.
    pub client: Option<String>,
    /// True when the finding's opening was told to the configured receivers (SIEM, webhook, file), if any.
    pub alerted: bool,
    /// When the client may be told.
    pub client_rule: &'static str,
}

/// Kind of incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentType {
    /// `unapproved_tool`, `prohibited_tool`, `suspected_data_upload`, `local_model`, `visibility_lost`, `sensor`,
    /// `first_sight` or `policy_review`.
    pub id: &'static str,
    /// The same for people.
    pub label: &'static str,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// In one sentence.
    pub sentence: String,
    /// In numbers.
    pub measurements: Vec<Measurement>,
}

/// One number with its unit and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measurement {
    /// What was measured.
    pub what: String,
    /// The value; exact.
    pub value: String,
    /// Its unit; empty for a name or a time.
    pub unit: &'static str,
    /// How it is known.
    pub evidence: String,
}

/// Whom and what it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Stable device id; null where no device is concerned.
    pub device: Option<String>,
    /// Its address when it was seen.
    pub client_ip: Option<String>,
    /// Its hardware address, where the link showed one.
    pub client_mac: Option<String>,
    /// Its VLAN.
    pub vlan: Option<u16>,
    /// The group's label in the policy.
    pub department: Option<String>,
    /// The most sensitive data that the group works with: `public`, `internal`, `confidential`.
    pub data_tier: Option<String>,
    /// Site; null for what concerns all of them.
    pub site: Option<String>,
    /// Sensor.
    pub sensor: Option<String>,
    /// Service id.
    pub service: Option<String>,
    /// The service's name.
    pub service_name: Option<String>,
    /// Who runs it.
    pub vendor: Option<String>,
    /// Devices of the site that the finding stands for.
    pub devices: u64,
}

/// First time or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recurrence {
    /// True when the finding came back after it had been closed.
    pub repeated: bool,
    /// How often it opened.
    pub occurrences: u64,
    /// Other findings of this device that were there before.
    pub earlier_findings: u64,
    /// The same in words.
    pub sentence: String,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// Status; null where no service was judged.
    pub status: Option<String>,
    /// Its reason, with file and line.
    pub line: String,
    /// Name and version of the policy that judged.
    pub version: String,
}

/// Something that people have to find out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The question.
    pub question: &'static str,
    /// What may be ticked; empty for a line to write on.
    pub choices: Vec<&'static str>,
    /// Always null.
    pub answer: Option<String>,
}

/// Where an assessment of the service starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vetting {
    /// Service id.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub vendor: String,
    /// What it is mainly for.
    pub category: String,
    /// ISO 3166 code of the vendor's seat, where known. Not a claim about where data is kept.
    pub country: Option<String>,
    /// Where to start reading.
    pub homepage: Option<String>,
    /// What a reader must know about it.
    pub note: Option<String>,
    /// Its hosts in the catalogue.
    pub hosts: Vec<Host>,
    /// First sight at the site, as far back as facts are kept.
    pub first_seen: Option<String>,
    /// Devices of the site that used or visited it.
    pub devices: Option<u64>,
    /// Payload bytes sent to it from the site.
    pub bytes_up: Option<u64>,
    /// Payload bytes received.
    pub bytes_down: Option<u64>,
    /// How long inputs are kept, in the words of `source`; null is unknown, never good or bad.
    pub retention: Option<String>,
    /// Whether inputs train models, in the words of `source`.
    pub training: Option<String>,
    /// Certifications that `source` names.
    pub certifications: Vec<String>,
    /// Where these promises were read.
    pub source: Option<String>,
    /// What an assessor asks.
    pub questions: Vec<Question>,
}

/// A host of a service in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The pattern.
    pub pattern: String,
    /// `suffix`, `exact` or `glob`.
    pub kind: &'static str,
    /// What the host does for the service.
    pub role: &'static str,
    /// How sure the catalogue is.
    pub strength: &'static str,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: String,
    /// Who: `shadowtap`, or the name that was given.
    pub who: String,
    /// What.
    pub what: String,
    /// Reason or note.
    pub text: String,
}

/// What an auditor follows it back by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Community ID of the flow that showed it: the join to Zeek and Suricata.
    pub community_id: Option<String>,
    /// Name of the server; null when hidden.
    pub host: Option<String>,
    /// How the name is known.
    pub grade: Option<String>,
    /// How sure the catalogue is that the name means this service.
    pub strength: Option<String>,
    /// Server address and port.
    pub server: Option<String>,
    /// Transport and application protocol.
    pub protocol: Option<String>,
    /// Version of the catalogue that made the tag.
    pub catalogue: Option<String>,
    /// Name and version of the policy that judged.
    pub policy: String,
    /// Name and version of the policy at hand when the form was written: routes and data tier are from it.
    pub policy_at_hand: String,
    /// Version of the program that wrote the form.
    pub binary: String,
}
