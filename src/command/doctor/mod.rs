//! `shadowtap doctor`: is everything in order that the sensor needs, and does the mirror give what it should?
//!
//! | file | noun |
//! |---|---|
//! | `check` | one line of the answer |
//! | `permissions` | rights, data directory, configuration, secrets |
//! | `mechanisms` | landlock and seccomp |
//! | `ports`, `interface`, `address`, `ethtool` | each port, its address and its driver |
//! | `memory`, `disk`, `clock` | the machine |
//! | `mirror/` | what some seconds of frames, or a capture, say of the mirror |
//! | `store`, `sinks` | what stands behind the sensor |
//! | `system` | how the machine is asked |

mod address;
mod check;
mod clock;
mod disk;
mod ethtool;
mod interface;
mod mechanisms;
mod memory;
mod mirror;
mod permissions;
mod ports;
mod sinks;
mod store;
mod system;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ingest::text::{counted, safe_text};

pub(crate) use self::address::is_gateway;
use self::check::{Check, State};
use self::mirror::Place;
pub(crate) use self::system::quoted;
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap doctor --config /etc/shadowtap/shadowtap.toml        machine, store, receivers
  sudo shadowtap doctor -i eth1                                  its port and mirror as well
  sudo shadowtap doctor -i eth1 --seconds 60 --format json       one object per check
  shadowtap doctor monday.pcap                                   the mirror of a capture

Each check is ok, unknown (with the reason), warn or fail, the last two with the command that
mends it. Exit code 1 when one fails; 3 with --fail-on warn when one warns. Nothing is written, and
store and receivers are asked for a connection alone. What each means: docs/operations.md.")]
pub(crate) struct Args {
    /// Captures whose mirror is judged, in place of an interface; nothing else but the configuration is looked at
    #[arg(value_name = "FILE", conflicts_with_all = ["interface", "seconds"])]
    files: Vec<PathBuf>,
    /// Interface of the mirror port; may stand several times [default: sensor.interface of the configuration]
    #[arg(short, long, value_name = "IFACE")]
    interface: Vec<String>,
    /// How long each mirror is listened to; 0 does not listen
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    seconds: u64,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit code 3 when a check warns and none fails
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each check, and one for its mend
    Text,
    /// A list of objects: check, state, seen, mend
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A check that warns
    Warn,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let loaded = Setup::load(&args.setup).map_err(Failure::into_text);
    let config = args.setup.config.as_deref();
    let mut checks = vec![permissions::config(config), permissions::setup(&loaded, config)];
    match args.files.is_empty() {
        true => checks.extend(machine(args, loaded.as_ref().ok(), config)),
        false => checks.extend(captures(args, loaded)?),
    }
    print(&checks, args.format)?;
    let of = |state| checks.iter().filter(|check| check.state == state).count() as u64;
    match (of(State::Fail), of(State::Warn)) {
        (0, 0) => Ok(Done::Clean),
        (0, _) if args.fail_on == Some(FailOn::Warn) => Ok(Done::WithRemarks),
        (0, _) => Ok(Done::Clean),
        (failed, _) => Err(Failure::Failed(format!("{} failed", counted(failed, "check")))),
    }
}

/// Everything about this machine, and the mirrors of its interfaces.
fn machine(args: &Args, setup: Option<&Setup>, config: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![permissions::capture_right(), permissions::secrets(config)];
    checks.extend(mechanisms::checks());
    checks.push(clock::check());
    match setup {
        Some(setup) => {
            checks.push(permissions::data_dir(&setup.data_dir));
            checks.push(memory::memory(&setup.worker(String::new()), config));
            checks.extend(disk::checks(setup, config));
            checks.extend(store::checks(setup, config));
            checks.extend(sinks::checks(setup, config));
        }
        None => checks.extend(not_known()),
    }
    let configured = setup.map_or_else(Vec::new, |setup| setup.interfaces.clone());
    let interfaces = if args.interface.is_empty() { &configured } else { &args.interface };
    checks.extend(ports::checks(interfaces, args.seconds, setup, config));
    checks
}

/// What hangs on a configuration that cannot be read.
fn not_known() -> impl Iterator<Item = Check> {
    let ids = [
        permissions::DATA_DIR,
        memory::MEMORY,
        disk::DISK,
        disk::SPOOL,
        store::STORE,
        store::FINDINGS,
        sinks::SINK,
    ];
    ids.into_iter().map(|id| id.unknown("the configuration cannot be read"))
}

/// The mirrors that captures were taken from.
fn captures(args: &Args, loaded: Result<Setup, String>) -> Result<Vec<Check>, Failure> {
    let config = args.setup.config.as_deref();
    let setup = match loaded {
        Ok(setup) => setup,
        // What is wrong is said already; names and networks are those that are built in.
        Err(_) => Setup::load(&SetupArgs::default())?,
    };
    let mut checks = Vec::new();
    for path in &args.files {
        let of_file = mirror::verdict(&mirror::file(path, &setup)?, Place::File(path), config);
        checks.extend(of_file.into_iter().map(|check| check.about(&path.display().to_string())));
    }
    Ok(checks)
}

fn print(checks: &[Check], format: Format) -> Result<(), Failure> {
    let mut out = Output::new();
    match format {
        Format::Json => out.line(serde_json::to_string_pretty(checks)?)?,
        Format::Text => {
            for Check { check, state, seen, mend } in checks {
                out.line(format_args!("{:<8} {check:<20} {}", state.as_str(), one_line(seen)))?;
                if let Some(mend) = mend {
                    out.line(format_args!("{:29} {}", "", one_line(mend)))?;
                }
            }
            let of = |state| checks.iter().filter(|check| check.state == state).count();
            out.line(format_args!(
                "{}: {} ok, {} unknown, {} warn, {} fail",
                counted(checks.len() as u64, "check"),
                of(State::Ok),
                of(State::Unknown),
                of(State::Warn),
                of(State::Fail)
            ))?;
        }
    }
    out.finish()
}

/// Words of others (a server, a driver, a path) may hold anything.
fn one_line(text: &str) -> String {
    safe_text(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}
