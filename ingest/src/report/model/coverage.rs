//! What the sensor saw and could not see.

use serde::Serialize;

use super::SensorTrouble;

/// A part and its whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The part.
    pub part: u64,
    /// What it is a part of.
    pub of: u64,
}

/// What the sensor saw and could not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Minutes with a ledger record, of the minutes in the window.
    pub minutes: Share,
    /// Frames seen.
    pub frames: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Flows with a certain name, of the flows decided that are not DNS themselves.
    pub flows_named: Share,
    /// The same in bytes.
    pub bytes_named: Share,
    /// Naming methods.
    pub methods: Vec<MethodRow>,
    /// Flows of which one direction alone was seen, of all flows decided.
    pub one_way_flows: Share,
    /// TCP flows that began before the sensor saw them, of all flows decided.
    pub late_flows: Share,
    /// Frames that could not be decoded, of all frames.
    pub malformed_frames: Share,
    /// Packets lost before they were seen, of all packets (seen and lost).
    pub lost_packets: Share,
    /// TCP payload that was on the wire and never reached the sensor, of all TCP payload, bytes; estimated from sequence
    /// numbers and acknowledgements.
    pub tcp_missing: Share,
    /// The same of UDP: always null, since nothing in UDP tells.
    pub udp_missing: Option<Share>,
    /// TCP payload that came out of order, of all TCP payload, bytes.
    pub tcp_reordered: Share,
    /// TCP payload that came again or only after it was sent again, of all TCP payload, bytes.
    pub tcp_resent: Share,
    /// Frames that came a second time on flows to AI services or not yet decided, of all frames.
    pub duplicates: Share,
    /// Messages that could not be read or never became whole, and what was given up for want of room, by kind.
    pub broken: Vec<WordCount>,
    /// How often a sensor's clock was set back.
    pub clock_steps: u64,
    /// Frames that could not be decoded, by reason.
    pub malformed: Vec<WordCount>,
    /// Lost packets by place.
    pub lost: Vec<WordCount>,
    /// Records thrown away behind the sensor in this time, because they could not be written or the spool was full:
    /// `spool` never stored, `spool-judge` never judged, `spool-rejects` what lay aside.
    pub lost_records: Vec<WordCount>,
    /// Frames that are no TCP or UDP, by kind.
    pub not_flow: Vec<WordCount>,
    /// DNS questions seen.
    pub dns_questions: u64,
    /// Of these, questions for AI names.
    pub ai_lookups: Share,
    /// Services that were asked for in DNS and never contacted on this wire.
    pub looked_up_only: Vec<String>,
    /// Times in which the sensor did not see everything.
    pub health: Vec<SensorTrouble>,
    /// Services with telemetry or weak hints alone; no use is claimed.
    pub telemetry_only: Vec<String>,
}

/// Traffic of one naming method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodRow {
    /// Method as in the ledger.
    pub method: String,
    /// The same in words.
    pub words: String,
    /// True when the name is certain.
    pub named: bool,
    /// Flows decided.
    pub flows: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// A word and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WordCount {
    /// The word as in the ledger.
    pub word: String,
    /// Frames, packets, or messages.
    pub count: u64,
}
