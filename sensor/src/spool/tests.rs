//! What goes when consumers stand still, and that each record is delivered or counted.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;

use super::*;
use crate::ledger::{SPOOL, SPOOL_JUDGE, SPOOL_REJECTS};
use crate::record::MinuteRecord;

const QUEUES: [&str; 2] = ["store", "judge"];
const MIB: u64 = 1 << 20;
const LIMITS: Limits = Limits { max_bytes: MIB, min_free: 0 };

fn record(number: i64) -> Record {
    let source = "x".repeat(700);
    Record::Minute(Box::new(MinuteRecord { minute: number, source, ..MinuteRecord::default() }))
}

/// Writes `count` segments of some 16 KiB, the first with this number.
fn fill(writer: &mut SegmentWriter, first: i64, count: i64) {
    for segment in first..first + count {
        for line in 0..20 {
            writer.append(&record(segment * 100 + line)).unwrap();
        }
        writer.seal().unwrap();
    }
}

fn spool(dir: &Path) -> (Spool, SegmentWriter) {
    let spool = Spool::open(dir, &QUEUES).unwrap();
    let writer = spool.limited_writer(7, LIMITS).unwrap();
    (spool, writer)
}

/// Bytes of every file below a folder, each once.
fn on_disk(dir: &Path) -> u64 {
    let mut inodes = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path);
            } else {
                inodes.insert(about.ino(), about.len());
            }
        }
    }
    inodes.values().sum()
}

/// Numbers of the waiting segments of a queue.
fn numbers(queue: &Queue) -> Vec<u32> {
    let number = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap()[17..].parse().unwrap();
    queue.segments().unwrap().into_iter().map(number).collect()
}

fn take_all(queue: &Queue) {
    for path in queue.segments().unwrap() {
        queue.done(&path).unwrap();
    }
}

#[test]
fn the_oldest_of_a_queue_that_stands_still_goes_and_the_other_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    for segment in 0..60 {
        fill(&mut writer, segment, 1);
        take_all(&spool.queue("judge"));
        assert!(on_disk(dir.path()) <= LIMITS.waiting(), "{} bytes", on_disk(dir.path()));
    }
    let waiting = numbers(&spool.queue("store"));
    let thrown = writer.thrown();
    assert_eq!(waiting, (60 - waiting.len() as u32..60).collect::<Vec<_>>(), "the newest are kept");
    assert_eq!(thrown.records, BTreeMap::from([(SPOOL, 20 * (60 - waiting.len() as u64))]));
    assert!(waiting.len() > 10 && writer.thrown().is_empty());
}

#[test]
fn a_segment_that_two_queues_wait_for_takes_disk_once_and_goes_from_both() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    fill(&mut writer, 0, 60);
    let (store, judge) = (numbers(&spool.queue("store")), numbers(&spool.queue("judge")));
    assert_eq!(store, judge);
    let lost = 20 * (60 - store.len() as u64);
    assert_eq!(writer.thrown().records, BTreeMap::from([(SPOOL, lost), (SPOOL_JUDGE, lost)]));
    assert!(on_disk(dir.path()) > LIMITS.waiting() / 2, "both names of a file were counted");
}

#[test]
fn a_queue_that_is_less_behind_loses_only_when_it_has_become_as_full() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    fill(&mut writer, 0, 10);
    take_all(&spool.queue("store"));
    fill(&mut writer, 10, 12);
    assert_eq!(numbers(&spool.queue("store")), (10..22).collect::<Vec<_>>());
    assert_eq!(writer.thrown().records.keys().collect::<Vec<_>>(), [&SPOOL_JUDGE]);
}

#[test]
fn what_a_consumer_has_in_hand_and_what_is_folded_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    let judge = spool.queue("judge");
    fill(&mut writer, 0, 2);
    take_all(&spool.queue("store"));
    let first = judge.segments().unwrap().remove(0);
    let in_hand = judge.take(&first).unwrap().unwrap();
    for segment in 2..40 {
        fill(&mut writer, segment, 1);
        take_all(&spool.queue("store"));
    }
    let waiting = numbers(&judge);
    assert!(waiting.starts_with(&[0]) && !waiting.contains(&1), "{waiting:?}");
    drop(in_hand);
    writer.seal().unwrap();
    fill(&mut writer, 40, 1);
    assert!(!first.exists() && judge.take(&first).unwrap().is_none());

    let folding = judge.hold().unwrap();
    let before = numbers(&judge);
    fill(&mut writer, 41, 5);
    assert!(numbers(&judge).starts_with(&before), "nothing of a queue that is folded goes");
    drop(folding);
    writer.seal().unwrap();
    assert!(on_disk(dir.path()) <= LIMITS.waiting());
}

