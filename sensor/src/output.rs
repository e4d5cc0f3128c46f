//! What a worker gives out.

use rules::catalogue::Hit;

use crate::flow::Flow;
use crate::record::{
    CandidateRecord, DeviceRecord, Ech, FlowRecord, LookupRecord, MinuteRecord, Record, VisibilityRecord,
};

pub use crate::worker::Part;

/// A name as it was found on the wire, AI or not.
#[derive(Debug)]
pub struct Name<'a> {
    /// When it was complete, µs.
    pub time: i64,
    /// The flow; its client is the one who asked.
    pub flow: &'a Flow,
    /// `tls`, `quic`, `dns` or `http`.
    pub protocol: &'static str,
    /// The name; absent in a hello without one.
    pub name: Option<&'a str>,
    /// DNS query type.
    pub qtype: Option<u16>,
    /// Application protocols offered.
    pub alpn: &'a [String],
    /// Encrypted ClientHello.
    pub ech: Ech,
    /// The encrypted_server_name extension is present.
    pub esni: bool,
    /// JA4 of the hello; only for an output that lists names.
    pub ja4: Option<&'a str>,
    /// What the catalogue says about the name.
    pub hit: Option<Hit<'a>>,
}

/// Where a worker's findings go. Nothing here may block: a full place drops and counts.
pub trait Output {
    /// A record for the spool.
    fn record(&mut self, record: Record);

    /// True when [`Self::name`] is to have everything that can be said of a name.
    fn lists_names(&self) -> bool {
        false
    }

    /// A name, AI or not.
    fn name(&mut self, _name: &Name<'_>) {}

    /// A flow that is over, with its totals.
    fn flow(&mut self, _flow: &Flow) {}

    /// What was counted in a span of time that is over.
    fn part(&mut self, part: Part) {
        part.records().into_iter().for_each(|record| self.record(record));
    }

    /// Zero or one record.
    fn records<R: Into<Record>>(&mut self, record: Option<R>) {
        if let Some(record) = record {
            self.record(record.into());
        }
    }
}

impl From<FlowRecord> for Record {
    fn from(record: FlowRecord) -> Self {
        Self::Flow(Box::new(record))
    }
}

impl From<LookupRecord> for Record {
    fn from(record: LookupRecord) -> Self {
        Self::Lookup(Box::new(record))
    }
}

impl From<MinuteRecord> for Record {
    fn from(record: MinuteRecord) -> Self {
        Self::Minute(Box::new(record))
    }
}

impl From<VisibilityRecord> for Record {
    fn from(record: VisibilityRecord) -> Self {
        Self::Visibility(Box::new(record))
    }
}

impl From<CandidateRecord> for Record {
    fn from(record: CandidateRecord) -> Self {
        Self::Candidate(Box::new(record))
    }
}

impl From<DeviceRecord> for Record {
    fn from(record: DeviceRecord) -> Self {
        Self::Device(Box::new(record))
    }
}
