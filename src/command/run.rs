//! `shadowtap run`: a live interface → records → store and SIEM, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sensor::capture::live::{LiveCapture, LiveConfig, Next};
use sensor::worker::Worker;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::config::{Setup, SetupArgs};
use crate::delivery::{Delivering, Delivery, Discovery, Renewed};
use crate::exit::{Done, Failure, Outcome};
use crate::health::{Health, Parts, Telling};
use crate::spooling::Spooling;
use crate::terminal::{self, Output};
use crate::time;
use crate::totals::Totals;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap run -i eth1                          everything to /var/lib/shadowtap, stop with Ctrl-C
  sudo shadowtap run -i eth1 --config /etc/shadowtap/shadowtap.toml --policy /etc/shadowtap/policy.toml
  sudo shadowtap run -i eth1 --discover               which AI services are in use; opens no finding
  sudo shadowtap run -i eth1 --filter 'net 10.0.0.0/16' --summary totals.json

Needs CAP_NET_RAW. Stops on SIGINT and SIGTERM with everything written; a second one ends it at once. SIGHUP reads
the catalogue's folder and bundle and the policy again; what is refused is said, and the old one stays.")]
pub(crate) struct Args {
    /// Interface of the mirror port
    #[arg(short, long, value_name = "IFACE")]
    interface: String,
    #[command(flatten)]
    setup: SetupArgs,
    /// BPF filter: what of the mirror is looked at
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Bytes of each frame that are captured
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snaplen: u32,
    /// MiB of the ring between kernel and sensor
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    ring: u32,
    /// Tell each AI service at its first sight, and all of them at the end. Facts are stored; nothing is judged and
    /// no event is sent
    #[arg(long)]
    discover: bool,
    /// Write the totals as JSON into this file at the end
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// A segment is sealed after this time, so that a finding is at most a few seconds old.
const SEAL: Duration = Duration::from_secs(1);
/// The longest sleep on an empty ring.
const DOZE: Duration = Duration::from_millis(100);
/// After a signal the ring may still gather: its open block comes with its time-out, 100 ms.
const RETIRE: Duration = Duration::from_millis(250);
/// How long the rest of the ring is read after a signal.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Frames between two looks at the clock.
const STRETCH: u32 = 1024;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    setup.warn();
    let _lock = setup.lock()?;
    let stop = stop_flag()?;
    let mut capture = LiveCapture::open(&LiveConfig {
        snaplen: args.snaplen,
        ring_bytes: args.ring << 20,
        filter: args.filter.clone(),
        ..LiveConfig::new(&args.interface)
    })?;
    let delivery = Delivery::open(&setup)?;
    let mut spooling = Spooling::new(&delivery.spool, setup.spool)?;
    let worker = Worker::new(setup.worker(format!("live-{}-{}", args.interface, time::now())));
    let renewed = delivery.renewed();
    let parts = Parts::default();
    let discovery = args.discover.then(|| Discovery::new(&setup.rules, &setup.time_zone));
    let mut telling = Telling::start(&setup.data_dir.join("spool"), vec![args.interface.clone()])?;
    Health::start(&setup, parts.clone())?;
    let delivering = Delivering::start(delivery, &parts, discovery.clone())?;
    let signals = Signals { stop, reload: reload_flag()?, renewed };
    terminal::note(&format!("listening on {}, data in {}", args.interface, setup.data_dir.display()));
    let (worker, sensed) = sense(&mut capture, worker, &mut spooling, &mut telling, &delivering, &setup, &signals);
    terminal::end_status();
    let delivered = delivering.finish();
    let totals = totals_of(&worker, &spooling);
    let told = tell(args, &totals, discovery.as_ref());
    sensed.and(delivered).and(told)?;
    Ok(Done::Clean)
}

fn totals_of(worker: &Worker, spooling: &Spooling) -> Totals {
    let mut totals = Totals::default();
    totals.add(worker);
    totals.spooled(spooling);
    totals
}

fn tell(args: &Args, totals: &Totals, discovery: Option<&Discovery>) -> Result<(), Failure> {
    if let Some(path) = &args.summary {
        totals.write(path)?;
    }
    let mut out = Output::new();
    out.write(totals.text().as_bytes())?;
    if let Some(discovery) = discovery {
        out.write(discovery.table(&draft(&args.setup)).as_bytes())?;
    }
    out.finish()
}

