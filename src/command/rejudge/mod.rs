//! `shadowtap rejudge`: stored facts judged afresh, and what that changes.

mod changed;

use clap::ValueEnum;
use ingest::judge::{FindingsDb, Judge, Rejudged};
use ingest::store::{Store, StoreError};
use ingest::text::{counted, number};
use ingest::time::{Window, local};
use serde::Serialize;

use self::changed::{Changed, Outlook};
use crate::command::findings::{self, clock, table};
use crate::config::{Setup, SetupArgs};
use crate::delivery::{self, Delivery};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};

/// What judging again cannot find, and what it leaves alone.
const LIMITS: [&str; 2] = [
    "Names that were neither AI nor a candidate were never stored: a service that is new in the catalogue has no past.",
    "Findings that are older than the facts, and those about the sensor, hidden names, unusual uploads and reviews, \
     are not closed by this.",
];

/// Arguments of `rejudge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap rejudge --policy next-policy.toml         what it would change; touches nothing
  shadowtap rejudge --since 30d --catalogue my-services/ --format json
  shadowtap rejudge --policy next-policy.toml --fail-on changes
  shadowtap rejudge --policy policy.toml --apply      and enter it; `run` must be stopped meanwhile

--since counts back from the newest stored fact. Without --apply nothing is changed. With it, \
findings that are new open with a clock that begins now, because nobody could know before; those that \
are none any more close; what people did stays. Events go to the SIEM in the next round of delivery.

Limits: names that were neither AI nor a candidate were never stored, so a service that is new in the \
catalogue has no past. Findings that are older than the facts, and those about the sensor, hidden \
names, unusual uploads and reviews, are not closed by this. From a ClickHouse server the facts of \
`site.name` are read (of all sites where none is named); what sensors bring meanwhile may be among \
them or not.")]
pub(crate) struct Args {
    /// How far back: 90m, 12h, 7d, 2w
    #[arg(long, value_name = "TIME", value_parser = clock::span, default_value = "90d")]
    since: i64,
    /// Enter the result into the findings
    #[arg(long)]
    apply: bool,
    /// Output format
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// End with exit code 3 when a finding opens, closes or changes
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object
    Json,
}

/// What turns exit code 0 into 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Anything about the findings
    Changes,
}

/// Everything that is told.
#[derive(Serialize)]
struct Told<'a> {
    applied: bool,
    from: Option<String>,
    to: Option<String>,
    policy: &'a str,
    facts: u64,
    flows: u64,
    unknown_services: u64,
    #[serde(flatten)]
    outlook: &'a Outlook,
    limits: [&'static str; 2],
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    delivery::must_have_facts(&setup)?;
    // Nobody may judge while the result takes its place, and what waits belongs to the facts.
    let _lock = args.apply.then(|| setup.lock()).transpose()?;
    if args.apply {
        Delivery::open(&setup)?.drain().1?;
    }
    let mut db = findings::open(&setup)?;
    let store = setup.store.open(&setup.data_dir, &setup.time_zone)?;
    let judge = setup.judge();
    // The findings of a data directory are those of all that it has seen; a server may hold what others saw.
    let site = if setup.store.is_embedded() { "" } else { &setup.report_site };
    let newest = store.newest(site, None)?;
    let from = newest.map(|newest| newest.saturating_sub(args.since));
    let rejudged = judged(&judge, store.as_ref(), site, from.unwrap_or(i64::MIN))?;
    let (facts, flows, unknown) = (rejudged.facts, rejudged.flows, rejudged.unknown);
    let outlook = outlook(&mut db, rejudged, &judge, args.apply)?;
    let zone = &setup.time_zone;
    let told = Told {
        applied: args.apply,
        from: from.map(ingest::time::utc),
        to: newest.map(ingest::time::utc),
        policy: setup.policy.name(),
        facts,
        flows,
        unknown_services: unknown,
        outlook: &outlook,
        limits: LIMITS,
    };
    let mut out = Output::new();
    match args.format {
        Format::Json => out.line(serde_json::to_string_pretty(&told)?)?,
        Format::Table => {
            let span = newest.zip(from).map(|(to, from)| format!("{} to {}", local(from, zone), local(to, zone)));
            people(&mut out, &told, &span.unwrap_or_else(|| "no facts".to_owned()))?;
        }
    }
    out.finish()?;
    let remarks = args.fail_on == Some(FailOn::Changes) && outlook.any();
    Ok(if remarks { Done::WithRemarks } else { Done::Clean })
}

fn judged(judge: &Judge, store: &dyn Store, site: &str, from: i64) -> Result<Rejudged, StoreError> {
    let facts = store.facts(site, Window { from, to: i64::MAX })?;
    let bar = terminal::counting(facts.total(), "judging");
    let rejudged = judge.rejudge(facts.inspect(|_| bar.inc(1)));
    bar.finish_and_clear();
    rejudged
}

/// Findings before and after; they are changed only where that is asked for.
fn outlook(db: &mut FindingsDb, rejudged: Rejudged, judge: &Judge, apply: bool) -> Result<Outlook, Failure> {
    let all = |db: &FindingsDb| db.list(&ingest::judge::Filter::default());
    let (before, at) = (all(db)?, crate::time::now());
    let (changes, after) = if apply {
        let changes = db.apply(rejudged, judge, at)?;
        (changes, all(db)?)
    } else {
        db.preview(rejudged, judge, at)?
    };
    Ok(Outlook::of(&changes, &before, &after))
}

fn people(out: &mut Output, told: &Told<'_>, span: &str) -> Result<(), Failure> {
    let outlook = told.outlook;
    out.line(format_args!(
        "{} ({}), {span}, judged by {}",
        counted(told.facts, "fact"),
        counted(told.flows, "flow record"),
        told.policy
    ))?;
    if told.unknown_services > 0 {
        let records = counted(told.unknown_services, "flow record");
        out.line(format_args!("{records} of services that this catalogue does not know: not judged"))?;
    }
    let verb = |would: &'static str, did: &'static str| if told.applied { did } else { would };
    let lists: [(&str, &[Changed]); 3] = [
        (verb("would open", "opened"), &outlook.opened),
        (verb("would close", "closed"), &outlook.closed),
        (verb("would change", "changed"), &outlook.changed),
    ];
    for (title, list) in lists {
        out.line(format_args!("\n{title}: {}", number(list.len() as u64)))?;
        let rows: Vec<Vec<String>> = list.iter().map(Changed::cells).collect();
        print(out, &changed::COLUMNS, &rows)?;
    }
    out.line(format_args!("\nstay as they are: {}", number(outlook.kept)))?;
    if !outlook.services.is_empty() {
        out.line("\nopen findings by service, before and after")?;
        let rows: Vec<Vec<String>> = outlook.services.iter().map(changed::Service::cells).collect();
        print(out, &changed::SERVICES, &rows)?;
    }
    out.line("")?;
    for limit in told.limits {
        out.line(limit)?;
    }
    out.line(verb(
        "Nothing was changed: --apply enters this into the findings.",
        "This was entered into the findings.",
    ))
}

fn print(out: &mut Output, columns: &[table::Column], rows: &[Vec<String>]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    for line in table::lines(columns, rows, terminal::width().saturating_sub(2)) {
        out.line(format_args!("  {line}"))?;
    }
    Ok(())
}
