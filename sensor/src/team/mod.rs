//! Several workers on the same frames, in threads of their own.
//!
//! A reader hands batches of frames to all workers, and each works for its own clients ([`Share`]): what it takes to see
//! whose a packet is, every worker does. Whatever concerns all clients (the clock, minutes, who has which address, names
//! outside of encrypted hellos) every worker sees in the same order, so nothing is shared and nothing is locked, and
//! what comes out is what one worker gives: `merge` joins it.

mod batch;
mod member;
mod merge;
#[cfg(feature = "live")]
mod ring;
#[cfg(feature = "live")]
mod rings;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use rules::catalogue::Catalogue;

use crate::capture::Frame;
use crate::output::Output;
use crate::worker::{Share, Summary, Worker, WorkerConfig};
use batch::Batch;
use member::{Order, Reply};
use merge::Merge;
#[cfg(feature = "live")]
pub use rings::{Rings, is_tunnelled};

/// Orders that wait for a worker: enough that one that is slow for a moment holds up nobody, and some MiB.
const AHEAD: usize = 16;
/// Of these for what is said once a second, where nobody may be waited for: a batch that was not full, what was lost, the
/// time.
const SPARE: usize = 3;

/// One worker or several, used like one.
#[derive(Debug)]
pub enum Workers {
    /// In the caller's thread.
    One(Box<Worker>),
    /// Each in its own.
    Team(Box<Team>),
}

/// Workers in threads.
#[derive(Debug)]
pub struct Team {
    members: Vec<Member>,
    /// Frames that wait for their batch to be full.
    open: Batch,
    /// Orders without all replies yet; with the batch, which is used again.
    under_way: VecDeque<Option<Arc<Batch>>>,
    spare: Vec<Batch>,
    merge: Merge,
    summary: Summary,
    /// Packets that were lost since workers were told, by place: before they came here, or because workers were behind.
    lost: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct Member {
    orders: Sender<Order>,
    replies: Receiver<Reply>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// So many workers; one needs no thread.
    pub fn new(config: &WorkerConfig, workers: u32) -> Self {
        match workers {
            0 | 1 => Self::One(Box::new(Worker::new(config.clone()))),
            _ => Self::Team(Box::new(Team::new(config, workers))),
        }
    }

    /// Takes one frame in. Waits for workers that are behind.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.frame(frame, out),
            Self::Team(team) => team.frame(frame, out),
        }
    }

    /// The same, for frames that do not wait: when workers are behind, a batch is lost and counted (`queue`).
    #[inline]
    pub fn frame_at_once(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.frame(frame, out),
            Self::Team(team) => team.frame_at_once(frame, out),
        }
    }

    /// Begins another source: see [`Worker::set_source`].
    pub fn set_source(&mut self, source: &str, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.set_source(source, out),
            Self::Team(team) => team.order(&Order::Source(source.into()), out),
        }
    }

    /// Tags new flows by another catalogue from now on.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.set_catalogue(catalogue),
            Self::Team(team) => team.order(&Order::Catalogue(catalogue), out),
        }
    }

    /// Lets time pass while nothing arrives: see [`Worker::idle`]. Waits for nobody: of workers that are behind, frames move the
    /// time.
    pub fn idle(&mut self, time: i64, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.idle(time, out),
            Self::Team(team) => team.order_at_once(&Order::Idle(time), out),
        }
    }

    /// Ends what is over at `time` while frames still come: see [`Worker::turn_at`]. Waits as little as [`Self::idle`].
    pub fn turn(&mut self, time: i64, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.turn_at(time, out),
            Self::Team(team) => team.order_at_once(&Order::Turn(time), out),
        }
    }

    /// Notes packets that were lost at `place` before they came here.
    pub fn lost(&mut self, place: &'static str, packets: u64, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.lost(place, packets),
            Self::Team(team) => {
                team.lost(place, packets);
                team.hear(out);
            }
        }
    }

    /// Notes frames of interfaces whose link type cannot be decoded.
    pub fn unknown_link(&mut self, frames: u64, bytes: u64, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.unknown_link(frames, bytes),
            Self::Team(team) if frames > 0 => team.order(&Order::UnknownLink(frames, bytes), out),
            Self::Team(_) => {}
        }
    }

    /// Gives out what workers have said by now. To be asked from time to time while frames are few.
    pub fn hear(&mut self, out: &mut impl Output) {
        if let Self::Team(team) = self {
            team.hear(out);
            if team.under_way.len() + SPARE <= AHEAD {
                team.flush(out);
            }
        }
    }

    /// Ends all flows and the open minute, as at the end of a capture.
    pub fn finish(&mut self, out: &mut impl Output) {
        match self {
            Self::One(worker) => worker.finish(out),
            Self::Team(team) => {
                team.order(&Order::Finish, out);
                while !team.under_way.is_empty() {
                    team.wait(out);
                }
            }
        }
    }

    /// The sums since the start: of a team as of the last time that [`Self::idle`] or [`Self::turn`] was asked, and at the end.
    pub fn summary(&self) -> Summary {
        match self {
            Self::One(worker) => worker.summary(),
            Self::Team(team) => team.summary.clone(),
        }
    }
}

