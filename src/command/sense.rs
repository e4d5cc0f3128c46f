//! `shadowtap sense`: a live interface → records in the spool, until it is told to stop.

use std::path::PathBuf;

use ingest::deliver::QUEUES;
use sensor::capture::live::{LiveCapture, LiveConfig};
use sensor::spool::Spool;
use sensor::worker::Worker;

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::sensing::sense;
use crate::spooling::Spooling;
use crate::supervise::Asked;
use crate::terminal::{self, Output};
use crate::time;
use crate::totals::Totals;

/// What is watched, and how: the arguments of `sense` and of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Interface of the mirror port
    #[arg(short, long, value_name = "IFACE")]
    interface: String,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
    /// BPF filter: what of the mirror is looked at
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Bytes of each frame that are captured
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snaplen: u32,
    /// MiB of the ring between kernel and sensor
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    ring: u32,
    /// Write the totals as JSON into this file at the end
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// Arguments of `sense`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap sense -i eth1       records into /var/lib/shadowtap/spool, stop with Ctrl-C
  sudo shadowtap deliver             beside it: the spool to store and SIEM

`shadowtap run` starts both. Needs CAP_NET_RAW. Stops on SIGINT and SIGTERM with everything written; a second one ends
it at once. SIGHUP reads the catalogue's folder and bundle again.")]
pub(crate) struct Args {
    #[command(flatten)]
    watch: Watch,
    /// Started by `run`, which holds the other end of standard input.
    #[arg(long, hide = true)]
    supervised: bool,
}

/// Runs the command.
pub(crate) fn run(Args { watch, supervised }: &Args) -> Outcome {
    let asked = Asked::listen(*supervised)?;
    let setup = Setup::load(&watch.setup)?;
    let _locks = setup.lock_half("sense")?;
    let mut capture = LiveCapture::open(&LiveConfig {
        snaplen: watch.snaplen,
        ring_bytes: watch.ring << 20,
        filter: watch.filter.clone(),
        ..LiveConfig::new(&watch.interface)
    })?;
    let spool = Spool::open(&setup.data_dir.join("spool"), &QUEUES)?;
    let mut spooling = Spooling::new(&spool, setup.spool)?;
    let worker = Worker::new(setup.worker(format!("live-{}-{}", watch.interface, time::now())));
    terminal::note(&format!("listening on {}, data in {}", watch.interface, setup.data_dir.display()));
    asked.ready()?;
    let (worker, sensed) = sense(&mut capture, worker, &mut spooling, &setup.rules, &asked);
    let mut totals = Totals::default();
    totals.add(&worker.summary());
    totals.spooled(&spooling);
    let told = tell(watch, &totals);
    sensed.and(told)?;
    Ok(Done::Clean)
}

fn tell(watch: &Watch, totals: &Totals) -> Result<(), Failure> {
    if let Some(path) = &watch.summary {
        totals.write(path)?;
    }
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    out.finish()
}
