//! `shadowtap incident`: the report that an AI policy asks for, filled in from a finding.

use std::fs;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use ingest::incident::{Context, Form, Seen, seen_at};
use ingest::judge::Finding;

use crate::command::findings::{self, show};
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `incident`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap incident export 0cfe7ef4                  Markdown on the terminal
  shadowtap incident export 0cfe7ef4 --out incident-0cfe7ef4.md --policy policy.toml
  shadowtap incident export 0cfe7ef4 --format json | jq .times

The form holds what the sensor measured and leaves lines and boxes for what only people know. \
docs/incident.md names each field.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write the incident report about one finding
    #[command(after_help = "\
Examples:
  shadowtap incident export 0cfe7ef4
  shadowtap incident export 0cfe7ef4 --format json --out incident.json

Recipients and data tiers are those of the policy at hand: give the same --config or --policy as `run` has.")]
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// Id of the finding, or its first digits
    #[arg(value_name = "UID")]
    uid: String,
    /// Output format
    #[arg(long, value_enum, default_value = "md")]
    format: Format,
    /// Write into this file instead of the terminal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, for people to fill in
    Md,
    /// One object
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Export(args) => export(args),
    }
}

fn export(args: &ExportArgs) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    let (finding, history) = show::find(&findings::open(&setup)?, &args.uid)?;
    let context = Context {
        catalogue: &setup.rules.current(),
        policy: &setup.policy,
        time_zone: &setup.time_zone,
        seen: seen(&setup, &finding)?,
        at: crate::time::now(),
        binary: env!("CARGO_PKG_VERSION"),
    };
    let form = Form::of(&finding, &history, &context);
    let text = match args.format {
        Format::Md => form.markdown(&setup.time_zone),
        Format::Json => form.json()? + "\n",
    };
    let mut out = Output::new();
    match &args.out {
        None => out.write(text.as_bytes())?,
        Some(path) => {
            let cannot = |e| Failure::Failed(format!("cannot write {}: {e}; name another file", path.display()));
            fs::write(path, text).map_err(cannot)?;
            out.line(format_args!("incident report {}: {}", form.reference.uid, path.display()))?;
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

/// What the store knows of the service; nothing without a store, or where no service is concerned.
fn seen(setup: &Setup, finding: &Finding) -> Result<Option<Seen>, Failure> {
    if finding.category.is_none() || setup.store.is_missing(&setup.data_dir) {
        return Ok(None);
    }
    let store = setup.store.open(&setup.data_dir, &setup.time_zone)?;
    Ok(Some(seen_at(store.as_ref(), &finding.site, &finding.service)?))
}
