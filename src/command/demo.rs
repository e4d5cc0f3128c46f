//! `shadowtap demo`: a recorded office week, from the capture to the report, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};

use ingest::report::summary_text;

use crate::command::read::Reading;
use crate::config::{Setup, SetupArgs};
use crate::delivery;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};

/// The capture of the tour.
const CAPTURE: &str = "office-week.pcap";
/// What marks a folder as the tour's own, so that nothing else is ever deleted.
const MARK: &str = ".shadowtap-demo";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap demo                        from the folder that holds pcaps/
  shadowtap demo --pcaps /usr/share/shadowtap/pcaps --out /tmp/tour")]
pub(crate) struct Args {
    /// Folder with office-week.pcap, demo.toml and demo.policy.toml
    #[arg(long, value_name = "DIR", default_value = "pcaps")]
    pcaps: PathBuf,
    /// Folder for store and report; made anew each time
    #[arg(long, value_name = "DIR", default_value = "shadowtap-demo")]
    out: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let capture = args.pcaps.join(CAPTURE);
    if !capture.is_file() {
        return Err(Failure::Failed(format!(
            "{} is missing: run from the folder that holds pcaps/, or name it with --pcaps",
            capture.display()
        )));
    }
    let data_dir = fresh(&args.out)?;
    let setup = Setup::load(&SetupArgs {
        config: Some(args.pcaps.join("demo.toml")),
        policy: Some(args.pcaps.join("demo.policy.toml")),
        data_dir: Some(data_dir),
        catalogue: None,
        store: None,
    })?;
    let mut reading = Reading::open(&setup, 1)?;
    reading.file(&capture)?;
    let (totals, finished) = reading.finish();
    finished?;
    let report = delivery::weekly_report(&setup, None)?;
    let paths = report.write(&args.out.join("report"))?;
    let mut out = Output::new();
    out.line(format_args!("{}: {}", capture.display(), totals.text().trim_end().replace('\n', "\n  ")))?;
    out.line("")?;
    out.write(summary_text(&report, terminal::width()).as_bytes())?;
    let page = fs::canonicalize(&paths.html).unwrap_or(paths.html);
    out.line(format_args!("\nreport: {}", page.display()))?;
    out.finish()?;
    Ok(Done::Clean)
}

/// Makes the tour's folder empty and gives its data directory. A folder that is not the tour's is left alone.
fn fresh(out: &Path) -> Result<PathBuf, Failure> {
    let cannot = |what: &str, e: std::io::Error| Failure::Failed(format!("cannot {what} {}: {e}", out.display()));
    if out.exists() {
        let empty = fs::read_dir(out).map_err(|e| cannot("read", e))?.next().is_none();
        if !empty && !out.join(MARK).is_file() {
            return Err(Failure::Failed(format!(
                "{} exists and is no folder of an earlier demo: name another with --out",
                out.display()
            )));
        }
        fs::remove_dir_all(out).map_err(|e| cannot("empty", e))?;
    }
    let data_dir = out.join("data");
    fs::create_dir_all(&data_dir).map_err(|e| cannot("create", e))?;
    fs::write(out.join(MARK), "").map_err(|e| cannot("write to", e))?;
    Ok(data_dir)
}
