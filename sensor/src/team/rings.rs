//! All rings of a sensor, and what they say as one.
//!
//! Each ring counts its own part of a minute. A minute is given out when every ring is past it, so that it is written
//! once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use rules::catalogue::Catalogue;

use super::Workers;
use super::member::Said;
use super::merge::gather;
use super::ring::{Ask, Ring, Telling, Told};
use crate::capture::live::{LiveCapture, LiveError, Next};
use crate::decode::{Decoded, decode};
use crate::output::{Output, Part};
use crate::worker::{Knowledge, Summary, Worker, WorkerConfig};

/// What rings have told and nobody has taken yet: a few hundred a second at most. What is in it is bounded by [`MOST`].
///
/// [`MOST`]: super::ring::MOST
const TOLD: usize = 1024;

/// Frames that tell whether a mirror is in tunnels.
const SAMPLE: u32 = 4_096;

/// Whether most of what comes is in tunnels, as ERSPAN and VXLAN mirrors are: the kernel sees one flow in it, and cannot
/// deal it out. Looks at what comes for so long; that is not worked on. Nothing at all is no tunnel.
///
/// # Errors
/// An interface that cannot be read.
pub fn is_tunnelled(capture: &mut LiveCapture, at_most: Duration) -> Result<bool, LiveError> {
    let until = Instant::now() + at_most;
    let (mut packets, mut tunnelled) = (0_u32, 0_u32);
    while packets < SAMPLE && Instant::now() < until {
        match capture.next_frame()? {
            Next::Quiet => capture.wait(until.saturating_duration_since(Instant::now())),
            Next::Frame(frame) => {
                if let Decoded::Packet(packet) = decode(&frame) {
                    packets += 1;
                    tunnelled += u32::from(packet.link.tunnelled);
                }
            }
        }
    }
    Ok(tunnelled > packets / 2)
}

/// Rings in threads of their own.
pub struct Rings {
    told: Receiver<Told>,
    rings: Vec<Handle>,
    parts: Vec<Part>,
    /// Records that were lost because nobody took them in time.
    lost: u64,
    /// Interfaces that went up (true) or down.
    turned: Vec<(String, bool)>,
    failure: Option<LiveError>,
}

struct Handle {
    /// The first ring of its interface.
    leads: bool,
    asks: Sender<Ask>,
    thread: Option<JoinHandle<()>>,
    until: i64,
    summary: Summary,
    received: Option<u64>,
    /// Its records that were not taken yet.
    waiting: Arc<AtomicUsize>,
    ended: bool,
}

impl Rings {
    /// Begins to work on rings among which the kernel deals out flows: one worker for each, which share what they know.
    /// Of one ring alone all frames go to `workers`, which share nothing.
    ///
    /// # Errors
    /// A thread that the system refuses.
    pub fn start(captures: Vec<LiveCapture>, config: &WorkerConfig, workers: u32) -> std::io::Result<Self> {
        let (listener, told) = bounded(TOLD);
        let (known, alone) = (Arc::new(Knowledge::default()), captures.len() == 1);
        let (share, limits) = (captures.len().max(1), config.clone());
        let each =
            WorkerConfig { max_flows: limits.max_flows / share, max_held: limits.max_held / share, ..limits };
        let (mut rings, mut interfaces) = (Vec::new(), Vec::new());
        for (number, capture) in captures.into_iter().enumerate() {
            let workers = match alone {
                true => Workers::new(config, workers),
                false => Workers::One(Box::new(Worker::sharing(each.clone(), known.clone()))),
            };
            let leads = !interfaces.iter().any(|name| name == capture.interface());
            interfaces.push(capture.interface().to_owned());
            let (asks, asked) = unbounded();
            let next = Told { ring: number, until: i64::MIN, ..Told::default() };
            let waiting = Arc::<AtomicUsize>::default();
            let out = Telling { listener: listener.clone(), next, waiting: waiting.clone() };
            let ring = Ring { leads, capture, workers, asked, out };
            let thread = thread::Builder::new().name(format!("ring {number}")).spawn(move || ring.run())?;
            rings.push(Handle { thread: Some(thread), ..Handle::new(leads, asks, waiting) });
        }
        Ok(Self { told, rings, parts: Vec::new(), lost: 0, turned: Vec::new(), failure: None })
    }

