//! Delivery beside a live sensor: a thread for each part, so that a store that hangs delays no finding, and a SIEM that
//! hangs delays nothing but its own events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use ingest::deliver::{Delivered, Failure as PartFailure, Judging, Parts, Sinking, Storing};
use ingest::store::clickhouse::Patience;

use super::discover::Discovery;
use super::{Changing, Delivery, Warned, siem_trouble};
use crate::exit::Failure;
use crate::health;
use crate::terminal;
use crate::time;
use crate::trouble::Trouble;

/// Between two rounds of a part.
const ROUND: Duration = Duration::from_secs(1);

/// How long store and sinks have for what is left at the end. Whoever stops services kills them after a while (systemd
/// after 90 s); what has not gone by then waits for the next start, as it does after a kill.
const PARTING: Duration = Duration::from_secs(30);
/// Between two looks at whether they are through.
const LOOK: Duration = Duration::from_millis(20);

/// The threads that drain the spool while the sensor fills it.
pub(crate) struct Delivering {
    judge: Part,
    /// Store and sinks.
    others: Vec<Part>,
    /// Set when the sensor has written its last record.
    last_facts: Arc<AtomicBool>,
    /// Set when the judge has judged them.
    last_events: Arc<AtomicBool>,
    patience: Patience,
}

impl Delivering {
    /// Starts the threads, which tell `health` what they do. With a discovery nothing is judged and no event goes out.
    pub(crate) fn start(
        delivery: Delivery,
        health: &health::Parts,
        discovery: Option<Discovery>,
    ) -> Result<Self, Failure> {
        let Delivery { deliverer, changing, patience, gather, .. } = delivery;
        let Parts { judging, storing, sinks } = deliverer.parts();
        let (last_facts, last_events) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        patience.set(gather);
        let begin = |name: &str| health.begin(name);
        let stored = store(storing, last_events.clone(), begin("the store"));
        let mut others = vec![Part::start("the store", true, stored)?];
        let sinks = if discovery.is_some() { Vec::new() } else { sinks };
        for sink in sinks {
            let name = format!("the SIEM {}", sink.name());
            others.push(Part::start(&name, false, send(sink, last_events.clone(), begin(&name)))?);
        }
        let waiting: Vec<Thread> = others.iter().skip(1).map(|sink| sink.thread.thread().clone()).collect();
        let judge = match discovery {
            Some(discovery) => {
                let name = "the inventory";
                let work = discover(judging, changing, discovery, last_facts.clone(), begin(name));
                Part::start(name, true, work)?
            }
            None => {
                let name = "the judge";
                Part::start(name, true, judge(judging, changing, waiting, last_facts.clone(), begin(name)))?
            }
        };
        Ok(Self { judge, others, last_facts, last_events, patience })
    }

    /// The part whose thread has ended although nobody asked it to.
    pub(crate) fn over(&self) -> Option<&str> {
        let mut parts = std::iter::once(&self.judge).chain(&self.others);
        parts.find(|part| part.thread.is_finished()).map(|part| part.name.as_str())
    }

    /// Delivers what the sensor left behind, then ends: findings first, so that their events still go out. Every part
    /// that failed is in the error.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.patience.set(Duration::ZERO);
        self.last_facts.store(true, Ordering::Release);
        self.judge.thread.thread().unpark();
        let judged = self.judge.join();
        self.last_events.store(true, Ordering::Release);
        self.others.iter().for_each(|other| other.thread.thread().unpark());
        let until = Instant::now() + PARTING;
        let others: Vec<_> = self.others.into_iter().map(|other| other.join_by(until)).collect();
        let failed = [judged].into_iter().chain(others).filter_map(|ended| ended.err().map(Failure::into_text));
        match failed.collect::<Vec<_>>() {
            failed if failed.is_empty() => Ok(()),
            failed => Err(Failure::Failed(failed.join("; "))),
        }
    }
}

type Work = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

