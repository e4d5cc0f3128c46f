//! `findings list`: a table, JSON or CSV, soonest clock first.

use clap::ValueEnum;
use ingest::judge::{Clock, Filter, Finding, State};
use ingest::text::counted;
use rules::policy::FindingRule;

use super::clock;
use super::row::{self, Row};
use super::table::{self, Column};
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};
use crate::time::now;

/// Arguments of `findings list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap findings list
  shadowtap findings list --site hq --severity 7
  shadowtap findings list --device 10.20.1.12 --all
  shadowtap findings list --service deepseek --since 7d --format json
  shadowtap findings list --fail-on missed            exit code 3 when a deadline passed unanswered

The first digits of an id are enough wherever an id is asked for. --since counts back from now; \
--fail-on looks at what is listed.")]
pub(super) struct Args {
    /// Open and acknowledged findings alone, without first sights [the default]
    #[arg(long, conflicts_with = "all")]
    open: bool,
    /// Closed findings and first sights as well
    #[arg(long)]
    all: bool,
    /// Findings of one rule
    #[arg(long, value_name = "RULE", value_parser = |text: &str| text.parse::<FindingRule>())]
    rule: Option<FindingRule>,
    /// Findings of one site, and those that concern all sites
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Findings about one device, by its id or its address
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Findings about one service, by its id in the catalogue
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Detected within this time before now: 90m, 12h, 7d, 2w
    #[arg(long, value_name = "TIME", value_parser = clock::span)]
    since: Option<i64>,
    /// Of this severity at least, 0 to 10
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10))]
    severity: u8,
    /// Output format
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// End with exit code 3 when the list holds an open finding, or one whose deadline passed unanswered
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object with the instant and an array
    Json,
    /// For a spreadsheet
    Csv,
}

/// What turns exit code 0 into 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A finding that nobody has taken on
    Open,
    /// A deadline that passed before anybody did
    Missed,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    let now = now();
    let mut findings = super::open(&setup)?.list(&Filter {
        site: args.site.clone(),
        rule: args.rule,
        state: None,
        unclosed: !args.all,
        device: args.device.clone(),
        service: args.service.clone(),
        since: args.since.map(|span| now.saturating_sub(span)),
        severity: args.severity,
    })?;
    let before = findings.len();
    if !args.all && args.rule.is_none() {
        findings.retain(|finding| finding.rule != FindingRule::FirstSight);
    }
    let sights = before.saturating_sub(findings.len());
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut out = Output::new();
    match args.format {
        Format::Table => {
            people(&mut out, &findings, now, args.all)?;
            if sights > 0 {
                out.line(format_args!("left out: {} (--rule first-sight)", counted(sights as u64, "first sight")))?;
            }
        }
        Format::Json => {
            let rows: Vec<Row> = findings.iter().map(|finding| Row::of(finding, now)).collect();
            let list = serde_json::json!({"at": ingest::time::utc(now), "findings": rows});
            out.line(serde_json::to_string_pretty(&list)?)?;
        }
        Format::Csv => csv(&mut out, &findings, now)?,
    }
    out.finish()?;
    let open = |finding: &&Finding| finding.state == State::Open;
    let remarks = args.fail_on.iter().any(|what| match what {
        FailOn::Open => findings.iter().any(|finding| open(&finding)),
        FailOn::Missed => findings.iter().filter(open).any(|finding| finding.clock(now) == Clock::Missed),
    });
    Ok(if remarks { Done::WithRemarks } else { Done::Clean })
}

/// Unanswered deadlines first, the soonest on top; then what has none; then what somebody has taken on; then closed.
fn order(finding: &Finding) -> (u8, i64, i64, &str) {
    let rank = match (finding.state, finding.report_due_at) {
        (State::Open | State::Watch, Some(_)) => 0,
        (State::Open | State::Watch, None) => 1,
        (State::Acknowledged, _) => 2,
        (State::Closed, _) => 3,
    };
    (rank, finding.report_due_at.unwrap_or(i64::MAX), finding.detected_at, &finding.uid)
}

const COLUMNS: [Column; 8] = [
    Column { title: "ID", shrinks: false, spare: 0 },
    Column { title: "SEV", shrinks: false, spare: 0 },
    Column { title: "RULE", shrinks: true, spare: 0 },
    Column { title: "WHO", shrinks: true, spare: 0 },
    Column { title: "SERVICE", shrinks: true, spare: 0 },
    Column { title: "SEEN", shrinks: false, spare: 2 },
    Column { title: "CLOCK", shrinks: false, spare: 0 },
    Column { title: "STATE", shrinks: false, spare: 1 },
];

fn people(out: &mut Output, findings: &[Finding], now: i64, all: bool) -> Result<(), Failure> {
    if findings.is_empty() {
        return out.line(if all { "no findings" } else { "no open findings" });
    }
    let digits = digits(findings);
    let row = |finding: &Finding| {
        vec![
            finding.uid.get(..digits).unwrap_or(&finding.uid).to_owned(),
            finding.severity.to_string(),
            finding.rule.as_str().to_owned(),
            row::who(finding),
            row::service(finding),
            if finding.repeated() { "repeated" } else { "first" }.to_owned(),
            clock::words(finding, now),
            finding.state.as_str().to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
    for line in table::lines(&COLUMNS, &rows, terminal::width()) {
        out.line(line)?;
    }
    out.line(format_args!("\n{}", summary(findings, now)))
}

/// Digits by which the listed ids can be told apart, 8 at least.
fn digits(findings: &[Finding]) -> usize {
    let mut uids: Vec<&str> = findings.iter().map(|finding| finding.uid.as_str()).collect();
    uids.sort_unstable();
    let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    uids.iter().zip(uids.iter().skip(1)).map(|(a, b)| same(a, b) + 1).fold(8, usize::max)
}

fn summary(findings: &[Finding], now: i64) -> String {
    let open: Vec<&Finding> = findings.iter().filter(|finding| finding.state == State::Open).collect();
    let missed = open.iter().filter(|finding| finding.clock(now) == Clock::Missed).count();
    let running = open.iter().filter(|finding| finding.clock(now) == Clock::Running);
    let next = running.filter_map(|finding| finding.report_due_at).min();
    let mut parts = vec![counted(findings.len() as u64, "finding"), format!("{} not taken on", open.len())];
    if missed > 0 {
        parts.push(format!("{} passed", counted(missed as u64, "deadline")));
    }
    if let Some(due) = next {
        parts.push(format!("next report due in {}", clock::length(due.saturating_sub(now))));
    }
    parts.join(", ")
}

fn csv(out: &mut Output, findings: &[Finding], now: i64) -> Result<(), Failure> {
    let rows: Vec<Row> = findings.iter().map(|finding| Row::of(finding, now)).collect();
    for line in row::csv(&rows)? {
        out.line(line)?;
    }
    Ok(())
}
