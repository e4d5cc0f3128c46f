//! `shadowtap inspect`: every name and flow in capture files, AI or not. Writes nothing but `--summary`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use rules::catalogue::{Catalogue, Role};
use sensor::flow::Flow;
use sensor::output::{Name, Output as Sink};
use sensor::record::{Ech, Record};
use sensor::team::Workers;
use sensor::worker::WorkerConfig;
use serde::Serialize;

use crate::command::files::{self, Unreadable};
use crate::config;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};
use crate::totals::Totals;

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap inspect office.pcap                       a table on the terminal
  shadowtap inspect --format ndjson office.pcap       one JSON object per name
  shadowtap inspect --flows --format ndjson a.pcapng  names, and each flow with its packets and bytes
  shadowtap inspect --format ndjson *.pcap | jq -r 'select(.service).name' | sort | uniq -c")]
pub(crate) struct Args {
    /// Capture files, pcap or pcapng
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output format [default: table on a terminal, else ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Folder of catalogue files that replace or extend the built-in ones
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
    /// Print each flow with its packets and bytes as well
    #[arg(long)]
    flows: bool,
    /// Write the totals as JSON into this file as well
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object per line
    Ndjson,
    /// Columns for people
    Table,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let catalogue = Arc::new(config::catalogue(args.catalogue.as_deref())?);
    let default = if terminal::is_interactive() { Format::Table } else { Format::Ndjson };
    let mut printer = Printer {
        out: Output::new(),
        format: args.format.unwrap_or(default),
        flows: args.flows,
        pcap: None,
        failure: None,
        header: false,
        totals: Totals::default(),
    };
    let mut unreadable = Unreadable::default();
    for path in &args.files {
        if args.files.len() > 1 {
            printer.pcap = path.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        unreadable.hold(inspect(path, &catalogue, &mut printer))?;
    }
    let written = args.summary.as_ref().map_or(Ok(()), |path| printer.totals.write(path));
    let printed = printer.out.finish();
    written?;
    // A reader that went away does not hide a capture that could not be read.
    unreadable.outcome(Done::Clean).and_then(|done| printed.map(|()| done))
}

fn inspect(path: &Path, catalogue: &Arc<Catalogue>, printer: &mut Printer) -> Result<(), Failure> {
    let mut file = files::open(path)?;
    let mut workers = Workers::new(&WorkerConfig::new(catalogue.clone()), 1);
    files::feed(&mut file, &mut workers, printer, |printer| match printer.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(()),
    })?;
    workers.finish(printer);
    printer.totals.add(&workers.summary());
    printer.failure.take().map_or(Ok(()), Err)
}

struct Printer {
    out: Output,
    format: Format,
    flows: bool,
    pcap: Option<String>,
    failure: Option<Failure>,
    header: bool,
    totals: Totals,
}

/// A name, in the order of fields that the contract gives.
#[derive(Serialize)]
struct NameLine<'a> {
    kind: &'static str,
    ts: f64,
    proto: &'a str,
    src_ip: IpAddr,
    src_port: u16,
    dst_ip: IpAddr,
    dst_port: u16,
    name: Option<&'a str>,
    qtype: Option<u16>,
    alpn: &'a [String],
    ech: Option<Ech>,
    esni: bool,
    ja4: Option<&'a str>,
    service: Option<&'a str>,
    role: Option<Role>,
    evidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap: Option<&'a str>,
}

/// A flow: `a` sent first, every copy of a frame counts.
#[derive(Serialize)]
struct FlowLine<'a> {
    kind: &'static str,
    proto: &'static str,
    a_ip: IpAddr,
    a_port: u16,
    b_ip: IpAddr,
    b_port: u16,
    pkts_ab: u64,
    bytes_ab: u64,
    pkts_ba: u64,
    bytes_ba: u64,
    ipbytes_ab: u64,
    ipbytes_ba: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap: Option<&'a str>,
}

impl Sink for Printer {
    fn record(&mut self, _: Record) {}

    fn lists_names(&self) -> bool {
        true
    }

    fn name(&mut self, name: &Name<'_>) {
        let ((src_ip, src_port), (dst_ip, dst_port)) = (name.flow.client_end(), name.flow.server_end());
        let line = NameLine {
            kind: "name",
            ts: seconds(name.time),
            proto: name.protocol,
            src_ip,
            src_port,
            dst_ip,
            dst_port,
            name: name.name,
            qtype: name.qtype,
            alpn: name.alpn,
            ech: Some(name.ech).filter(|&ech| ech != Ech::None),
            esni: name.esni,
            ja4: name.ja4,
            service: name.hit.as_ref().map(|hit| hit.service.id.as_str()),
            role: name.hit.as_ref().map(|hit| hit.pattern.role),
            evidence: evidence(name.protocol),
            pcap: self.pcap.as_deref(),
        };
        let result = match self.format {
            Format::Ndjson => json(&mut self.out, &line),
            Format::Table => table(&mut self.out, &line, &mut self.header),
        };
        self.note(result);
    }

    fn flow(&mut self, flow: &Flow) {
        if !self.flows {
            return;
        }
        let (a, b) = (flow.sides.of(flow.first), flow.sides.of(flow.first.other()));
        let ((a_ip, a_port), (b_ip, b_port)) = (flow.key.end(flow.first), flow.key.end(flow.first.other()));
        let line = FlowLine {
            kind: "flow",
            proto: flow.key.transport.as_str(),
            a_ip,
            a_port,
            b_ip,
            b_port,
            pkts_ab: a.packets,
            bytes_ab: a.frame_bytes,
            pkts_ba: b.packets,
            bytes_ba: b.frame_bytes,
            ipbytes_ab: a.ip_bytes,
            ipbytes_ba: b.ip_bytes,
            pcap: self.pcap.as_deref(),
        };
        let result = match self.format {
            Format::Ndjson => json(&mut self.out, &line),
            Format::Table => self.out.line(format_args!(
                "flow  {:<4} {a_ip} {a_port} -> {b_ip} {b_port}  {} packets {} bytes out, {} packets {} bytes back",
                line.proto, a.packets, a.frame_bytes, b.packets, b.frame_bytes
            )),
        };
        self.note(result);
    }
}

impl Printer {
    /// Keeps the first failure: the worker cannot stop, the caller looks after each stretch of frames.
    fn note(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failure.get_or_insert(failure);
        }
    }
}

fn json(out: &mut Output, line: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write(&text)
}

fn table(out: &mut Output, line: &NameLine<'_>, header: &mut bool) -> Result<(), Failure> {
    if !std::mem::replace(header, true) {
        out.line(format_args!("{:<5} {:<39} {:<46} {:<18} ROLE", "PROTO", "CLIENT", "NAME", "SERVICE"))?;
    }
    let client = format!("{} {}", line.src_ip, line.src_port);
    let name: String = line.name.unwrap_or("-").chars().flat_map(char::escape_default).collect();
    let role = line.role.map_or("", Role::as_str);
    out.line(format_args!("{:<5} {client:<39} {name:<46} {:<18} {role}", line.proto, line.service.unwrap_or("-")))
}

fn evidence(protocol: &str) -> &'static str {
    match protocol {
        "tls" => "sni",
        "quic" => "quic-sni",
        "http" => "http-host",
        _ => "dns-question",
    }
}

/// Seconds since the epoch. A double holds microseconds exactly until the year 2255.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
