//! `shadowtap read`: captures → records → store → totals, and a report where asked.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ingest::text::counted;
use sensor::capture::file::CaptureFile;
use sensor::worker::Worker;

use crate::command::files::{self, Unreadable};
use crate::config::{Setup, SetupArgs};
use crate::delivery::{self, Delivery};
use crate::exit::{Done, Failure, Outcome};
use crate::spooling::Spooling;
use crate::terminal::{self, Output};
use crate::totals::Totals;

/// Arguments of `read`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap read monday.pcap tuesday.pcap             into the store, totals on the terminal
  shadowtap read --report out/ week.pcapng            and the report of the newest week into out/
  shadowtap read --policy policy.toml --fail-on findings --data-dir /tmp/st week.pcap

Reading the same capture again changes nothing: its records are known by their keys.")]
pub(crate) struct Args {
    /// Capture files, pcap or pcapng
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    setup: SetupArgs,
    /// Write the report of the newest week into this folder as well
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Write the totals as JSON into this file as well
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// End with exit code 3 when there are losses, or findings
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
}

/// What turns exit code 0 into 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Anything was lost
    Losses,
    /// A finding was opened that was not known before
    Findings,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    let mut reading = Reading::open(&setup)?;
    let mut unreadable = Unreadable::default();
    for path in &args.files {
        unreadable.hold(reading.file(path))?;
    }
    let (totals, findings) = reading.finish()?;
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    if let Some(path) = &args.summary {
        totals.write(path)?;
    }
    if let Some(dir) = &args.report {
        let paths = delivery::weekly_report(&setup, None)?.write(dir)?;
        out.line(format_args!("report: {}", paths.html.display()))?;
    }
    out.finish()?;
    let remarks = args.fail_on.iter().any(|what| match what {
        FailOn::Losses => totals.has_losses(),
        FailOn::Findings => findings > 0,
    });
    unreadable.outcome(if remarks { Done::WithRemarks } else { Done::Clean })
}

/// Captures on their way into the store.
pub(crate) struct Reading<'a> {
    setup: &'a Setup,
    delivery: Delivery,
    spooling: Spooling,
    totals: Totals,
    findings: usize,
    /// Held until the end: nobody else writes into the data directory.
    _lock: std::fs::File,
}

impl<'a> Reading<'a> {
    /// Opens the data directory.
    pub(crate) fn open(setup: &'a Setup) -> Result<Self, Failure> {
        let lock = setup.lock()?;
        let delivery = Delivery::open(setup)?;
        let spooling = Spooling::new(&delivery.spool);
        Ok(Self { setup, delivery, spooling, totals: Totals::default(), findings: 0, _lock: lock })
    }

    /// Reads one capture into the spool, delivering full segments on the way.
    pub(crate) fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let mut file = CaptureFile::open(path)?;
        let mut worker = Worker::new(self.setup.worker(file.fingerprint()));
        let mut sealed = self.spooling.sealed();
        let (delivery, findings) = (&mut self.delivery, &mut self.findings);
        let fed = files::feed(&mut file, &mut worker, &mut self.spooling, |spooling| {
            spooling.failed()?;
            if spooling.sealed() != sealed {
                sealed = spooling.sealed();
                *findings += delivery.drain()?.opened.len();
            }
            Ok(())
        });
        worker.finish(&mut self.spooling);
        self.totals.add(&worker);
        fed?;
        self.spooling.failed()
    }

    /// Delivers the rest; gives the totals and how many findings opened.
    pub(crate) fn finish(mut self) -> Result<(Totals, usize), Failure> {
        self.spooling.seal()?;
        let delivered = self.delivery.drain()?;
        for line in delivery::waiting(&delivered) {
            terminal::warning(&line);
        }
        self.findings += delivered.opened.len();
        self.totals.spooled(self.spooling.records(), self.spooling.lost());
        if self.spooling.lost() > 0 {
            let records = counted(self.spooling.lost(), "record");
            terminal::warning(&format!("{records} could not be written to the spool"));
        }
        Ok((self.totals, self.findings))
    }
}
