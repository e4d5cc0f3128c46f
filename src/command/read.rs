//! `shadowtap read`: captures → records → store → totals, and a report where asked.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sensor::team::Workers;

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

Several captures are read as one, in the order given, so rotated captures belong oldest first.
Reading a whole capture again changes nothing: its records are known by their keys. Read a capture
when it is complete.")]
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
    /// Threads that the packets are worked on in; the records are the same with any number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
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
    setup.warn();
    let mut reading = Reading::open(&setup, args.workers)?;
    let mut unreadable = Unreadable::default();
    for path in &args.files {
        unreadable.hold(reading.file(path))?;
    }
    let (totals, finished) = reading.finish();
    let remarks = args.fail_on.iter().any(|what| match what {
        FailOn::Losses => totals.has_losses(),
        FailOn::Findings => finished.as_ref().is_ok_and(|&findings| findings > 0),
    });
    let told = tell(args, &setup, &totals, finished.is_ok());
    // A reader that went away does not hide what went wrong before.
    let done = unreadable.outcome(if remarks { Done::WithRemarks } else { Done::Clean });
    finished.and(done).and_then(|done| told.map(|()| done))
}

/// The totals on the terminal and in a file, and the report.
fn tell(args: &Args, setup: &Setup, totals: &Totals, complete: bool) -> Result<(), Failure> {
    if let Some(path) = &args.summary {
        totals.write(path)?;
    }
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    if let Some(dir) = args.report.as_ref().filter(|_| complete) {
        let paths = delivery::weekly_report(setup, None)?.write(dir)?;
        out.line(format_args!("report: {}", paths.html.display()))?;
    }
    out.finish()
}

/// Captures on their way into the store.
pub(crate) struct Reading {
    delivery: Delivery,
    spooling: Spooling,
    /// The same for all files: a flow may go on in the next one.
    workers: Workers,
    findings: usize,
    /// The trouble of delivery that was told last.
    said: String,
    /// Held until the end: nobody else writes into the data directory.
    _lock: std::fs::File,
}

impl Reading {
    /// Opens the data directory.
    pub(crate) fn open(setup: &Setup, workers: u32) -> Result<Self, Failure> {
        let lock = setup.lock()?;
        let mut delivery = Delivery::open(setup)?;
        let (mut findings, mut said) = (0, String::new());
        // What waits since earlier goes first: a full spool would throw it away for what comes now.
        deliver(&mut delivery, &mut findings, &mut said);
        let spooling = Spooling::new(&delivery.spool, setup.spool)?;
        let workers = Workers::new(&setup.worker(String::new()), workers);
        Ok(Self { delivery, spooling, workers, findings, said, _lock: lock })
    }

    /// Reads one capture into the spool, delivering full segments on the way. What cannot be delivered waits there: a
    /// store that is down takes no packet from the capture.
    pub(crate) fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let mut file = files::open(path)?;
        self.workers.set_source(&file.fingerprint(), &mut self.spooling);
        let mut sealed = self.spooling.sealed();
        let (delivery, findings, said) = (&mut self.delivery, &mut self.findings, &mut self.said);
        let fed = files::feed(&mut file, &mut self.workers, &mut self.spooling, |spooling| {
            spooling.failed()?;
            if spooling.sealed() != sealed {
                sealed = spooling.sealed();
                deliver(delivery, findings, said);
            }
            Ok(())
        });
        fed?;
        self.spooling.failed()
    }

    /// Ends what is open and delivers the rest; gives the totals, and how many findings opened.
    pub(crate) fn finish(mut self) -> (Totals, Result<usize, Failure>) {
        self.workers.finish(&mut self.spooling);
        let delivered = self.deliver();
        let mut totals = Totals::default();
        totals.add(&self.workers.summary());
        totals.spooled(&self.spooling);
        (totals, delivered.map(|()| self.findings))
    }

    fn deliver(&mut self) -> Result<(), Failure> {
        let sealed = self.spooling.finish().map_err(Failure::from);
        let written = self.spooling.failed();
        let (delivered, ended) = self.delivery.drain();
        for line in delivery::waiting(&delivered) {
            terminal::warning(&line);
        }
        self.findings += delivered.opened.len();
        ended.and(written).and(sealed)
    }
}

/// Delivers on the way. Trouble is said until other trouble takes its place; what is left of it at the end fails the
/// command.
fn deliver(delivery: &mut Delivery, findings: &mut usize, said: &mut String) {
    let (delivered, ended) = delivery.drain();
    *findings += delivered.opened.len();
    if let Err(error) = ended {
        let text = error.into_text();
        if text != *said {
            terminal::warning(&format!("delivery: {text}; what waits stays in the spool"));
            *said = text;
        }
    }
}
