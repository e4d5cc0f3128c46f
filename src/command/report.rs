//! `shadowtap report`: the weekly report from the store.

use std::path::PathBuf;

use ingest::report::{Week, summary_text};

use crate::config::{Setup, SetupArgs};
use crate::delivery;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap report                                    newest week with facts, into ./shadowtap-report-WEEK/
  shadowtap report --week 2026-W46 --out /srv/reports/2026-W46
  shadowtap report --policy next-policy.toml --out what-if/   the same facts under another policy

Status and use are judged anew by the policy at hand; findings keep the judgement under which they were opened.")]
pub(crate) struct Args {
    /// ISO week, for example 2026-W46 [default: the newest week with facts]
    #[arg(long, value_name = "WEEK", value_parser = |text: &str| text.parse::<Week>())]
    week: Option<Week>,
    /// Folder for index.html, report.json and the CSV tables [default: ./shadowtap-report-WEEK]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    setup: SetupArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    if !setup.data_dir.is_dir() {
        return Err(Failure::Failed(format!(
            "there is no data directory {}: `shadowtap read` or `run` makes it, --data-dir names another",
            setup.data_dir.display()
        )));
    }
    let report = delivery::weekly_report(&setup, args.week)?;
    let default = || PathBuf::from(format!("shadowtap-report-{}", report.window.week));
    let paths = report.write(&args.out.clone().unwrap_or_else(default))?;
    let mut out = Output::new();
    out.write(summary_text(&report, terminal::width()).as_bytes())?;
    out.line(format_args!("\nreport: {}", paths.html.display()))?;
    out.finish()?;
    Ok(Done::Clean)
}
