//! The loop of `sense`: frames to the worker, its records to the spool, once a second the rest.

use std::time::{Duration, Instant};

use sensor::capture::live::{LiveCapture, Next};
use sensor::worker::Worker;

use crate::exit::Failure;
use crate::rules_files::Rules;
use crate::spooling::Spooling;
use crate::supervise::Asked;
use crate::terminal;
use crate::time;

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

/// Reads frames until somebody asks for the end or the interface goes; always ends all flows and seals the spool.
pub(crate) fn sense(
    capture: &mut LiveCapture,
    mut worker: Worker,
    spooling: &mut Spooling,
    rules: &Rules,
    asked: &Asked,
) -> (Worker, Result<(), Failure>) {
    let mut result = Ok(());
    let mut said = String::new();
    let (mut sealed, mut ending, mut frames) = (Instant::now(), None, 0_u32);
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
        if asked.to_stop() {
            let since: Instant = *ending.get_or_insert_with(Instant::now);
            if quiet && since.elapsed() >= RETIRE || since.elapsed() >= LAST_LOOK {
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
            look_at(capture);
            if asked.to_reload() {
                reload(rules, &mut worker);
            }
        }
    }
    account(capture, &mut worker);
    worker.finish(spooling);
    let closed = spooling.finish().map_err(Failure::from).and_then(|()| spooling.failed());
    (worker, result.and(closed))
}

/// Puts changed catalogue files in force without losing a packet: the ring gathers meanwhile.
fn reload(rules: &Rules, worker: &mut Worker) {
    rules.reload();
    let catalogue = rules.current();
    terminal::note(&format!("catalogue {} in force, {} services", catalogue.version(), catalogue.services().len()));
    worker.set_catalogue(catalogue);
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

/// Says that there is nothing to be read for a while, and that there is again.
fn look_at(capture: &mut LiveCapture) {
    match capture.turned() {
        Some(false) => terminal::warning(&format!(
            "interface {} is down: no packets until somebody brings it up (ip link set {0} up)",
            capture.interface()
        )),
        Some(true) => terminal::note(&format!("interface {} is up again", capture.interface())),
        None => {}
    }
}

fn account(capture: &mut LiveCapture, worker: &mut Worker) {
    let lost = capture.lost();
    worker.ledger().lost("kernel", lost.interface);
    worker.ledger().lost("ring", lost.ring);
}
