//! `shadowtap run`: watches a mirror port, as the parent of `sense` and `deliver`.

use std::ffi::OsString;

use super::sense::Watch;
use crate::exit::{Done, Outcome};
use crate::supervise::{Half, supervise};
use crate::terminal;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap run -i eth1                          everything to /var/lib/shadowtap, stop with Ctrl-C
  sudo shadowtap run -i eth1 --config /etc/shadowtap/shadowtap.toml --policy /etc/shadowtap/policy.toml
  sudo shadowtap run -i eth1 --discover               which AI services are in use; opens no finding
  sudo shadowtap run -i eth1 --filter 'net 10.0.0.0/16' --summary totals.json

Starts two children: `sense` reads packets and has no network, `deliver` has the network and reads
no packet. Each is started again when it fails. Needs CAP_NET_RAW. Stops on SIGINT and SIGTERM with
everything written; a second one ends it at once. SIGHUP reads the catalogue's folder and bundle and
the policy again; what is refused is said, and the old one stays.")]
pub(crate) struct Args {
    #[command(flatten)]
    watch: Watch,
    /// Tell each AI service at its first sight, and all of them at the end. Facts are stored; nothing is judged and
    /// no event is sent
    #[arg(long)]
    discover: bool,
}

/// The option that is for `deliver` alone.
const DISCOVER: &str = "--discover";

/// What `sense` gets of the environment: where things are, which time it is, and where its words go. Others may be the secrets of `[[siem]]`.
const ENVIRONMENT: [&str; 10] = [
    "HOME",
    "XDG_DATA_HOME",
    "PATH",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "TZ",
    "RUST_BACKTRACE",
    "JOURNAL_STREAM",
    "TERM",
    "COLUMNS",
];

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    // `sense` renews the last line of the terminal.
    terminal::share_line();
    terminal::never_wait();
    // Both commands have the same arguments but one: `sense` gets them as they were written.
    let words: Vec<OsString> = std::env::args_os().skip(2).filter(|word| word != DISCOVER).collect();
    let sense = Half::new("sense", words)?.with_environment(&ENVIRONMENT);
    let mut deliver = args.watch.setup.words();
    deliver.extend(args.discover.then(|| DISCOVER.into()));
    supervise(&mut [sense, Half::new("deliver", deliver)?])?;
    Ok(Done::Clean)
}
