//! `shadowtap run`: watches a mirror port, as the parent of `sense` and `deliver`.

use std::ffi::OsString;

use super::sense::Watch;
use crate::exit::{Done, Outcome};
use crate::supervise::{Half, supervise};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap run -i eth1                          everything to /var/lib/shadowtap, stop with Ctrl-C
  sudo shadowtap run -i eth1 --config /etc/shadowtap/shadowtap.toml --policy /etc/shadowtap/policy.toml
  sudo shadowtap run -i eth1 --filter 'net 10.0.0.0/16' --summary totals.json

Starts two children: `sense` reads packets and has no network, `deliver` has the network and reads no packet. Each is
started again when it fails. Needs CAP_NET_RAW. Stops on SIGINT and SIGTERM with everything written; a second one ends
it at once. SIGHUP reads the catalogue's folder and bundle and the policy again; what is refused is said, and the old
one stays.")]
pub(crate) struct Args {
    #[command(flatten)]
    watch: Watch,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    // Both commands have the same arguments: `sense` gets them as they were written.
    let words: Vec<OsString> = std::env::args_os().skip(2).collect();
    supervise(&mut [Half::new("sense", words)?, Half::new("deliver", args.watch.setup.words())?])?;
    Ok(Done::Clean)
}
