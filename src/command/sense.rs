//! `shadowtap sense`: a live interface → records in the spool, until it is told to stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use ingest::deliver::QUEUES;
use ingest::text::counted;
use sensor::capture::live::{LiveCapture, LiveConfig};
use sensor::ledger::RESTART;
use sensor::spool::Spool;
use sensor::team::{Rings, is_tunnelled};

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::health::{Account, Telling};
use crate::jail::{self, Paths};
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
    /// Interface of the mirror port; again for each further one [default: `sensor.interface` of the configuration]
    #[arg(short, long = "interface", value_name = "IFACE")]
    interfaces: Vec<String>,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
    /// BPF filter: what of the mirror is looked at
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Take only frames for this host: for a tunnel that ends here
    #[arg(long)]
    no_promiscuous: bool,
    /// Bytes of each frame that are captured
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snaplen: u32,
    /// Workers, each with a ring and a thread [default: as many as there are cores, 8 at most]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// How the mirror brings the packets: `auto` looks at the first ones
    #[arg(long, value_enum, default_value = "auto")]
    mirror: Mirror,
    /// MiB of all rings of an interface, between kernel and sensor; of several rings each has 1 at least
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

`shadowtap run` starts both. Needs CAP_NET_RAW. Stops on SIGINT and SIGTERM with everything written;
a second one ends it at once. SIGHUP reads the catalogue's folder and bundle again.")]
pub(crate) struct Args {
    #[command(flatten)]
    watch: Watch,
    /// Started by `run`, which holds the other end of standard input.
    #[arg(long, hide = true)]
    supervised: bool,
    /// Enter the jail, try what it has to refuse, say what each attempt gave, and end.
    #[arg(long, hide = true)]
    probe_jail: bool,
}

/// Runs the command.
pub(crate) fn run(Args { watch, supervised, probe_jail }: &Args) -> Outcome {
    terminal::never_wait();
    let asked = Asked::listen(*supervised)?;
    let setup = Setup::without_secrets(&watch.setup)?;
    let summary = watch.summary.as_deref().map(Summary::open).transpose()?;
    jail::work_as_owner(&setup.data_dir)?;
    let _locks = setup.lock_half("sense")?;
    let workers = watch.workers();
    let interfaces = watch.interfaces(&setup)?;
    let captures = watch.open(interfaces, workers)?;
    let spool = Spool::open(&setup.data_dir.join("spool"), &QUEUES)?;
    let mut spooling = Spooling::new(&spool, setup.spool)?;
    for capture in captures.iter().filter(|capture| !capture.knows_losses()) {
        terminal::warning(&format!(
            "no counters of {0} in /sys/class/net/{0}/statistics: packets that it loses itself are not counted",
            capture.interface()
        ));
    }
    let account = Account::begin(interfaces, watch.received(&captures));
    let (mut telling, untold) = Telling::start(&setup.data_dir.join("spool"), interfaces.to_vec(), account)?;
    let jail = jail::enter(&paths(&setup, interfaces));
    jail.warn("sense");
    if *probe_jail {
        return jail::probe(&jail, &setup.data_dir);
    }
    let config = setup.worker(format!("live-{}-{}", interfaces.join("+"), time::now()));
    let rings = Rings::start(captures, &config, workers)?;
    if untold > 0 {
        terminal::warning(&format!("{} passed since the sensor was killed", counted(untold, "packet")));
        rings.lost(RESTART, untold);
    }
    terminal::note(&format!("listening on {}, data in {}", interfaces.join(", "), setup.data_dir.display()));
    asked.ready()?;
    let (sums, sensed) = sense(rings, &mut spooling, &mut telling, &setup.rules, &asked);
    if asked.to_stop() {
        telling.end();
    }
    let totals = Totals::of(&sums, &spooling);
    let told = tell(summary, &totals);
    sensed.and(told)?;
    Ok(Done::Clean)
}

impl Watch {
    fn interfaces<'a>(&'a self, setup: &'a Setup) -> Result<&'a [String], Failure> {
        match (&self.interfaces[..], &setup.interfaces[..]) {
            ([], []) => Err(Failure::Usage(
                "no interface: name that of the mirror port with -i, or as `interface` under [sensor] in the \
                 configuration (`ip -br link` lists them)"
                    .to_owned(),
            )),
            ([], configured) => Ok(configured),
            (given, _) => Ok(given),
        }
    }

    fn workers(&self) -> u32 {
        let cores = || available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(MAX_WORKERS));
        self.workers.unwrap_or_else(|| cores().min(MAX_WORKERS))
    }

    /// Packets that the interfaces have received so far, each counted once; not with a filter, which takes a part of them.
    fn received(&self, captures: &[LiveCapture]) -> Option<u64> {
        let first = |(at, capture): &(usize, &LiveCapture)| {
            captures.iter().position(|other| other.interface() == capture.interface()) == Some(*at)
        };
        let received = captures.iter().enumerate().filter(first).map(|(_, capture)| capture.received());
        if self.filter.is_some() { None } else { received.sum() }
    }

    /// Opens each interface: with a ring for each worker, or with one where the kernel cannot deal out what comes.
    fn open(&self, interfaces: &[String], workers: u32) -> Result<Vec<LiveCapture>, Failure> {
        let mut captures = Vec::new();
        for interface in interfaces {
            let config = LiveConfig {
                snaplen: self.snaplen,
                promiscuous: !self.no_promiscuous,
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

/// What is opened by name from now on: the spool, what SIGHUP reads again, and the counters that libpcap asks for.
fn paths(setup: &Setup, interfaces: &[String]) -> Paths {
    let mut read = setup.rules.places();
    read.extend(interfaces.iter().map(|name| Path::new("/sys/class/net").join(name).join("statistics")));
    Paths { write: vec![setup.data_dir.join("spool")], read }
}

fn tell(summary: Option<Summary>, totals: &Totals) -> Result<(), Failure> {
    if let Some(summary) = summary {
        summary.write(&totals.json()?)?;
    }
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    out.finish()
}

/// The file of `--summary`, opened while files may still be opened. What it held stays until the end.
struct Summary {
    path: PathBuf,
    file: File,
}

impl Summary {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|e| cannot_write(path, e))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    fn write(mut self, text: &[u8]) -> Result<(), Failure> {
        // A pipe or device has no length.
        let _ = self.file.set_len(0);
        self.file.write_all(text).map_err(|e| cannot_write(&self.path, e))
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::Failed(format!("cannot write the summary {}: {error}", path.display()))
}
