//! The command line as a whole.

use clap::{Parser, Subcommand};

use crate::command;

/// A passive sensor for shadow AI: reads TLS, QUIC and DNS names on a mirror port, tags flows to AI services and
/// writes the weekly report. It decrypts nothing, blocks nothing and stores no content.
#[derive(Debug, Parser)]
#[command(
    name = "shadowtap",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with losses, findings or changes
where --fail-on asked.

See `shadowtap COMMAND --help` for examples of each command."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The two-minute tour: a recorded office week, from the capture to the report
    Demo(command::demo::Args),
    /// Read captures into the store; totals on the terminal
    Read(command::read::Args),
    /// Watch a mirror port
    #[cfg(feature = "live")]
    Run(command::run::Args),
    /// One half of `run`: packets to the spool, without network
    #[cfg(feature = "live")]
    Sense(command::sense::Args),
    /// The other half: the spool to store and SIEM, without packets
    #[cfg(feature = "live")]
    Deliver(command::deliver::Args),
    /// Ask five questions and write a configuration
    Init(command::init::Args),
    /// Check rights, port, mirror, memory, disk, store and receivers
    Doctor(command::doctor::Args),
    /// Write the weekly report
    Report(command::report::Args),
    /// List findings, take them on, close them
    Findings(command::findings::Args),
    /// Write the incident report about a finding
    Incident(command::incident::Args),
    /// Judge stored facts again, by another policy or catalogue
    Rejudge(command::rejudge::Args),
    /// Print every name on the wire, AI or not; writes nothing
    Inspect(command::inspect::Args),
    /// Look into the catalogue of AI services
    Catalog(command::catalog::Args),
    /// Check and explain the policy
    Policy(command::policy::Args),
    /// Look at domains that may be AI services nobody has listed, and decide
    Candidates(command::candidates::Args),
    /// Test the SIEM sinks, and see what waits for them
    Siem(command::siem::Args),
    /// Look into what the store could not take, and put it back
    Spool(command::spool::Args),
    /// Print the SQL that prepares a ClickHouse server or cluster
    Store(command::store::Args),
    /// Print what a shell completes
    Completions(command::completions::Args),
    /// Write the manual pages
    #[command(hide = true)]
    Man(command::man::Args),
}