/// A part of delivery at work.
struct Part {
    name: String,
    /// What it leaves undone is a failure of the command. A SIEM that is down is none.
    must: bool,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Part {
    fn start(name: &str, must: bool, work: Work) -> Result<Self, Failure> {
        // The system shows 15 characters.
        let thread = thread::Builder::new().name(name.trim_start_matches("the ").to_owned()).spawn(work)?;
        Ok(Self { name: name.to_owned(), must, thread })
    }

    fn join(self) -> Result<(), Failure> {
        let early = || Failure::Failed(format!("{}: its thread ended early", self.name));
        self.thread.join().unwrap_or_else(|_| Err(early()))
    }

    /// Waits no longer than that. A part that hangs is left behind: it ends with the process, and what it did not
    /// finish waits as it does after a kill.
    fn join_by(self, until: Instant) -> Result<(), Failure> {
        while !self.thread.is_finished() {
            if Instant::now() >= until {
                return self.left_behind();
            }
            thread::sleep(LOOK);
        }
        self.join()
    }

    fn left_behind(&self) -> Result<(), Failure> {
        let (name, limit) = (&self.name, PARTING.as_secs());
        let text = format!("{name} is not through {limit} s after the end; what waits goes with the next start");
        if self.must {
            return Err(Failure::Failed(text));
        }
        terminal::warning(&text);
        Ok(())
    }
}

/// Facts to findings; whoever sends events is woken after each round.
fn judge(
    mut part: Judging,
    mut changing: Changing,
    sinks: Vec<Thread>,
    last: Arc<AtomicBool>,
    health: health::Part,
) -> Work {
    let (mut warned, mut said) = (Warned::default(), Said::default());
    Box::new(move || {
        rounds(&last, move |ending| {
            changing.apply(&mut part);
            let mut delivered = Delivered::default();
            let ended = part.round(Some(time::now()), &mut delivered);
            warned.about(&delivered);
            sinks.iter().for_each(Thread::unpark);
            health.judged(&delivered);
            said.failure(ended, ending, &health)
        })
    })
}

/// Facts to the inventory, in the judge's place.
fn discover(
    mut part: Judging,
    mut changing: Changing,
    discovery: Discovery,
    last: Arc<AtomicBool>,
    health: health::Part,
) -> Work {
    let mut said = Said::default();
    Box::new(move || {
        rounds(&last, move |ending| {
            changing.apply(&mut part);
            let (segments, ended) = discovery.round(&mut part);
            health.looked(segments);
            said.failure(ended, ending, &health)
        })
    })
}

/// Facts to the store.
fn store(mut part: Storing, last: Arc<AtomicBool>, health: health::Part) -> Work {
    let (mut warned, mut said) = (Warned::default(), Said::default());
    Box::new(move || {
        rounds(&last, move |ending| {
            let ended = part.round(Some(time::now())).map(|folded| {
                health.stored(&folded);
                warned.about(&Delivered { store: folded, rejected: folded.rejected, ..Delivered::default() });
            });
            said.failure(ended, ending, &health)
        })
    })
}

/// Events to one sink.
fn send(mut part: Sinking, last: Arc<AtomicBool>, health: health::Part) -> Work {
    let mut said = Said::default();
    Box::new(move || {
        rounds(&last, move |ending| match part.round(Some(time::now())) {
            Ok(report) => {
                health.sent(&report);
                said.text(&siem_trouble(&report, ending).unwrap_or_default());
                Ok(())
            }
            Err(failure) => said.failure(Err(failure), ending, &health),
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

/// Trouble is said once and then now and again: what waits is not lost.
#[derive(Default)]
struct Said(Trouble);

impl Said {
    fn text(&mut self, trouble: &str) {
        if self.0.is_news(trouble) {
            terminal::warning(&format!("delivery: {trouble}"));
        }
    }

    /// A part that failed goes on with the next round; behind the last one it is the end of the command that fails.
    fn failure(
        &mut self,
        ended: Result<(), PartFailure>,
        ending: bool,
        health: &health::Part,
    ) -> Result<(), Failure> {
        if let Err(failure) = &ended {
            health.failed(&failure.to_string());
        }
        match ended {
            Ok(()) => self.text(""),
            Err(failure) if ending => return Err(failure.into()),
            Err(failure) => self.text(&failure.to_string()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn part(name: &str, work: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Part {
        Part::start(name, name == "the store", Box::new(work)).unwrap()
    }

    #[test]
    fn every_part_that_fails_at_the_end_is_told() {
        let flag = || Arc::new(AtomicBool::new(false));
        let failing = |name: &str, why: &'static str| part(name, move || Err(Failure::Failed(why.to_owned())));
        let delivering = Delivering {
            judge: part("the judge", || Ok(())),
            others: vec![failing("the store", "store: gone"), failing("the SIEM soc", "findings: full")],
            last_facts: flag(),
            last_events: flag(),
            patience: Patience::default(),
        };
        assert_eq!(delivering.finish().unwrap_err().into_text(), "store: gone; findings: full");
    }

    #[test]
    fn a_part_that_hangs_is_left_behind_and_only_the_store_fails_the_command() {
        let (release, hold) = mpsc::channel::<()>();
        let hold = Arc::new(std::sync::Mutex::new(hold));
        let hanging = |name: &str| {
            let hold = hold.clone();
            part(name, move || {
                let _ = hold.lock().unwrap().recv();
                Ok(())
            })
        };
        assert!(hanging("the SIEM soc").join_by(Instant::now()).is_ok());
        let store = hanging("the store").join_by(Instant::now()).unwrap_err().into_text();
        assert!(store.contains("the store is not through"), "{store}");
        drop(release);
    }
}
