//! `shadowtap deliver`: the spool → store and SIEM, until it is told to stop.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::config::{Setup, SetupArgs};
use crate::delivery::{Delivering, Delivery, Discovery, Renewed};
use crate::exit::{Done, Failure, Outcome};
use crate::health::{Health, Parts};
use crate::jail;
use crate::supervise::Asked;
use crate::terminal::{self, Output};

/// Arguments of `deliver`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap deliver             what `shadowtap sense` leaves in /var/lib/shadowtap/spool to store and SIEM
  sudo shadowtap deliver --config /etc/shadowtap/shadowtap.toml --policy /etc/shadowtap/policy.toml

`shadowtap run` starts both. This half never opens an interface. On SIGINT and SIGTERM it delivers
what waits, for at most 30 s, and ends; stop `sense` first. A second one ends it at once. SIGHUP
reads the catalogue's folder and bundle and the policy again; what is refused is said, and the old
one stays.")]
pub(crate) struct Args {
    #[command(flatten)]
    setup: SetupArgs,
    /// Tell each AI service at its first sight, and all of them at the end. Facts are stored; nothing is judged and
    /// no event is sent
    #[arg(long)]
    discover: bool,
    /// Started by `run`, which holds the other end of standard input.
    #[arg(long, hide = true)]
    supervised: bool,
    /// Give up packets, try what is then refused, say what each attempt gave, and end.
    #[arg(long, hide = true)]
    probe_jail: bool,
}

/// Between two looks at what is asked.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    terminal::never_wait();
    let asked = Asked::listen(args.supervised)?;
    let setup = Setup::load(&args.setup)?;
    setup.warn();
    jail::work_as_owner(&setup.data_dir)?;
    let jail = jail::without_packets();
    jail.warn("deliver");
    if args.probe_jail {
        return jail::probe(&jail, &setup.data_dir);
    }
    let _locks = setup.lock_half("deliver")?;
    let delivery = Delivery::beside(&setup)?;
    let renewed = delivery.renewed();
    let parts = Parts::default();
    let discovery = args.discover.then(|| Discovery::new(&setup.rules, &setup.time_zone));
    Health::start(&setup, parts.clone())?;
    let delivering = Delivering::start(delivery, &parts, discovery.clone())?;
    if args.supervised {
        terminal::share_line();
    } else {
        terminal::note(&format!("delivering, data in {}", setup.data_dir.display()));
    }
    asked.ready()?;
    let waited = wait(&setup, &delivering, &renewed, &asked);
    let delivered = delivering.finish();
    let sudo = std::env::var_os("SUDO_USER").is_some();
    let told = discovery.map_or(Ok(()), |discovery| tell(&discovery.table(&draft(&args.setup, sudo))));
    waited.and(delivered).and(told)?;
    Ok(Done::Clean)
}

fn tell(inventory: &str) -> Result<(), Failure> {
    let mut out = Output::new();
    out.write(inventory.as_bytes())?;
    out.finish()
}

/// The command that drafts a policy from what this run has stored. Whoever needed sudo to begin needs it to read that.
fn draft(setup: &SetupArgs, sudo: bool) -> String {
    let quoted = |path: &PathBuf| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
    let store = setup.store.as_ref().map(PathBuf::from);
    let options = [
        ("--config", &setup.config),
        ("--policy", &setup.policy),
        ("--data-dir", &setup.data_dir),
        ("--catalogue", &setup.catalogue),
        ("--store", &store),
    ];
    let given = options.iter().filter_map(|(name, path)| Some(format!(" {name} {}", quoted(path.as_ref()?))));
    // The shell empties the file before the draft reads the policy at hand, which may be called policy.toml.
    let file = if setup.policy.is_some() || setup.config.is_some() { "draft.toml" } else { "policy.toml" };
    let sudo = if sudo { "sudo " } else { "" };
    format!("{sudo}shadowtap policy draft{} > {file}", given.collect::<String>())
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        setup: SetupArgs,
    }

    #[test]
    fn the_next_command_is_for_who_gave_this_one() {
        let setup = Words::parse_from(["deliver", "--data-dir", "/srv/a b"]).setup;
        assert_eq!(draft(&setup, false), "shadowtap policy draft --data-dir '/srv/a b' > policy.toml");
        assert_eq!(draft(&setup, true), "sudo shadowtap policy draft --data-dir '/srv/a b' > policy.toml");
    }
}
