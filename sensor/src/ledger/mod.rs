//! The visibility ledger: what was seen in each minute, by what it was named, and what could not be seen.
//!
//! Every frame is counted in exactly one line: a naming method, a kind of non-flow, or a reason of malformedness.

mod answers;
mod counts;
mod minute;

use crate::decode::{Lost, Malformed, NotFlow};
use crate::dissect::Dissector;
use crate::flow::Flow;
use crate::record::{MinuteRecord, Tally};
pub use answers::{Answer, Answers, Said};
pub use counts::Counts;
pub use minute::Minute;

/// µs in a minute.
pub const MINUTE: i64 = 60_000_000;

/// Drop word of packets that passed while the sensor was killed and started again, or were in the minute that it had not
/// written.
pub const RESTART: &str = "restart";
/// Drop word of records that were never stored: they could not be written, or the spool was full.
pub const SPOOL: &str = "spool";
/// Drop word of records that were never judged because the spool was full.
pub const SPOOL_JUDGE: &str = "spool-judge";
/// Drop word of what lay aside as unusable until the spool was full.
pub const SPOOL_REJECTS: &str = "spool-rejects";
/// Drop words that count records, lost behind the sensor; all others count what was lost before it was seen.
pub const RECORD_WORDS: [&str; 3] = [SPOOL, SPOOL_JUDGE, SPOOL_REJECTS];

/// The lines of the ledger for frames of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not decided when the minute ended.
    Pending,
    /// Named by the SNI of a TLS ClientHello.
    Sni,
    /// Named by the SNI of a QUIC ClientHello.
    Quic,
    /// Named by an HTTP Host field.
    Http,
    /// Named by the client's own DNS answers alone.
    Dns,
    /// The client's own DNS answers give several names, an AI service among them.
    Ambiguous,
    /// The name is hidden by a real encrypted ClientHello.
    EchReal,
    /// No name at all.
    None,
    /// Name resolution itself.
    Resolver,
    /// DHCP, NTP and discovery: protocols that never carry a service's name.
    Infrastructure,
    /// The flow table was full.
    Untracked,
}

const METHODS: [(Method, &str); 11] = [
    (Method::Pending, "pending"),
    (Method::Sni, "sni"),
    (Method::Quic, "quic"),
    (Method::Http, "http"),
    (Method::Dns, "dns"),
    (Method::Ambiguous, "ambiguous"),
    (Method::EchReal, "ech-real"),
    (Method::None, "none"),
    (Method::Resolver, "resolver"),
    (Method::Infrastructure, "infrastructure"),
    (Method::Untracked, "untracked"),
];

/// The open minute and the totals since the start.
#[derive(Debug)]
pub struct Ledger {
    template: MinuteRecord,
    /// Start of the open minute, µs.
    minute: Option<i64>,
    /// The minute after the last one that was closed: a late frame counts there, since a minute is written once.
    earliest: i64,
    /// Counts the minutes that were opened: a step back of the clock opens one a second time.
    ordinal: u64,
    /// How often the clock was set back.
    rebased: u32,
    /// Counts what every worker sees: one of them does.
    common: bool,
    open: Counts,
    total: Counts,
}

impl Ledger {
    /// An empty ledger for a source.
    pub fn new(sensor: &str, site: &str, source: &str) -> Self {
        let template = MinuteRecord {
            sensor: sensor.to_owned(),
            site: site.to_owned(),
            source: source.to_owned(),
            ..MinuteRecord::default()
        };
        Self {
            template,
            minute: None,
            earliest: i64::MIN,
            ordinal: 0,
            rebased: 0,
            common: true,
            open: Counts::default(),
            total: Counts::default(),
        }
    }

    /// Leaves to another worker's ledger what both see: frames, and those that are no flow's.
    pub fn leave_common(&mut self) {
        self.common = false;
    }

    /// Begins another source: its minutes are counted apart from those of the one before, which ends here.
    pub fn set_source(&mut self, source: &str) -> Option<Minute> {
        let ended = self.close(None);
        source.clone_into(&mut self.template.source);
        self.earliest = i64::MIN;
        ended
    }

    /// The clock was set back: minutes that come a second time are counted under a source of their own.
    pub fn rebase(&mut self) -> Option<Minute> {
        self.rebased += 1;
        let base = self.template.source.split('#').next().unwrap_or_default();
        let ended = self.set_source(&format!("{base}#{}", self.rebased));
        // Counts where the records go on: the minute before it is over.
        self.open.clock_steps += u64::from(self.common);
        ended
    }

    /// What is read, as the records name it.
    pub fn source(&self) -> &str {
        &self.template.source
    }

    /// A frame whose time is wrong counts in the open minute.
    pub fn stray(&mut self, bytes: u32) {
        self.came(bytes);
        self.frame_lost_to("time", 1, u64::from(bytes));
    }

    /// Totals since the start, the open minute included.
    pub fn total(&self) -> Counts {
        let mut total = self.total.clone();
        total.merge(&self.open);
        total
    }

    /// Counts a frame of `bytes` at `time`. When it begins a new minute, the finished one comes back.
    pub fn frame(&mut self, time: i64, bytes: u32) -> Option<Minute> {
        let minute = self.minute_of(time);
        let finished = match self.minute {
            Some(open) if minute <= open => None,
            Some(_) => self.close(Some(minute)),
            // What was decided while nothing arrived belongs to this minute.
            None => {
                self.open_at(time);
                None
            }
        };
        self.came(bytes);
        finished
    }

    fn minute_of(&self, time: i64) -> i64 {
        time.div_euclid(MINUTE).saturating_mul(MINUTE).max(self.earliest)
    }

