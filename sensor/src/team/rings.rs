//! All rings of a sensor, and what they say as one.
//!
//! Each ring counts its own part of a minute. A minute is given out when every ring is past it, so that it is written
//! once.

use std::sync::Arc;
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

/// What rings have told and nobody has taken yet: a few hundred a second at most.
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
    asks: Sender<Ask>,
    thread: Option<JoinHandle<()>>,
    until: i64,
    summary: Summary,
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
            let out = Telling { listener: listener.clone(), next };
            let ring = Ring { leads, capture, workers, asked, out };
            let thread = thread::Builder::new().name(format!("ring {number}")).spawn(move || ring.run())?;
            let summary = Summary::default();
            rings.push(Handle { asks, thread: Some(thread), until: i64::MIN, summary, ended: false });
        }
        Ok(Self { told, rings, parts: Vec::new(), lost: 0, turned: Vec::new(), failure: None })
    }

    /// Gives out what was said, for so long. False when all rings have ended.
    pub fn hear(&mut self, time: Duration, out: &mut impl Output) -> bool {
        let until = Instant::now() + time;
        while !self.rings.iter().all(|ring| ring.ended) {
            match self.told.recv_deadline(until) {
                Ok(told) => self.take(told, out),
                Err(RecvTimeoutError::Timeout) => {
                    self.rings.iter_mut().filter(|ring| !ring.ended).for_each(Handle::check);
                    return true;
                }
                Err(RecvTimeoutError::Disconnected) => break,
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
        let Told { ring, said, until, summary, turned, lost, ended } = told;
        self.lost += lost;
        self.turned.extend(turned);
        for said in said {
            match said {
                Said::Record(record) => out.record(record),
                Said::Part(part) => gather(&mut self.parts, part),
            }
        }
        if let Some(handle) = self.rings.get_mut(ring) {
            handle.until = handle.until.max(until);
            handle.ended |= ended.is_some();
            if let Some(summary) = summary {
                handle.summary = *summary;
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
