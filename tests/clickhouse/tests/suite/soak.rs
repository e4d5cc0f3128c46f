//! Millions of facts on their way while the server is killed and connections are cut all the time.
//!
//! `cargo test -p clickhouse-tests --release --locked -- --ignored --nocapture soak`, some ten minutes. `SOAK_FACTS`,
//! `SOAK_KILLS` and `SOAK_CUTS` make it smaller.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ingest::batch;
use ingest::store::clickhouse::ClickHouseTarget;
use sensor::record::{FlowRecord, Record};
use sensor::spool::Queue;

use crate::proxy::{Fault, Proxy};
use crate::sample::*;
use crate::server::{Engine, engine, store};

/// Facts that the sensor writes between two seals.
const SEGMENT: u64 = 5_000;
/// So much may wait: the writer then pauses, as a live mirror cannot, so that the disk of a test machine is enough.
const WAITING: usize = 60;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// The fact of a number: a week of 500 devices and 40 services, over seven midnights.
fn fact(number: u64, of: u64) -> Record {
    let mut chance = Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let at = MONDAY + (number as i64).wrapping_mul(7 * DAY) / of as i64;
    let client = format!("10.20.{}.{}", chance.below(5), 10 + chance.below(100));
    let service = format!("service{}", chance.below(40));
    let bytes = chance.below(60_000);
    flow_record(FlowRecord {
        flow_id: format!("{number:016x}"),
        client_port: 1024 + chance.below(60_000) as u16,
        bytes_up: bytes,
        bytes_down: chance.below(900_000),
        upload_bytes: bytes / 2,
        turns: chance.below(4),
        ..flow(&client, &service, at)
    })
}

/// Kilobytes of memory that this process holds.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Writes the facts into the spool as a sensor does, a segment after the other.
fn write(spool: &sensor::spool::Spool, queue: &Queue, facts: u64) {
    let mut writer = spool.writer(1);
    for number in 0..facts {
        writer.append(&fact(number, facts)).unwrap();
        if number % SEGMENT == SEGMENT - 1 {
            writer.seal().unwrap();
            while queue.segments().unwrap().len() > WAITING {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    writer.seal().unwrap();
}

/// Kills and cuts at times of chance until both are used up or nothing is left to be delivered.
fn trouble(engine: &mut Engine, proxy: &Proxy, kills: u64, cuts: u64, over: &AtomicBool) -> (u64, u64) {
    let mut chance = Chance(2026);
    let (mut killed, mut cut) = (0, 0);
    while killed + cut < kills + cuts && !over.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(200 + chance.below(5_000)));
        if chance.below(kills + cuts - killed - cut) < kills - killed {
            engine.kill();
            thread::sleep(Duration::from_millis(chance.below(1_500)));
            engine.restart();
            proxy.redirect(engine.address);
            killed += 1;
        } else {
            let fault = match chance.below(4) {
                0 => Fault::CutRequest(chance.below(3_000_000) as usize),
                1 => Fault::LostAnswer,
                2 => Fault::CutAnswer(chance.below(300) as usize),
                _ => Fault::Refused,
            };
            proxy.break_request(chance.below(4) as usize, fault);
            cut += 1;
        }
    }
    (killed, cut)
}

#[test]
#[ignore = "takes ten minutes"]
fn soak() {
    let Some(mut engine) = engine() else { return };
    let (facts, kills, cuts) =
        (setting("SOAK_FACTS", 5_000_000), setting("SOAK_KILLS", 50), setting("SOAK_CUTS", 20));
    let dir = tempfile::tempdir().unwrap();
    let spool = spool(dir.path(), &[]);
    let queue = spool.queue("store");
    let proxy = Proxy::new(engine.address);
    let target = ClickHouseTarget::parse(&format!("clickhouse://{}/test", proxy.address)).unwrap();
    let (over, written, failures) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let memory = std::sync::Mutex::new(Vec::new());
    let begun = Instant::now();
    let done = thread::scope(|scope| {
        scope.spawn(|| {
            write(&spool, &queue, facts);
            written.store(true, Ordering::Release);
        });
        let deliver = scope.spawn(|| {
            let mut store = store(ClickHouseTarget { timeout: Duration::from_secs(30), ..target.clone() });
            while !written.load(Ordering::Acquire) || !is_empty(&queue) {
                if batch::deliver(&queue, &mut store).is_err() {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                memory.lock().unwrap().push(resident());
                thread::sleep(Duration::from_millis(100));
            }
            over.store(true, Ordering::Release);
        });
        let done = trouble(&mut engine, &proxy, kills, cuts, &over);
        proxy.calm();
        deliver.join().unwrap();
        done
    });
    assert_eq!(done, (kills, cuts), "the facts were through too early: more of them are needed");
    let server = engine.server();
    let sums = (0..facts).fold((0, 0, 0), |(up, down, turns), number| match fact(number, facts) {
        Record::Flow(flow) => (up + flow.bytes_up, down + flow.bytes_down, turns + flow.turns),
        _ => unreachable!(),
    });
    let expected = format!("{facts}\t{}\t{}\t{}", sums.0, sums.1, sums.2);
    for (table, count) in [("flow", "count()"), ("usage_hour", "sum(flows)"), ("usage_day", "sum(flows)")] {
        let sql = format!("SELECT {count}, sum(bytes_up), sum(bytes_down), sum(turns) FROM {table}");
        assert_eq!(server.sql(&sql), expected, "{table}");
    }
    assert_eq!(server.sql("SELECT uniqExact(flow_id) FROM flow"), facts.to_string());
    assert!(is_empty(&queue), "the spool is empty");
    let memory = memory.into_inner().unwrap();
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or_default();
    let (early, late) = memory.split_at(memory.len() / 2);
    eprintln!(
        "{facts} facts, {kills} kills, {cuts} cuts, {} failed rounds, {:?}; memory at most {} MB in the first half, {} MB \
         in the second",
        failures.into_inner(),
        begun.elapsed(),
        most(early) / 1024,
        most(late) / 1024
    );
    assert!(
        most(late) <= most(early) + most(early) / 4 + 20_000,
        "memory grows: {} to {}",
        most(early),
        most(late)
    );
}

fn is_empty(queue: &Queue) -> bool {
    fs::read_dir(queue.dir()).unwrap().next().is_none()
}
