//! The totals of `read`, `run` and `inspect`: on the terminal, as JSON for `--summary`, and while `run` is at work in its
//! status.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ingest::files::write_whole_among_others;
use ingest::text::{bytes, counted, number, percent};
use sensor::flow::holes::TcpBytes;
use sensor::ledger::{Answers, Counts, Method, RESTART, SPOOL, SPOOL_JUDGE, SPOOL_REJECTS};
use sensor::name::canary::Canaries;
use sensor::record::Tally;
use sensor::worker::Summary;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::spooling::Spooling;

/// The totals of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Frames seen: those of all `methods`, all of `not_flow` and `undecoded`.
    pub(crate) packets: u64,
    /// Their length on the wire: `bytes` of the same lines.
    pub(crate) bytes: u64,
    /// Flows that began: `flows` of all `methods`.
    pub(crate) flows: u64,
    pub(crate) names: Names,
    pub(crate) ai_flows: u64,
    pub(crate) records: u64,
    pub(crate) losses: Losses,
    /// Frames of flows, by what named the flow; under `pending` what is not decided yet.
    pub(crate) methods: BTreeMap<String, Tally>,
    /// Frames of no flow, by kind.
    pub(crate) not_flow: BTreeMap<String, Tally>,
    /// Frames that could not be decoded; `malformed` has the reasons.
    pub(crate) undecoded: Tally,
    /// Frames that came a second time, on flows to AI services or not yet decided.
    pub(crate) duplicates: u64,
    pub(crate) tcp: Tcp,
    pub(crate) udp: Udp,
    /// Flows of which one direction alone was seen.
    pub(crate) one_way_flows: u64,
    /// TCP flows older than the sensor.
    pub(crate) late_flows: u64,
    /// How often the clock was set back.
    pub(crate) clock_steps: u64,
    pub(crate) malformed: BTreeMap<String, u64>,
    /// What the dissectors said: done, more, not mine, malformed. Written and never read back.
    #[serde(skip_deserializing)]
    answers: Answers,
    /// Whether the network opts out of encrypted DNS. Written and never read back.
    #[serde(skip_deserializing)]
    canaries: Canaries,
}

/// Methods that give a flow its name.
const NAMING: [&str; 4] = ["sni", "quic", "http", "dns"];
/// Methods of flows that have no service's name to show.
const BESIDE: [&str; 2] = ["resolver", "infrastructure"];
/// The line of what is not decided yet.
pub(crate) const PENDING: &str = "pending";

/// Flows named per protocol; DNS = questions seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(crate) tls: u64,
    pub(crate) quic: u64,
    pub(crate) http: u64,
    pub(crate) dns: u64,
}

/// Packets lost before they were seen: `kernel` by the interface or its driver, `ring` because the capture ring was
/// full, `queue` between capture and workers that were behind; `spool` = records that were never stored, because they could not
/// be written or the spool was full, `unjudged` those that were never judged for it, `rejects` what lay aside and went;
/// `file` = captures that end in the middle of a packet or are damaged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Losses {
    pub(crate) kernel: u64,
    pub(crate) ring: u64,
    pub(crate) queue: u64,
    /// Packets that passed while the sensor was killed and started again.
    #[serde(default)]
    pub(crate) restart: u64,
    pub(crate) spool: u64,
    pub(crate) unjudged: u64,
    pub(crate) rejects: u64,
    pub(crate) file: u64,
    /// Frames for which the flow table had no room.
    pub(crate) table: u64,
}

/// Bytes of TCP payload by sequence numbers, and `missing` of `bytes`: absent without any.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tcp {
    #[serde(flatten)]
    pub(crate) sums: TcpBytes,
    pub(crate) loss: Option<f64>,
}

/// UDP has no sequence numbers: its loss is not known.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Udp {
    loss: Option<f64>,
}

impl Totals {
    /// The totals of a run.
    #[cfg(feature = "live")]
    pub(crate) fn of(summary: &Summary, spooling: &Spooling) -> Self {
        let mut totals = Self::default();
        totals.add(summary);
        totals.spooled(spooling);
        totals
    }

    /// Adds what workers counted.
    pub(crate) fn add(&mut self, summary: &Summary) {
        let Summary { counts, named, ai_flows, canaries } = summary;
        self.packets += counts.frames;
        self.bytes += counts.bytes;
        self.flows += counts.flows;
        self.names.tls += named.tls;
        self.names.quic += named.quic;
        self.names.http += named.http;
        self.names.dns += named.dns;
        self.ai_flows += ai_flows;
        let lost = |place| counts.drops().get(place).copied().unwrap_or(0);
        self.losses.kernel += lost("kernel");
        self.losses.ring += lost("ring");
        self.losses.queue += lost("queue");
        self.losses.restart += lost(RESTART);
        self.losses.file += lost("file");
        self.losses.table += counts.method(Method::Untracked).frames;
        self.duplicates += counts.duplicates;
        self.tcp.add(counts.tcp);
        self.one_way_flows += counts.one_way_flows;
        self.late_flows += counts.late_flows;
        self.clock_steps += counts.clock_steps;
        self.answers.merge(&counts.answers);
        self.canaries.join(*canaries);
        for (reason, n) in counts.malformed() {
            *self.malformed.entry(reason).or_default() += n;
        }
        self.lines(counts);
    }

