//! `shadowtap findings`: what is open and until when, what stands behind it, and who has taken it on.

mod act;
pub(crate) mod clock;
mod list;
pub(crate) mod row;
pub(crate) mod show;
pub(crate) mod table;

use clap::Subcommand;
use ingest::judge::{FINDINGS_FILE, FindingsDb};

use crate::config::Setup;
use crate::delivery;
use crate::exit::{Failure, Outcome};

/// Arguments of `findings`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap findings list                             what is open, soonest clock first
  shadowtap findings list --all --since 7d --format csv > week.csv
  shadowtap findings list --rule prohibited-use --fail-on missed
  shadowtap findings show 0cfe7ef4                    a few digits of the id are enough
  shadowtap findings ack 0cfe7ef4 91d2 --by \"Ana Ruiz\" --note \"talking to Finance\"
  shadowtap findings close 0cfe7ef4 --reason \"tool assessed, see ticket 4711\"

All of them work while `shadowtap run` is active on the same data directory.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List findings, soonest clock first
    List(list::Args),
    /// Show everything about one finding
    Show(show::Args),
    /// Take findings on: their clocks have met their deadlines, or missed them
    Ack(act::AckArgs),
    /// Close findings that are dealt with
    Close(act::CloseArgs),
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::List(args) => list::run(args),
        Action::Show(args) => show::run(args),
        Action::Ack(args) => act::acknowledge(args),
        Action::Close(args) => act::close(args),
    }
}

/// An id, or its beginning, has to be given: nothing would be the beginning of each of them.
pub(crate) fn named(prefix: &str) -> Result<(), Failure> {
    match prefix.trim() {
        "" => Err(Failure::Usage("the id is empty: `shadowtap findings list` prints the ids".into())),
        _ => Ok(()),
    }
}

/// The findings of a data directory; an error where there are none yet, because opening would make an empty file.
pub(crate) fn open(setup: &Setup) -> Result<FindingsDb, Failure> {
    delivery::may_look(&setup.data_dir)?;
    if !setup.data_dir.join(FINDINGS_FILE).exists() {
        return Err(Failure::Failed(format!(
            "{} holds no findings yet: `shadowtap read FILE` or `shadowtap run -i IFACE` makes them, --data-dir names \
             another directory",
            setup.data_dir.display()
        )));
    }
    Ok(FindingsDb::open(&setup.data_dir)?)
}
