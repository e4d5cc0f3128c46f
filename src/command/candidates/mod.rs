//! `shadowtap candidates`: the queue of unlisted domains that look like AI services, and what people decide about them.

mod accept;
mod rejected;

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use clap::{Subcommand, ValueEnum};
use ingest::store::CandidateRow;
use ingest::text::{bytes, safe_name};
use ingest::time::Window;
use jiff::Zoned;
use rules::candidates::{self as queue, Features, Score};
use serde::Serialize;

use crate::config::{Setup, SetupArgs};
use crate::delivery;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;
use rejected::Rejected;

/// Arguments of `candidates`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap candidates list                           what the last 30 days of facts hold, best score first
  shadowtap candidates list --since 7d --format json
  shadowtap candidates accept example.com --service example-chat --catalogue my-services/
  shadowtap candidates reject example.com --reason \"our own help desk\"

A score orders the list; it is never a finding. docs/candidates.md says what earns it.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the queue
    List {
        /// How far back from the newest fact, in days
        #[arg(long, value_name = "DAYS", default_value = "30d", value_parser = days)]
        since: i64,
        /// Table or JSON
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Write a domain into the catalogue folder as a service
    Accept(accept::Args),
    /// Hide a domain from the queue
    Reject {
        /// Registrable domain
        #[arg(value_parser = domain)]
        domain: String,
        /// Why it is no AI service
        #[arg(long, value_parser = plain)]
        reason: String,
        #[command(flatten)]
        setup: SetupArgs,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::List { since, format, setup } => list(*since, *format, &Setup::load(setup)?),
        Action::Accept(args) => accept::run(args),
        Action::Reject { domain, reason, setup } => reject(domain, reason, &Setup::load(setup)?),
    }
}

/// One line of the queue.
#[derive(Debug, Serialize)]
struct Line {
    domain: String,
    host: String,
    score: Score,
    devices: u64,
    flows: u64,
    streaming_flows: u64,
    program_flows: u64,
    turns: u64,
    upload_bytes: u64,
    bytes_down: u64,
    first_seen: i64,
    last_seen: i64,
}

impl From<CandidateRow> for Line {
    fn from(row: CandidateRow) -> Self {
        let score = queue::score(&Features {
            host: &row.host,
            devices: row.devices,
            flows: row.flows,
            streaming_flows: row.streaming_flows,
            program_flows: row.program_flows,
            turns: row.turns,
            upload_bytes: row.upload_bytes,
            bytes_down: row.bytes_down,
        });
        let CandidateRow { domain, host, devices, flows, streaming_flows, program_flows, .. } = row;
        let CandidateRow { turns, upload_bytes, bytes_down, first_seen, last_seen, .. } = row;
        Self {
            domain,
            host,
            score,
            devices,
            flows,
            streaming_flows,
            program_flows,
            turns,
            upload_bytes,
            bytes_down,
            first_seen,
            last_seen,
        }
    }
}

/// Best score first; what the catalogue holds by now and what was rejected is left out.
fn list(since: i64, format: Format, setup: &Setup) -> Outcome {
    delivery::must_have_facts(setup)?;
    let store = setup.store.open(&setup.data_dir, &setup.time_zone)?;
    let site = &setup.report_site;
    let newest = store.newest(site, None)?.unwrap_or(i64::MAX);
    let rows = store.candidates(site, Window { from: newest.saturating_sub(since), to: i64::MAX })?;
    let (catalogue, rejected) = (setup.rules.current(), Rejected::load(&setup.data_dir)?);
    let open = |row: &CandidateRow| catalogue.find(&row.host).is_none() && !rejected.holds(&row.domain);
    let mut lines: Vec<Line> = rows.into_iter().filter(open).map(Line::from).collect();
    lines.sort_by(|a, b| b.score.total.cmp(&a.score.total).then_with(|| a.domain.cmp(&b.domain)));
    let mut out = Output::new();
    match format {
        Format::Json => lines.iter().try_for_each(|line| out.line(serde_json::to_string(line)?))?,
        Format::Table if lines.is_empty() => out.line("no candidates")?,
        Format::Table => table(&lines, &mut out)?,
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn table(lines: &[Line], out: &mut Output) -> Result<(), Failure> {
    let width = lines.iter().map(|line| safe_name(&line.domain).len()).max().unwrap_or(0).max("domain".len());
    out.line(format_args!(
        "score  {:width$}  devices  turns  flows  streaming  programs        up      down",
        "domain"
    ))?;
    for line in lines {
        out.line(format_args!(
            "{:>5}  {:width$}  {:>7}  {:>5}  {:>5}  {:>9}  {:>8}  {:>8}  {:>8}",
            line.score.total,
            safe_name(&line.domain),
            line.devices,
            line.turns,
            line.flows,
            line.streaming_flows,
            line.program_flows,
            bytes(line.upload_bytes),
            bytes(line.bytes_down),
        ))?;
    }
    Ok(())
}

fn reject(domain: &str, reason: &str, setup: &Setup) -> Outcome {
    if reason.trim().is_empty() {
        return Err(Failure::usage("--reason is empty: say why, for whoever asks next year"));
    }
    let dir = &setup.data_dir;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| {
        Failure::Failed(format!(
            "cannot create the data directory {}: {e}; name another with --data-dir",
            dir.display()
        ))
    })?;
    let _lock = exclusive(dir)?;
    let mut rejected = Rejected::load(&setup.data_dir)?;
    let mut out = Output::new();
    if rejected.holds(domain) {
        out.line(format_args!("{domain} is rejected already"))?;
    } else {
        rejected.add(domain, reason, Zoned::now().date());
        rejected.write(&setup.data_dir)?;
        out.line(format_args!("{domain} is rejected: it will not be listed again"))?;
    }
    out.finish()?;
    Ok(Done::Clean)
}

/// Waits until nobody else changes a file of `dir` by a decision, and keeps them out while the answer lives. The folder
/// itself is locked: no file is left in it, and a sensor that runs is not in the way.
fn exclusive(dir: &Path) -> Result<File, Failure> {
    let locked = File::open(dir).and_then(|folder| folder.lock().map(|()| folder));
    locked.map_err(|e| Failure::Failed(format!("cannot lock the folder {}: {e}", dir.display())))
}

/// Text of one line: what stands in a file must not reach beyond its line, nor move the cursor of whoever reads it.
fn plain(text: &str) -> Result<String, String> {
    match text.chars().any(char::is_control) {
        true => Err("holds a control character, such as a line break".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// `30d` in µs.
fn days(text: &str) -> Result<i64, String> {
    let count = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok()).filter(|&days| days > 0);
    count
        .map(|days| i64::from(days) * 86_400_000_000)
        .ok_or_else(|| "write a number of days, such as 30d".to_owned())
}

/// A registrable domain in lower case.
fn domain(text: &str) -> Result<String, String> {
    match queue::domain(text) {
        Some(domain) if domain == text => Ok(domain.to_owned()),
        Some(domain) => Err(format!("{text} lies below {domain}: name the domain as `candidates list` does")),
        None => Err(format!("{text:?} is no domain that somebody registered: write it as `candidates list` does")),
    }
}
