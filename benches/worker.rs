//! The packet path on a recorded office week: reading alone, reading and decoding, and the whole worker.
//!
//!     cargo bench --bench worker
//!
//! Divide by the capture's 26,018 packets for the cost of one. `SHADOWTAP_BENCH=FILE` takes another capture.

#![allow(clippy::expect_used, reason = "a benchmark without its capture is no benchmark")]

use std::path::PathBuf;
use std::sync::Arc;

use divan::{Bencher, black_box, counter::ItemsCount};
use rules::catalogue::Catalogue;
use sensor::capture::file::CaptureFile;
use sensor::decode::decode;
use sensor::output::Output;
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

fn main() {
    divan::main();
}

/// Counts what it is given and forgets it.
#[derive(Default)]
struct Sink(u64);

impl Output for Sink {
    fn record(&mut self, record: Record) {
        black_box(record);
        self.0 += 1;
    }
}

fn capture() -> PathBuf {
    let default = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/pcaps/office-week.pcap"));
    std::env::var_os("SHADOWTAP_BENCH").map_or_else(default, PathBuf::from)
}

/// Feeds every frame of the capture to `act`; gives their number.
fn frames(mut act: impl FnMut(&sensor::capture::Frame<'_>)) -> u64 {
    let mut file = CaptureFile::open(&capture()).expect("the capture");
    let mut n = 0;
    while let Some(frame) = file.next_frame().expect("a frame") {
        act(&frame);
        n += 1;
    }
    n
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let packets = frames(|_| ());
    bencher.counter(ItemsCount::new(packets)).bench(|| frames(|frame| _ = black_box(frame.time)));
}

#[divan::bench]
fn read_and_decode(bencher: Bencher<'_, '_>) {
    let packets = frames(|_| ());
    bencher.counter(ItemsCount::new(packets)).bench(|| frames(|frame| _ = black_box(decode(frame))));
}

#[divan::bench]
fn whole_worker(bencher: Bencher<'_, '_>) {
    let packets = frames(|_| ());
    let catalogue = Arc::new(Catalogue::builtin());
    bencher.counter(ItemsCount::new(packets)).bench(|| {
        let (mut worker, mut sink) = (Worker::new(WorkerConfig::new(catalogue.clone())), Sink::default());
        frames(|frame| worker.frame(frame, &mut sink));
        worker.finish(&mut sink);
        sink.0
    });
}
