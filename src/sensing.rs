//! The loop of `sense`: what the rings say to the spool, once a second the rest.

use std::time::{Duration, Instant};

use sensor::ledger::RESTART;
use sensor::output::Output;
use sensor::record::Record;
use sensor::team::Rings;
use sensor::worker::Summary;

use crate::exit::Failure;
use crate::health::{Progress, Telling};
use crate::rules_files::Rules;
use crate::spooling::Spooling;
use crate::supervise::Asked;
use crate::terminal;
use crate::totals::Totals;
use crate::trouble::Trouble;

/// A segment is sealed after this time, so that a finding is at most a few seconds old.
const SEAL: Duration = Duration::from_secs(1);
/// Between two looks at what is asked for.
const LOOK: Duration = Duration::from_millis(100);

/// Takes what the rings say until somebody asks for the end or an interface goes; always ends all flows and seals the
/// spool. However long the disk takes, no ring waits for it.
pub(crate) fn sense(
    mut rings: Rings,
    spooling: &mut Spooling,
    telling: &mut Telling,
    rules: &Rules,
    asked: &Asked,
) -> (Summary, Result<(), Failure>) {
    let (mut trouble, mut restart) = (Trouble::default(), 0);
    let mut sealed = Instant::now();
    while rings.hear(LOOK, &mut Hearing { spooling, restart: &mut restart }) {
        if asked.to_stop() {
            rings.stop();
        }
        if sealed.elapsed() < SEAL {
            continue;
        }
        sealed = Instant::now();
        spooling.missed(rings.take_lost());
        let why = seal(spooling).err().map_or_else(String::new, Failure::into_text);
        if trouble.is_news(&why) {
            terminal::warning(&format!(
                "the spool takes no records: {why}; 16 MiB of them wait in memory, the rest is lost and counted"
            ));
        }
        let waiting = (spooling.waiting(), spooling.limit());
        let totals = Totals::of(&rings.summary(), spooling);
        let progress = Progress { written: spooling.frames(), restart, received: rings.received() };
        telling.tell(totals, rules.current().version(), progress, waiting);
        rings.take_turned().into_iter().for_each(|(interface, up)| tell(&interface, up));
        if asked.to_reload() {
            reload(rules, &rings);
        }
    }
    spooling.missed(rings.take_lost());
    let closed = spooling.finish().map_err(Failure::from).and_then(|()| spooling.failed());
    let progress = Progress { written: spooling.frames(), restart, received: rings.received() };
    telling.finish(Totals::of(&rings.summary(), spooling), progress);
    (rings.summary(), rings.failed().map_err(Failure::from).and(closed))
}

/// The spool, and how many packets of before the start minutes in it have told as lost.
struct Hearing<'a> {
    spooling: &'a mut Spooling,
    restart: &'a mut u64,
}

impl Output for Hearing<'_> {
    fn record(&mut self, record: Record) {
        if let Record::Minute(minute) = &record {
            *self.restart += minute.drops.get(RESTART).copied().unwrap_or(0);
        }
        self.spooling.record(record);
    }
}

fn seal(spooling: &mut Spooling) -> Result<(), Failure> {
    let sealed = spooling.seal().map_err(Failure::from);
    spooling.failed().and(sealed)
}

/// Puts changed catalogue files in force without losing a packet.
fn reload(rules: &Rules, rings: &Rings) {
    rules.reload();
    let catalogue = rules.current();
    terminal::note(&format!("catalogue {} in force, {} services", catalogue.version(), catalogue.services().len()));
    rings.set_catalogue(&catalogue);
}

/// Says that there is nothing to be read for a while, and that there is again.
fn tell(interface: &str, up: bool) {
    match up {
        true => terminal::note(&format!("interface {interface} is up again")),
        false => terminal::warning(&format!(
            "interface {interface} is down: no packets until somebody brings it up (ip link set {interface} up)"
        )),
    }
}
