//! `shadowtap spool`: what was set aside on its way to the store, and back.

use clap::Subcommand;
use ingest::batch::rejects;
use ingest::deliver::STORE_QUEUE;
use ingest::text::counted;

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `spool`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap spool rejects                             batches that the store could not take, and why
  shadowtap spool replay                              puts them back: the next delivery tries again")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the batches that the store could not take, with its reason
    Rejects {
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Put them back into the queue; nothing that is in the store already counts twice
    Replay {
        #[command(flatten)]
        setup: SetupArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let (setup, replay) = match &args.action {
        Action::Rejects { setup } => (setup, false),
        Action::Replay { setup } => (setup, true),
    };
    let spool = Setup::load(setup)?.data_dir.join("spool");
    let rejects = rejects::list(&spool)?;
    let mut out = Output::new();
    for reject in &rejects {
        if replay {
            rejects::replay(&spool, STORE_QUEUE, reject).map_err(Failure::from)?;
        }
        let name = reject.path.file_name().unwrap_or_default().to_string_lossy();
        out.line(format_args!("{name}: {}", reject.reason))?;
    }
    let count = counted(rejects.len() as u64, "batch file");
    out.line(format_args!("{count} {}", if replay { "back in the queue" } else { "set aside" }))?;
    out.finish()?;
    Ok(Done::Clean)
}