    fn open_at(&mut self, time: i64) {
        self.minute = Some(self.minute_of(time));
        self.ordinal += 1;
    }

    /// Ends the open minute and begins `next`.
    pub fn close(&mut self, next: Option<i64>) -> Option<Minute> {
        self.ordinal += 1;
        let counts = std::mem::take(&mut self.open);
        // Counts without a frame (flows that ended in silence, a capture without a decodable frame) need a minute too.
        let silent = || (!counts.is_empty()).then_some(self.earliest.max(0));
        let ended = std::mem::replace(&mut self.minute, next).or_else(silent)?;
        self.earliest = ended.saturating_add(MINUTE);
        self.total.merge(&counts);
        Some(Minute::new(MinuteRecord { minute: ended, ..self.template.clone() }, counts))
    }

    /// The open minute, when it is over at `time`. What was counted while none was open (losses, flows that ended in silence)
    /// gets one.
    pub fn elapsed(&mut self, time: i64) -> Option<Minute> {
        if self.minute.is_none() && !self.open.is_empty() {
            self.open_at(time);
        }
        let over = self.minute.is_some_and(|minute| time >= minute.saturating_add(MINUTE));
        if over { self.close(None) } else { None }
    }

    /// A frame that belongs to no flow.
    pub fn not_flow(&mut self, what: NotFlow, bytes: u32) {
        if self.common {
            self.open.not_flow.entry(what).or_default().add(1, u64::from(bytes));
        }
    }

    /// A frame that could not be decoded.
    pub fn malformed(&mut self, why: Malformed, bytes: u32) {
        self.frame_lost_to(why.as_str(), 1, u64::from(bytes));
    }

    /// Frames of interfaces whose link type cannot be decoded.
    pub fn unknown_link(&mut self, frames: u64, bytes: u64) {
        self.open.frames += frames;
        self.open.bytes += bytes;
        self.frame_lost_to("link-type", frames, bytes);
    }

    /// What a dissector said of a message or a flow.
    pub fn answered(&mut self, dissector: Dissector, answer: Answer) {
        self.open.answers.add(dissector, answer);
    }

    /// What could not be kept for want of room: `reassembly-full`, `flows-evicted`.
    pub fn broken(&mut self, what: &'static str) {
        *self.open.broken.entry(what).or_default() += 1;
    }

    /// What was not counted elsewhere for want of room: `visibility-full`, `candidates-full`.
    pub fn broken_many(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.open.broken.entry(what).or_default() += count;
        }
    }

    /// Datagrams that did not become whole. Their frames are counted as `ip-fragment`.
    pub fn fragments(&mut self, lost: Lost) {
        if !self.common {
            return;
        }
        self.broken_many("fragments-incomplete", lost.incomplete);
        self.broken_many("fragments-conflict", lost.conflict);
        self.broken_many("fragments-full", lost.full);
    }

    /// Packets that were lost at `place` before they were seen.
    pub fn lost(&mut self, place: &'static str, packets: u64) {
        if packets > 0 {
            *self.open.drops.entry(place).or_default() += packets;
        }
    }

    /// A flow began.
    pub fn began(&mut self) {
        self.open.flows += 1;
    }

    /// DNS question seen.
    pub fn question(&mut self) {
        self.open.dns_questions += 1;
    }

    /// A frame for which the flow table had no room.
    pub fn untracked(&mut self, bytes: u32) {
        self.tally(Method::Untracked).add(1, u64::from(bytes));
    }

    /// A frame of a flow.
    pub fn flow_frame(&mut self, flow: &mut Flow, bytes: u32) {
        let bytes = u64::from(bytes);
        self.open.tcp.take(&mut flow.tcp);
        self.tally(flow.method).add(1, bytes);
        if flow.method == Method::Pending {
            let minute = self.ordinal;
            let pending = &mut flow.pending;
            if pending.minute != minute {
                *pending = super::flow::Pending { minute, frames: 0, bytes: 0 };
            }
            pending.frames += 1;
            pending.bytes += bytes;
        }
    }

    /// A frame of a flow that is a copy of one shortly before.
    pub fn duplicate(&mut self, flow: &mut Flow, bytes: u32) {
        self.open.duplicates += 1;
        self.flow_frame(flow, bytes);
    }

    /// The naming of a flow is decided: what it has under `pending` in this minute moves to `method`.
    pub fn decide(&mut self, flow: &mut Flow, method: Method) {
        let decided_before = flow.method != Method::Pending;
        flow.method = method;
        if decided_before {
            return;
        }
        let pending = std::mem::take(&mut flow.pending);
        if self.ordinal == pending.minute {
            let line = self.tally(Method::Pending);
            line.frames = line.frames.saturating_sub(pending.frames);
            line.bytes = line.bytes.saturating_sub(pending.bytes);
            self.tally(method).add(pending.frames, pending.bytes);
        }
        self.tally(method).flows += 1;
        self.open.late_flows += u64::from(flow.late);
    }

    /// A flow is over.
    pub fn ended(&mut self, flow: &Flow) {
        self.open.one_way_flows += u64::from(flow.one_way());
        self.open.tcp.add(flow.left_out());
    }

    fn came(&mut self, bytes: u32) {
        if self.common {
            self.open.frames += 1;
            self.open.bytes += u64::from(bytes);
        }
    }

    fn frame_lost_to(&mut self, reason: &'static str, frames: u64, bytes: u64) {
        if frames > 0 && self.common {
            self.open.malformed.entry(reason).or_default().add(frames, bytes);
        }
    }

    #[allow(clippy::indexing_slicing, reason = "the array has one line per variant of the enum")]
    fn tally(&mut self, method: Method) -> &mut Tally {
        &mut self.open.methods[method as usize]
    }
}