#[test]
fn a_batch_is_never_thrown_away_and_neither_is_the_newest_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    let batch = spool.queue("store").dir().join("a_b.batch");
    fs::write(&batch, "{}\n").unwrap();
    let tight = Limits { max_bytes: 1, min_free: u64::MAX };
    writer.seal().unwrap();
    let mut writer = spool.limited_writer(8, tight).unwrap();
    fill(&mut writer, 0, 5);
    assert!(batch.exists());
    assert_eq!(spool.queue("store").segments().unwrap().len(), 1);
}

#[test]
fn a_full_disk_leaves_the_newest_of_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), &QUEUES).unwrap();
    let full = Limits { max_bytes: 16 * MIB, min_free: u64::MAX };
    let mut writer = spool.limited_writer(7, full).unwrap();
    fill(&mut writer, 0, 100);
    let held = on_disk(dir.path());
    assert!(held <= MIB && held > MIB / 2, "{held}: a sixteenth, so that a store that is well gets everything");
    assert!(writer.thrown().records[SPOOL] > 0);
}

#[test]
fn losses_that_a_lost_minute_told_of_are_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    let drops = BTreeMap::from([(SPOOL.to_owned(), 40), ("ring".to_owned(), 3), (SPOOL_JUDGE.to_owned(), 2)]);
    writer.append(&Record::Minute(Box::new(MinuteRecord { drops, ..MinuteRecord::default() }))).unwrap();
    writer.seal().unwrap();
    for segment in 0..40 {
        fill(&mut writer, segment, 1);
        take_all(&spool.queue("judge"));
    }
    assert_eq!(writer.thrown().told, BTreeMap::from([(SPOOL, 40), (SPOOL_JUDGE, 2)]));
}

#[test]
fn what_an_earlier_process_left_counts() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), &QUEUES).unwrap();
    let mut unlimited = spool.writer(1);
    fill(&mut unlimited, 0, 60);
    take_all(&spool.queue("judge"));
    let mut writer = spool.limited_writer(7, LIMITS).unwrap();
    writer.seal().unwrap();
    let waiting = spool.queue("store").segments().unwrap().len() as u64;
    assert_eq!(writer.thrown().records, BTreeMap::from([(SPOOL, 20 * (60 - waiting))]));
    assert!(on_disk(dir.path()) <= LIMITS.waiting());
}

#[test]
fn much_at_once_goes_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), &QUEUES).unwrap();
    for number in 0..700 {
        fs::write(dir.path().join(format!("store/{:016x}-{number:010}.ndjson", 1)), "{}\n").unwrap();
    }
    let mut writer = spool.limited_writer(7, LIMITS).unwrap();
    let mut seal = || {
        writer.seal().unwrap();
        writer.thrown().records.get(SPOOL).copied().unwrap_or(0)
    };
    assert_eq!([seal(), seal(), seal()], [500, 700 - 500 - LIMITS.waiting() / 4096, 0]);
}

#[test]
fn what_lies_aside_has_an_eighth_and_the_oldest_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let stray = dir.path().join("store/old.rejected");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, "no record\nneither\n").unwrap();
    let (_spool, mut writer) = spool(dir.path());
    let rejects = dir.path().join(REJECTS);
    assert!(!stray.exists() && rejects.join("old.rejected").exists(), "moved to the others");
    let age = |path: &Path, seconds| {
        let at = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds);
        File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
    };
    age(&rejects.join("old.rejected"), 900);
    for number in 0..5_u64 {
        let batch = rejects.join(format!("{number}.batch"));
        fs::write(&batch, "a line of forty bytes, and a few more....\n".repeat(1000)).unwrap();
        fs::write(batch.with_extension("reason"), "no\n").unwrap();
        age(&batch, 800 - number);
        age(&batch.with_extension("reason"), 800 - number);
    }
    writer.seal().unwrap();
    let mut names: Vec<String> =
        fs::read_dir(&rejects).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["2.batch", "2.reason", "3.batch", "3.reason", "4.batch", "4.reason"]);
    assert_eq!(writer.thrown().records, BTreeMap::from([(SPOOL_REJECTS, 2002)]));
}

