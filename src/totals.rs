//! The totals at the end of `read`, `run` and `inspect`: on the terminal, and as JSON for `--summary`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ingest::files::write_whole_among_others;
use ingest::text::{bytes, counted, number, percent};
use sensor::flow::holes::TcpBytes;
use sensor::ledger::{Answers, Method, SPOOL, SPOOL_JUDGE, SPOOL_REJECTS};
use sensor::name::canary::Canaries;
use sensor::worker::Summary;
use serde::Serialize;

use crate::exit::Failure;
use crate::spooling::Spooling;

/// The totals of one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    packets: u64,
    bytes: u64,
    flows: u64,
    names: Names,
    ai_flows: u64,
    records: u64,
    losses: Losses,
    /// Frames that came a second time, on flows to AI services or not yet decided.
    duplicates: u64,
    tcp: Tcp,
    udp: Udp,
    /// Flows of which one direction alone was seen.
    one_way_flows: u64,
    /// TCP flows older than the sensor.
    late_flows: u64,
    /// How often the clock was set back.
    clock_steps: u64,
    malformed: BTreeMap<String, u64>,
    /// What the dissectors said: done, more, not mine, malformed.
    answers: Answers,
    /// Whether the network opts out of encrypted DNS.
    canaries: Canaries,
    #[serde(skip)]
    named_bytes: u64,
    #[serde(skip)]
    flow_bytes: u64,
}

/// Flows named per protocol; DNS = questions seen.
#[derive(Debug, Default, Serialize)]
struct Names {
    tls: u64,
    quic: u64,
    http: u64,
    dns: u64,
}

/// Packets lost before they were seen: `kernel` by the interface or its driver, `ring` because the capture ring was
/// full, `queue` between capture and workers that were behind; `spool` = records that were never stored, because they could not
/// be written or the spool was full, `unjudged` those that were never judged for it, `rejects` what lay aside and went;
/// `file` = captures that end in the middle of a packet or are damaged.
#[derive(Debug, Default, Serialize)]
struct Losses {
    kernel: u64,
    ring: u64,
    queue: u64,
    spool: u64,
    unjudged: u64,
    rejects: u64,
    file: u64,
    /// Frames for which the flow table had no room.
    table: u64,
}

/// Bytes of TCP payload by sequence numbers, and `missing` of `bytes`: absent without any.
#[derive(Debug, Default, Serialize)]
struct Tcp {
    #[serde(flatten)]
    sums: TcpBytes,
    loss: Option<f64>,
}

/// UDP has no sequence numbers: its loss is not known.
#[derive(Debug, Default, Serialize)]
struct Udp {
    loss: Option<f64>,
}

impl Totals {
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
        let of = |methods: &[Method]| methods.iter().map(|&m| counts.method(m).bytes).sum::<u64>();
        let named = of(&[Method::Sni, Method::Quic, Method::Http, Method::Dns]);
        self.named_bytes += named;
        self.flow_bytes +=
            named + of(&[Method::Ambiguous, Method::EchReal, Method::None, Method::Pending, Method::Untracked]);
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
        let Losses { kernel, ring, queue, spool, unjudged, rejects, file, table } = self.losses;
        kernel + ring + queue + spool + unjudged + rejects + file + table > 0
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
        let share = percent(self.named_bytes, self.flow_bytes);
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
        let Losses { kernel, ring, queue, spool, unjudged, rejects, file, table } = self.losses;
        let _ = match self.has_losses() {
            false => writeln!(text, "nothing lost"),
            true => writeln!(
                text,
                "lost: {} by the interface, {ring} at the ring, {queue} in queues, {table} at a full flow table; {} at the \
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

    /// Writes the JSON form, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let cannot = |e| Failure::Failed(format!("cannot write the summary {}: {e}", path.display()));
        // A pipe or device is written to; a link keeps pointing to its file.
        if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            return fs::write(path, text).map_err(cannot);
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        write_whole_among_others(&path, &text).map_err(|e| cannot(e.source))
    }
}

impl Tcp {
    fn add(&mut self, sums: TcpBytes) {
        self.sums.add(sums);
        let TcpBytes { bytes, missing, .. } = self.sums;
        self.loss = (bytes > 0).then(|| missing as f64 / bytes as f64);
    }
}
