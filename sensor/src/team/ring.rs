//! One ring and its workers in a thread: frames in, what the workers say out. The thread never waits for whoever listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use rules::catalogue::Catalogue;

use super::Workers;
use super::member::Said;
use crate::capture::live::{LiveCapture, LiveError, Next};
use crate::output::{Output, Part};
use crate::record::Record;
use crate::worker::Summary;

/// The longest sleep on an empty ring.
const DOZE: Duration = Duration::from_millis(100);
/// After the end was asked for the ring may still gather: its open block comes with its time-out, 100 ms.
const RETIRE: Duration = Duration::from_millis(250);
/// How long the rest of the ring is read then.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Frames between two looks at the clock.
const STRETCH: u32 = 1024;
/// Between two accounts of what was lost and what is due.
const SECOND: Duration = Duration::from_secs(1);
/// µs by which frames may be late: a block of the ring waits 100 ms, and a busy sensor is a little behind.
const LATE: i64 = 2_000_000;
/// Records of a ring that wait for a listener that is busy, some 60 MiB of them; beyond it the next is lost and counted.
pub(super) const MOST: usize = 65_536;

/// What a ring is asked for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// Another catalogue.
    Catalogue(Arc<Catalogue>),
    /// Packets were lost before the ring was there.
    Lost(&'static str, u64),
    /// The end.
    Stop,
}

/// What a ring tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) ring: usize,
    pub(super) said: Vec<Said>,
    /// All minutes that end up to here (µs) have been said.
    pub(super) until: i64,
    pub(super) summary: Option<Box<Summary>>,
    /// Packets that the interface has received since it was made, when the summary was told.
    pub(super) received: Option<u64>,
    /// The interface went up (true) or down.
    pub(super) turned: Option<(String, bool)>,
    /// Records that were lost since the last time, because nobody listened.
    pub(super) lost: u64,
    /// The ring is at its end, and why if nobody asked for that.
    pub(super) ended: Option<Result<(), LiveError>>,
}

/// A ring at work.
pub(super) struct Ring {
    /// The first ring of its interface: the interface counts what it lost for all of them.
    pub(super) leads: bool,
    pub(super) capture: LiveCapture,
    pub(super) workers: Workers,
    pub(super) asked: Receiver<Ask>,
    pub(super) out: Telling,
}

/// What the workers said and nobody has taken yet.
pub(super) struct Telling {
    pub(super) listener: Sender<Told>,
    pub(super) next: Told,
    /// Records that the listener has not taken yet, here and under way.
    pub(super) waiting: Arc<AtomicUsize>,
}

impl Output for Telling {
    fn record(&mut self, record: Record) {
        self.say(Said::Record(record));
    }

    fn part(&mut self, part: Part) {
        self.say(Said::Part(part));
    }
}

impl Telling {
    fn say(&mut self, said: Said) {
        // Sums are few and never lost.
        if matches!(said, Said::Part(_)) {
            self.next.said.push(said);
        } else if self.waiting.load(Ordering::Relaxed) < MOST {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            self.next.said.push(said);
        } else {
            self.next.lost += 1;
        }
    }

    /// Hands over what there is, unless the listener is busy.
    pub(super) fn tell(&mut self) {
        let Told { ring, until, .. } = self.next;
        let next = std::mem::replace(&mut self.next, Told { ring, until, ..Told::default() });
        if let Err(TrySendError::Full(back)) = self.listener.try_send(next) {
            self.next = back;
        }
    }
}

impl Ring {
    /// Works until it is asked to stop, or the interface goes. All flows are ended in either case.
    pub(super) fn run(mut self) {
        let ended = self.watch();
        self.account();
        self.workers.finish(&mut self.out);
        let summary = Some(Box::new(self.workers.summary()));
        let next = self.out.next;
        // The last words may wait.
        let _ = self.out.listener.send(Told { summary, until: i64::MAX, ended: Some(ended), ..next });
    }

    fn watch(&mut self) -> Result<(), LiveError> {
        let (mut second, mut stopping, mut frames) = (Instant::now(), None::<Instant>, 0_u32);
        loop {
            let quiet = match self.capture.next_frame()? {
                Next::Frame(frame) => {
                    self.workers.frame_at_once(&frame, &mut self.out);
                    frames = frames.wrapping_add(1);
                    false
                }
                Next::Quiet => true,
            };
            if !quiet && !frames.is_multiple_of(STRETCH) {
                continue;
            }
            match self.asked.try_recv() {
                Ok(Ask::Catalogue(catalogue)) => self.workers.set_catalogue(catalogue, &mut self.out),
                Ok(Ask::Lost(place, packets)) => self.workers.lost(place, packets, &mut self.out),
                // Whoever is gone asks for nothing more.
                Ok(Ask::Stop) | Err(crossbeam_channel::TryRecvError::Disconnected) => {
                    stopping.get_or_insert_with(Instant::now);
                }
                Err(crossbeam_channel::TryRecvError::Empty) => {}
            }
            if stopping.is_some_and(|since| quiet && since.elapsed() >= RETIRE || since.elapsed() >= LAST_LOOK) {
                return Ok(());
            }
            if second.elapsed() >= SECOND {
                second = Instant::now();
                self.housekeep(quiet);
            }
            if quiet {
                self.workers.hear(&mut self.out);
                self.out.tell();
                self.capture.wait(DOZE);
            }
        }
    }

    /// Once a second: losses into the ledger, what is due to whoever listens.
    fn housekeep(&mut self, quiet: bool) {
        self.account();
        let now = now();
        match quiet {
            true => self.workers.idle(now, &mut self.out),
            false => self.workers.turn(now.saturating_sub(LATE), &mut self.out),
        }
        self.out.next.until = now.saturating_sub(LATE);
        self.out.next.received = self.capture.received();
        self.out.next.summary = Some(Box::new(self.workers.summary()));
        self.out.tell();
    }

    fn account(&mut self) {
        if let Some(up) = self.capture.turned().filter(|_| self.leads) {
            self.out.next.turned = Some((self.capture.interface().to_owned(), up));
        }
        let lost = self.capture.lost();
        let interface = if self.leads { lost.interface } else { 0 };
        self.workers.lost("kernel", interface, &mut self.out);
        self.workers.lost("ring", lost.ring, &mut self.out);
    }
}

/// The computer's time, µs.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
