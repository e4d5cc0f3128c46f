//! One worker in its thread: orders in, what it found out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use rules::catalogue::Catalogue;

use super::batch::Batch;
use crate::output::{Output, Part};
use crate::record::Record;
use crate::worker::{Summary, Worker};

/// What a worker is to do. All workers get the same orders in the same order.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// Frames.
    Frames(Arc<Batch>),
    /// Another source begins.
    Source(Arc<str>),
    /// Another catalogue.
    Catalogue(Arc<Catalogue>),
    /// Time passes without a frame, µs; the sums so far are asked for.
    Idle(i64),
    /// What is over at a time (µs) is to be said, and the sums so far.
    Turn(i64),
    /// Packets were lost before they came here, by place. For the worker that counts what is common.
    Lost(BTreeMap<&'static str, u64>),
    /// Frames and bytes of a link type that cannot be decoded. For the same.
    UnknownLink(u64, u64),
    /// The end.
    Finish,
}

/// What a worker found while it carried out an order.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// What it says, each with the number of the frame in the batch.
    pub(super) said: Vec<(u32, Said)>,
    /// Its sums, where they were asked for.
    pub(super) summary: Option<Box<Summary>>,
}

/// A record, or a part of several.
#[derive(Debug)]
pub(super) enum Said {
    Record(Record),
    Part(Part),
}

/// Gathers what a worker says.
#[derive(Debug, Default)]
struct Gathering {
    frame: u32,
    reply: Reply,
}

impl Output for Gathering {
    fn record(&mut self, record: Record) {
        self.reply.said.push((self.frame, Said::Record(record)));
    }

    fn part(&mut self, part: Part) {
        self.reply.said.push((self.frame, Said::Part(part)));
    }
}

/// Carries out orders until there are no more, or nobody listens.
pub(super) fn work(mut worker: Worker, orders: &Receiver<Order>, replies: &Sender<Reply>) {
    for order in orders {
        let mut out = Gathering::default();
        carry_out(&mut worker, order, &mut out);
        if replies.send(out.reply).is_err() {
            return;
        }
    }
}

fn carry_out(worker: &mut Worker, order: Order, out: &mut Gathering) {
    match order {
        Order::Frames(batch) => {
            for frame in batch.frames() {
                worker.frame(&frame, out);
                out.frame += 1;
            }
        }
        Order::Source(source) => worker.set_source(&source, out),
        Order::Catalogue(catalogue) => worker.set_catalogue(catalogue),
        Order::Idle(time) => {
            worker.idle(time, out);
            out.reply.summary = Some(Box::new(worker.summary()));
        }
        Order::Turn(time) => {
            worker.turn_at(time, out);
            out.reply.summary = Some(Box::new(worker.summary()));
        }
        Order::Lost(lost) => lost.into_iter().for_each(|(place, packets)| worker.lost(place, packets)),
        Order::UnknownLink(frames, bytes) => worker.unknown_link(frames, bytes),
        Order::Finish => {
            worker.finish(out);
            out.reply.summary = Some(Box::new(worker.summary()));
        }
    }
}
