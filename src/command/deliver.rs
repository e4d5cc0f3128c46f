//! `shadowtap deliver`: the spool → store and SIEM, until it is told to stop.

use std::thread;
use std::time::Duration;

use crate::config::{Setup, SetupArgs};
use crate::delivery::{Delivering, Delivery, Renewed};
use crate::exit::{Done, Failure, Outcome};
use crate::supervise::Asked;
use crate::terminal;

/// Arguments of `deliver`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap deliver             what `shadowtap sense` leaves in /var/lib/shadowtap/spool to store and SIEM
  sudo shadowtap deliver --config /etc/shadowtap/shadowtap.toml --policy /etc/shadowtap/policy.toml

`shadowtap run` starts both. It never opens an interface. On SIGINT and SIGTERM it delivers what waits, for at most
30 s, and ends; stop `sense` first. A second one ends it at once. SIGHUP reads the catalogue's folder and bundle and the
policy again; what is refused is said, and the old one stays.")]
pub(crate) struct Args {
    #[command(flatten)]
    setup: SetupArgs,
    /// Started by `run`, which holds the other end of standard input.
    #[arg(long, hide = true)]
    supervised: bool,
}

/// Between two looks at what is asked.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let asked = Asked::listen(args.supervised)?;
    let setup = Setup::load(&args.setup)?;
    setup.warn();
    let _locks = setup.lock_half("deliver")?;
    let delivery = Delivery::beside(&setup)?;
    let renewed = delivery.renewed();
    let delivering = Delivering::start(delivery)?;
    if !args.supervised {
        terminal::note(&format!("delivering, data in {}", setup.data_dir.display()));
    }
    asked.ready()?;
    let waited = wait(&setup, &delivering, &renewed, &asked);
    waited.and(delivering.finish())?;
    Ok(Done::Clean)
}

/// Until somebody asks for the end, or a part ends although nobody did.
fn wait(setup: &Setup, delivering: &Delivering, renewed: &Renewed, asked: &Asked) -> Result<(), Failure> {
    while !asked.to_stop() {
        if asked.to_reload() {
            reload(setup, renewed);
        }
        if let Some(part) = delivering.over() {
            return Err(Failure::Failed(format!("delivery: {part} ended early")));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Puts changed catalogue files and a changed policy in force; the judge takes them before its next round.
fn reload(setup: &Setup, renewed: &Renewed) {
    setup.rules.reload();
    setup.rules.remember(&setup.data_dir);
    match setup.renewed_policy() {
        Ok(policy) => {
            terminal::note(&format!("policy {} {} in force", policy.name(), policy.version()));
            renewed.put(policy);
        }
        Err(error) => terminal::warning(&format!("the policy in force stays: {}", error.into_text())),
    }
}
