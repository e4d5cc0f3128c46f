//! `shadowtap sense`: a live interface → records in the spool, until it is told to stop.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use ingest::deliver::QUEUES;
use sensor::capture::live::{LiveCapture, LiveConfig};
use sensor::spool::Spool;
use sensor::team::{Rings, is_tunnelled};

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::sensing::sense;
use crate::spooling::Spooling;
use crate::supervise::Asked;
use crate::terminal::{self, Output};
use crate::time;
use crate::totals::Totals;

/// Workers where nothing else is said: what comes in is then faster than any disk.
const MAX_WORKERS: u32 = 8;
/// How long the first frames are looked at.
const SAMPLE: Duration = Duration::from_secs(1);

/// How a mirror brings the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mirror {
    /// What the first second shows
    Auto,
    /// As they were on the wire, VLAN tags included: a SPAN port or a TAP
    Plain,
    /// In ERSPAN
    Erspan,
    /// In GRE
    Gre,
    /// In VXLAN
    Vxlan,
    /// In Geneve
    Geneve,
    /// In GTP-U
    Gtp,
    /// In IP
    Ipip,
}

/// What is watched, and how: the arguments of `sense` and of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Interface of the mirror port; again for each further one
    #[arg(short, long = "interface", value_name = "IFACE", required = true)]
    interfaces: Vec<String>,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
    /// BPF filter: what of the mirror is looked at
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Bytes of each frame that are captured
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snaplen: u32,
    /// Workers, each with a ring and a thread [default: as many as there are cores, 8 at most]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// How the mirror brings the packets: `auto` looks at the first ones
    #[arg(long, value_enum, default_value = "auto")]
    mirror: Mirror,
    /// MiB of all rings of an interface, between kernel and sensor
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
    let workers = watch.workers();
    let captures = watch.open(workers)?;
    let spool = Spool::open(&setup.data_dir.join("spool"), &QUEUES)?;
    let mut spooling = Spooling::new(&spool, setup.spool)?;
    let names = watch.interfaces.join(", ");
    let config = setup.worker(format!("live-{}-{}", watch.interfaces.join("+"), time::now()));
    let rings = Rings::start(captures, &config, workers)?;
    terminal::note(&format!("listening on {names}, data in {}", setup.data_dir.display()));
    asked.ready()?;
    let (summary, sensed) = sense(rings, &mut spooling, &setup.rules, &asked);
    let mut totals = Totals::default();
    totals.add(&summary);
    totals.spooled(&spooling);
    let told = tell(watch, &totals);
    sensed.and(told)?;
    Ok(Done::Clean)
}

impl Watch {
    fn workers(&self) -> u32 {
        let cores = || available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(MAX_WORKERS));
        self.workers.unwrap_or_else(|| cores().min(MAX_WORKERS))
    }

    /// Opens each interface: with a ring for each worker, or with one where the kernel cannot deal out what comes.
    fn open(&self, workers: u32) -> Result<Vec<LiveCapture>, Failure> {
        let mut captures = Vec::new();
        for interface in &self.interfaces {
            let config = LiveConfig {
                snaplen: self.snaplen,
                ring_bytes: self.ring << 20,
                filter: self.filter.clone(),
                ..LiveConfig::new(interface)
            };
            let rings = if workers > 1 && self.is_tunnelled(&config)? { 1 } else { workers };
            captures.extend(LiveCapture::open_group(&config, rings as usize)?);
        }
        Ok(captures)
    }

    fn is_tunnelled(&self, config: &LiveConfig) -> Result<bool, Failure> {
        match self.mirror {
            Mirror::Auto => Ok(is_tunnelled(&mut LiveCapture::open(config)?, SAMPLE)?),
            Mirror::Plain => Ok(false),
            _ => Ok(true),
        }
    }
}

fn tell(watch: &Watch, totals: &Totals) -> Result<(), Failure> {
    if let Some(path) = &watch.summary {
        totals.write(path)?;
    }
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    out.finish()
}