    fn lines(&mut self, counts: &Counts) {
        let mut decided = 0;
        for (method, tally) in counts.methods() {
            decided += tally.flows;
            add(self.methods.entry(method.to_owned()).or_default(), tally);
        }
        // A flow counts in its line when it is decided. Until then it is pending, as its frames are.
        let pending = self.methods.entry(PENDING.to_owned()).or_default();
        pending.flows += counts.flows.saturating_sub(decided);
        for (kind, tally) in counts.not_flow() {
            add(self.not_flow.entry(kind.to_owned()).or_default(), tally);
        }
        add(&mut self.undecoded, counts.undecoded());
    }

    /// Bytes of flows with a name, and of all flows that may have one.
    pub(crate) fn named_bytes(&self) -> (u64, u64) {
        let sum = |wanted: &dyn Fn(&str) -> bool| {
            self.methods.iter().filter(|(method, _)| wanted(method)).map(|(_, tally)| tally.bytes).sum()
        };
        (sum(&|method| NAMING.contains(&method)), sum(&|method| !BESIDE.contains(&method)))
    }

    /// Everything that was lost, packets and records alike.
    pub(crate) fn lost(&self) -> u64 {
        let Losses { kernel, ring, queue, restart, spool, unjudged, rejects, file, table } = self.losses;
        kernel + ring + queue + restart + spool + unjudged + rejects + file + table
    }

    /// Adds what happened behind the workers.
    pub(crate) fn spooled(&mut self, spooling: &Spooling) {
        self.records += spooling.records().saturating_sub(spooling.unwritten());
        self.losses.spool += spooling.lost(SPOOL);
        self.losses.unjudged += spooling.lost(SPOOL_JUDGE);
        self.losses.rejects += spooling.lost(SPOOL_REJECTS);
    }

    /// True when anything was lost.
    pub(crate) fn has_losses(&self) -> bool {
        self.lost() > 0
    }

    /// A few lines for people.
    pub(crate) fn text(&self) -> String {
        let Names { tls, quic, http, dns } = self.names;
        let mut text = format!(
            "{} packets, {}, {} flows\n{} named by TLS, {} by QUIC, {} by HTTP; {} DNS questions\n",
            number(self.packets),
            bytes(self.bytes),
            number(self.flows),
            number(tls),
            number(quic),
            number(http),
            number(dns),
        );
        let (named, of) = self.named_bytes();
        let share = percent(named, of);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{share} of the traffic carries a name (name resolution and the like left out)");
        let _ = writeln!(
            text,
            "{} to AI services, {}",
            counted(self.ai_flows, "flow"),
            counted(self.records, "record")
        );
        self.missing(&mut text);
        text
    }

    /// What was lost, left out or could not be read.
    fn missing(&self, text: &mut String) {
        let Losses { kernel, ring, queue, restart, spool, unjudged, rejects, file, table } = self.losses;
        let _ = match self.has_losses() {
            false => writeln!(text, "nothing lost"),
            true => writeln!(
                text,
                "lost: {} by the interface, {ring} at the ring, {queue} in queues, {restart} during a restart, {table} at a full flow table; {} at the \
                 spool; {} not read to the end",
                counted(kernel, "packet"),
                counted(spool, "record"),
                counted(file, "capture"),
            ),
        };
        if unjudged + rejects > 0 {
            let _ = writeln!(
                text,
                "a full spool: {} never judged, {} thrown away that lay aside",
                counted(unjudged, "record"),
                counted(rejects, "line"),
            );
        }
        if self.duplicates > 0 {
            let _ = writeln!(
                text,
                "{} came a second time, on flows to AI services or not yet named: left out of their records",
                counted(self.duplicates, "frame"),
            );
        }
        let TcpBytes { bytes, missing, .. } = self.tcp.sums;
        if missing > 0 {
            let share = percent(missing, bytes);
            let _ = writeln!(text, "{share} of TCP data was not captured; of UDP this cannot be known");
        }
        let malformed: Vec<_> = self.malformed.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        if !malformed.is_empty() {
            let _ = writeln!(text, "malformed: {}", malformed.join(", "));
        }
    }

    /// The JSON form.
    pub(crate) fn json(&self) -> Result<Vec<u8>, Failure> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Writes the JSON form, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = self.json()?;
        let cannot = |e| Failure::Failed(format!("cannot write the summary {}: {e}", path.display()));
        // A pipe or device is written to; a link keeps pointing to its file.
        if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            return fs::write(path, text).map_err(cannot);
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        write_whole_among_others(&path, &text).map_err(|e| cannot(e.source))
    }
}

fn add(sum: &mut Tally, tally: Tally) {
    sum.flows += tally.flows;
    sum.frames += tally.frames;
    sum.bytes += tally.bytes;
}

impl Tcp {
    fn add(&mut self, sums: TcpBytes) {
        self.sums.add(sums);
        let TcpBytes { bytes, missing, .. } = self.sums;
        self.loss = (bytes > 0).then(|| missing as f64 / bytes as f64);
    }
}
