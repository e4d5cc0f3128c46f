//! shadowtap: sees which AI services an office uses, from names on the wire alone.
//!
//! The command line is wiring only: each subcommand has a file of its own that reads its arguments and joins the
//! crates `rules`, `sensor` and `ingest`.

mod cli;
mod command;
mod config;
mod delivery;
mod exit;
mod health;
#[cfg(feature = "live")]
mod jail;
mod rules_files;
#[cfg(feature = "live")]
mod sensing;
mod siem;
mod spooling;
mod store;
#[cfg(feature = "live")]
mod supervise;
mod terminal;
mod time;
mod totals;
#[cfg(feature = "live")]
mod trouble;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;

/// Flows come and go by the thousand: the system's allocator takes a sixth of the time of reading a capture.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::code(dispatch(cli))
}

fn dispatch(cli: Cli) -> Outcome {
    match cli.command {
        Command::Demo(args) => command::demo::run(&args),
        Command::Read(args) => command::read::run(&args),
        #[cfg(feature = "live")]
        Command::Run(args) => command::run::run(&args),
        #[cfg(feature = "live")]
        Command::Sense(args) => command::sense::run(&args),
        #[cfg(feature = "live")]
        Command::Deliver(args) => command::deliver::run(&args),
        Command::Init(args) => command::init::run(&args),
        Command::Doctor(args) => command::doctor::run(&args),
        Command::Report(args) => command::report::run(&args),
        Command::Findings(args) => command::findings::run(&args),
        Command::Incident(args) => command::incident::run(&args),
        Command::Rejudge(args) => command::rejudge::run(&args),
        Command::Inspect(args) => command::inspect::run(&args),
        Command::Catalog(args) => command::catalog::run(&args),
        Command::Policy(args) => command::policy::run(&args),
        Command::Candidates(args) => command::candidates::run(&args),
        Command::Spool(args) => command::spool::run(&args),
        Command::Siem(args) => command::siem::run(&args),
        Command::Store(args) => command::store::run(&args),
        Command::Completions(args) => command::completions::run(&args),
        Command::Man(args) => command::man::run(&args),
    }
}