    /// Gives out what was said, for so long, however much it is. False when all rings have ended.
    pub fn hear(&mut self, time: Duration, out: &mut impl Output) -> bool {
        let until = Instant::now() + time;
        while !self.rings.iter().all(|ring| ring.ended) {
            match self.told.recv_deadline(until) {
                Ok(told) => self.take(told, out),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= until {
                self.rings.iter_mut().filter(|ring| !ring.ended).for_each(Handle::check);
                return true;
            }
        }
        self.parts.drain(..).for_each(|part| out.part(part));
        self.rings.iter_mut().for_each(Handle::join);
        false
    }

    /// Tags new flows by another catalogue from now on.
    pub fn set_catalogue(&self, catalogue: &Arc<Catalogue>) {
        self.rings.iter().for_each(|ring| ring.ask(Ask::Catalogue(catalogue.clone())));
    }

    /// Notes packets that were lost at `place` before the rings were there.
    pub fn lost(&self, place: &'static str, packets: u64) {
        if let Some(ring) = self.rings.first() {
            ring.ask(Ask::Lost(place, packets));
        }
    }

    /// Asks all rings to end; [`Self::hear`] gives the rest.
    pub fn stop(&self) {
        self.rings.iter().for_each(|ring| ring.ask(Ask::Stop));
    }

    /// Sums as of a second ago.
    pub fn summary(&self) -> Summary {
        let mut sum = Summary::default();
        self.rings.iter().for_each(|ring| sum.join(&ring.summary));
        sum
    }

    /// Packets that the interfaces have received, each counted once, as of a second ago; absent where one does not tell.
    pub fn received(&self) -> Option<u64> {
        self.rings.iter().filter(|ring| ring.leads).map(|ring| ring.received).sum()
    }

    /// Records that were lost since it was last asked, because nobody took them in time.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Interfaces that went up (true) or down since it was last asked.
    pub fn take_turned(&mut self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.turned)
    }

    /// Why a ring ended that nobody had asked to.
    ///
    /// # Errors
    /// The first ring's trouble.
    pub fn failed(&mut self) -> Result<(), LiveError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn take(&mut self, told: Told, out: &mut impl Output) {
        let Told { ring, said, until, summary, received, turned, lost, ended } = told;
        self.lost += lost;
        self.turned.extend(turned);
        let mut records = 0;
        for said in said {
            match said {
                Said::Record(record) => {
                    records += 1;
                    out.record(record);
                }
                Said::Part(part) => gather(&mut self.parts, part),
            }
        }
        if let Some(handle) = self.rings.get_mut(ring) {
            handle.waiting.fetch_sub(records, Ordering::Relaxed);
            // The computer's clock may have been set back: its minutes come a second time, and have to be waited for again.
            handle.until = until;
            handle.ended |= ended.is_some();
            if let Some(summary) = summary {
                handle.summary = *summary;
                // Nothing is known of an interface that is gone.
                handle.received = received.or(handle.received);
            }
        }
        if let Some(Err(error)) = ended {
            self.failure.get_or_insert(error);
            // One that is blind counts for all: what is not whole is not reported as whole.
            self.stop();
        }
        let past = self.rings.iter().map(|ring| ring.until).min().unwrap_or(i64::MAX);
        let alone = self.rings.len() == 1;
        self.parts.extract_if(.., |part| alone || part.end() <= past).for_each(|part| out.part(part));
    }
}

impl Handle {
    fn new(leads: bool, asks: Sender<Ask>, waiting: Arc<AtomicUsize>) -> Self {
        let (until, summary) = (i64::MIN, Summary::default());
        Self { leads, asks, thread: None, until, summary, received: None, waiting, ended: false }
    }

