//! `shadowtap sense`: a live interface → records in the spool, until it is told to stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ingest::deliver::QUEUES;
use sensor::capture::live::{LiveCapture, LiveConfig};
use sensor::spool::Spool;
use sensor::worker::Worker;

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::jail::{self, Paths};
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
    let asked = Asked::listen(*supervised)?;
    let setup = Setup::without_secrets(&watch.setup)?;
    let summary = watch.summary.as_deref().map(Summary::open).transpose()?;
    jail::work_as_owner(&setup.data_dir)?;
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
    if !capture.knows_losses() {
        terminal::warning(&format!(
            "no counters of {0} in /sys/class/net/{0}/statistics: packets that it loses itself are not counted",
            watch.interface
        ));
    }
    let jail = jail::enter(&paths(&setup, &watch.interface));
    jail.warn("sense");
    if *probe_jail {
        return jail::probe(&jail, &setup.data_dir);
    }
    terminal::note(&format!("listening on {}, data in {}", watch.interface, setup.data_dir.display()));
    asked.ready()?;
    let (worker, sensed) = sense(&mut capture, worker, &mut spooling, &setup.rules, &asked);
    let mut totals = Totals::default();
    totals.add(&worker);
    totals.spooled(&spooling);
    let told = tell(summary, &totals);
    sensed.and(told)?;
    Ok(Done::Clean)
}

/// What is opened by name from now on: the spool, what SIGHUP reads again, and the counters that libpcap asks for.
fn paths(setup: &Setup, interface: &str) -> Paths {
    let mut read = setup.rules.places();
    read.push(Path::new("/sys/class/net").join(interface).join("statistics"));
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
