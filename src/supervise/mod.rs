//! `run` as the parent of `sense` and `deliver`: starts them, starts each again alone, ends them in order.
//!
//! Between parent and child is a pair of sockets, the child's end in place of its standard input. The child writes one
//! byte when its start is done. It ends when the parent's end is closed, which a killed parent's is as well.

mod asked;
mod half;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::exit::Failure;
pub(crate) use asked::Asked;
pub(crate) use half::Half;

/// Between two looks at the children and the signals.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the halves until a signal comes, and ends them in their order. One that fails before it was ever ready ends
/// all: its command line, configuration or rights are wrong, and it has said so. Later its failure is an accident.
pub(crate) fn supervise(halves: &mut [Half]) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let begun = begin(halves, &signals);
    if let Ok(Going::On) = begun {
        keep(halves, &signals);
    }
    let mut at_once = false;
    let ended: Vec<_> = halves.iter_mut().map(|half| end(half, &signals, &mut at_once)).collect();
    ended.into_iter().fold(begun.map(|_| ()), Result::and)
}

enum Going {
    On,
    ToTheEnd,
}

/// One after the other, each when the one before is ready; those that are get what they need meanwhile.
fn begin(halves: &mut [Half], signals: &Signals) -> Result<Going, Failure> {
    for at in 0..halves.len() {
        let (earlier, rest) = halves.split_at_mut(at);
        let Some(half) = rest.first_mut() else { break };
        half.start()?;
        while !half.is_ready() {
            if signals.stop() {
                return Ok(Going::ToTheEnd);
            }
            if let Some(ended) = half.ended()? {
                return Err(ended.failure());
            }
            earlier.iter_mut().for_each(|half| half.tend(false));
            thread::sleep(LOOK);
        }
    }
    Ok(Going::On)
}

fn keep(halves: &mut [Half], signals: &Signals) {
    while !signals.stop() {
        let reload = signals.reload();
        for half in halves.iter_mut() {
            half.tend(reload);
        }
        thread::sleep(LOOK);
    }
}

/// Lets a half end by itself; after a further signal it and those behind it end at once.
fn end(half: &mut Half, signals: &Signals, at_once: &mut bool) -> Result<(), Failure> {
    half.let_go();
    loop {
        if let Some(ended) = half.ended()? {
            return if ended.well() { Ok(()) } else { Err(ended.failure()) };
        }
        if half.is_down() {
            return half.left();
        }
        *at_once |= signals.stop();
        if *at_once {
            half.kill();
        }
        thread::sleep(LOOK);
    }
}

/// What signals ask of `run`.
struct Signals {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let signals = Self { stop: Arc::default(), reload: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, signals.stop.clone())?;
        }
        signal_hook::flag::register(SIGHUP, signals.reload.clone())?;
        Ok(signals)
    }

    /// True once for each signal.
    fn stop(&self) -> bool {
        self.stop.swap(false, Ordering::Relaxed)
    }

    fn reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }
}
