//! Delivery beside a live sensor: a thread for each part, so that a store that hangs delays no finding, and a SIEM that
//! hangs delays nothing but its own events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use ingest::deliver::{Delivered, Failure as PartFailure, Judging, Parts, Sinking, Storing};
use ingest::store::clickhouse::Patience;

use super::{Changing, Delivery, Warned, siem_trouble};
use crate::exit::Failure;
use crate::terminal;
use crate::time;

/// Between two rounds of a part.
const ROUND: Duration = Duration::from_secs(1);

/// The threads that drain the spool while the sensor fills it.
pub(crate) struct Delivering {
    judge: JoinHandle<Result<(), Failure>>,
    /// Store and sinks.
    others: Vec<JoinHandle<Result<(), Failure>>>,
    /// Set when the sensor has written its last record.
    last_facts: Arc<AtomicBool>,
    /// Set when the judge has judged them.
    last_events: Arc<AtomicBool>,
    patience: Patience,
}

impl Delivering {
    /// Starts the threads.
    pub(crate) fn start(delivery: Delivery) -> Result<Self, Failure> {
        let Delivery { deliverer, changing, patience, gather, .. } = delivery;
        let Parts { judging, storing, sinks } = deliverer.parts();
        let (last_facts, last_events) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        patience.set(gather);
        let mut others = vec![spawn("deliver-store", store(storing, last_events.clone()))?];
        for sink in sinks {
            others.push(spawn("deliver-siem", send(sink, last_events.clone()))?);
        }
        let waiting: Vec<Thread> = others.iter().skip(1).map(|other| other.thread().clone()).collect();
        let judge = spawn("deliver-judge", judge(judging, changing, waiting, last_facts.clone()))?;
        Ok(Self { judge, others, last_facts, last_events, patience })
    }

    /// True when a thread has ended although nobody asked it to.
    pub(crate) fn is_over(&self) -> bool {
        self.judge.is_finished() || self.others.iter().any(JoinHandle::is_finished)
    }

    /// Delivers what the sensor left behind, then ends: findings first, so that their events still go out.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.patience.set(Duration::ZERO);
        self.last_facts.store(true, Ordering::Release);
        self.judge.thread().unpark();
        let mut ended = join(self.judge);
        self.last_events.store(true, Ordering::Release);
        self.others.iter().for_each(|other| other.thread().unpark());
        for other in self.others {
            ended = ended.and(join(other));
        }
        ended
    }
}

type Work = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

fn spawn(name: &str, work: Work) -> Result<JoinHandle<Result<(), Failure>>, Failure> {
    Ok(thread::Builder::new().name(name.to_owned()).spawn(work)?)
}

fn join(thread: JoinHandle<Result<(), Failure>>) -> Result<(), Failure> {
    thread.join().unwrap_or_else(|_| Err(Failure::Failed("a delivery thread ended early".to_owned())))
}

/// Facts to findings; whoever sends events is woken after each round.
fn judge(mut part: Judging, mut changing: Changing, sinks: Vec<Thread>, last: Arc<AtomicBool>) -> Work {
    let (mut warned, mut said) = (Warned::default(), Said::default());
    Box::new(move || {
        rounds(&last, move |ending| {
            changing.apply(&mut part);
            let mut delivered = Delivered::default();
            let ended = part.round(Some(time::now()), &mut delivered);
            warned.about(&delivered);
            sinks.iter().for_each(Thread::unpark);
            said.failure(ended, ending)
        })
    })
}

/// Facts to the store.
fn store(mut part: Storing, last: Arc<AtomicBool>) -> Work {
    let (mut warned, mut said) = (Warned::default(), Said::default());
    Box::new(move || {
        rounds(&last, move |ending| {
            let ended = part.round(Some(time::now())).map(|folded| {
                warned.about(&Delivered { store: folded, rejected: folded.rejected, ..Delivered::default() });
            });
            said.failure(ended, ending)
        })
    })
}

/// Events to one sink.
fn send(mut part: Sinking, last: Arc<AtomicBool>) -> Work {
    let mut said = Said::default();
    Box::new(move || {
        rounds(&last, move |ending| match part.round(Some(time::now())) {
            // While a pause is kept nothing is new.
            Ok(report) if report.is_pausing() && !ending => Ok(()),
            Ok(report) => {
                said.text(siem_trouble(&report, ending).unwrap_or_default());
                Ok(())
            }
            Err(failure) => said.failure(Err(failure), ending),
        })
    })
}

/// Rounds until `last` is set, and one more behind it.
fn rounds(last: &AtomicBool, mut round: impl FnMut(bool) -> Result<(), Failure>) -> Result<(), Failure> {
    while !last.load(Ordering::Acquire) {
        round(false)?;
        thread::park_timeout(ROUND);
    }
    round(true)
}

/// Trouble is said once, until other trouble or success takes its place: what waits is not lost.
#[derive(Default)]
struct Said(String);

impl Said {
    fn text(&mut self, trouble: String) {
        if !trouble.is_empty() && trouble != self.0 {
            terminal::warning(&format!("delivery: {trouble}"));
        }
        self.0 = trouble;
    }

    /// A part that failed goes on with the next round; behind the last one it is the end of the command that fails.
    fn failure(&mut self, ended: Result<(), PartFailure>, ending: bool) -> Result<(), Failure> {
        match ended {
            Ok(()) => self.text(String::new()),
            Err(failure) if ending => return Err(failure.into()),
            Err(failure) => self.text(failure.to_string()),
        }
        Ok(())
    }
}