/// A queue's folder that is gone, or takes no links.
#[test]
fn a_segment_that_cannot_be_sealed_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    let (queue, aside) = (dir.path().join("judge"), dir.path().join("elsewhere"));
    fs::rename(&queue, &aside).unwrap();
    for number in 0..1000 {
        let _ = writer.append(&record(number));
    }
    assert!(on_disk(dir.path()) <= 2 * LIMITS.segment_bytes() + 1024, "{}", on_disk(dir.path()));
    fs::rename(&aside, &queue).unwrap();
    writer.seal().unwrap();
    let waiting = spool.queue("judge").segments().unwrap();
    let lines: usize = waiting.iter().map(|path| fs::read_to_string(path).unwrap().lines().count()).sum();
    assert!(writer.lost() > 500 && lines as u64 + writer.lost() == 1000, "{lines} and {}", writer.lost());
}

/// Consumers that stall and go on at random: whatever they do, what they got and what was counted is what was written,
/// for each queue, and the disk holds no more than it may.
#[test]
fn each_record_is_delivered_or_counted_once() {
    for seed in 1..6_u64 {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut writer) = spool(dir.path());
        let mut written = 0_u64;
        let mut got: [BTreeSet<Vec<u8>>; 2] = Default::default();
        let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
        let mut stalled = [0_u64; 2];
        let consume = |queue: usize, segments: usize, got: &mut [BTreeSet<Vec<u8>>; 2]| {
            let waiting = spool.queue(QUEUES[queue]);
            for path in waiting.segments().unwrap().into_iter().take(segments) {
                let Some(_in_hand) = waiting.take(&path).unwrap() else { continue };
                for line in fs::read(&path).unwrap().split_inclusive(|byte| *byte == b'\n') {
                    assert!(got[queue].insert(line.to_vec()), "seed {seed}: delivered twice");
                }
                waiting.done(&path).unwrap();
            }
        };
        for _ in 0..150 {
            for _ in 0..next(30) {
                writer.append(&record(written as i64)).unwrap();
                written += 1;
            }
            writer.seal().unwrap();
            for (word, records) in writer.thrown().records {
                *lost.entry(word).or_default() += records;
            }
            for (queue, stalled) in stalled.iter_mut().enumerate() {
                *stalled = match *stalled {
                    0 if next(20) == 0 => next(80),
                    0 => {
                        consume(queue, next(6) as usize, &mut got);
                        0
                    }
                    rounds => rounds - 1,
                };
            }
            assert!(on_disk(dir.path()) <= LIMITS.waiting(), "seed {seed}");
        }
        for (queue, word) in [SPOOL, SPOOL_JUDGE].into_iter().enumerate() {
            consume(queue, usize::MAX, &mut got);
            let lost = lost.get(word).copied().unwrap_or(0);
            assert_eq!(got[queue].len() as u64 + lost, written, "seed {seed}, {word}");
        }
    }
}

#[test]
fn the_parts_of_the_limit_fit_into_it() {
    for mib in [1, 2, 16, 64, 128, 512, 2048, 1 << 20] {
        let limits = Limits { max_bytes: mib * MIB, min_free: 0 };
        let batch = BATCH_BYTES.min(limits.waiting());
        let most = limits.waiting() + limits.aside() + limits.segment_bytes() + 2 * batch;
        assert!(most <= limits.max_bytes && limits.waiting() * 5 > limits.max_bytes, "{mib} MiB: {most}");
    }
}

/// A disk that is full, or gone, and comes back.
#[test]
fn what_cannot_be_written_for_a_while_waits_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut writer) = spool(dir.path());
    let (open, aside) = (dir.path().join("open"), dir.path().join("elsewhere"));
    let lines = |spool: &Spool| -> u64 {
        let waiting = spool.queue("judge").segments().unwrap();
        waiting.iter().map(|path| fs::read_to_string(path).unwrap().lines().count() as u64).sum()
    };
    fs::rename(&open, &aside).unwrap();
    (0..10).for_each(|number| drop(writer.append(&record(number))));
    assert!(writer.seal().is_err());
    fs::rename(&aside, &open).unwrap();
    writer.seal().unwrap();
    assert_eq!((lines(&spool), writer.lost()), (10, 0));

    fs::rename(&open, &aside).unwrap();
    (0..5000).for_each(|number| drop(writer.append(&record(number))));
    assert!(writer.lost() > 0, "memory has an end as well");
    writer.give_up();
    fs::rename(&aside, &open).unwrap();
    writer.seal().unwrap();
    assert_eq!(lines(&spool) + writer.lost(), 10 + 5000);
}