    /// A thread that ended without a last word has panicked.
    fn check(&mut self) {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join();
        }
    }

    fn join(&mut self) {
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }

    fn ask(&self, ask: Ask) {
        // A ring that has ended hears nothing.
        let _ = self.asks.send(ask);
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::MOST;
    use super::*;
    use crate::capture::{Frame, LinkType};
    use crate::ledger::MINUTE;
    use crate::record::Record;

    #[derive(Default)]
    struct Seen {
        records: Vec<Record>,
        parts: Vec<Part>,
    }

    impl Output for Seen {
        fn record(&mut self, record: Record) {
            self.records.push(record);
        }

        fn part(&mut self, part: Part) {
            self.parts.push(part);
        }
    }

    impl Seen {
        /// Minute and frames of each minute that was given out.
        fn minutes(&mut self) -> Vec<(i64, u64)> {
            let minute = |record| match record {
                Record::Minute(minute) => Some((minute.minute / MINUTE, minute.frames)),
                _ => None,
            };
            self.parts.drain(..).flat_map(Part::records).filter_map(minute).collect()
        }
    }

    /// So many rings without a thread, and who tells for them.
    fn rings(count: usize) -> (Rings, Vec<Telling>) {
        let (listener, told) = bounded(TOLD);
        let (mut rings, mut tellings) = (Vec::new(), Vec::new());
        for ring in 0..count {
            let waiting = Arc::<AtomicUsize>::default();
            let next = Told { ring, until: i64::MIN, ..Told::default() };
            tellings.push(Telling { listener: listener.clone(), next, waiting: waiting.clone() });
            rings.push(Handle::new(ring == 0, unbounded().0, waiting));
        }
        (Rings { told, rings, parts: Vec::new(), lost: 0, turned: Vec::new(), failure: None }, tellings)
    }

    /// What a ring counted that had one frame in the minute.
    fn part(minute: i64) -> Part {
        let mut worker = Worker::new(WorkerConfig::new(Arc::new(rules::catalogue::Catalogue::builtin())));
        let mut out = Seen::default();
        worker.frame(&Frame { time: minute * MINUTE, data: &[0; 9], wire_len: 9, link: LinkType::RawIp }, &mut out);
        worker.finish(&mut out);
        let minute = |part: &Part| part.end() == (minute + 1) * MINUTE;
        out.parts.into_iter().find(minute).unwrap()
    }

    fn tell(telling: &mut Telling, until: i64, parts: impl IntoIterator<Item = i64>) {
        parts.into_iter().for_each(|minute| telling.part(part(minute)));
        telling.next.until = until * MINUTE;
        telling.tell();
    }

    #[test]
    fn a_minute_waits_for_every_ring() {
        let (mut rings, mut tellings) = rings(2);
        let mut out = Seen::default();
        tell(&mut tellings[0], 601, [600]);
        assert!(rings.hear(Duration::ZERO, &mut out) && out.parts.is_empty());
        tell(&mut tellings[1], 601, [600]);
        rings.hear(Duration::ZERO, &mut out);
        assert_eq!(out.minutes(), [(600, 2)]);
        tell(&mut tellings[1], 602, []);
        tell(&mut tellings[0], 602, [601]);
        while !rings.told.is_empty() {
            rings.hear(Duration::ZERO, &mut out);
        }
        assert_eq!(out.minutes(), [(601, 1)], "one that had nothing in it says nothing");
    }

    /// Minutes that come a second time wait for every ring as well.
    #[test]
    fn a_clock_that_is_set_back_splits_no_minute() {
        let (mut rings, mut tellings) = rings(2);
        let mut out = Seen::default();
        for (until, parts) in [(600, None), (540, None), (541, Some(540))] {
            for telling in &mut tellings {
                tell(telling, until, parts);
                rings.hear(Duration::ZERO, &mut out);
            }
        }
        assert_eq!(out.minutes(), [(540, 2)]);
    }

    /// What a ring sees alone, with a clock that all of them have.
    #[test]
    fn a_step_of_the_clock_is_one_however_many_rings_see_it() {
        let stepped = || {
            let mut summary = Summary::default();
            (summary.counts.clock_steps, summary.counts.frames) = (1, 5);
            summary
        };
        let (mut rings, _) = rings(3);
        rings.rings.iter_mut().for_each(|ring| ring.summary = stepped());
        let counts = rings.summary().counts;
        assert_eq!((counts.clock_steps, counts.frames), (1, 15));
    }

    /// However much they tell, whoever listens can do something else in between: write, and end.
    #[test]
    fn rings_that_tell_without_end_are_not_listened_to_without_end() {
        let (mut rings, mut tellings) = rings(1);
        (0..TOLD).for_each(|_| tellings[0].tell());
        assert!(rings.hear(Duration::ZERO, &mut Seen::default()));
        assert!(rings.told.len() > TOLD / 2, "{} left", rings.told.len());
    }

    #[test]
    fn what_waits_for_a_busy_listener_is_bounded_and_the_rest_counted() {
        let (mut rings, mut tellings) = rings(2);
        for telling in &mut tellings {
            for n in 0..2 * MOST {
                telling.record(Record::Minute(Box::default()));
                if n % 1_000 == 0 {
                    telling.tell();
                }
            }
            telling.part(part(1));
            telling.tell();
        }
        let mut out = Seen::default();
        while !rings.told.is_empty() {
            rings.hear(Duration::ZERO, &mut out);
        }
        assert_eq!((out.records.len(), rings.take_lost() as usize), (2 * MOST, 2 * MOST));
        tellings[0].record(Record::Minute(Box::default()));
        assert_eq!(tellings[0].next.lost, 0, "there is room again");
    }
}