/// The command that drafts a policy from what this run has stored.
fn draft(setup: &SetupArgs) -> String {
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
    format!("shadowtap policy draft{} > {file}", given.collect::<String>())
}

/// Reads frames until a signal comes or the interface goes; always ends all flows and seals the spool.
fn sense(
    capture: &mut LiveCapture,
    mut worker: Worker,
    spooling: &mut Spooling,
    telling: &mut Telling,
    delivering: &Delivering,
    setup: &Setup,
    signals: &Signals,
) -> (Worker, Result<(), Failure>) {
    let mut result = Ok(());
    let mut said = String::new();
    let (mut sealed, mut asked, mut frames) = (Instant::now(), None, 0_u32);
    loop {
        let quiet = match capture.next_frame() {
            Ok(Next::Frame(frame)) => {
                worker.frame(&frame, spooling);
                frames = frames.wrapping_add(1);
                false
            }
            Ok(Next::Quiet) => true,
            Err(error) => {
                result = Err(error.into());
                break;
            }
        };
        if !quiet && !frames.is_multiple_of(STRETCH) {
            continue;
        }
        if signals.stop.load(Ordering::Relaxed) {
            let asked: Instant = *asked.get_or_insert_with(Instant::now);
            if quiet && asked.elapsed() >= RETIRE || asked.elapsed() >= LAST_LOOK {
                break;
            }
        }
        if quiet {
            capture.wait(DOZE);
        }
        if sealed.elapsed() >= SEAL {
            sealed = Instant::now();
            let trouble =
                housekeep(capture, &mut worker, spooling, quiet).err().map_or_else(String::new, Failure::into_text);
            // Said once, until other trouble or success takes its place.
            if !trouble.is_empty() && trouble != said {
                terminal::warning(&format!("records are lost at the spool: {trouble}"));
            }
            said = trouble;
            telling.tell(
                totals_of(&worker, spooling),
                setup.rules.current().version(),
                (spooling.waiting(), spooling.limit()),
            );
            if signals.reload.swap(false, Ordering::Relaxed) {
                reload(setup, &mut worker, &signals.renewed);
            }
            if let Some(part) = delivering.over() {
                result = Err(Failure::Failed(format!("delivery: {part} ended early")));
                break;
            }
        }
    }
    account(capture, &mut worker);
    worker.finish(spooling);
    let closed = spooling.finish().map_err(Failure::from).and_then(|()| spooling.failed());
    (worker, result.and(closed))
}

/// Puts changed catalogue files and a changed policy in force without losing a packet: the ring gathers meanwhile.
fn reload(setup: &Setup, worker: &mut Worker, renewed: &Renewed) {
    setup.rules.reload();
    setup.rules.remember(&setup.data_dir);
    let catalogue = setup.rules.current();
    terminal::note(&format!("catalogue {} in force, {} services", catalogue.version(), catalogue.services().len()));
    worker.set_catalogue(catalogue);
    match setup.renewed_policy() {
        Ok(policy) => {
            terminal::note(&format!("policy {} {} in force", policy.name(), policy.version()));
            renewed.put(policy);
        }
        Err(error) => terminal::warning(&format!("the policy in force stays: {}", error.into_text())),
    }
}

/// Once a second: losses into the ledger, what is due into the spool, the spool to the queues.
fn housekeep(
    capture: &mut LiveCapture,
    worker: &mut Worker,
    spooling: &mut Spooling,
    quiet: bool,
) -> Result<(), Failure> {
    account(capture, worker);
    if quiet {
        worker.idle(time::now(), spooling);
    }
    let sealed = spooling.seal().map_err(Failure::from);
    spooling.failed().and(sealed)
}

fn account(capture: &mut LiveCapture, worker: &mut Worker) {
    let lost = capture.lost();
    worker.ledger().lost("kernel", lost.interface);
    worker.ledger().lost("ring", lost.ring);
}

/// What signals ask for.
struct Signals {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    /// Where the delivering thread takes a renewed policy from.
    renewed: Renewed,
}

/// Set by SIGHUP.
fn reload_flag() -> Result<Arc<AtomicBool>, Failure> {
    let reload = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGHUP, reload.clone())?;
    Ok(reload)
}

/// Set by SIGINT and SIGTERM. A second one ends the process at once.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}