impl Team {
    fn new(config: &WorkerConfig, workers: u32) -> Self {
        let member = |share: Share| Member::start(Worker::new(WorkerConfig { share, ..config.clone() }));
        Self {
            members: Share::of(workers).map(member).collect(),
            open: Batch::default(),
            under_way: VecDeque::new(),
            spare: Vec::new(),
            merge: Merge::default(),
            summary: Summary::default(),
            lost: BTreeMap::new(),
        }
    }

    #[inline]
    fn frame(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        self.open.push(frame);
        if self.open.is_full() {
            self.flush(out);
            self.hear(out);
        }
    }

    #[inline]
    fn frame_at_once(&mut self, frame: &Frame<'_>, out: &mut impl Output) {
        self.open.push(frame);
        if self.open.is_full() {
            self.hear(out);
            if self.under_way.len() + 2 * SPARE <= AHEAD {
                self.flush(out);
            } else {
                self.lost("queue", self.open.len() as u64);
                self.open.clear();
            }
        }
    }

    /// Workers are told of it with the next frames.
    fn lost(&mut self, place: &'static str, packets: u64) {
        if packets > 0 {
            *self.lost.entry(place).or_default() += packets;
        }
    }

    /// Hands over the open batch, and what was lost.
    fn flush(&mut self, out: &mut impl Output) {
        if self.open.len() > 0 {
            let next = self.spare.pop().unwrap_or_default();
            let batch = Arc::new(std::mem::replace(&mut self.open, next));
            self.send(&Order::Frames(batch.clone()), Some(batch), out);
        }
        if !self.lost.is_empty() {
            let lost = std::mem::take(&mut self.lost);
            self.send(&Order::Lost(lost), None, out);
        }
    }

    /// Gives an order behind all frames so far.
    fn order(&mut self, order: &Order, out: &mut impl Output) {
        self.flush(out);
        self.send(order, None, out);
    }

    /// The same where nobody may be waited for: not at all when workers have stood still for a second.
    fn order_at_once(&mut self, order: &Order, out: &mut impl Output) {
        self.hear(out);
        if self.under_way.len() + SPARE <= AHEAD {
            self.order(order, out);
        }
    }

    fn send(&mut self, order: &Order, batch: Option<Arc<Batch>>, out: &mut impl Output) {
        if self.under_way.len() >= AHEAD {
            self.wait(out);
        }
        for member in &self.members {
            member.order(order.clone());
        }
        self.under_way.push_back(batch);
    }

    /// Gives out what all workers have said already.
    fn hear(&mut self, out: &mut impl Output) {
        while !self.under_way.is_empty() && self.members.iter().all(Member::has_replied) {
            self.wait(out);
        }
    }

    /// Waits for what all workers say to the oldest order.
    fn wait(&mut self, out: &mut impl Output) {
        let mut replies: Vec<Reply> = self.members.iter_mut().map(Member::reply).collect();
        let summaries: Vec<_> = replies.iter_mut().filter_map(|reply| reply.summary.take()).collect();
        if !summaries.is_empty() {
            self.summary = Summary::default();
            summaries.iter().for_each(|summary| self.summary.join(summary));
        }
        self.merge.replies(replies, out);
        if let Some(mut batch) = self.under_way.pop_front().flatten().and_then(Arc::into_inner) {
            batch.clear();
            self.spare.push(batch);
        }
    }
}

impl Member {
    fn start(worker: Worker) -> Self {
        // Every order under way has its place in both, so neither a worker nor its caller ever waits to say something.
        let (orders, inbox) = bounded(AHEAD);
        let (outbox, replies) = bounded(AHEAD);
        let thread = thread::spawn(move || member::work(worker, &inbox, &outbox));
        Self { orders, replies, thread: Some(thread) }
    }

    fn order(&self, order: Order) {
        // A worker that is gone is told of in `reply`.
        let _ = self.orders.send(order);
    }

    /// True when nobody has to wait for what it says, be it that its thread has panicked.
    fn has_replied(&self) -> bool {
        !self.replies.is_empty() || self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    fn reply(&mut self) -> Reply {
        if let Ok(reply) = self.replies.recv() {
            return reply;
        }
        // Its thread has panicked: so does this one, with the same words.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        Reply::default()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Its orders end with the channel.
        self.orders = bounded(0).0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
